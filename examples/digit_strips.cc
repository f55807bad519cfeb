// Draws strips of handwritten digits: a query digit, then its ten nearest neighbours.
//
//   digit_strips BASE TEST OUT.png [ROWS] [SEED]
//     BASE   the digits to search: a .kith file, or an image file such as train-images-idx3-ubyte
//     TEST   the file the queries are picked from, such as t10k-images-idx3-ubyte.gz
//     ROWS   how many random queries, one a row (8); SEED picks others (1)
#include <png.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "kith/kith.h"

namespace {

constexpr size_t kSide = 28;  // pixels of a digit
constexpr size_t kScale = 2;
constexpr size_t kCell = kSide * kScale;
constexpr size_t kSpacing = 6;    // between neighbours
constexpr size_t kQueryGap = 24;  // between the query and the first neighbour
constexpr size_t kMargin = 16;
constexpr size_t kNeighbours = 10;

struct Color {
  uint8_t red, green, blue;
};
constexpr Color kFrame = {216, 216, 216};
constexpr Color kQueryFrame = {40, 96, 176};

// A white RGB picture.
class Canvas {
 public:
  Canvas(size_t width, size_t height)
      : width_(width), height_(height), pixels_(width * height * 3, 255) {}

  void Set(size_t x, size_t y, Color color) {
    uint8_t* pixel = &pixels_[(y * width_ + x) * 3];
    pixel[0] = color.red;
    pixel[1] = color.green;
    pixel[2] = color.blue;
  }

  // Draws a digit as dark ink with a thin frame around it, its top left corner at (left, top).
  void DrawDigit(size_t left, size_t top, const std::vector<float>& digit, Color frame) {
    for (size_t i = 0; i < kCell + 2; ++i) {
      Set(left + i - 1, top - 1, frame);
      Set(left + i - 1, top + kCell, frame);
      Set(left - 1, top + i - 1, frame);
      Set(left + kCell, top + i - 1, frame);
    }
    for (size_t y = 0; y < kCell; ++y) {
      for (size_t x = 0; x < kCell; ++x) {
        const float ink = digit[y / kScale * kSide + x / kScale];
        const auto shade = static_cast<uint8_t>(255 - std::lround(std::clamp(ink, 0.f, 255.f)));
        Set(left + x, top + y, {shade, shade, shade});
      }
    }
  }

  bool WritePng(const std::string& path) const {
    png_image image;
    std::memset(&image, 0, sizeof(image));
    image.version = PNG_IMAGE_VERSION;
    image.width = static_cast<png_uint_32>(width_);
    image.height = static_cast<png_uint_32>(height_);
    image.format = PNG_FORMAT_RGB;
    return png_image_write_to_file(&image, path.c_str(), 0, pixels_.data(), 0, nullptr) != 0;
  }

 private:
  size_t width_, height_;
  std::vector<uint8_t> pixels_;
};

kith::Result<std::unique_ptr<kith::Index>> OpenOrBuild(const std::string& base,
                                                       const std::string& scratch) {
  if (std::string_view(base).ends_with(".kith")) return kith::OpenIndex(base);
  KITH_ASSIGN_OR_RETURN(const kith::Dataset digits, kith::ReadDataset(base));
  kith::BuildOptions options;
  options.metric = kith::Metric::kEuclidean;
  KITH_RETURN_IF_ERROR(kith::BuildIndex(digits.vectors, scratch, options));
  auto index = kith::OpenIndex(scratch);
  std::remove(scratch.c_str());  // its pages stay mapped
  return index;
}

// `count` different random rows of the images, as one matrix.
kith::Result<std::vector<float>> PickDigits(const std::string& path, size_t count, uint64_t seed) {
  KITH_ASSIGN_OR_RETURN(const kith::Dataset digits, kith::ReadDataset(path));
  const kith::MatrixView& view = digits.vectors;
  if (view.dim != kSide * kSide || view.dtype != kith::DataType::kU8 || view.rows < count) {
    return kith::Status::InvalidArgument(path + ": expected at least " + std::to_string(count) +
                                         " images of 28 x 28 bytes");
  }
  std::vector<size_t> rows(view.rows);
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = i;
  std::mt19937_64 random(seed);
  std::vector<float> picked;
  for (size_t i = 0; i < count; ++i) {
    std::swap(rows[i], rows[i + random() % (rows.size() - i)]);
    const auto* pixels = reinterpret_cast<const uint8_t*>(view.row(rows[i]));
    picked.insert(picked.end(), pixels, pixels + view.dim);
  }
  return picked;
}

kith::Status DrawStrips(const std::string& base, const std::string& test, const std::string& out,
                        size_t count, uint64_t seed) {
  KITH_ASSIGN_OR_RETURN(const std::unique_ptr<kith::Index> index, OpenOrBuild(base, out + ".kith"));
  if (index->info().dim != kSide * kSide) {
    return kith::Status::InvalidArgument(base + ": holds no images of 28 x 28 pixels");
  }
  KITH_ASSIGN_OR_RETURN(const std::vector<float> queries, PickDigits(test, count, seed));
  kith::SearchResult found;
  KITH_RETURN_IF_ERROR(index->Search(kith::ViewOf(queries.data(), count, kSide * kSide),
                                     {.k = kNeighbours, .threads = 0}, &found));

  const size_t strip = kCell + kQueryGap + kNeighbours * (kCell + kSpacing) - kSpacing;
  Canvas canvas(2 * kMargin + strip, 2 * kMargin + count * (kCell + kSpacing) - kSpacing);
  std::vector<float> digit(kSide * kSide);
  for (size_t row = 0; row < count; ++row) {
    const size_t top = kMargin + row * (kCell + kSpacing);
    const auto query = queries.begin() + static_cast<std::ptrdiff_t>(row * digit.size());
    std::copy_n(query, digit.size(), digit.begin());
    canvas.DrawDigit(kMargin, top, digit, kQueryFrame);
    for (size_t i = 0; i < kNeighbours; ++i) {
      const int64_t id = found.ids[row * kNeighbours + i];
      if (id == kith::kNoId) break;
      KITH_ASSIGN_OR_RETURN(const uint64_t neighbour, index->FindId(id));
      index->GetVector(neighbour, digit.data());
      canvas.DrawDigit(kMargin + kCell + kQueryGap + i * (kCell + kSpacing), top, digit, kFrame);
    }
  }
  if (!canvas.WritePng(out)) return kith::Status::IoError(out + ": cannot write the picture");
  return kith::Status::Ok();
}

}  // namespace

int main(int argc, char** argv) {
  const long rows = argc > 4 ? std::strtol(argv[4], nullptr, 10) : 8;
  if (argc < 4 || argc > 6 || rows < 1 || rows > 1000) {
    std::fprintf(stderr, "usage: digit_strips BASE TEST OUT.png [ROWS] [SEED]\n");
    return 2;
  }
  const uint64_t seed = argc > 5 ? std::strtoull(argv[5], nullptr, 10) : 1;
  const kith::Status drawn = DrawStrips(argv[1], argv[2], argv[3], static_cast<size_t>(rows), seed);
  if (!drawn.ok()) {
    std::fprintf(stderr, "digit_strips: %s\n", drawn.message().c_str());
    return 1;
  }
  return 0;
}
