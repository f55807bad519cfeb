#include "index/own_rows.h"

#include "base/strings.h"
#include "data/convert.h"
#include "kith/index.h"
#include "search/stored_vectors.h"

namespace kith::index {

Status CheckVectors(const MatrixView& vectors, ThreadPool& pool) {
  if (vectors.rows == 0) {
    return Status::InvalidArgument("no vectors to index: the set is empty");
  }
  if (vectors.rows > kMaxRows) {
    return Status::InvalidArgument(StrCat("too many vectors: ", vectors.rows, ", at most ",
                                          kMaxRows, " fit one file; build several files"));
  }
  if (vectors.dim == 0 || vectors.dim > kMaxDim) {
    return Status::InvalidArgument(
        StrCat("vectors of dimension ", vectors.dim, "; 1 to ", kMaxDim, " are supported"));
  }
  return data::CheckFinite(vectors, pool);
}

Result<OwnRows> ToOwnRows(const MatrixView& vectors, std::optional<DataType> dtype,
                          ThreadPool& pool) {
  if (!dtype.has_value()) {
    KITH_ASSIGN_OR_RETURN(dtype, data::SmallestLossless(vectors, pool));
  }
  OwnRows own;
  own.rows = vectors;
  // Bits are always copied: what pads a borrowed row's last byte is not ours to trust.
  if (*dtype != vectors.dtype || *dtype == DataType::kBit) {
    const size_t stride = search::RowStride(*dtype, vectors.dim);
    KITH_ASSIGN_OR_RETURN(own.converted, data::ConvertAllRows(vectors, *dtype, stride, pool));
    own.rows = {own.converted.data(), vectors.rows, vectors.dim, stride, *dtype};
  }
  return own;
}

}  // namespace kith::index
