// Damaged and malicious files give errors or bounded wrong answers, never a crash, an endless
// search or an access out of bounds (the last is what the sanitizers' build of this test shows).
#include <gtest/gtest.h>

#include <bit>
#include <chrono>
#include <cstring>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "index/victims.h"
#include "memory_file.h"
#include "storage/container_image.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::ContainerImage;
using testing::MemoryFile;
using testing::TempDir;
using testing::UseEverything;
using testing::Victim;

class HostileTest : public ::testing::TestWithParam<Victim> {
 protected:
  void SetUp() override {
    const TempDir dir;
    good_ = ContainerImage(testing::MakeVictim(GetParam(), dir.File("victim.kith")));
    file_.Write(good_.bytes());
    ASSERT_TRUE(VerifyIndex(file_.path()).ok());
    ASSERT_TRUE(UseEverything(file_.path()));
  }
  void TearDown() override {
    // Each test does hundreds of things to small files; a minute would mean that one of them hangs.
    EXPECT_LT(std::chrono::steady_clock::now() - start_, std::chrono::minutes(5));
  }

  bool Use(const std::string& bytes) {
    file_.Write(bytes);
    return UseEverything(file_.path());
  }
  // With all checksums right, so that nothing but the contents lies.
  bool UseSealed(ContainerImage image) {
    image.Seal();
    return Use(image.bytes());
  }

  size_t NumSections() const { return good_.header().section_count; }

  MemoryFile file_;
  ContainerImage good_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// ---- Damage: checksums see it.

TEST_P(HostileTest, EveryFlippedByteOfTheFirstPageIsSeen) {
  for (size_t at = 0; at < storage::kPageBytes; ++at) {
    std::string bytes = good_.bytes();
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << (at % 8)));
    file_.Write(bytes);
    const auto index = OpenIndex(file_.path());
    ASSERT_FALSE(index.ok()) << "byte " << at;
    testing::CheckMessage(index.status());
    ASSERT_FALSE(VerifyIndex(file_.path()).ok()) << "byte " << at;
    if (HasFatalFailure()) return;
  }
}

TEST_P(HostileTest, FlippedBytesElsewhereAreVerified) {
  const size_t size = good_.bytes().size();
  const size_t step = std::max<size_t>(1, size / 400) | 1;
  for (size_t at = storage::kPageBytes; at < size; at += step) {
    std::string bytes = good_.bytes();
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << (at % 8)));
    file_.Write(bytes);
    ASSERT_EQ(VerifyIndex(file_.path()).code(), StatusCode::kCorruption) << "byte " << at;
    UseEverything(file_.path());
    if (HasFatalFailure()) FAIL() << "byte " << at;
  }
}

TEST_P(HostileTest, TruncatedFilesDoNotOpen) {
  const std::string& whole = good_.bytes();
  for (size_t size = 0; size < whole.size(); size += size < 300 ? 1 : 997) {
    file_.Write(whole.substr(0, size));
    const auto index = OpenIndex(file_.path());
    ASSERT_FALSE(index.ok()) << "cut to " << size;
    testing::CheckMessage(index.status());
    // With a header that says so: only sections that lost bytes can tell.
    if (size < storage::kPageBytes) continue;
    ContainerImage image(whole.substr(0, size));
    storage::FileHeader header = image.header();
    header.file_size = size;
    image.SetHeader(header);
    ASSERT_FALSE(UseSealed(image)) << "cut to " << size;
    if (HasFatalFailure()) FAIL() << "cut to " << size;
  }
}

// ---- Malice: the checksums are right, the contents lie.

TEST_P(HostileTest, HeaderAndTableThatLie) {
  const size_t used = sizeof(storage::FileHeader) + NumSections() * sizeof(storage::SectionEntry);
  for (size_t at = 0; at < used + 8; ++at) {
    for (const int change : {0x01, 0xFF}) {
      ContainerImage image = good_;
      image.bytes()[at] = static_cast<char>(image.bytes()[at] ^ change);
      UseSealed(std::move(image));
      if (HasFatalFailure()) FAIL() << "byte " << at << ", change " << change;
    }
  }
}

TEST_P(HostileTest, SectionsMissingRenamedOrOverlapping) {
  for (size_t i = 0; i < NumSections(); ++i) {
    ContainerImage missing = good_;
    storage::FileHeader header = missing.header();
    for (size_t j = i; j + 1 < NumSections(); ++j) missing.SetEntry(j, good_.entry(j + 1));
    missing.SetEntry(NumSections() - 1, storage::SectionEntry{});
    --header.section_count;
    missing.SetHeader(header);
    UseSealed(missing);
    for (size_t j = 0; j < NumSections(); ++j) {
      ContainerImage swapped = good_;
      storage::SectionEntry a = good_.entry(i);
      storage::SectionEntry b = good_.entry(j);
      std::swap(a.name, b.name);
      swapped.SetEntry(i, a);
      swapped.SetEntry(j, b);
      UseSealed(swapped);
      ContainerImage overlapping = good_;
      storage::SectionEntry moved = good_.entry(i);
      moved.offset = good_.entry(j).offset;
      overlapping.SetEntry(i, moved);
      UseSealed(overlapping);
      if (HasFatalFailure()) FAIL() << "sections " << i << " and " << j;
    }
  }
}

TEST_P(HostileTest, FlippedBytesWithRightChecksums) {
  for (size_t i = 0; i < NumSections(); ++i) {
    const storage::SectionEntry entry = good_.entry(i);
    const size_t step = std::max<size_t>(1, entry.size / 80) | 1;
    for (size_t at = 0; at < entry.size; at += step) {
      ContainerImage image = good_;
      char& byte = image.bytes()[entry.offset + at];
      byte = static_cast<char>(byte ^ (at % 3 == 0 ? 0xFF : 1 << (at % 8)));
      UseSealed(std::move(image));
      if (HasFatalFailure()) FAIL() << storage::SectionName(entry) << ", byte " << at;
    }
  }
}

