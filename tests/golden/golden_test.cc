// Files of every released format version: opened, answered as recorded, and built anew to the same
// bytes. README.md says how to write them.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdio>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "kith/index.h"
#include "matrix.h"
#include "paths.h"
#include "simd/kernels.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::Matrix;
using testing::ReadFile;
using testing::TempDir;
using testing::WriteFile;

constexpr uint32_t kCurrent = 2;  // the format version that is written

// Ids of which half have hashes that meet, so that their table has a seed: SplitMix64's finalizer,
// undone. Of the other half, the sign had to be changed.
int64_t CollidingId(size_t row) {
  const auto inverse = [](uint64_t odd) {
    uint64_t x = odd;
    for (int i = 0; i < 6; ++i) x *= 2 - odd * x;
    return x;
  };
  uint64_t y = row << 20;
  y ^= y >> 31 ^ y >> 62;
  y *= inverse(0x94D049BB133111EBu);
  y ^= y >> 27 ^ y >> 54;
  y *= inverse(0xBF58476D1CE4E5B9u);
  y ^= y >> 30 ^ y >> 60;
  return static_cast<int64_t>((y - 0x9E3779B97F4A7C15u) & ~(uint64_t{1} << 63));
}

struct Golden {
  std::string name;
  Metric metric;
  DataType dtype;
  size_t rows;
  size_t dim;
  bool forest;
  bool keys;
  bool ids;
  bool scan_codes = false;
  GraphLayout graph = GraphLayout::kAuto;  // kAuto: none
  bool colliding = false;                  // its ids
  uint32_t version = 1;

  std::string Path(const std::string& extension) const {
    return std::string(KITH_GOLDEN_DIR) + "/v" + std::to_string(version) + "/" + name + extension;
  }
  Golden Current() const {
    Golden golden = *this;
    golden.version = kCurrent;
    return golden;
  }
  // Graphs have copies.
  Matrix Rows() const {
    Matrix m = Matrix::Random(dtype, rows, dim, 1);
    for (size_t r = 0; r < 5 && has_graph(); ++r) m.CopyRow(m, 2 * r, rows - 1 - r);
    return m;
  }
  bool has_graph() const { return graph != GraphLayout::kAuto; }
  Matrix Queries() const { return Matrix::Random(dtype, 6, dim, 2); }
  std::string Key(size_t row) const { return "row " + std::to_string(row / 2); }
  int64_t Id(size_t row) const {
    if (colliding) return CollidingId(row);
    return ids ? static_cast<int64_t>(row * row + 1000) : static_cast<int64_t>(row);
  }
};

// Files of older versions never change.
bool UpdateWanted(const Golden& golden) {
  const char* wanted = getenv("KITH_UPDATE_GOLDEN");
  return golden.version == kCurrent && wanted != nullptr && std::string(wanted) == "1";
}

// Without fused multiply-add the last bits of sums of floats differ.
bool HasFusedMultiplyAdd() {
  const std::string target = simd::GetKernels().target;
  return target != "SCALAR" && target != "EMU128";
}

Status Build(const Golden& golden, const std::string& path) {
  StringList keys;
  std::vector<int64_t> ids;
  for (size_t r = 0; r < golden.rows; ++r) {
    keys.Add(golden.Key(r));
    ids.push_back(golden.Id(r));
  }
  BuildOptions options;
  options.metric = golden.metric;
  options.dtype = golden.dtype;
  testing::AskFor(golden.has_graph(), golden.forest, &options);
  if (golden.has_graph()) {
    testing::Ask<GraphOptions>(&options) = {.layout = golden.graph, .degree = 16};
  }
  if (golden.forest) testing::Ask<ForestOptions>(&options) = {.num_trees = 2, .leaf_size = 16};
  if (golden.scan_codes) testing::Ask<ExactOptions>(&options).codes = true;
  if (golden.keys) options.keys = &keys;
  if (golden.ids) options.ids = &ids;
  return BuildIndex(golden.Rows().view(), path, options);
}

// One line for each neighbour: how it was searched, query, place, id, distance.
std::string Answers(const Index& index, const Golden& golden) {
  std::ostringstream out;
  const Matrix queries = golden.Queries();
  for (const IndexKind kind : {IndexKind::kExact, IndexKind::kForest, IndexKind::kGraph}) {
    if (kind == IndexKind::kForest && !(golden.forest && HasFusedMultiplyAdd())) continue;
    if (kind == IndexKind::kGraph && !(golden.has_graph() && HasFusedMultiplyAdd())) continue;
    SearchResult result;
    const Status status = index.Search(
        queries.view(), {.k = 7, .index = kind, .effort = kind == IndexKind::kGraph ? 8 : 40},
        &result);
    EXPECT_TRUE(status.ok()) << status.message();
    for (size_t i = 0; i < result.ids.size(); ++i) {
      char distance[64];
      std::snprintf(distance, sizeof(distance), "%a", static_cast<double>(result.distances[i]));
      out << IndexKindName(kind) << ' ' << i / 7 << ' ' << i % 7 << ' ' << result.ids[i] << ' '
          << distance << '\n';
    }
  }
  return out.str();
}

std::map<std::string, uint32_t> Checksums(const Index& index) {
  std::map<std::string, uint32_t> sums;
  for (const auto& section : index.info().sections) sums[section.name] = section.crc32c;
  sums.erase("meta");  // names the version of kith
  return sums;
}

