// Choosing a target: never quietly another than the one asked for.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cctype>
#include <set>
#include <string>

#include "simd/kernels.h"

namespace kith::simd {
namespace {

TEST(DispatchTest, EveryTargetHasEveryKernel) {
  ASSERT_FALSE(AvailableKernels().empty());
  std::set<std::string> names;
  for (const Kernels& kernels : AvailableKernels()) {
    EXPECT_TRUE(names.insert(kernels.target).second) << kernels.target << " is there twice";
    for (int op = 0; op < kNumOps; ++op) {
      for (int dtype = 0; dtype < kNumDataTypes; ++dtype) {
        const auto type = static_cast<DataType>(dtype);
        const bool is_float = type != DataType::kBit;
        const bool is_native =
            type == DataType::kI8 || type == DataType::kU8 || type == DataType::kBit;
        EXPECT_EQ(kernels.f32[dtype][op].tile != nullptr, is_float);
        EXPECT_EQ(kernels.f32[dtype][op].ids != nullptr, is_float);
        EXPECT_EQ(kernels.native[dtype][op].tile != nullptr, is_native);
        EXPECT_EQ(kernels.native[dtype][op].ids != nullptr, is_native);
      }
    }
    for (const CodeDotFn fn : kernels.code_dot) EXPECT_NE(fn, nullptr);
    EXPECT_NE(kernels.negate, nullptr);
    EXPECT_NE(kernels.cosine, nullptr);
    EXPECT_NE(kernels.below, nullptr);
    EXPECT_NE(kernels.negative_below, nullptr);
    EXPECT_NE(kernels.cosine_below, nullptr);
  }
}

// Each entry must be its own target's code, not the best target's under another name.
TEST(DispatchTest, TargetsDiffer) {
  std::set<TileFn> tiles;
  for (const Kernels& kernels : AvailableKernels()) tiles.insert(kernels.f32[0][0].tile);
  EXPECT_EQ(tiles.size(), AvailableKernels().size());
}

TEST(DispatchTest, ForceTarget) {
  for (const Kernels& kernels : AvailableKernels()) {
    ASSERT_TRUE(ForceTarget(kernels.target).ok());
    EXPECT_STREQ(GetKernels().target, kernels.target);
    std::string lower = kernels.target;
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    EXPECT_TRUE(ForceTarget(lower).ok());
    EXPECT_STREQ(GetKernels().target, kernels.target);
  }
  const std::string before = GetKernels().target;
  const Status status = ForceTarget("nosuch");
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
  EXPECT_NE(status.message().find("'nosuch'"), std::string::npos) << status.message();
  EXPECT_EQ(GetKernels().target, before);
  ASSERT_TRUE(ForceTarget("").ok());
  EXPECT_STREQ(GetKernels().target, AvailableKernels().front().target);
}

TEST(DispatchTest, EnvironmentVariable) {
  const char* old = getenv("KITH_SIMD");
  const std::string saved = old == nullptr ? "" : old;
  setenv("KITH_SIMD", "nosuch", 1);
  const Status status = CheckTarget();
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
  EXPECT_NE(status.message().find("KITH_SIMD"), std::string::npos) << status.message();
  EXPECT_NE(status.message().find("choose one of"), std::string::npos) << status.message();
  setenv("KITH_SIMD", "", 1);
  EXPECT_TRUE(CheckTarget().ok());
  for (const Kernels& kernels : AvailableKernels()) {
    setenv("KITH_SIMD", kernels.target, 1);
    EXPECT_TRUE(CheckTarget().ok()) << kernels.target;
  }
  if (old == nullptr) {
    unsetenv("KITH_SIMD");
  } else {
    setenv("KITH_SIMD", saved.c_str(), 1);
  }
}

}  // namespace
}  // namespace kith::simd
