// The vocabulary every floor shares: metrics, element types, views of matrices, lists of strings.
#ifndef KITH_TYPES_H_
#define KITH_TYPES_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kith {

// What "near" means. Users always see distances of which the smaller is the closer:
//
//   metric      distance returned           range       a vector's distance to itself
//   angular     1 - cos(q, x)               [0, 2]      0 to 5e-7; a zero vector is at 1 from all
//   euclidean   sqrt(sum (q_i - x_i)^2)     [0, inf)    0
//   dot         -sum q_i * x_i              (-inf,inf)  -|x|^2   (maximum inner product first)
//   manhattan   sum |q_i - x_i|             [0, inf)    0
//   hamming     number of i with q_i != x_i [0, dim]    0
//
// The numbers are part of the file format; never renumber.
enum class Metric : uint16_t {
  kAngular = 0,
  kEuclidean = 1,
  kDot = 2,
  kManhattan = 3,
  kHamming = 4
};

// How one coordinate is stored. Part of the file format; never renumber.
// kBit packs eight coordinates a byte, coordinate i in bit i % 8 of byte i / 8.
enum class DataType : uint16_t { kF32 = 0, kF16 = 1, kBF16 = 2, kI8 = 3, kU8 = 4, kBit = 5 };

inline constexpr int kNumMetrics = 5;
inline constexpr int kNumDataTypes = 6;

// The largest dimension kith accepts.
inline constexpr size_t kMaxDim = 65536;
// The largest number of vectors in one file (row numbers are 32 bits inside).
inline constexpr uint64_t kMaxRows = 0xFFFFFFF0u;

// The id in the places of a result for which there is no neighbour (k > n); its distance is +inf.
inline constexpr int64_t kNoId = -1;

// "angular", "euclidean", ... and "f32", "f16", ...; "unknown" for a value outside the enum.
const char* MetricName(Metric metric);
const char* DataTypeName(DataType dtype);
// The reverse, of metrics also by the names in kith/metric_names.h; nullopt for an unknown name.
std::optional<Metric> ParseMetric(std::string_view name);
std::optional<DataType> ParseDataType(std::string_view name);

// Bytes that `dim` coordinates take, without padding.
constexpr size_t RowBytes(DataType dtype, size_t dim) {
  switch (dtype) {
    case DataType::kF32: return dim * 4;
    case DataType::kF16:
    case DataType::kBF16: return dim * 2;
    case DataType::kI8:
    case DataType::kU8: return dim;
    case DataType::kBit: return (dim + 7) / 8;
  }
  return 0;
}

// A borrowed matrix: `rows` vectors of `dim` coordinates, row i at data + i * stride (bytes).
// Rows need not be aligned. The memory must outlive the view.
struct MatrixView {
  const std::byte* data = nullptr;
  size_t rows = 0;
  size_t dim = 0;
  size_t stride = 0;  // bytes from one row to the next, >= RowBytes(dtype, dim)
  DataType dtype = DataType::kF32;

  const std::byte* row(size_t i) const { return data + i * stride; }
};

// A dense, row-major float32 matrix as a view.
inline MatrixView ViewOf(const float* data, size_t rows, size_t dim) {
  return {reinterpret_cast<const std::byte*>(data), rows, dim, dim * sizeof(float), DataType::kF32};
}

// Many strings in two allocations.
class StringList {
 public:
  // Throws std::bad_alloc, as standard containers do; the list is then as it was.
  void Add(std::string_view s) {
    ends_.push_back(blob_.size() + s.size());
    try {
      blob_.append(s);
    } catch (...) {
      ends_.pop_back();
      throw;
    }
  }
  size_t size() const { return ends_.size(); }
  bool empty() const { return ends_.empty(); }
  std::string_view operator[](size_t i) const {
    const uint64_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(blob_).substr(begin, ends_[i] - begin);
  }

 private:
  std::string blob_;
  std::vector<uint64_t> ends_;
};

// Called now and then during long work with what is done of how much, in the unit of the work
// (bytes, rows). Returning false asks the work to stop with an InvalidArgument "cancelled" error.
using Progress = std::function<bool(std::string_view stage, uint64_t done, uint64_t total)>;

}  // namespace kith

#endif  // KITH_TYPES_H_
