// A .kith file with another text in its section "meta".
#ifndef KITH_TESTS_INDEX_DEEP_META_H_
#define KITH_TESTS_INDEX_DEEP_META_H_

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "storage/container_image.h"

namespace kith::testing {

// JSON of 80,000 levels.
inline std::string DeepMeta() {
  constexpr size_t kDepth = 80'000;
  return "{\"a\":" + std::string(kDepth, '[') + std::string(kDepth, ']') + "}";
}

// With all checksums right. REQUIRES: the section is the last of the file, as builds write it.
inline std::string WithMeta(const std::string& bytes, std::string_view meta) {
  ContainerImage image(bytes);
  storage::FileHeader header = image.header();
  const size_t last = header.section_count - 1;
  storage::SectionEntry entry = image.entry(last);
  EXPECT_EQ(storage::SectionName(entry), "meta");
  entry.size = meta.size();
  image.SetEntry(last, entry);
  image.bytes().resize(entry.offset);
  image.bytes() += meta;
  header.file_size = image.bytes().size();
  image.SetHeader(header);
  image.Seal();
  return image.bytes();
}

}  // namespace kith::testing

#endif  // KITH_TESTS_INDEX_DEEP_META_H_
