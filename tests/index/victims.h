// Small .kith files of every kind, to be damaged, and everything a user can do with one.
#ifndef KITH_TESTS_INDEX_VICTIMS_H_
#define KITH_TESTS_INDEX_VICTIMS_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "kith/index.h"
#include "kith/map.h"
#include "matrix.h"
#include "paths.h"
#include "temp_dir.h"

namespace kith::testing {

struct Victim {
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
  size_t copies = 0;                       // rows that are the same as others
  bool calibrated = false;
};

// Between them: all metrics and types; forests with and without codes, a learnt basis, the extra
// coordinate of dot; graphs of both layouts, with and without copies; keys and ids; exact search
// over codes; a calibration.
inline std::vector<Victim> Victims() {
  return {
      {"angular_f32_codes_keys", Metric::kAngular, DataType::kF32, 60, 64, true, true, false},
      {"euclidean_u8_keys_ids", Metric::kEuclidean, DataType::kU8, 90, 12, true, true, true},
      {"dot_f32_basis_codes_ids", Metric::kDot, DataType::kF32, 40, 130, true, false, true},
      {"euclidean_f16_wide", Metric::kEuclidean, DataType::kF16, 40, 600, true, false, false},
      {"hamming_bit_ids", Metric::kHamming, DataType::kBit, 70, 43, false, false, true},
      {"manhattan_i8", Metric::kManhattan, DataType::kI8, 64, 5, true, false, false},
      {"angular_bf16_keys", Metric::kAngular, DataType::kBF16, 33, 7, false, true, false},
      // Rows enough for the smallest k that is searched to go over the codes.
      {"euclidean_f32_scan", Metric::kEuclidean, DataType::kF32, 200, 9, false, false, false, true},
      {"dot_f16_scan", Metric::kDot, DataType::kF16, 200, 9, false, false, false, true},
      {"euclidean_u8_packed_copies", Metric::kEuclidean, DataType::kU8, 150, 20, false, true, false,
       false, GraphLayout::kPacked, 40},
      {"angular_f32_packed_forest_ids", Metric::kAngular, DataType::kF32, 90, 30, true, false, true,
       false, GraphLayout::kPacked},
      // More nodes than spread entries, so that there are others.
      {"dot_f16_packed", Metric::kDot, DataType::kF16, 110, 70, false, false, false, false,
       GraphLayout::kPacked},
      // Wide vectors ride in their nodes rounded to bytes.
      {"angular_f32_packed_wide_copies", Metric::kAngular, DataType::kF32, 80, 200, false, false,
       false, false, GraphLayout::kPacked, 9},
      {"dot_f32_packed_wide", Metric::kDot, DataType::kF32, 70, 193, false, false, false, false,
       GraphLayout::kPacked},
      {"manhattan_f32_compact_copies", Metric::kManhattan, DataType::kF32, 120, 11, false, false,
       true, false, GraphLayout::kCompact, 30},
      {"hamming_bit_compact", Metric::kHamming, DataType::kBit, 80, 43, false, false, false, false,
       GraphLayout::kCompact},
      {.name = "euclidean_u8_calibrated",
       .metric = Metric::kEuclidean,
       .dtype = DataType::kU8,
       .rows = 140,
       .dim = 6,
       .forest = true,
       .graph = GraphLayout::kPacked,
       .calibrated = true}};
}

inline StringList VictimKeys(size_t rows) {
  StringList keys;
  for (size_t r = 0; r < rows; ++r) keys.Add("key " + std::to_string(r * r));
  return keys;
}

// Writes the file and returns its bytes.
inline std::string MakeVictim(const Victim& victim, const std::string& path) {
  Matrix rows = Matrix::Random(victim.dtype, victim.rows, victim.dim, victim.dim);
  for (size_t r = 0; r < victim.copies; ++r) rows.CopyRow(rows, r % 7, victim.rows - 1 - r);
  BuildOptions options;
  options.metric = victim.metric;
  options.dtype = victim.dtype;
  const bool graph = victim.graph != GraphLayout::kAuto;
  AskFor(graph, victim.forest, &options);
  if (graph) Ask<GraphOptions>(&options) = {.layout = victim.graph, .degree = 16};
  if (victim.forest) Ask<ForestOptions>(&options) = {.num_trees = 3, .leaf_size = 4};
  if (victim.scan_codes) Ask<ExactOptions>(&options).codes = true;
  options.threads = 1;
  const StringList keys = VictimKeys(victim.rows);
  if (victim.keys) options.keys = &keys;
  std::vector<int64_t> ids(victim.rows);
  for (size_t r = 0; r < victim.rows; ++r) ids[r] = static_cast<int64_t>(r * 1000 + 7);
  if (victim.ids) options.ids = &ids;
  const Status built = BuildIndex(rows.view(), path, options);
  EXPECT_TRUE(built.ok()) << built.message();
  if (victim.ids) {
    const Map map{.points = std::vector<float>(2 * victim.rows, 0.5F), .k = 4};
    const auto stored = StoreMap(**OpenIndex(path), map);
    EXPECT_TRUE(stored.ok()) << stored.status().message();
  }
  if (victim.calibrated) {
    const Status calibrated =
        CalibrateIndex(path, Matrix::Random(victim.dtype, 40, victim.dim, 99).view(),
                       {.ks = {1, 10}, .threads = 1});
    EXPECT_TRUE(calibrated.ok()) << calibrated.message();
  }
  return ReadFile(path);
}

inline void CheckMessage(const Status& status) {
  ASSERT_FALSE(status.message().empty());
  ASSERT_EQ(status.message().find('\n'), std::string::npos) << status.message();
  ASSERT_NE(status.code(), StatusCode::kInternal) << status.message();
}

// Whatever the file says, answers have the right shape, are in order and hold no NaN.
inline void CheckShape(const Index& index, const SearchResult& result, size_t queries, size_t k) {
  k = std::min<size_t>(k, index.info().num_vectors);
  ASSERT_EQ(result.k, k);
  ASSERT_EQ(result.ids.size(), queries * k);
  ASSERT_EQ(result.distances.size(), queries * k);
  for (size_t q = 0; q < queries; ++q) {
    for (size_t i = 0; i < k; ++i) {
      const float distance = result.distances[q * k + i];
      ASSERT_FALSE(std::isnan(distance));
      if (i > 0) {
        ASSERT_LE(result.distances[q * k + i - 1], distance);
      }
      if (index.info().has_ids) continue;
      const int64_t id = result.ids[q * k + i];
      ASSERT_GE(id, kNoId);
      ASSERT_LT(id, static_cast<int64_t>(index.info().num_vectors));
    }
  }
}

inline void SearchEveryWay(const Index& index) {
  const size_t dim = index.info().dim;
  const size_t n = index.info().num_vectors;
  for (const Matrix& queries :
       {Matrix::Random(DataType::kF32, 2, dim, 1), Matrix::Random(index.info().dtype, 2, dim, 2)}) {
    for (const IndexKind kind : {IndexKind::kExact, IndexKind::kForest, IndexKind::kGraph}) {
      for (const size_t k : {size_t{3}, n + 2}) {
        for (const int64_t effort : {int64_t{-1}, int64_t{1} << 40}) {
          if (kind == IndexKind::kExact && effort != -1) continue;
          SearchResult result;
          const Status status = index.Search(
              queries.view(), {.k = k, .index = kind, .effort = effort, .threads = 1}, &result);
          if (!status.ok()) {
            CheckMessage(status);
            continue;
          }
          CheckShape(index, result, queries.rows(), k);
        }
      }
      for (const double recall : {0.3, 0.9}) {
        SearchResult result;
        const Status status = index.Search(
            queries.view(), {.k = 3, .index = kind, .recall = recall, .threads = 1}, &result);
        if (!status.ok()) {
          CheckMessage(status);
          continue;
        }
        CheckShape(index, result, queries.rows(), 3);
        ASSERT_FALSE(std::isnan(result.plan.effort));
        ASSERT_TRUE(result.plan.recall > 0 && result.plan.recall <= 1) << result.plan.recall;
      }
    }
  }
}

inline void LookUpEverything(const Index& index) {
  const size_t n = index.info().num_vectors;
  std::vector<float> vector(index.info().dim);
  size_t read = 0;
  for (uint64_t row = 0; row < n; ++row) {
    const std::string_view key = index.Key(row);
    read += std::accumulate(key.begin(), key.end(), size_t{0});
    index.GetVector(row, vector.data());
    for (const float v : vector) read += std::isnan(v) ? 1 : 0;
    const auto found = index.FindId(index.Id(row));
    if (found.ok()) {
      ASSERT_LT(*found, n);
    }
    if (row % 8 == 0) {
      const auto by_key = index.FindKey(key);
      if (by_key.ok()) {
        ASSERT_LT(*by_key, n);
      }
    }
  }
  for (const std::string_view key : {"", "key 0", "key 4", "nobody"}) {
    const auto found = index.FindKey(key);
    if (found.ok()) {
      ASSERT_LT(*found, n);
    }
    if (!found.ok()) CheckMessage(found.status());
  }
  for (const int64_t id : {int64_t{-1}, int64_t{0}, int64_t{7}, int64_t{1} << 62}) {
    const auto found = index.FindId(id);
    if (found.ok()) {
      ASSERT_LT(*found, n);
    }
    if (!found.ok()) CheckMessage(found.status());
  }
  for (const auto& section : index.info().sections) read += section.size;
  for (const char c : index.info().built_with) read += static_cast<unsigned char>(c);
  const QueryDrift drift = index.Drift();
  ASSERT_TRUE(drift.distance >= 0 && drift.distance <= 1) << drift.distance;
  ASSERT_GT(read + 1, 0u);
}

// Does all there is to do with a file, which may be any bytes. True if it could be opened.
inline bool UseEverything(const std::string& path) {
  const auto index = OpenIndex(path);
  const Status verified = VerifyIndex(path);
  if (!verified.ok()) CheckMessage(verified);
  if (!index.ok()) {
    CheckMessage(index.status());
    EXPECT_FALSE(verified.ok()) << "verified, but can't be opened";
    return false;
  }
  SearchEveryWay(**index);
  LookUpEverything(**index);
  const auto map = StoredMap(**index);
  if (!map.ok()) CheckMessage(map.status());
  return true;
}

}  // namespace kith::testing

#endif  // KITH_TESTS_INDEX_VICTIMS_H_
