// What a file remembers of how its vectors were made, and what networks say of themselves.
#include "pictures/recipe.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/rng.h"
#include "pictures/onnx_notes.h"

namespace kith::pictures {
namespace {

std::vector<std::byte> ReadModel(const std::string& name) {
  std::ifstream file(std::string(KITH_PICTURES_DATA) + "/" + name, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const auto* const begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

TEST(RecipeTest, IsReadBackAsItWasWritten) {
  Recipe recipe;
  recipe.model = "a net.onnx";
  recipe.model_bytes = 12345678901;
  recipe.model_crc32c = 0x0abcdef1;
  recipe.layer = "/1/2 3";
  recipe.size = 96;
  recipe.crop = 0.1 + 0.2;
  recipe.mean = {1.0 / 3, -7e-30, 255};
  recipe.std = {1, 2.5, 1e10};
  const auto read = ParseRecipe(TextOf(recipe));
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(read->model, recipe.model);
  EXPECT_EQ(read->model_bytes, recipe.model_bytes);
  EXPECT_EQ(read->model_crc32c, recipe.model_crc32c);
  EXPECT_EQ(read->layer, recipe.layer);
  EXPECT_EQ(read->size, recipe.size);
  EXPECT_EQ(read->crop, recipe.crop);
  EXPECT_EQ(read->mean, recipe.mean);
  EXPECT_EQ(read->std, recipe.std);
}

TEST(RecipeTest, WhatMeansNothingIsRefused) {
  const std::string head = "kith pictures 1\nmodel a.onnx\n";
  EXPECT_TRUE(ParseRecipe(head).ok());
  for (const char* const line : {"size", "size x", "size 96 ", "size 3", "size 99999", "crop nan",
                                 "crop 0", "mean 1 2", "mean 1 2 3 4", "std 0 1 1", "std 1 1 inf",
                                 "bytes -1", "crc32c xyz", "model ../a.onnx", "colour red", ""}) {
    const auto read = ParseRecipe(head + line + "\n");
    ASSERT_FALSE(read.ok()) << line;
    EXPECT_EQ(read.status().code(), StatusCode::kCorruption) << line;
  }
  for (const char* const text : {"", "kith pictures 1", "kith pictures 1\n", "{}", "\n\n"}) {
    EXPECT_FALSE(ParseRecipe(text).ok()) << text;
  }
}

TEST(OnnxNotesTest, InputAndNotes) {
  const OnnxNotes plain = ReadOnnxNotes(ReadModel("plain.onnx"));
  EXPECT_EQ(plain.input, (std::array<uint64_t, 4>{1, 3, 16, 16}));
  EXPECT_FALSE(plain.notes.contains("kith.crop"));
  const OnnxNotes noted = ReadOnnxNotes(ReadModel("net.onnx"));
  EXPECT_EQ(noted.input, plain.input);
  EXPECT_EQ(noted.notes.at("kith.mean"), "100 110 120");
}

TEST(OnnxNotesTest, DamagedFilesSayLessAndNothingWorse) {
  const std::vector<std::byte> whole = ReadModel("net.onnx");
  for (size_t size = 0; size < whole.size(); ++size) {
    const std::vector<std::byte> cut(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size));
    ReadOnnxNotes(cut);
  }
  Rng rng(9);
  for (int i = 0; i < 3000; ++i) {
    std::vector<std::byte> changed = whole;
    changed[rng.Below(static_cast<uint32_t>(changed.size()))] =
        static_cast<std::byte>(rng.Below(256));
    ReadOnnxNotes(changed);
  }
}

}  // namespace
}  // namespace kith::pictures
