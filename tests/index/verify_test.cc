// What VerifyIndex computes anew: contents that are not those of the vectors, under checksums that
// are right.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "index/victims.h"
#include "memory_file.h"
#include "storage/container_image.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::ContainerImage;
using testing::MemoryFile;
using testing::TempDir;
using testing::Victim;

Victim VictimOf(const std::string& name) {
  for (const Victim& victim : testing::Victims()) {
    if (victim.name == name) return victim;
  }
  ADD_FAILURE() << "no victim " << name;
  return {};
}

class VerifyTest : public ::testing::Test {
 protected:
  void Make(const Victim& victim) {
    const TempDir dir;
    sound_ = ContainerImage(testing::MakeVictim(victim, dir.File("x.kith")));
  }

  // What verify says of the file with bytes at a place of a section changed by `change`.
  template <class Change>
  Status After(std::string_view section, Change change) {
    ContainerImage image = sound_;
    for (size_t i = 0; i < image.header().section_count; ++i) {
      const storage::SectionEntry entry = image.entry(i);
      if (storage::SectionName(entry) != section) continue;
      change(image.bytes().data() + entry.offset, entry.size);
      image.Seal();
      file_.Write(image.bytes());
      return VerifyIndex(file_.path());
    }
    ADD_FAILURE() << "no section " << section;
    return Status::Ok();
  }

  // A value at element i of a section is a fault there, and one that is named.
  template <class T>
  void ExpectFault(std::string_view section, size_t i, T value, std::string_view words) {
    const Status status = After(section, [&](char* bytes, size_t size) {
      ASSERT_LE((i + 1) * sizeof(T), size);
      std::memcpy(bytes + i * sizeof(T), &value, sizeof(T));
    });
    testing::ExpectError(status, StatusCode::kCorruption, words);
  }

  template <class T>
  T Value(std::string_view section, size_t i) {
    T value;
    std::memcpy(&value, sound_.bytes().data() + sound_.OffsetOf(section) + i * sizeof(T),
                sizeof(T));
    return value;
  }

  ContainerImage sound_;
  MemoryFile file_;
};

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// Full of ones, numbers are NaN or out of range; full of zeros, there is nothing there.
TEST_F(VerifyTest, NoSectionCanBeFullOfOnesOrZeros) {
  for (const Victim& victim : testing::Victims()) {
    Make(victim);
    for (size_t i = 0; i < sound_.header().section_count; ++i) {
      const storage::SectionEntry entry = sound_.entry(i);
      const std::string name(storage::SectionName(entry));
      // Vectors are what all else is compared with.
      if (name == "meta" || name == "vectors") continue;
      for (const int fill : {0xFF, 0}) {
        // Trees may be grown around any point, and vectors that are all the same have no direction.
        if (fill == 0 && (name == "mean" || name == "basis")) continue;
        bool changed = false;
        const Status status = After(name, [&](char* bytes, size_t size) {
          const std::string before(bytes, size);
          std::memset(bytes, fill, size);
          changed = before != std::string(bytes, size);
        });
        EXPECT_EQ(status.ok(), !changed) << victim.name << ", section " << name << ", " << fill;
      }
    }
  }
}

TEST_F(VerifyTest, VectorsAreFiniteAndFollowedByZeros) {
  Make(VictimOf("euclidean_f32_scan"));  // 9 floats in 40 bytes
  ExpectFault("vectors", 13, kNaN, "\"vectors\": the vector at 1 is not finite");
  ExpectFault("vectors", 19, 1.0f, "the vector at 1 is not followed by zeros");
  Make(VictimOf("hamming_bit_ids"));  // 43 bits in 6 bytes
  ExpectFault<uint8_t>("vectors", 5, 0x08, "the vector at 0 is not followed by zeros");
}

TEST_F(VerifyTest, NormsAreThoseOfTheVectors) {
  Make(VictimOf("angular_f32_codes_keys"));
  const auto norm = Value<float>("inverse_norms", 7);
  ExpectFault("inverse_norms", 7, kNaN, "\"inverse_norms\": that of the vector at 7 is nan");
  ExpectFault("inverse_norms", 7, norm * 1.001f, "that of the vector at 7");
  ExpectFault("inverse_norms", 7, -norm, "that of the vector at 7");
}

