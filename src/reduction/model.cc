#include "reduction/model.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/strings.h"
#include "data/convert.h"
#include "simd/kernels.h"

namespace kith::reduction {
namespace {

constexpr size_t kLane = 16;  // what kernels pad columns to
constexpr size_t kRowsAtOnce = 128;
constexpr float kMostMagnitude = 1e30f;  // so that products with sound vectors stay finite

size_t ColumnStride(size_t dim) { return RoundUp(dim, kLane); }
size_t VarianceBytes(const ModelHeader& h) { return RoundUp(h.dim * sizeof(double), kCacheLine); }
size_t MeanBytes(const ModelHeader& h) { return RoundUp(h.source_dim * sizeof(float), kCacheLine); }
bool HasColumns(const ModelHeader& h) {
  return h.method != static_cast<uint32_t>(ReduceMethod::kTruncate);
}
size_t ModelBytes(const ModelHeader& h) {
  const size_t columns =
      HasColumns(h) ? h.source_dim * ColumnStride(h.dim) * sizeof(float) : size_t{0};
  return sizeof(ModelHeader) + VarianceBytes(h) + MeanBytes(h) + columns;
}

Status CheckHeader(const ModelHeader& h) {
  const auto newer = [](const char* field, uint64_t got) {
    return Status::Unsupported(
        StrCat(field, " ", got, "; it was written by a newer kith, update this one"));
  };
  if (h.method >= kNumReduceMethods) return newer("method", h.method);
  if ((h.flags & ~(kCentred | kWhitened)) != 0) return newer("flags", h.flags);
  if (h.metric >= kNumMetrics) return newer("metric", h.metric);
  if (std::any_of(std::begin(h.reserved), std::end(h.reserved), [](uint8_t b) { return b != 0; })) {
    return newer("reserved bytes of", sizeof(h.reserved));
  }
  if (h.source_dim < 1 || h.source_dim > kMaxDim || h.dim < 1 || h.dim > h.source_dim) {
    return Status::Corruption(StrCat("reduces ", h.source_dim, " dimensions to ", h.dim,
                                     ", expected 1 to ", kMaxDim, " and no more than these"));
  }
  const bool pca = h.method == static_cast<uint32_t>(ReduceMethod::kPca);
  if (!pca && (h.flags & kWhitened) != 0) {
    return Status::Corruption("is whitened, but has no principal components");
  }
  return Status::Ok();
}

bool AllBelow(const float* x, size_t n, float most) {
  return std::all_of(x, x + n, [most](float v) { return std::fabs(v) <= most; });  // no NaN either
}

}  // namespace

void Model::Place() {
  const std::byte* at = bytes_.data() + sizeof(ModelHeader);
  variances_ = reinterpret_cast<const double*>(at);
  at += VarianceBytes(header_);
  mean_ = reinterpret_cast<const float*>(at);
  at += MeanBytes(header_);
  columns_ = HasColumns(header_) ? reinterpret_cast<const float*>(at) : nullptr;
}

Result<std::shared_ptr<const Model>> Model::Create(const Parts& parts) {
  const ModelHeader& h = parts.header;
  KITH_ASSIGN_OR_RETURN(auto buffer, AlignedBuffer<std::byte>::Create(ModelBytes(h)));
  auto owner = std::make_shared<AlignedBuffer<std::byte>>(std::move(buffer));
  std::byte* at = owner->data();
  std::memcpy(at, &h, sizeof(h));
  at += sizeof(h);
  std::copy(parts.variances.begin(), parts.variances.end(), reinterpret_cast<double*>(at));
  at += VarianceBytes(h);
  std::copy(parts.mean.begin(), parts.mean.end(), reinterpret_cast<float*>(at));
  at += MeanBytes(h);
  auto* columns = reinterpret_cast<float*>(at);
  const size_t stride = ColumnStride(h.dim);
  for (size_t j = 0; j < h.dim && HasColumns(h); ++j) {
    for (size_t i = 0; i < h.source_dim; ++i) {
      columns[i * stride + j] = parts.components[j * h.source_dim + i];
    }
  }
  const std::span<const std::byte> bytes(owner->data(), owner->size());
  return Open(bytes, owner);
}

Result<std::shared_ptr<const Model>> Model::Open(std::span<const std::byte> bytes,
                                                 std::shared_ptr<const void> owner) {
  std::shared_ptr<Model> model(new Model);
  if (bytes.size() < sizeof(ModelHeader)) {
    return Status::Corruption(
        StrCat(bytes.size(), " bytes, expected a header of ", sizeof(ModelHeader)));
  }
  std::memcpy(&model->header_, bytes.data(), sizeof(ModelHeader));
  KITH_RETURN_IF_ERROR(CheckHeader(model->header_));
  if (bytes.size() != ModelBytes(model->header_)) {
    return Status::Corruption(StrCat(bytes.size(), " bytes, expected ", ModelBytes(model->header_),
                                     " for ", model->header_.source_dim, " dimensions reduced to ",
                                     model->header_.dim));
  }
  model->bytes_ = bytes;
  model->owner_ = std::move(owner);
  model->Place();
  return std::shared_ptr<const Model>(std::move(model));
}

Status Model::Verify() const {
  const size_t d = source_dim();
  const size_t k = dim();
  const auto zero_to = [&](const void* begin, const void* end) {
    return std::all_of(static_cast<const std::byte*>(begin), static_cast<const std::byte*>(end),
                       [](std::byte b) { return b == std::byte{0}; });
  };
  if (!(header_.total_variance >= 0) || !std::isfinite(header_.total_variance)) {
    return Status::Corruption("its total variance is no number from 0 up");
  }
  for (size_t j = 0; j < k; ++j) {
    if (!(variances_[j] >= 0) || !std::isfinite(variances_[j])) {
      return Status::Corruption(StrCat("variance ", j, " is no number from 0 up"));
    }
    if (method() == ReduceMethod::kPca && j > 0 && variances_[j] > variances_[j - 1]) {
      return Status::Corruption(StrCat("variance ", j, " is larger than the one before"));
    }
  }
  if (!AllBelow(mean_, d, kMostMagnitude)) return Status::Corruption("its mean is not finite");
  const float* end = columns_ == nullptr
                         ? reinterpret_cast<const float*>(bytes_.data() + bytes_.size())
                         : columns_;
  if (!zero_to(variances_ + k, mean_) || !zero_to(mean_ + d, end)) {
    return Status::Corruption("its parts are not followed by zeros");
  }
  if (columns_ == nullptr) return Status::Ok();
  const size_t stride = ColumnStride(k);
  std::vector<double> lengths(k);
  for (size_t i = 0; i < d; ++i) {
    const float* row = columns_ + i * stride;
    if (!AllBelow(row, k, kMostMagnitude)) {
      return Status::Corruption(StrCat("its numbers of dimension ", i, " are not finite"));
    }
    if (!zero_to(row + k, row + stride)) {
      return Status::Corruption(StrCat("its numbers of dimension ", i, " end in no zeros"));
    }
    for (size_t j = 0; j < k; ++j) lengths[j] += static_cast<double>(row[j]) * row[j];
  }
  for (size_t j = 0; j < k && method() == ReduceMethod::kPca; ++j) {
    if (std::fabs(lengths[j] - 1) > 1e-3) {
      return Status::Corruption(StrCat("component ", j, " is not of length 1"));
    }
  }
  return Status::Ok();
}

std::vector<float> Model::Components() const {
  std::vector<float> out;
  if (columns_ == nullptr) return out;
  const size_t stride = ColumnStride(dim());
  out.resize(dim() * source_dim());
  for (size_t j = 0; j < dim(); ++j) {
    for (size_t i = 0; i < source_dim(); ++i) {
      out[j * source_dim() + i] = columns_[i * stride + j];
    }
  }
  return out;
}

Result<std::shared_ptr<const Model>> Model::Prefix(size_t dim) const {
  Parts parts;
  parts.header = header_;
  parts.header.dim = static_cast<uint32_t>(dim);
  parts.variances.assign(variances_, variances_ + dim);
  parts.mean.assign(mean_, mean_ + source_dim());
  if (columns_ != nullptr) {
    parts.components = Components();
    parts.components.resize(dim * source_dim());
    // The lengths of random projections are those of the originals on average, whatever dim.
    if (method() != ReduceMethod::kPca) {
      const double scale = std::sqrt(static_cast<double>(header_.dim) / static_cast<double>(dim));
      for (float& c : parts.components) c = static_cast<float>(c * scale);
    }
  }
  return Create(parts);
}

// Rows [begin, end) to out [end - begin, dim]. scratch [rows, source_dim padded], images [rows, dim
// padded].
void Model::MapRows(const MatrixView& vectors, size_t begin, size_t end, float* scratch,
                    float* images, float* out) const {
  const size_t d = source_dim();
  const size_t k = dim();
  const size_t row_stride = RoundUp(d, kLane);
  for (size_t i = begin; i < end; ++i) {
    float* row = scratch + (i - begin) * row_stride;
    data::RowToF32(vectors, i, row);
    if ((header_.flags & kCentred) != 0) {
      for (size_t c = 0; c < d; ++c) row[c] -= mean_[c];
    }
  }
  const size_t stride = columns_ == nullptr ? row_stride : ColumnStride(k);
  if (columns_ != nullptr) {
    simd::GetKernels().multiply(scratch, row_stride, end - begin, columns_, stride, d, stride,
                                images, stride);
  } else {
    images = scratch;
  }
  if ((header_.flags & kWhitened) != 0) {
    // A direction without variance is one of rounding alone, which would be blown up.
    const double least = variances_[0] * 1e-12;
    for (size_t j = 0; j < k; ++j) {
      const auto scale =
          static_cast<float>(variances_[j] > least ? 1 / std::sqrt(variances_[j]) : 0);
      for (size_t i = 0; i < end - begin; ++i) images[i * stride + j] *= scale;
    }
  }
  for (size_t i = 0; i < end - begin; ++i) {
    std::copy_n(images + i * stride, k, out + i * k);
  }
}

Status Model::CheckImages(const MatrixView& vectors, size_t begin, size_t end,
                          const float* out) const {
  for (size_t i = begin; i < end; ++i) {
    const float* image = out + (i - begin) * dim();
    float sum = 0;  // NaN if any is infinite or NaN
    for (size_t j = 0; j < dim(); ++j) sum += image[j] * 0.0f;
    // Truncating does not look at what it leaves out.
    if (sum == 0 && columns_ != nullptr) continue;
    KITH_RETURN_IF_ERROR(data::CheckFiniteRow(vectors, i));
    if (sum == 0) continue;
    return Status::InvalidArgument(
        StrCat("row ", i, " has no finite image; its numbers are too large, scale the vectors"));
  }
  return Status::Ok();
}

Status Model::Apply(const MatrixView& vectors, size_t first, size_t last, float* out,
                    ThreadPool& pool, const Progress& progress) const {
  if (vectors.dim != source_dim()) {
    return Status::InvalidArgument(StrCat("vectors have ", Plural(vectors.dim, "dimension"),
                                          ", the reduction takes ", source_dim(),
                                          "; use vectors of the kind it was fitted to"));
  }
  const size_t row_floats = RoundUp(source_dim(), kLane);
  const size_t image_floats = RoundUp(dim(), kLane);
  std::vector<AlignedBuffer<float>> scratch(static_cast<size_t>(pool.size()));
  const size_t most_rows = std::min(kRowsAtOnce, last - first);  // a query alone takes little
  const size_t chunks_at_once = 64 * static_cast<size_t>(pool.size());
  const size_t rows_at_once = kRowsAtOnce * chunks_at_once;
  for (size_t start = first; start < last; start += rows_at_once) {
    KITH_RETURN_IF_ERROR(pool.Report(progress, "reducing", start, vectors.rows));
    const size_t count = std::min(rows_at_once, last - start);
    KITH_RETURN_IF_ERROR(
        pool.Chunks(count, kRowsAtOnce, [&](size_t begin, size_t end, int thread) -> Status {
          AlignedBuffer<float>& own = scratch[static_cast<size_t>(thread)];
          if (own.size() == 0) {
            KITH_ASSIGN_OR_RETURN(
                own, AlignedBuffer<float>::Create(most_rows * (row_floats + image_floats)));
          }
          float* to = out + (start - first + begin) * dim();
          MapRows(vectors, start + begin, start + end, own.data(),
                  own.data() + most_rows * row_floats, to);
          return CheckImages(vectors, start + begin, start + end, to);
        }));
  }
  return Status::Ok();
}

}  // namespace kith::reduction
