#include "base/growing_memory.h"

#include <gtest/gtest.h>

#include <cstring>
#include <utility>

namespace kith {
namespace {

TEST(GrowingMemory, KeepsWhatItHasAndIsZeroBeyond) {
  GrowingMemory memory;
  EXPECT_EQ(memory.capacity(), 0u);
  ASSERT_TRUE(memory.Reserve(1).ok());
  const size_t first = memory.capacity();
  std::memset(memory.data(), 7, first);
  ASSERT_TRUE(memory.Reserve(first + 1).ok());
  EXPECT_GE(memory.capacity(), first + first / 2);
  ASSERT_TRUE(memory.Reserve(100 << 20).ok());
  for (size_t i = 0; i < first; ++i) ASSERT_EQ(memory.data()[i], std::byte{7}) << i;
  for (size_t i = first; i < 4 * first; ++i) ASSERT_EQ(memory.data()[i], std::byte{0}) << i;
  memory.data()[memory.capacity() - 1] = std::byte{1};
  GrowingMemory other = std::move(memory);
  EXPECT_EQ(other.data()[0], std::byte{7});
  EXPECT_EQ(memory.data(), nullptr);  // NOLINT(bugprone-use-after-move): it is empty then
}

TEST(GrowingMemory, RefusesMoreThanTheMachineHasAndStaysAsItWas) {
  GrowingMemory memory;
  ASSERT_TRUE(memory.Reserve(10).ok());
  memory.data()[3] = std::byte{5};
  for (const uint64_t bytes : {uint64_t{1} << 60, ~uint64_t{0}}) {
    EXPECT_EQ(memory.Reserve(bytes).code(), StatusCode::kOutOfMemory);
  }
  EXPECT_EQ(memory.data()[3], std::byte{5});
}

}  // namespace
}  // namespace kith
