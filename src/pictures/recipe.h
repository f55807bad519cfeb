// How vectors were made of pictures, as a file remembers it.
#ifndef KITH_PICTURES_RECIPE_H_
#define KITH_PICTURES_RECIPE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "kith/pictures.h"
#include "kith/status.h"

namespace kith::pictures {

struct Recipe {
  std::string model;  // the name of its file, without folders
  uint64_t model_bytes = 0;
  uint32_t model_crc32c = 0;
  std::string layer;
  uint32_t size = 224;
  double crop = 0.875;
  std::array<double, 3> mean = {123.675, 116.28, 103.53};
  std::array<double, 3> std = {58.395, 57.12, 57.375};
};

// What is usual, then what the network's file says, then what the options do. The layer is that of
// the options. Errors: InvalidArgument (out of range).
Result<Recipe> MakeRecipe(const std::string& path, std::span<const std::byte> model,
                          const PictureOptions& options);

// Lines of a name and its values; docs/file_format.md has them. What is written is read back to the
// same numbers. Errors: InvalidArgument (it tells of no pictures), Corruption (which line).
std::string TextOf(const Recipe& recipe);
Result<Recipe> ParseRecipe(std::string_view text);

// InvalidArgument unless these bytes are the recipe's model.
Status CheckModel(const Recipe& recipe, const std::string& path, std::span<const std::byte> model);

}  // namespace kith::pictures

#endif  // KITH_PICTURES_RECIPE_H_
