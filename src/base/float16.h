// Conversion of half-precision (IEEE 754 binary16) and bfloat16 bit patterns to and from float,
// bit-exact on every machine: round to nearest, ties to even; NaN stays NaN, quiet.
#ifndef KITH_BASE_FLOAT16_H_
#define KITH_BASE_FLOAT16_H_

#include <bit>
#include <cstdint>

namespace kith {
inline namespace base {

// Exact: every half is a float. Selects rather than branches, so that loops of it vectorise.
constexpr float F16ToF32(uint16_t half) {
  const int32_t sign = (half & 0x8000) << 16;
  const int32_t magnitude = half & 0x7FFF;
  // Subnormals count units of 2^-24; infinities and NaN keep their exponent of all ones.
  const float subnormal = static_cast<float>(magnitude) * 0x1p-24f;
  const int32_t normal = (magnitude << 13) + (112 << 23);
  const int32_t quiet = magnitude > 0x7C00 ? 0x00400000 : 0;
  const int32_t special = 0x7F800000 | quiet | magnitude << 13;
  const int32_t finite = magnitude < 0x0400 ? std::bit_cast<int32_t>(subnormal) : normal;
  return std::bit_cast<float>(sign | (magnitude >= 0x7C00 ? special : finite));
}

// Rounds to the nearest half; values from 65520 upwards become infinity.
constexpr uint16_t F32ToF16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000u);
  const uint32_t magnitude = bits & 0x7FFFFFFFu;
  if (magnitude > 0x7F800000u) {
    return static_cast<uint16_t>(sign | 0x7E00u | (magnitude >> 13 & 0x3FFu));
  }
  if (magnitude >= 0x477FF000u) return static_cast<uint16_t>(sign | 0x7C00u);
  if (magnitude < 0x38800000u) {  // below 2^-14: the result counts units of 2^-24
    // Adding 0.5 puts those units in the last place of the sum, so the addition rounds.
    const float sum = std::bit_cast<float>(magnitude) + 0.5f;
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(sum) - 0x3F000000u));
  }
  const uint32_t round = 0xFFFu + (magnitude >> 13 & 1u);
  return static_cast<uint16_t>(sign | (magnitude - (112u << 23) + round) >> 13);
}

// Exact: a bfloat16 is the upper half of a float.
constexpr float Bf16ToF32(uint16_t bf16) {
  return std::bit_cast<float>(static_cast<uint32_t>(bf16) << 16);
}

// Rounds to the nearest bfloat16; values beyond its largest become infinity.
constexpr uint16_t F32ToBf16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return static_cast<uint16_t>(bits >> 16 | 0x0040u);
  return static_cast<uint16_t>((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);
}

}  // namespace base
}  // namespace kith

#endif  // KITH_BASE_FLOAT16_H_