TEST_F(VerifyTest, ACodeOfAForestIsThatOfItsVector) {
  Make(VictimOf("angular_f32_codes_keys"));
  ExpectFault("mean", 3, kNaN, "\"mean\"");
  ExpectFault("mean", 3, 1e38f, "\"mean\"");
  ExpectFault("mean", 3, Value<float>("mean", 3) + 0.1f, "\"codes\": code 0 is not that");
  ExpectFault<uint8_t>("codes", 5, static_cast<uint8_t>(~Value<uint8_t>("codes", 5)),
                       "\"codes\": code 0 is not that of its vector");
  // 64 coordinates of 4 bits, then the norm and the weight.
  for (const size_t factor : {size_t{8}, size_t{9}}) {
    ExpectFault("codes", factor, kNaN, "\"codes\": code 0 is not that");
    ExpectFault("codes", factor, Value<float>("codes", factor) * 1.01f, "code 0 is not that");
  }
  const auto flip = static_cast<uint8_t>(~Value<uint8_t>("rotation", 0));
  ExpectFault<uint8_t>("rotation", 0, flip, "\"codes\": code 0 is not that");
}

TEST_F(VerifyTest, SketchesAndNormsOfAForestAreSomething) {
  Make(VictimOf("dot_f32_basis_codes_ids"));
  ExpectFault("basis", 200, kNaN, "\"basis\": row 1 is no direction");
  ExpectFault("basis", 200, 5.0f, "\"basis\": row 1 is no direction");
  ExpectFault("forest", 8, Value<float>("forest", 8) * 1.01f, "\"forest\": max_norm");
  ExpectFault("forest", 8, kNaN, "\"forest\": max_norm nan");
  ExpectFault<uint32_t>("forest", 12, 1, "\"forest\": its last bytes");
}

TEST_F(VerifyTest, CopiesAreCopies) {
  Make(VictimOf("manhattan_f32_compact_copies"));  // 120 rows of 11 floats in 48 bytes
  const auto nodes = Value<uint32_t>("graph", 0);
  ASSERT_LT(nodes, 120u);
  ExpectFault("vectors", nodes * 12 + 2, 0.123f, "\"graph_copies\": the vector at ");
}

TEST_F(VerifyTest, EntriesAreThereOnce) {
  Make(VictimOf("manhattan_f32_compact_copies"));
  ExpectFault("graph_entries", 5, Value<uint32_t>("graph_entries", 4), "is there twice");
}

TEST_F(VerifyTest, LinksHaveNoGaps) {
  Make(VictimOf("hamming_bit_compact"));
  ExpectFault<uint32_t>("graph_links", 0, 0xFFFFFFFF, "neighbours behind missing ones");
}

TEST_F(VerifyTest, TheHeaderOfAGraphIsThatOfItsVectors) {
  Make(VictimOf("dot_f16_packed"));
  ExpectFault("graph", 5, Value<float>("graph", 5) * 1.01f, "\"graph\": max_norm");
  ExpectFault<uint32_t>("graph", 15, 1, "\"graph\": its last bytes");
  Make(VictimOf("hamming_bit_compact"));
  ExpectFault<uint32_t>("graph", 3, 4, "\"graph\": a compact graph with codes");
}

