// The graph as an access path.
#ifndef KITH_GRAPH_PATH_H_
#define KITH_GRAPH_PATH_H_

#include "search/access_path.h"

namespace kith::graph {

const search::PathType& Type();

}  // namespace kith::graph

#endif  // KITH_GRAPH_PATH_H_
