#include "pictures/recipe.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <vector>

#include "base/crc32c.h"
#include "base/strings.h"
#include "pictures/onnx_notes.h"

namespace kith::pictures {
namespace {

constexpr std::string_view kFirstLine = "kith pictures 1";
constexpr uint32_t kLeastSize = 8;
constexpr uint32_t kMostSize = 4096;

// Reads back to the same number.
std::string NumberText(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof(text), value).ptr;
  return {text, end};
}

std::string NumbersText(const std::array<double, 3>& values) {
  return StrCat(NumberText(values[0]), " ", NumberText(values[1]), " ", NumberText(values[2]));
}

// Finite numbers with single blanks between, as many as `out` has.
bool ParseNumbers(std::string_view text, std::span<double> out) {
  for (size_t i = 0; i < out.size(); ++i) {
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, out[i]);
    if (error != std::errc() || !std::isfinite(out[i])) return false;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    if (i + 1 == out.size()) break;
    if (text.empty() || text[0] != ' ') return false;
    text.remove_prefix(1);
  }
  return text.empty();
}

template <class T>
bool ParseWhole(std::string_view text, T* out, int base = 10) {
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, *out, base);
  return error == std::errc() && end == last;
}

Status CheckRange(const Recipe& recipe) {
  if (recipe.size < kLeastSize || recipe.size > kMostSize) {
    return Status::InvalidArgument(StrCat("the size of pictures is ", recipe.size, "; it must be ",
                                          kLeastSize, " to ", kMostSize));
  }
  if (!(recipe.crop > 0 && recipe.crop <= 1)) {
    return Status::InvalidArgument(
        StrCat("the crop is ", recipe.crop, "; it must be above 0 and at most 1"));
  }
  for (size_t c = 0; c < 3; ++c) {
    if (!std::isfinite(recipe.mean[c]) || !std::isfinite(recipe.std[c]) || !(recipe.std[c] > 0)) {
      return Status::InvalidArgument(
          "means of pictures must be finite numbers, and deviations above 0");
    }
  }
  return Status::Ok();
}

// Sets one value by its name, as notes and origins have it. False if it is none.
bool Set(std::string_view name, std::string_view value, Recipe* recipe) {
  if (name == "size") return ParseWhole(value, &recipe->size);
  if (name == "crop") return ParseNumbers(value, std::span(&recipe->crop, 1));
  if (name == "mean") return ParseNumbers(value, recipe->mean);
  if (name == "std") return ParseNumbers(value, recipe->std);
  return false;
}

bool SetFromOrigin(std::string_view name, std::string_view value, Recipe* recipe) {
  if (name == "model") {
    recipe->model = value;
    return value.find('/') == std::string_view::npos;
  }
  if (name == "bytes") return ParseWhole(value, &recipe->model_bytes);
  if (name == "crc32c") return ParseWhole(value, &recipe->model_crc32c, 16);
  if (name == "layer") {
    recipe->layer = value;
    return true;
  }
  return Set(name, value, recipe);
}

}  // namespace

Result<Recipe> MakeRecipe(const std::string& path, std::span<const std::byte> model,
                          const PictureOptions& options) {
  Recipe recipe;
  recipe.model = Printable(std::filesystem::path(path).filename().string());
  recipe.model_bytes = model.size();
  recipe.model_crc32c = ExtendCrc32c(0, model);
  recipe.layer = options.layer;
  const OnnxNotes notes = ReadOnnxNotes(model);
  if (notes.input[2] > 0 && notes.input[2] <= kMostSize && notes.input[2] == notes.input[3]) {
    recipe.size = static_cast<uint32_t>(notes.input[2]);
  }
  for (const auto& [name, value] : notes.notes) {
    constexpr std::string_view kOurs = "kith.";
    if (!name.starts_with(kOurs)) continue;
    if (Set(std::string_view(name).substr(kOurs.size()), value, &recipe)) continue;
    return Status::InvalidArgument(StrCat(path, ": its note ", Printable(name), " is '",
                                          Printable(value), "', which means nothing to kith"));
  }
  if (options.size) recipe.size = *options.size;
  if (options.crop) recipe.crop = *options.crop;
  if (options.mean) recipe.mean = *options.mean;
  if (options.std) recipe.std = *options.std;
  KITH_RETURN_IF_ERROR(CheckRange(recipe));
  return recipe;
}

std::string TextOf(const Recipe& recipe) {
  char crc[16];
  std::snprintf(crc, sizeof(crc), "%08x", recipe.model_crc32c);
  return StrCat(kFirstLine, "\nmodel ", recipe.model, "\nbytes ", recipe.model_bytes, "\ncrc32c ",
                crc, "\nlayer ", recipe.layer, "\nsize ", recipe.size, "\ncrop ",
                NumberText(recipe.crop), "\nmean ", NumbersText(recipe.mean), "\nstd ",
                NumbersText(recipe.std), "\n");
}

Result<Recipe> ParseRecipe(std::string_view text) {
  Recipe recipe;
  size_t number = 0;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (++number == 1) {
      if (line == kFirstLine) continue;
      if (line.starts_with("kith pictures ")) {
        return Status::Unsupported("its pictures were embedded by a newer kith; get that");
      }
      break;
    }
    const size_t blank = line.find(' ');
    if (blank != std::string_view::npos &&
        SetFromOrigin(line.substr(0, blank), line.substr(blank + 1), &recipe)) {
      continue;
    }
    return Status::Corruption(StrCat("line ", number, " of its origin, '",
                                     Printable(line.substr(0, 60)), "', means nothing"));
  }
  if (number < 2 || recipe.model.empty()) {
    return Status::InvalidArgument(
        "its vectors were not made of pictures by kith embed; search it with --key or --vector");
  }
  if (const Status range = CheckRange(recipe); !range.ok()) {
    return Status::Corruption(StrCat("its origin: ", range.message()));
  }
  return recipe;
}

Status CheckModel(const Recipe& recipe, const std::string& path, std::span<const std::byte> model) {
  if (model.size() == recipe.model_bytes && ExtendCrc32c(0, model) == recipe.model_crc32c) {
    return Status::Ok();
  }
  return Status::InvalidArgument(
      StrCat(path, ": is another network than the one that made the vectors, ", recipe.model,
             " of ", recipe.model_bytes, " bytes; vectors of two networks can't be compared"));
}

}  // namespace kith::pictures
