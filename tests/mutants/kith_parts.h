// A .kith file in its parts, to be changed one by one and put together again.
#ifndef KITH_TESTS_MUTANTS_KITH_PARTS_H_
#define KITH_TESTS_MUTANTS_KITH_PARTS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/rng.h"
#include "storage/container.h"
#include "storage/format.h"
#include "storage/seal.h"

namespace kith::mutants {

struct Part {
  storage::SectionEntry
      entry{};  // its place, size and checksum are made when parts are put together
  std::string bytes;

  std::string_view name() const { return storage::SectionName(entry); }

  template <class T>
  size_t count() const {
    return bytes.size() / sizeof(T);
  }
  template <class T>
  T Get(size_t i) const {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    return value;
  }
  template <class T>
  void Set(size_t i, T value) {
    if ((i + 1) * sizeof(T) <= bytes.size()) SetAt(i * sizeof(T), value);
  }
  template <class T>
  void SetAt(size_t at, T value) {
    // What a lie computes may be any number: the sum of both might begin at 0 again.
    if (bytes.size() < sizeof(T) || at > bytes.size() - sizeof(T)) return;
    std::memcpy(bytes.data() + at, &value, sizeof(T));
  }
};

struct Parts {
  storage::FileHeader header{};
  std::vector<Part> parts;

  Part* Find(std::string_view name) {
    for (Part& part : parts) {
      if (part.name() == name) return &part;
    }
    return nullptr;
  }
};

// REQUIRES: a sound file.
inline Parts TakeApart(const std::string& file) {
  Parts parts;
  std::memcpy(&parts.header, file.data(), sizeof(parts.header));
  for (size_t i = 0; i < parts.header.section_count; ++i) {
    Part part;
    std::memcpy(&part.entry, file.data() + (i + 1) * sizeof(part.entry), sizeof(part.entry));
    part.bytes = file.substr(part.entry.offset, part.entry.size);
    parts.parts.push_back(std::move(part));
  }
  return parts;
}

// With places, sizes and checksums right.
inline std::string PutTogether(const Parts& parts) {
  constexpr size_t kPage = storage::kPageBytes;
  std::string file(kPage, '\0');
  storage::FileHeader header = parts.header;
  header.section_count =
      static_cast<uint32_t>(std::min<size_t>(parts.parts.size(), storage::kMaxSections));
  for (size_t i = 0; i < header.section_count; ++i) {
    file.resize((file.size() + kPage - 1) / kPage * kPage);
    storage::SectionEntry entry = parts.parts[i].entry;
    entry.offset = file.size();
    entry.size = parts.parts[i].bytes.size();
    file += parts.parts[i].bytes;
    std::memcpy(file.data() + (i + 1) * sizeof(entry), &entry, sizeof(entry));
  }
  header.file_size = file.size();
  std::memcpy(file.data(), &header, sizeof(header));
  testing::SealContainer(&file);
  return file;
}

// ---- Choosing.

inline bool Chance(Rng* rng, uint32_t one_in) { return rng->Below(one_in) == 0; }

template <class T, size_t kCount>
const T& OneOf(const T (&values)[kCount], Rng* rng) {
  return values[rng->Below(static_cast<uint32_t>(kCount))];
}

// Numbers at which something changes.
inline uint64_t Telling(Rng* rng, uint64_t n) {
  const uint64_t values[] = {
      0,
      1,
      2,
      3,
      n - 1,
      n,
      n + 1,
      n / 2,
      2 * n,
      0x7F,
      0xFF,
      0x7FFF,
      0xFFFF,
      0x10000,
      0x7FFFFFFF,
      0x80000000,
      0x80000001,
      0xFFFFFFFE,
      0xFFFFFFFF,
      uint64_t{1} << 32,
      uint64_t{1} << 62,
      uint64_t{1} << 63,
      ~uint64_t{0},
      rng->Next(),
      rng->Below(1000),
      rng->Below(static_cast<uint32_t>(std::clamp<uint64_t>(n, 1, 1 << 30)))};
  return OneOf(values, rng);
}

float TellingFloat(Rng* rng);

}  // namespace kith::mutants

#endif  // KITH_TESTS_MUTANTS_KITH_PARTS_H_
