// Small files that were made to cost much: what a query does is bounded by its effort and by the
// size of the file, whatever the file says. Work is counted, not timed.
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "index/victims.h"
#include "kith/eval.h"
#include "kith/index.h"
#include "matrix.h"
#include "memory_file.h"
#include "storage/container_image.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::ContainerImage;
using testing::Matrix;
using testing::MemoryFile;
using testing::TempDir;
using testing::Victim;

ContainerImage ImageOf(const Victim& victim) {
  const TempDir dir;
  return ContainerImage(testing::MakeVictim(victim, dir.File("x.kith")));
}

template <class T>
void Put(ContainerImage* image, std::string_view section, size_t at, const std::vector<T>& values) {
  std::memcpy(image->bytes().data() + image->OffsetOf(section) + at, values.data(),
              values.size() * sizeof(T));
}

size_t SizeOf(const ContainerImage& image, std::string_view section) {
  for (size_t i = 0; i < image.header().section_count; ++i) {
    const storage::SectionEntry entry = image.entry(i);
    if (storage::SectionName(entry) == section) return entry.size;
  }
  ADD_FAILURE() << "no section " << section;
  return 0;
}

// A sealed image, opened.
class OpenedImage {
 public:
  explicit OpenedImage(ContainerImage image) {
    image.Seal();
    file_.Write(image.bytes());
    auto index = OpenIndex(file_.path());
    EXPECT_TRUE(index.ok()) << index.status().message();
    if (index.ok()) index_ = std::move(index).value();
  }
  const Index& operator*() const { return *index_; }
  std::string path() const { return file_.path(); }

 private:
  MemoryFile file_;
  std::unique_ptr<Index> index_;
};

// Counts how often it is asked.
class CountingFilter final : public RowFilter {
 public:
  CountingFilter(bool passes, bool absent) : passes_(passes), absent_(absent) {}
  bool Passes(size_t, uint64_t) const noexcept override {
    ++asked_;
    return passes_;
  }
  uint64_t NumExcluded(size_t) const noexcept override { return 0; }
  bool absent() const noexcept override { return absent_; }
  uint64_t asked() const { return asked_; }

 private:
  const bool passes_;
  const bool absent_;
  mutable std::atomic<uint64_t> asked_ = 0;
};

// Every node of every tree leads to one leaf, as large as leaves can be.
TEST(BoundedForestTest, OneLeafForAllNodesIsReadAsOftenAsThereAreTrees) {
  constexpr size_t kRows = 70000;
  constexpr uint32_t kLeaf = 65535;
  constexpr size_t kTrees = 3;  // of victims
  ContainerImage image =
      ImageOf({"", Metric::kEuclidean, DataType::kU8, kRows, 4, true, false, false});
  std::vector<uint16_t> block(kLeaf + 2, 1);  // ascending one by one
  block[0] = block[1] = 0;                    // from position 0 on
  block[2] = kLeaf;
  ASSERT_GE(SizeOf(image, "leaves"), block.size() * sizeof(uint16_t));
  Put(&image, "leaves", 0, block);
  constexpr uint32_t kFirstLeaf = 0x80000000u;
  constexpr size_t kNodeBytes = 16 + 16;
  const auto nodes = static_cast<uint32_t>(SizeOf(image, "nodes") / kNodeBytes);
  ASSERT_GT(nodes, 1000u);
  for (uint32_t node = 0; node + 1 < nodes; ++node) {
    Put<uint32_t>(&image, "nodes", node * kNodeBytes + 8, {node + 1, kFirstLeaf});
  }
  Put<uint32_t>(&image, "roots", 0, std::vector<uint32_t>(kTrees, 0));
  const OpenedImage file(std::move(image));
  EXPECT_EQ(VerifyIndex(file.path()).code(), StatusCode::kCorruption);

  const Matrix query(DataType::kF32, 1, 4);
  const CountingFilter none(false, false);
  for (const RowFilter* filter : {&AllRows(), static_cast<const RowFilter*>(&none)}) {
    SearchResult result;
    ASSERT_TRUE((*file)
                    .Search(query.view(),
                            {.k = 10,
                             .index = IndexKind::kForest,
                             .effort = int64_t{1} << 40,
                             .filter = filter},
                            &result)
                    .ok());
    EXPECT_GE(result.stats.entries, kLeaf);
    // A leaf more tells that the trees lie.
    EXPECT_LE(result.stats.entries, (kTrees + 1) * kLeaf);
  }
}

// Leaves that say they hold many positions, of which all are the same.
TEST(BoundedForestTest, ALeafOfOneVectorManyTimesEndsTheSearch) {
  ContainerImage image =
      ImageOf({"", Metric::kEuclidean, DataType::kU8, 70000, 4, true, false, false});
  std::vector<uint16_t> block(SizeOf(image, "leaves") / sizeof(uint16_t), 0);
  // At each multiple of 8 bytes: position 0, 65535 times.
  for (size_t i = 2; i < block.size(); i += 4) block[i] = 65535;
  Put(&image, "leaves", 0, block);
  const OpenedImage file(std::move(image));
  SearchResult result;
  ASSERT_TRUE((*file)
                  .Search(Matrix(DataType::kF32, 1, 4).view(),
                          {.index = IndexKind::kForest, .effort = int64_t{1} << 40}, &result)
                  .ok());
  EXPECT_LE(result.stats.entries, 2 * 65535u);
}

