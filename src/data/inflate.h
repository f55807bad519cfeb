// Unpacking a piece of known size, as the chunks of an HDF5 file and the files of a zip archive
// are.
#ifndef KITH_DATA_INFLATE_H_
#define KITH_DATA_INFLATE_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "kith/status.h"

namespace kith::data {

// Unpacks zlib data (RFC 1950), which must fill `out` to the last byte. False if it is damaged or
// of another size; `out` then holds anything. Thread-safe.
// REQUIRES: both have less than 4 GiB. Errors: OutOfMemory.
Result<bool> Inflate(std::span<const std::byte> packed, std::span<std::byte> out);
// The same of data without a header and a checksum (RFC 1951).
Result<bool> InflateRaw(std::span<const std::byte> packed, std::span<std::byte> out);

// The checksum that zip archives keep of their files. REQUIRES: less than 4 GiB.
uint32_t Crc32(std::span<const std::byte> bytes);

}  // namespace kith::data

#endif  // KITH_DATA_INFLATE_H_
