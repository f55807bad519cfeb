#include "picture_module/exif.h"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace kith::picture_module {
namespace {

using Bytes = std::span<const uint8_t>;

bool BeginsWith(Bytes bytes, std::string_view text) {
  return bytes.size() >= text.size() && std::memcmp(bytes.data(), text.data(), text.size()) == 0;
}

// Bytes from `at` on, at most `size` of them; none where there are none.
Bytes Part(Bytes bytes, size_t at, size_t size = ~size_t{0}) {
  if (at >= bytes.size()) return {};
  return bytes.subspan(at, std::min(size, bytes.size() - at));
}

// An unsigned number of `size` bytes at `at`; 0 behind the end.
uint32_t Number(Bytes bytes, size_t at, size_t size, bool little) {
  const Bytes digits = Part(bytes, at, size);
  if (digits.size() < size) return 0;
  uint32_t value = 0;
  for (size_t i = 0; i < size; ++i) value = value << 8 | digits[little ? size - 1 - i : i];
  return value;
}

// The orientation in a TIFF header and its first directory, of entries of 12 bytes each: tag, type,
// count, value.
int OrientationOfTiff(Bytes tiff) {
  constexpr uint32_t kOrientationTag = 0x0112;
  const bool little = BeginsWith(tiff, "II");
  if (!little && !BeginsWith(tiff, "MM")) return 1;
  const size_t directory = Number(tiff, 4, 4, little);
  const uint32_t entries = Number(tiff, directory, 2, little);
  for (uint32_t i = 0; i < entries; ++i) {
    const size_t entry = directory + 2 + size_t{12} * i;
    if (Part(tiff, entry, 12).size() < 12) return 1;
    if (Number(tiff, entry, 2, little) != kOrientationTag) continue;
    const uint32_t value = Number(tiff, entry + 8, 2, little);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

// Segments: 0xFF, a marker, the size of what follows and itself in two bytes.
Bytes TiffOfJpeg(Bytes file) {
  constexpr uint8_t kApp1 = 0xE1;
  constexpr uint8_t kStartOfScan = 0xDA;
  using std::string_view_literals::operator""sv;
  for (size_t at = 2; Part(file, at, 4).size() == 4 && file[at] == 0xFF;) {
    const uint8_t marker = file[at + 1];
    if (marker == 0xFF) {  // a fill byte
      ++at;
      continue;
    }
    if (marker == kStartOfScan) break;
    const size_t size = Number(file, at + 2, 2, false);
    const Bytes content = size < 2 ? Bytes() : Part(file, at + 4, size - 2);
    if (marker == kApp1 && BeginsWith(content, "Exif\0\0"sv)) return Part(content, 6);
    if (size < 2) break;
    at += 2 + size;
  }
  return {};
}

// Chunks: size, name, content, checksum.
Bytes TiffOfPng(Bytes file) {
  for (size_t at = 8; Part(file, at, 12).size() == 12;) {
    const size_t size = Number(file, at, 4, false);
    if (BeginsWith(Part(file, at + 4), "eXIf")) return Part(file, at + 8, size);
    if (BeginsWith(Part(file, at + 4), "IDAT") || size >= file.size()) break;
    at += 12 + size;
  }
  return {};
}

// Chunks: name, size, content, a byte of padding if the size is odd.
Bytes TiffOfWebp(Bytes file) {
  for (size_t at = 12; Part(file, at, 8).size() == 8;) {
    const size_t size = Number(file, at + 4, 4, true);
    if (BeginsWith(Part(file, at), "EXIF")) {
      const Bytes content = Part(file, at + 8, size);
      using std::string_view_literals::operator""sv;
      return BeginsWith(content, "Exif\0\0"sv) ? Part(content, 6) : content;
    }
    if (size >= file.size()) break;
    at += 8 + size + size % 2;
  }
  return {};
}

}  // namespace

int OrientationOf(Bytes file) {
  if (BeginsWith(file, "\xFF\xD8")) return OrientationOfTiff(TiffOfJpeg(file));
  if (BeginsWith(file, "\x89PNG")) return OrientationOfTiff(TiffOfPng(file));
  return BeginsWith(file, "RIFF") ? OrientationOfTiff(TiffOfWebp(file)) : 1;
}

}  // namespace kith::picture_module
