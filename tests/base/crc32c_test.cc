#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

#include "base/rng.h"

namespace kith {
namespace {

uint32_t Crc32c(std::span<const std::byte> bytes) { return ExtendCrc32c(0, bytes); }

// The definition, a bit at a time.
uint32_t ReferenceCrc32c(std::span<const std::byte> bytes) {
  uint32_t crc = 0xFFFFFFFFu;
  for (const std::byte b : bytes) {
    crc ^= static_cast<uint32_t>(b);
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82F63B78u : crc >> 1;
  }
  return ~crc;
}

std::vector<std::byte> RandomBytes(size_t size) {
  Rng rng(1);
  std::vector<std::byte> bytes(size);
  for (std::byte& b : bytes) b = static_cast<std::byte>(rng.Below(256));
  return bytes;
}

// RFC 3720, B.4.
TEST(Crc32cTest, VectorsOfRfc3720) {
  std::vector<std::byte> bytes(32, std::byte{0});
  EXPECT_EQ(Crc32c(bytes), 0x8A9136AAu);
  bytes.assign(32, std::byte{0xFF});
  EXPECT_EQ(Crc32c(bytes), 0x62A8AB43u);
  for (size_t i = 0; i < 32; ++i) bytes[i] = static_cast<std::byte>(i);
  EXPECT_EQ(Crc32c(bytes), 0x46DD794Eu);
  for (size_t i = 0; i < 32; ++i) bytes[i] = static_cast<std::byte>(31 - i);
  EXPECT_EQ(Crc32c(bytes), 0x113FDB5Cu);
  constexpr uint8_t kScsiRead[48] = {0x01, 0xC0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,    0, 0, 0, 0,
                                     0x14, 0,    0, 0, 0, 0, 4, 0, 0, 0, 0, 0x14, 0, 0, 0, 0x18,
                                     0x28, 0,    0, 0, 0, 0, 0, 0, 2, 0, 0, 0,    0, 0, 0, 0};
  EXPECT_EQ(Crc32c(std::as_bytes(std::span(kScsiRead))), 0xD9963A56u);
}

TEST(Crc32cTest, CheckValue) {
  constexpr std::string_view kDigits = "123456789";
  EXPECT_EQ(Crc32c(std::as_bytes(std::span(kDigits))), 0xE3069283u);
  EXPECT_EQ(Crc32c({}), 0u);
}

TEST(Crc32cTest, EveryLengthAndAlignmentEqualsTheDefinition) {
  const std::vector<std::byte> bytes = RandomBytes(200);
  for (size_t begin = 0; begin < 17; ++begin) {
    for (size_t size = 0; size <= 100; ++size) {
      const auto part = std::span(bytes).subspan(begin, size);
      ASSERT_EQ(Crc32c(part), ReferenceCrc32c(part)) << begin << " " << size;
    }
  }
}

TEST(Crc32cTest, PiecesGiveTheChecksumOfTheWhole) {
  const std::vector<std::byte> bytes = RandomBytes(1000);
  const auto all = std::span(bytes);
  for (size_t cut = 0; cut <= bytes.size(); cut += 7) {
    ASSERT_EQ(ExtendCrc32c(Crc32c(all.first(cut)), all.subspan(cut)), Crc32c(all)) << cut;
  }
}

TEST(Crc32cTest, EveryFlippedBitChangesIt) {
  std::vector<std::byte> bytes = RandomBytes(300);
  const uint32_t crc = Crc32c(bytes);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    ASSERT_NE(Crc32c(bytes), crc) << bit;
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
  }
}

// Long stretches are summed in parts of a kilobyte side by side.
TEST(Crc32cTest, LongStretchesEqualTheDefinition) {
  const std::vector<std::byte> bytes = RandomBytes(20000);
  for (const size_t begin : {0, 1, 5}) {
    for (const size_t size : {3071, 3072, 3073, 6143, 6144, 9216, 9300, 19990}) {
      const auto part = std::span(bytes).subspan(begin, size);
      ASSERT_EQ(Crc32c(part), ReferenceCrc32c(part)) << begin << " " << size;
      ASSERT_EQ(ExtendCrc32c(12345, part),
                ExtendCrc32c(ExtendCrc32c(12345, part.first(100)), part.subspan(100)));
    }
  }
}

TEST(Crc32cTest, JoinedStretchesHaveTheChecksumOfBoth) {
  const std::vector<std::byte> bytes = RandomBytes(5000);
  const auto all = std::span(bytes);
  for (const size_t size : {0, 1, 7, 64, 4999, 5000}) {
    for (size_t cut = 0; cut <= size; cut += size / 5 + 1) {
      const uint32_t second = Crc32c(all.subspan(cut, size - cut));
      ASSERT_EQ(JoinCrc32c(Crc32c(all.first(cut)), second, size - cut), Crc32c(all.first(size)))
          << cut << " of " << size;
    }
  }
}

}  // namespace
}  // namespace kith
