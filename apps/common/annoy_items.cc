#include "common/annoy_items.h"

#include <cstring>
#include <filesystem>
#include <memory>
#include <utility>

#include "base/aligned_buffer.h"
#include "common/text.h"
#include "kith/annoy.h"

namespace kith::apps {
namespace {

std::string Said(const std::vector<AnnoyShape>& shapes) {
  constexpr size_t kMost = 4;
  std::string text;
  for (size_t i = 0; i < shapes.size() && i < kMost; ++i) {
    text += StrCat(i == 0 ? "; it may be --metric " : " or --metric ", MetricName(shapes[i].metric),
                   " --dim ", shapes[i].dim);
  }
  return text;
}

// What the file may be, of what is asked for.
Result<AnnoyShape> FindShape(const std::string& path, const std::optional<Metric>& metric,
                             int64_t dim) {
  if (metric && dim > 0) return AnnoyShape{*metric, static_cast<size_t>(dim)};
  KITH_ASSIGN_OR_RETURN(const std::vector<AnnoyShape> all, GuessAnnoyShapes(path));
  std::vector<AnnoyShape> shapes;
  for (const AnnoyShape& shape : all) {
    if (metric && shape.metric != *metric) continue;
    if (dim > 0 && shape.metric != Metric::kHamming && shape.dim != static_cast<size_t>(dim)) {
      continue;
    }
    shapes.push_back(shape);
  }
  // The metric can't be found out: distances are what the user says they are.
  if (metric && shapes.size() == 1 && *metric != Metric::kHamming) return shapes[0];
  return Status::InvalidArgument(
      StrCat(path, ": Annoy's files say neither metric nor dimension; give --metric and --dim",
             Said(shapes)));
}

}  // namespace

bool IsAnnoyFile(const std::string& path) {
  const std::string extension = std::filesystem::path(path).extension().string();
  return extension == ".ann" || extension == ".annoy";
}

Result<Items> LoadAnnoyItems(const std::string& path, const std::optional<Metric>& metric,
                             int64_t dim, const ReadOptions& options) {
  if (!options.labels_path.empty() || !options.columns.empty() || !options.key_column.empty() ||
      !options.dataset.empty()) {
    return Status::InvalidArgument(
        StrCat(path, ": an Annoy file has no keys, columns and datasets; leave the options out"));
  }
  KITH_ASSIGN_OR_RETURN(const AnnoyShape shape, FindShape(path, metric, dim));
  KITH_ASSIGN_OR_RETURN(const auto index, AnnoyIndex::Create(shape.metric, shape.dim));
  KITH_RETURN_IF_ERROR(index->Load(path));
  Items result;
  for (size_t i = 0; i < index->num_items(); ++i) {
    if (options.max_rows > 0 && result.ids.size() == options.max_rows) break;
    if (index->HasItem(static_cast<int64_t>(i))) result.ids.push_back(static_cast<int64_t>(i));
  }
  if (result.ids.empty()) return Status::InvalidArgument(StrCat(path, ": holds no items"));
  const bool bits = shape.metric == Metric::kHamming;
  MatrixView& view = result.dataset.vectors;
  view.rows = result.ids.size();
  view.dim = shape.dim;
  view.dtype = bits ? DataType::kBit : DataType::kF32;
  view.stride = RowBytes(view.dtype, view.dim);
  KITH_ASSIGN_OR_RETURN(auto buffer, AlignedBuffer<std::byte>::Create(view.rows * view.stride));
  std::vector<float> vector(shape.dim);
  for (size_t row = 0; row < view.rows; ++row) {
    KITH_RETURN_IF_ERROR(index->GetItem(result.ids[row], vector.data()));
    std::byte* const out = buffer.data() + row * view.stride;
    if (!bits) std::memcpy(out, vector.data(), view.stride);
    for (size_t i = 0; bits && i < shape.dim; ++i) {
      if (vector[i] != 0) out[i / 8] |= static_cast<std::byte>(1u << (i % 8));
    }
  }
  if (result.ids.back() == static_cast<int64_t>(view.rows - 1)) result.ids.clear();
  auto owner = std::make_shared<AlignedBuffer<std::byte>>(std::move(buffer));
  view.data = owner->data();
  result.dataset.format = "annoy";
  result.dataset.metric = shape.metric;
  result.dataset.owner = std::move(owner);
  return result;
}

}  // namespace kith::apps
