#include "base/crc32c.h"

#include <array>
#include <bit>
#include <cstring>

namespace kith {
namespace {

constexpr uint32_t kPolynomial = 0x82F63B78u;  // Castagnoli's, bits reversed
constexpr size_t kSlices = 16;                 // bytes taken at each step

using Tables = std::array<std::array<uint32_t, 256>, kSlices>;

// tables[s][b] is the checksum of byte b followed by s zero bytes, so that the bytes of one step
// are looked up independently of each other and xored (Kounavis & Berry, "slicing-by-N").
constexpr Tables MakeTables() {
  Tables tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    tables[0][byte] = crc;
  }
  for (size_t s = 1; s < kSlices; ++s) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t previous = tables[s - 1][byte];
      tables[s][byte] = (previous >> 8) ^ tables[0][previous & 0xFF];
    }
  }
  return tables;
}

constexpr Tables kTables = MakeTables();

static_assert(std::endian::native == std::endian::little);

// The contribution of the 8 bytes of `word` when `after` more bytes of the step follow them.
uint32_t Lookup8(uint64_t word, size_t after) {
  uint32_t crc = 0;
  for (size_t i = 0; i < 8; ++i) crc ^= kTables[after + 7 - i][(word >> (8 * i)) & 0xFF];
  return crc;
}

}  // namespace

uint32_t ExtendCrc32c(uint32_t crc, std::span<const std::byte> bytes) {
  const std::byte* p = bytes.data();
  size_t left = bytes.size();
  crc = ~crc;
  while (left >= kSlices) {
    uint64_t words[2];
    std::memcpy(words, p, sizeof(words));
    crc = Lookup8(words[0] ^ crc, 8) ^ Lookup8(words[1], 0);
    p += kSlices;
    left -= kSlices;
  }
  for (; left > 0; --left, ++p) {
    crc = (crc >> 8) ^ kTables[0][(crc ^ static_cast<uint32_t>(*p)) & 0xFF];
  }
  return ~crc;
}

}  // namespace kith
