// The beam and the set of nodes met, against the ordered and the hashed set of the library.
#include "search/beam.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <set>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/rng.h"

namespace kith {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// The same beam as a set.
class PlainBeam {
 public:
  explicit PlainBeam(size_t width) : width_(width) {}

  float limit() const { return all_.size() < width_ ? kInfinity : all_.rbegin()->first; }
  void Insert(float estimate, uint32_t node) {
    all_.emplace(estimate, node);
    if (all_.size() <= width_) return;
    visited_.erase(all_.rbegin()->second);
    all_.erase(std::prev(all_.end()));
  }
  bool IsVisited(uint32_t node) const { return visited_.count(node) == 1; }
  void MarkVisited(uint32_t node) { visited_.insert(node); }
  const std::set<std::pair<float, uint32_t>>& all() const { return all_; }

  // The places of those not visited, nearest first.
  std::vector<size_t> Open() const {
    std::vector<size_t> open;
    size_t place = 0;
    for (const auto& [estimate, node] : all_) {
      if (!IsVisited(node)) open.push_back(place);
      ++place;
    }
    return open;
  }

 private:
  size_t width_;
  std::set<std::pair<float, uint32_t>> all_;
  std::set<uint32_t> visited_;
};

void ExpectSame(search::Beam* beam, const PlainBeam& plain) {
  ASSERT_EQ(beam->size(), plain.all().size());
  ASSERT_EQ(beam->limit(), plain.limit());
  size_t place = 0;
  for (const auto& [estimate, node] : plain.all()) {
    ASSERT_EQ(beam->estimate(place), estimate) << "place " << place;
    ASSERT_EQ(beam->node(place), node) << "place " << place;
    ++place;
  }
  const std::vector<size_t> open = plain.Open();
  size_t at = beam->Next();
  for (const size_t expected : open) {
    ASSERT_EQ(at, expected);
    at = beam->NextAfter(at);
  }
  ASSERT_EQ(at, beam->size());
}

// Few values, so that most inserts meet ties.
float FewValues(Rng* rng) {
  const float values[] = {-kInfinity, -3e38f, -2.5f, -1e-40f, 0.0f, 1e-45f, 0.5f, 1.0f, 3e38f};
  return values[rng->Below(std::size(values))];
}

void CheckBeam(size_t width, bool ties, uint64_t seed) {
  SCOPED_TRACE(::testing::Message() << "width " << width << (ties ? ", ties" : ""));
  Rng rng(seed, width);
  search::Beam beam;
  for (int epoch = 0; epoch < 3; ++epoch) {
    beam.Reset(width);
    PlainBeam plain(width);
    std::unordered_set<uint32_t> met;
    for (int round = 0; round < 400; ++round) {
      for (uint32_t inserts = rng.Below(6); inserts > 0; --inserts) {
        const uint32_t node =
            rng.Below(8) == 0 ? search::Beam::kMaxNode - rng.Below(100) : rng.Below(5000);
        const float estimate = ties ? FewValues(&rng) : static_cast<float>(rng.Normal());
        if (!(estimate < beam.limit()) || !met.insert(node).second) continue;
        beam.Offer(estimate, node);
        plain.Insert(estimate, node);
      }
      beam.Enter();
      if (beam.Next() < beam.size() && rng.Below(3) > 0) {
        plain.MarkVisited(beam.node(beam.Next()));
        beam.MarkVisited(beam.Next());
      }
      ExpectSame(&beam, plain);
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(BeamTest, IsAnOrderedSetOfItsWidth) {
  for (const size_t width : {1, 2, 3, 10, 64, 1000}) {
    CheckBeam(width, false, 1);
    CheckBeam(width, true, 2);
    if (HasFatalFailure()) return;
  }
}

TEST(BeamTest, IsEmptyAfterResetAndTakesEveryWidth) {
  search::Beam beam;
  for (const size_t width : {4, 1, 9, 2}) {
    beam.Reset(width);
    EXPECT_EQ(beam.size(), 0u);
    EXPECT_EQ(beam.Next(), 0u);
    EXPECT_EQ(beam.limit(), kInfinity);
    for (uint32_t node = 20; node > 0; --node) {
      if (static_cast<float>(node) < beam.limit()) beam.Offer(static_cast<float>(node), node);
      if (node % 3 == 0) beam.Enter();
    }
    beam.Enter();
    ASSERT_EQ(beam.size(), width);
    for (size_t i = 0; i < width; ++i) EXPECT_EQ(beam.node(i), i + 1);
  }
}

// A node that comes in before those visited is the next.
TEST(BeamTest, GoesBackToANearerNode) {
  search::Beam beam;
  beam.Reset(4);
  beam.Offer(2, 7);
  beam.Offer(3, 8);
  beam.Enter();
  beam.MarkVisited(beam.Next());
  beam.MarkVisited(beam.Next());
  EXPECT_EQ(beam.Next(), 2u);
  beam.Offer(-1, 9);
  beam.Enter();
  EXPECT_EQ(beam.node(beam.Next()), 9u);
  EXPECT_EQ(beam.NextAfter(0), beam.size());
}

TEST(SeenSetTest, IsAHashedSetThroughGrowthAndResets) {
  Rng rng(3);
  search::SeenSet seen;
  for (int epoch = 0; epoch < 60; ++epoch) {
    seen.Reset();
    std::unordered_set<uint32_t> plain;
    // Now and then far more than the table begins with.
    const uint32_t inserts = epoch % 20 == 7 ? 30000 : rng.Below(1500);
    const uint32_t range = epoch % 3 == 0 ? 1000 : 0x7FFFFFFF;
    for (uint32_t i = 0; i < inserts; ++i) {
      // Multiples of a large power of two would share a slot in a table that took the low bits.
      const uint32_t node = epoch % 4 == 1 ? rng.Below(1 << 11) << 20 : rng.Below(range);
      ASSERT_EQ(seen.Insert(node), plain.insert(node).second) << "epoch " << epoch;
    }
  }
}

TEST(SeenSetTest, HashesTellAsManyNodesApartAsThereCanBe) {
  // A table of 2^25 nodes has 2^26 slots, and each of its halves is to be used.
  std::vector<bool> used(64);
  for (uint32_t node = 0; node < 10000; ++node) {
    const size_t hash = search::SeenSet::Hash(node);
    ASSERT_LT(hash, uint64_t{1} << 32);
    used[hash >> 26] = true;
  }
  EXPECT_EQ(std::count(used.begin(), used.end(), true), 64);
}

TEST(SeenSetTest, ForgetsEverythingAtEachOfManyResets) {
  search::SeenSet seen;
  for (uint32_t epoch = 0; epoch < 100000; ++epoch) {
    seen.Reset();
    for (const uint32_t node : {0u, epoch + 1, search::Beam::kMaxNode}) {
      ASSERT_TRUE(seen.Insert(node)) << "epoch " << epoch;
    }
    ASSERT_FALSE(seen.Insert(search::Beam::kMaxNode));
  }
}

}  // namespace
}  // namespace kith
