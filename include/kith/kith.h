// All of kith's public interface.
#ifndef KITH_KITH_H_
#define KITH_KITH_H_

#include "kith/annoy.h"            // IWYU pragma: export
#include "kith/calibration.h"      // IWYU pragma: export
#include "kith/dataset.h"          // IWYU pragma: export
#include "kith/duplicates.h"       // IWYU pragma: export
#include "kith/eval.h"             // IWYU pragma: export
#include "kith/factorize.h"        // IWYU pragma: export
#include "kith/filter.h"           // IWYU pragma: export
#include "kith/geo.h"              // IWYU pragma: export
#include "kith/index.h"            // IWYU pragma: export
#include "kith/interactions.h"     // IWYU pragma: export
#include "kith/map.h"              // IWYU pragma: export
#include "kith/metric_names.h"     // IWYU pragma: export
#include "kith/neighbour_graph.h"  // IWYU pragma: export
#include "kith/plan.h"             // IWYU pragma: export
#include "kith/predict.h"          // IWYU pragma: export
#include "kith/query.h"            // IWYU pragma: export
#include "kith/recommend.h"        // IWYU pragma: export
#include "kith/reduce.h"           // IWYU pragma: export
#include "kith/status.h"           // IWYU pragma: export
#include "kith/types.h"            // IWYU pragma: export
#include "kith/version.h"          // IWYU pragma: export
#include "kith/words.h"            // IWYU pragma: export

#endif  // KITH_KITH_H_
