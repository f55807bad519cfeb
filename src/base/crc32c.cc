#include "base/crc32c.h"

#include <array>
#include <bit>
#include <cstring>

namespace kith {
inline namespace base {
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

#if defined(__x86_64__)

// The instruction takes 8 bytes a cycle but answers after three: three parts of this size are
// summed side by side, and joined by what their zero bytes would do.
constexpr size_t kPart = 1024;

// tables[i][b]: the checksum register with byte i equal to b, after kPart zero bytes.
using ShiftTables = std::array<std::array<uint32_t, 256>, 4>;

constexpr ShiftTables MakeShiftTables() {
  // Linear in the register: known for all of it once it is known for each bit.
  uint32_t bits[32] = {};
  for (int bit = 0; bit < 32; ++bit) {
    uint32_t crc = uint32_t{1} << bit;
    for (size_t i = 0; i < kPart; ++i) crc = (crc >> 8) ^ kTables[0][crc & 0xFF];
    bits[bit] = crc;
  }
  ShiftTables tables{};
  for (size_t i = 0; i < 4; ++i) {
    for (size_t b = 0; b < 256; ++b) {
      for (size_t bit = 0; bit < 8; ++bit) {
        if ((b >> bit & 1) != 0) tables[i][b] ^= bits[8 * i + bit];
      }
    }
  }
  return tables;
}

constexpr ShiftTables kShift = MakeShiftTables();

uint32_t ShiftPart(uint32_t crc) {
  return kShift[0][crc & 0xFF] ^ kShift[1][crc >> 8 & 0xFF] ^ kShift[2][crc >> 16 & 0xFF] ^
         kShift[3][crc >> 24];
}

// Advances the register over whole parts in threes. Returns the number of bytes taken.
__attribute__((target("sse4.2"))) size_t TakeParts(const std::byte* p, size_t size, uint32_t* crc) {
  size_t at = 0;
  for (; size - at >= 3 * kPart; at += 3 * kPart) {
    uint64_t sums[3] = {*crc, 0, 0};
    for (size_t i = 0; i < kPart; i += 8) {
      for (size_t part = 0; part < 3; ++part) {
        uint64_t word = 0;
        std::memcpy(&word, p + at + part * kPart + i, sizeof(word));
        sums[part] = __builtin_ia32_crc32di(sums[part], word);
      }
    }
    const uint32_t two = ShiftPart(static_cast<uint32_t>(sums[0])) ^ static_cast<uint32_t>(sums[1]);
    *crc = ShiftPart(two) ^ static_cast<uint32_t>(sums[2]);
  }
  return at;
}

bool HasInstruction() {
  static const bool has = __builtin_cpu_supports("sse4.2");
  return has;
}

#endif

}  // namespace

uint32_t ExtendCrc32c(uint32_t crc, std::span<const std::byte> bytes) {
  const std::byte* p = bytes.data();
  size_t left = bytes.size();
  crc = ~crc;
#if defined(__x86_64__)
  if (HasInstruction()) {
    const size_t taken = TakeParts(p, left, &crc);
    p += taken;
    left -= taken;
  }
#endif
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

// Checksums are polynomials over one bit, reflected: the highest bit is the coefficient of 1, and
// bytes that follow multiply them by x to the power of eight times as many.
static uint32_t MultiplyModulo(uint32_t a, uint32_t b) {
  uint32_t product = 0;
  for (uint32_t bit = uint32_t{1} << 31; bit != 0; bit >>= 1) {
    if ((a & bit) != 0) product ^= b;
    b = (b >> 1) ^ ((b & 1) != 0 ? kPolynomial : 0);
  }
  return product;
}

uint32_t JoinCrc32c(uint32_t first, uint32_t second, uint64_t bytes) {
  uint32_t power = uint32_t{1} << (31 - 8);  // x^8, x^16, x^32, ...
  for (; bytes != 0; bytes >>= 1) {
    if ((bytes & 1) != 0) first = MultiplyModulo(power, first);
    power = MultiplyModulo(power, power);
  }
  return first ^ second;
}

}  // namespace base
}  // namespace kith