TEST_P(HostileTest, SectionsOfOneByte) {
  for (size_t i = 0; i < NumSections(); ++i) {
    const storage::SectionEntry entry = good_.entry(i);
    for (const int value : {0x00, 0x01, 0x3F, 0x7F, 0x80, 0xFE, 0xFF}) {
      ContainerImage image = good_;
      std::memset(image.bytes().data() + entry.offset, value, entry.size);
      UseSealed(std::move(image));
      if (HasFatalFailure()) FAIL() << storage::SectionName(entry) << " of " << value;
    }
  }
}

// Numbers that are counts, children, ends or floats somewhere.
uint32_t HostileWord(uint32_t rows, Rng* rng) {
  const float floats[] = {std::numeric_limits<float>::quiet_NaN(),
                          std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity(),
                          std::numeric_limits<float>::max(),
                          std::numeric_limits<float>::denorm_min(),
                          -1e30f,
                          -0.0f};
  const uint32_t integers[] = {0,          1,          2,        rows - 1,       rows,
                               rows + 1,   0x7FFFFFFF, 1u << 31, (1u << 31) + 1, 0xFFFFFFF0,
                               0xFFFFFFFE, 0xFFFFFFFF, 1000};
  const uint32_t pick = rng->Below(std::size(floats) + std::size(integers) + 3);
  if (pick < std::size(floats)) return std::bit_cast<uint32_t>(floats[pick]);
  if (pick < std::size(floats) + std::size(integers)) return integers[pick - std::size(floats)];
  return pick % 2 == 0 ? static_cast<uint32_t>(rng->Next()) : rng->Below(4 * rows);
}

TEST_P(HostileTest, RandomWordsInSections) {
  for (size_t i = 0; i < NumSections(); ++i) {
    const storage::SectionEntry entry = good_.entry(i);
    if (entry.size < 4) continue;
    const auto words = static_cast<uint32_t>(entry.size / 4);
    Rng rng(i, 3);
    for (int round = 0; round < 150; ++round) {
      ContainerImage image = good_;
      const uint32_t count = 1 + rng.Below(round % 3 == 0 ? words : 3);
      for (uint32_t w = 0; w < count; ++w) {
        const uint32_t value = HostileWord(static_cast<uint32_t>(GetParam().rows), &rng);
        std::memcpy(image.bytes().data() + entry.offset + rng.Below(words) * size_t{4}, &value, 4);
      }
      UseSealed(std::move(image));
      if (HasFatalFailure()) FAIL() << storage::SectionName(entry) << ", round " << round;
    }
  }
}

TEST_P(HostileTest, ManySectionsLieAtOnce) {
  Rng rng(11);
  for (int round = 0; round < 300; ++round) {
    ContainerImage image = good_;
    for (size_t i = 0; i < NumSections(); ++i) {
      const storage::SectionEntry entry = good_.entry(i);
      if (entry.size < 4 || rng.Below(2) == 0) continue;
      const auto words = static_cast<uint32_t>(entry.size / 4);
      for (uint32_t w = 0; w < 1 + words / 8; ++w) {
        const uint32_t value = HostileWord(static_cast<uint32_t>(GetParam().rows), &rng);
        std::memcpy(image.bytes().data() + entry.offset + rng.Below(words) * size_t{4}, &value, 4);
      }
    }
    UseSealed(std::move(image));
    if (HasFatalFailure()) FAIL() << "round " << round;
  }
}

INSTANTIATE_TEST_SUITE_P(All, HostileTest, ::testing::ValuesIn(testing::Victims()),
                         [](const auto& info) { return info.param.name; });

// Trees whose nodes all lead to the next one, each in two ways: a search that followed every way
// would never end.
TEST(HostileForestTest, ChainsOfSharedChildrenEnd) {
  const TempDir dir;
  const Victim victim{"", Metric::kEuclidean, DataType::kU8, 20000, 4, true, false, false};
  ContainerImage image(testing::MakeVictim(victim, dir.File("x.kith")));
  size_t nodes = 0;
  size_t node_bytes = 0;
  for (size_t i = 0; i < image.header().section_count; ++i) {
    const storage::SectionEntry entry = image.entry(i);
    if (storage::SectionName(entry) != "nodes") continue;
    node_bytes = entry.row_bytes;
    nodes = entry.size / node_bytes;
  }
  ASSERT_GT(nodes, 10000u);
  for (uint32_t node = 0; node + 1 < nodes; ++node) {
    const uint32_t children[] = {node + 1, node + 1};
    std::memcpy(image.bytes().data() + image.OffsetOf("nodes") + node * node_bytes + 8, children,
                sizeof(children));
  }
  const uint32_t roots[] = {0, 0, 0};
  std::memcpy(image.bytes().data() + image.OffsetOf("roots"), roots, sizeof(roots));
  image.Seal();
  MemoryFile file;
  file.Write(image.bytes());
  const auto index = OpenIndex(file.path());
  ASSERT_TRUE(index.ok()) << index.status().message();
  const auto start = std::chrono::steady_clock::now();
  const testing::Matrix query(DataType::kF32, 1, 4);
  SearchResult result;
  ASSERT_TRUE((*index)->Search(query.view(), {.effort = int64_t{1} << 40}, &result).ok());
  // Every way would be 10^8 nodes; a sound forest visits each node once.
  EXPECT_LE(result.stats.nodes, 8 * nodes);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

}  // namespace
}  // namespace kith
