// A fitted reduction as bytes: what is in memory is what the section "reduction" of a file holds,
// so that opening costs nothing and what is written was used.
#ifndef KITH_REDUCTION_MODEL_H_
#define KITH_REDUCTION_MODEL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "kith/reduce.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith::reduction {

enum ModelFlags : uint32_t {
  kCentred = 1,
  kWhitened = 2,
};

// docs/file_format.md has the layout: this header, then f64 variances [dim], f32 mean [source_dim]
// and, unless the method is truncate, f32 columns [source_dim, dim padded to 16], each part padded
// with zeros to 64 bytes.
struct ModelHeader {
  uint32_t method;
  uint32_t flags;
  uint32_t source_dim;
  uint32_t dim;
  uint64_t fitted_rows;
  uint64_t seed;
  double total_variance;
  uint32_t metric;
  uint8_t reserved[20];
};
static_assert(sizeof(ModelHeader) == 64 && std::is_trivially_copyable_v<ModelHeader>);

class Model {
 public:
  // What is known of a reduction before it is bytes. components [dim, source_dim].
  struct Parts {
    ModelHeader header{};
    std::vector<double> variances;  // [dim], or empty for zeros
    std::vector<float> mean;        // [source_dim], or empty for zeros
    std::vector<float> components;  // empty for truncate
  };
  // Errors: OutOfMemory.
  static Result<std::shared_ptr<const Model>> Create(const Parts& parts);

  // Of the bytes of a section, 64-byte aligned, which `owner` keeps. O(1): contents are not looked
  // at. Errors: Corruption, Unsupported, both without the name of the file.
  static Result<std::shared_ptr<const Model>> Open(std::span<const std::byte> bytes,
                                                   std::shared_ptr<const void> owner);

  // What else has to be right of a section. O(source_dim * dim). Errors: Corruption.
  Status Verify() const;

  const ModelHeader& header() const { return header_; }
  ReduceMethod method() const { return static_cast<ReduceMethod>(header_.method); }
  size_t dim() const { return header_.dim; }
  size_t source_dim() const { return header_.source_dim; }
  std::span<const std::byte> bytes() const { return bytes_; }
  std::span<const double> variances() const { return {variances_, dim()}; }
  std::span<const float> mean() const { return {mean_, source_dim()}; }
  std::vector<float> Components() const;

  // The same with fewer dimensions. REQUIRES: 0 < dim <= dim().
  Result<std::shared_ptr<const Model>> Prefix(size_t dim) const;

  // Writes the images of rows [first, last) to out [last - first, dim]. Errors: as
  // Reducer::Transform().
  Status Apply(const MatrixView& vectors, size_t first, size_t last, float* out, ThreadPool& pool,
               const Progress& progress = {}) const;

 private:
  Model() = default;
  void Place();  // sets the pointers into bytes_
  void MapRows(const MatrixView& vectors, size_t begin, size_t end, float* scratch, float* images,
               float* out) const;
  Status CheckImages(const MatrixView& vectors, size_t begin, size_t end, const float* out) const;

  ModelHeader header_{};
  std::shared_ptr<const void> owner_;
  std::span<const std::byte> bytes_;
  const double* variances_ = nullptr;
  const float* mean_ = nullptr;
  const float* columns_ = nullptr;
};

}  // namespace kith::reduction

#endif  // KITH_REDUCTION_MODEL_H_
