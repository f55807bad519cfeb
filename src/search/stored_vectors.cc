#include "search/stored_vectors.h"

#include <limits>
#include <new>

#include "base/math.h"
#include "base/strings.h"
#include "data/convert.h"

namespace kith::search {

Result<std::vector<float>> InverseNorms(const MatrixView& rows, ThreadPool& pool) {
  std::vector<float> norms(rows.rows);
  KITH_RETURN_IF_ERROR(pool.Chunks(rows.rows, 1024, [&](size_t begin, size_t end, int) -> Status {
    std::vector<float> x(rows.dim);
    for (size_t i = begin; i < end; ++i) {
      data::RowToF32(rows, i, x.data());
      const double norm = SquaredNorm(x.data(), rows.dim);
      if (norm > std::numeric_limits<float>::max() / 4) {
        return Status::InvalidArgument(StrCat(
            "row ", i,
            ": values too large, the squared norm overflows float32; scale the vectors down"));
      }
      norms[i] = InverseNorm(x.data(), rows.dim);
    }
    return Status::Ok();
  }));
  return norms;
}

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