// Codes, weights and offsets of edges, of rows in full and rounded.
TEST_F(VerifyTest, CodesOfEdgesAreThoseOfTheirNodes) {
  struct Case {
    std::string name;
    size_t codes;  // where they begin in a node
    size_t dim;    // of the codes
  };
  for (const Case& c :
       {Case{"euclidean_u8_packed_copies", 64, 20}, Case{"angular_f32_packed_forest_ids", 128, 30},
        Case{"dot_f16_packed", 192, 70}, Case{"angular_f32_packed_wide_copies", 256, 200}}) {
    SCOPED_TRACE(c.name);
    Make(VictimOf(c.name));
    const auto bits = Value<uint32_t>("graph", 3);
    const size_t weights = c.codes + (c.dim * bits + 31) / 32 * 64;
    constexpr size_t kDegree = 16;
    const size_t offsets = weights + 2 * kDegree;
    const auto byte = Value<uint8_t>("graph_nodes", c.codes);
    ExpectFault<uint8_t>("graph_nodes", c.codes, static_cast<uint8_t>(~byte),
                         "\"graph_nodes\": the codes of node 0 are not those of its edges");
    for (const size_t at : {weights, offsets}) {
      if (at == offsets && c.name[0] == 'd') continue;  // of dot, they are zero
      const auto half = Value<uint16_t>("graph_nodes", at / 2);
      ExpectFault<uint16_t>("graph_nodes", at / 2, 0x7FC0, "the codes of node 0");  // NaN
      ExpectFault<uint16_t>("graph_nodes", at / 2, static_cast<uint16_t>(half + 16),
                            "the codes of node 0");
    }
    ExpectFault<uint8_t>(
        "graph_nodes", offsets + 2 * kDegree + 4 * kDegree - 4,
        static_cast<uint8_t>(Value<uint8_t>("graph_nodes", offsets + 6 * kDegree - 4) ^ 1), "node");
    if (c.name[0] == 'd') continue;
    ExpectFault("graph_mean", 2, kNaN, "\"graph_mean\": it is not finite");
  }
}

// What another machine may round otherwise is no fault: one bit of a bfloat16.
TEST_F(VerifyTest, TheLastBitOfAnOffsetIsNoFault) {
  Make(VictimOf("euclidean_u8_packed_copies"));
  const size_t weights = 64 + (20 * Value<uint32_t>("graph", 3) + 31) / 32 * 64;
  const Status status =
      After("graph_nodes", [&](char* bytes, size_t) { bytes[weights + 2 * 16] ^= 1; });
  EXPECT_TRUE(status.ok()) << status.message();
}

TEST_F(VerifyTest, TheMeanOfScanCodesIsFinite) {
  Make(VictimOf("euclidean_f32_scan"));
  ExpectFault("scan_mean", 3, std::numeric_limits<float>::infinity(), "\"scan_mean\"");
}

TEST_F(VerifyTest, ThreadsFindTheSameAndTellHowFarTheyAre) {
  for (const Victim& victim : testing::Victims()) {
    Make(victim);
    file_.Write(sound_.bytes());
    std::mutex mutex;
    std::set<std::string> stages;
    VerifyOptions options;
    options.threads = 4;
    options.progress = [&](std::string_view stage, uint64_t done, uint64_t total) {
      const std::lock_guard lock(mutex);
      stages.emplace(stage);
      EXPECT_LE(done, total);
      return true;
    };
    EXPECT_TRUE(VerifyIndex(file_.path(), options).ok()) << victim.name;
    EXPECT_EQ(stages.count("checksums"), 1u);
    EXPECT_EQ(stages.count("vectors"), 1u);
    EXPECT_EQ(stages.count("keys"), victim.keys ? 1u : 0u);
    EXPECT_EQ(stages.count("ids"), victim.ids ? 1u : 0u);
    EXPECT_EQ(stages.count("trees"), victim.forest ? 1u : 0u);
    EXPECT_EQ(stages.count("links"), victim.graph != GraphLayout::kAuto ? 1u : 0u);
    EXPECT_EQ(stages.count("codes of the graph"), victim.graph == GraphLayout::kPacked ? 1u : 0u);
    EXPECT_EQ(stages.count("codes of the scan"), victim.scan_codes ? 1u : 0u);

    options.progress = [](std::string_view stage, uint64_t, uint64_t) {
      return stage != "vectors";
    };
    testing::ExpectError(VerifyIndex(file_.path(), options), StatusCode::kInvalidArgument,
                         "cancelled");
  }
}

}  // namespace
}  // namespace kith
