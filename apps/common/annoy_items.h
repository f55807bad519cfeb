// Vectors of Annoy's files, which do not say what they are.
#ifndef KITH_APPS_COMMON_ANNOY_ITEMS_H_
#define KITH_APPS_COMMON_ANNOY_ITEMS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kith/dataset.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith::apps {

// By the name: .ann or .annoy.
bool IsAnnoyFile(const std::string& path);

struct Items {
  Dataset dataset;
  std::vector<int64_t> ids;  // of an Annoy file with holes, which are left out; else empty
};

// The items of an Annoy file. A dimension of 0 is found out where that can be told. Cost: a copy of
// all vectors. Errors: as AnnoyIndex::Load; InvalidArgument (no metric, or a dimension that can't
// be found out, saying what it may be; keys or columns asked for; no items).
Result<Items> LoadAnnoyItems(const std::string& path, const std::optional<Metric>& metric,
                             int64_t dim, const ReadOptions& options);

}  // namespace kith::apps

#endif  // KITH_APPS_COMMON_ANNOY_ITEMS_H_