// Every other node claims all copies. A filter is asked for each row that a node stands for.
class BoundedCopiesTest : public ::testing::TestWithParam<GraphLayout> {
 protected:
  static constexpr size_t kRows = 1200;
  static constexpr size_t kCopies = 400;

  void SetUp() override {
    Victim victim{"", Metric::kEuclidean, DataType::kU8, kRows, 12, false, false, false};
    victim.graph = GetParam();
    victim.copies = kCopies;
    ContainerImage image = ImageOf(victim);
    const size_t ends = SizeOf(image, "graph_copies") / sizeof(uint32_t);
    std::vector<uint32_t> copies(ends);
    for (size_t i = 0; i < ends; ++i) copies[i] = i % 2 == 0 ? 0 : kCopies;
    Put(&image, "graph_copies", 0, copies);
    file_ = std::make_unique<OpenedImage>(std::move(image));
  }

  // How often a search of everything asks.
  uint64_t Asked(bool passes, bool absent, size_t k) const {
    const CountingFilter filter(passes, absent);
    SearchResult result;
    const Matrix query = Matrix::Random(DataType::kF32, 1, 12, 5);
    EXPECT_TRUE((**file_)
                    .Search(query.view(),
                            {.k = k,
                             .index = IndexKind::kGraph,
                             .effort = static_cast<int64_t>(kRows),
                             .filter = &filter},
                            &result)
                    .ok());
    testing::CheckShape(**file_, result, 1, k);
    return filter.asked();
  }

  std::unique_ptr<OpenedImage> file_;
};

TEST_P(BoundedCopiesTest, NoRowIsLookedAtMoreThanTwice) {
  // Once by the walk and once for the answer, each over no more than all rows.
  for (const bool passes : {false, true}) {
    for (const bool absent : {false, true}) {
      for (const size_t k : {size_t{1}, size_t{10}, kRows}) {
        EXPECT_LE(Asked(passes, absent, k), 2 * kRows)
            << "passes " << passes << ", absent " << absent << ", k " << k;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Layouts, BoundedCopiesTest,
                         ::testing::Values(GraphLayout::kPacked, GraphLayout::kCompact),
                         [](const auto& info) { return GraphLayoutName(info.param); });

TEST(BoundedKTest, NothingIsMadeReadyForNeighboursThatAreNotThere) {
  constexpr size_t kHuge = size_t{1} << 45;
  for (const Victim& victim : testing::Victims()) {
    SCOPED_TRACE(victim.name);
    const OpenedImage file(ImageOf(victim));
    const Matrix queries = Matrix::Random(victim.dtype, 3, victim.dim, 5);
    for (const IndexKind kind :
         {IndexKind::kAuto, IndexKind::kExact, IndexKind::kForest, IndexKind::kGraph}) {
      if (!(*file).info().has(kind) && kind != IndexKind::kAuto) continue;
      SearchResult all;
      SearchResult more;
      ASSERT_TRUE((*file).Search(queries.view(), {.k = victim.rows, .index = kind}, &all).ok());
      const Status status = (*file).Search(queries.view(), {.k = kHuge, .index = kind}, &more);
      ASSERT_TRUE(status.ok()) << status.message();
      EXPECT_EQ(more.k, victim.rows);
      EXPECT_EQ(more.ids, all.ids);
      EXPECT_EQ(more.distances, all.distances);
      EXPECT_EQ(more.plan.effort, all.plan.effort);
      const auto plan = (*file).Plan({.k = kHuge, .index = kind}, 3);
      ASSERT_TRUE(plan.ok());
      EXPECT_EQ(plan->effort, more.plan.effort);
    }
  }
}

TEST(BoundedKTest, TheTruthHasAsManyNeighboursAsThereAreVectors) {
  const Matrix rows = Matrix::Random(DataType::kF32, 20, 3, 1);
  const auto truth =
      ComputeGroundTruth(rows.view(), rows.view(), Metric::kEuclidean, size_t{1} << 45);
  ASSERT_TRUE(truth.ok()) << truth.status().message();
  EXPECT_EQ(truth->k, 20u);
  EXPECT_EQ(truth->ids.size(), 400u);
}

// Vectors whose hashes were made to be the same are told apart, copies found among them.
TEST(BoundedBuildTest, VectorsOfEqualHashAreDistinctUnlessTheyAreCopies) {
  constexpr size_t kRows = 600;
  const auto mix = [](uint64_t x) {
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
  };
  Matrix rows(DataType::kU8, kRows, 16);
  for (size_t r = 0; r < kRows; ++r) {
    const uint64_t first = r % 500;  // 100 of them twice
    const uint64_t words[] = {first, mix(16 ^ first) ^ 0x123456789ABCDEF0u};
    for (size_t c = 0; c < 16; ++c) {
      rows.Set(r, c, static_cast<float>(words[c / 8] >> (c % 8 * 8) & 0xFF));
    }
  }
  BuildOptions options;
  options.metric = Metric::kEuclidean;
  options.paths = {GraphOptions{.layout = GraphLayout::kCompact, .degree = 16}};
  const auto index = BuildIndexInMemory(rows.view(), options);
  ASSERT_TRUE(index.ok()) << index.status().message();
  EXPECT_EQ(testing::GraphNumber((*index)->info(), "nodes"), 500u);
  EXPECT_TRUE(VerifyIndex(**index).ok());
}

}  // namespace
}  // namespace kith