class GoldenTest : public ::testing::TestWithParam<Golden> {
 protected:
  void SetUp() override {
    const Golden& golden = GetParam();
    if (UpdateWanted(golden)) {
      const Status built = Build(golden, golden.Path(".kith"));
      ASSERT_TRUE(built.ok()) << built.message();
    }
    auto opened = OpenIndex(golden.Path(".kith"));
    ASSERT_TRUE(opened.ok()) << opened.status().message();
    index_ = std::move(opened).value();
    if (UpdateWanted(golden)) WriteFile(golden.Path(".answers"), Answers(*index_, golden));
  }
  std::unique_ptr<Index> index_;
};

TEST_P(GoldenTest, Opens) {
  const Golden& golden = GetParam();
  const IndexInfo& info = index_->info();
  EXPECT_EQ(info.format_version, golden.version);
  EXPECT_LE(info.file_bytes, 64u << 10);
  EXPECT_EQ(info.num_vectors, golden.rows);
  EXPECT_EQ(info.dim, golden.dim);
  EXPECT_EQ(info.metric, golden.metric);
  EXPECT_EQ(info.dtype, golden.dtype);
  EXPECT_EQ(testing::PathNumber(info, IndexKind::kExact, "codes") > 0, golden.scan_codes);
  EXPECT_EQ(info.has(IndexKind::kForest), golden.forest);
  EXPECT_EQ(info.has(IndexKind::kGraph), golden.has_graph());
  EXPECT_EQ(testing::LayoutOf(info), golden.graph);
  EXPECT_EQ(info.has_keys, golden.keys);
  EXPECT_EQ(info.has_ids, golden.ids);
  const Status verified = VerifyIndex(golden.Path(".kith"));
  EXPECT_TRUE(verified.ok()) << verified.message();
}

TEST_P(GoldenTest, HoldsItsVectorsKeysAndIds) {
  const Golden& golden = GetParam();
  const Matrix rows = golden.Rows();
  std::vector<float> vector(golden.dim);
  for (size_t r = 0; r < golden.rows; ++r) {
    index_->GetVector(r, vector.data());
    for (size_t c = 0; c < golden.dim; ++c) ASSERT_EQ(vector[c], rows.Get(r, c)) << "row " << r;
    EXPECT_EQ(index_->Id(r), golden.Id(r));
    const auto found = index_->FindId(golden.Id(r));
    ASSERT_TRUE(found.ok()) << found.status().message();
    EXPECT_EQ(*found, r);
    EXPECT_EQ(index_->Key(r), golden.keys ? golden.Key(r) : "");
    if (golden.keys) EXPECT_EQ(*index_->FindKey(golden.Key(r)), r / 2 * 2);
  }
}

TEST_P(GoldenTest, AnswersAsRecorded) {
  const Golden& golden = GetParam();
  const std::string recorded = ReadFile(golden.Path(".answers"));
  ASSERT_FALSE(recorded.empty());
  if (HasFusedMultiplyAdd()) {
    EXPECT_EQ(Answers(*index_, golden), recorded);
  } else if (golden.dtype != DataType::kF32) {
    const std::string exact = Answers(*index_, golden);
    EXPECT_EQ(exact, recorded.substr(0, exact.size()));
  }
}

TEST_P(GoldenTest, IsBuiltAnewToTheSameBytes) {
  if (GetParam().version != kCurrent) return;  // newer versions write other bytes
  if (!HasFusedMultiplyAdd()) GTEST_SKIP() << "no fused multiply-add: sums of floats differ";
  const TempDir dir;
  const Status built = Build(GetParam(), dir.File("again.kith"));
  ASSERT_TRUE(built.ok()) << built.message();
  const auto again = OpenIndex(dir.File("again.kith"));
  ASSERT_TRUE(again.ok()) << again.status().message();
  EXPECT_EQ(Checksums(**again), Checksums(*index_));
}

std::vector<Golden> Goldens() {
  std::vector<Golden> goldens = {
      {"euclidean_u8_forest_keys", Metric::kEuclidean, DataType::kU8, 120, 8, true, true, false},
      {"hamming_bit_ids", Metric::kHamming, DataType::kBit, 200, 100, false, false, true},
      {"angular_f32", Metric::kAngular, DataType::kF32, 60, 12, true, false, false},
      {"euclidean_f16_scan_codes", Metric::kEuclidean, DataType::kF16, 450, 10, false, false, false,
       true},
      {"angular_f32_graph_packed", Metric::kAngular, DataType::kF32, 40, 12, false, false, true,
       false, GraphLayout::kPacked},
      {"manhattan_i8_graph_compact", Metric::kManhattan, DataType::kI8, 150, 10, false, true, false,
       false, GraphLayout::kCompact}};
  const size_t old = goldens.size();
  for (size_t i = 0; i < old; ++i) goldens.push_back(goldens[i].Current());
  Golden seeded{
      "euclidean_u8_seeded_ids", Metric::kEuclidean, DataType::kU8, 2100, 2, false, false, true};
  seeded.colliding = true;
  goldens.push_back(seeded.Current());
  return goldens;
}

INSTANTIATE_TEST_SUITE_P(Versions, GoldenTest, ::testing::ValuesIn(Goldens()),
                         [](const auto& golden) {
                           return "V" + std::to_string(golden.param.version) + "_" +
                                  golden.param.name;
                         });

}  // namespace
}  // namespace kith
