// CRC-32C (Castagnoli), the checksum of RFC 3720.
#ifndef KITH_BASE_CRC32C_H_
#define KITH_BASE_CRC32C_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace kith {
inline namespace base {

// The checksum of a stretch of bytes followed by `bytes`, given the checksum of the stretch
// (0 for none). Over 1 GB/s, over 10 GB/s where x86 has the instruction.
uint32_t ExtendCrc32c(uint32_t crc, std::span<const std::byte> bytes);

// The checksum of a stretch of bytes followed by another one, of both of which it is known.
// `bytes`: the length of the second. O(log(bytes)).
uint32_t JoinCrc32c(uint32_t first, uint32_t second, uint64_t bytes);

}  // namespace base
}  // namespace kith

#endif  // KITH_BASE_CRC32C_H_
