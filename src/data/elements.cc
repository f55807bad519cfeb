#include "data/elements.h"

#include <cmath>
#include <cstring>
#include <vector>

#include "data/convert.h"
#include "data/load.h"

namespace kith::data {
namespace {

Status EncodeInt32(const MatrixView& m, size_t row, std::byte* out) {
  std::vector<float> values(m.dim);
  RowToF32(m, row, values.data());
  for (size_t i = 0; i < m.dim; ++i) {
    const float v = values[i];
    if (!(v >= -0x1p31f && v < 0x1p31f && v == std::trunc(v))) {
      return Status::InvalidArgument(StrCat("row ", row, ", column ", i, " holds ", v,
                                            ", which a 32-bit integer can't hold exactly; use a "
                                            "format of floats"));
    }
    const auto integer = static_cast<int32_t>(v);
    std::memcpy(out + i * sizeof(integer), &integer, sizeof(integer));
  }
  return Status::Ok();
}

}  // namespace

Status Narrow(const std::string& path, Dataset* set) {
  const MatrixView wide = set->vectors;
  ThreadPool pool(0);
  KITH_ASSIGN_OR_RETURN(const DataType dtype, SmallestLossless(wide, pool));
  if (dtype == wide.dtype) return Status::Ok();
  auto buffer = std::make_shared<GrowingBuffer>(path);
  const size_t stride = RowBytes(dtype, wide.dim);
  KITH_ASSIGN_OR_RETURN(std::byte * bytes, buffer->Extend(wide.rows * stride));
  KITH_RETURN_IF_ERROR(ConvertRows(wide, dtype, 0, wide.rows, bytes, stride));
  set->vectors = {bytes, wide.rows, wide.dim, stride, dtype};
  set->owner = std::move(buffer);
  return Status::Ok();
}

Result<Dataset> FromElements(const Input& input, size_t offset, size_t rows, size_t dim,
                             size_t stride, Element element) {
  const std::byte* first = input.bytes.data() + offset;
  if (element == Element::kI32) {
    return FromIntegers(input.path, rows, dim, [=](size_t row, size_t column) {
      return Load<int32_t>(first + row * stride, column);
    });
  }
  Dataset set;
  const DataType dtype = element == Element::kF32  ? DataType::kF32
                         : element == Element::kU8 ? DataType::kU8
                                                   : DataType::kI8;
  set.vectors = {first, rows, dim, stride, dtype};
  set.owner = input.owner;
  if (element != Element::kF32) set.metric = Metric::kEuclidean;
  return set;
}

Status EncodeElements(const MatrixView& m, size_t row, Element element, std::byte* out) {
  const size_t bytes = m.dim * ElementBytes(element);
  switch (element) {
    case Element::kF32: return ConvertRows(m, DataType::kF32, row, row + 1, out, bytes);
    case Element::kU8: return ConvertRows(m, DataType::kU8, row, row + 1, out, bytes);
    case Element::kI8: return ConvertRows(m, DataType::kI8, row, row + 1, out, bytes);
    case Element::kI32: return EncodeInt32(m, row, out);
  }
  return Status::Internal("unknown element type");
}

Status CheckId(const std::string& path, int64_t id, size_t query, size_t rank) {
  if (id >= 0 || id == kNoId) return Status::Ok();
  return Status::InvalidArgument(StrCat(path, ": query ", query, ", neighbour ", rank,
                                        ": expected an id, or -1 for none, got ", id));
}

}  // namespace kith::data
