#include "search/stored_vectors.h"

#include <limits>
#include <new>

#include "base/strings.h"

namespace kith::search {

Status AllocateNeighbours(size_t num_queries, size_t k, std::vector<int64_t>* ids,
                          std::vector<float>* distances) {
  constexpr uint64_t kMostPlaces = uint64_t{1} << 40;
  const auto message = [&] {
    return StrCat("k = ", k, " for ", num_queries, " queries does not fit memory; ask for fewer");
  };
  if (k > kMostPlaces / std::max<uint64_t>(num_queries, 1)) {
    return Status::InvalidArgument(message());
  }
  try {
    ids->assign(num_queries * k, kNoId);
    distances->assign(num_queries * k, std::numeric_limits<float>::infinity());
  } catch (const std::bad_alloc&) {
    return Status::OutOfMemory(message());
  }
  return Status::Ok();
}

}  // namespace kith::search
