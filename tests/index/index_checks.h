// Building small indexes, and comparing what they answer with plain loops.
#ifndef KITH_TESTS_INDEX_INDEX_CHECKS_H_
#define KITH_TESTS_INDEX_INDEX_CHECKS_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "kith/index.h"
#include "matrix.h"
#include "temp_dir.h"

namespace kith::testing {

// Builds and opens; nullptr and a failure if that fails. `path` must be new or its index unused.
inline std::unique_ptr<Index> BuildAndOpen(const std::string& path, const Matrix& rows,
                                           const BuildOptions& options) {
  const Status built = BuildIndex(rows.view(), path, options);
  EXPECT_TRUE(built.ok()) << built.message();
  if (!built.ok()) return nullptr;
  auto index = OpenIndex(path);
  EXPECT_TRUE(index.ok()) << index.status().message();
  return index.ok() ? std::move(index).value() : nullptr;
}

inline SearchResult SearchOrFail(const Index& index, const MatrixView& queries,
                                 const SearchParams& params) {
  SearchResult result;
  const Status status = index.Search(queries, params, &result);
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(result.num_queries, queries.rows);
  EXPECT_EQ(result.k, std::min<size_t>(params.k, index.info().num_vectors));
  EXPECT_EQ(result.ids.size(), queries.rows * result.k);
  EXPECT_EQ(result.distances.size(), queries.rows * result.k);
  return result;
}

inline void ExpectSameAnswers(const SearchResult& a, const SearchResult& b) {
  EXPECT_EQ(a.ids, b.ids);
  ASSERT_EQ(a.distances.size(), b.distances.size());
  EXPECT_TRUE(a.distances.empty() || std::memcmp(a.distances.data(), b.distances.data(),
                                                 a.distances.size() * sizeof(float)) == 0);
}

// The true distances of a query to all rows, nearest first, ties by the smaller row.
inline std::vector<std::pair<double, size_t>> AllNeighbours(Metric metric, const Matrix& queries,
                                                            size_t q, const Matrix& rows) {
  std::vector<std::pair<double, size_t>> all;
  for (size_t r = 0; r < rows.rows(); ++r) {
    all.emplace_back(Distance(metric, queries, q, rows, r).value, r);
  }
  std::sort(all.begin(), all.end());
  return all;
}

// Checks one query's answer of exact search: the ids are distinct rows in order, their distances
// are right, and at each place no nearer row was left out. Places beyond n are kNoId and +inf.
inline void CheckNearest(Metric metric, const Matrix& queries, size_t q, const Matrix& rows,
                         const SearchResult& result) {
  const auto truth = AllNeighbours(metric, queries, q, rows);
  std::set<int64_t> seen;
  for (size_t i = 0; i < result.k; ++i) {
    const int64_t id = result.ids[q * result.k + i];
    const float distance = result.distances[q * result.k + i];
    SCOPED_TRACE(::testing::Message() << "query " << q << ", place " << i << ", id " << id);
    if (i >= rows.rows()) {
      ASSERT_EQ(id, kNoId);
      ASSERT_EQ(distance, std::numeric_limits<float>::infinity());
      continue;
    }
    ASSERT_TRUE(id >= 0 && static_cast<size_t>(id) < rows.rows());
    ASSERT_TRUE(seen.insert(id).second) << "twice";
    const PlainDistance own = Distance(metric, queries, q, rows, static_cast<size_t>(id));
    ASSERT_NEAR(distance, own.value, own.tolerance + 1e-30);
    const PlainDistance best = Distance(metric, queries, q, rows, truth[i].second);
    ASSERT_NEAR(distance, best.value, std::max(own.tolerance, best.tolerance) + 1e-30);
    if (i == 0) continue;
    const float before = result.distances[q * result.k + i - 1];
    ASSERT_LE(before, distance);
    // Euclidean ties are those of the squares: roots of different squares may round to the same.
    if (before == distance && metric != Metric::kEuclidean) {
      ASSERT_LT(result.ids[q * result.k + i - 1], id);
    }
  }
}

// The share of the true k nearest (by distance, so that ties cost nothing) in a forest's answer.
inline double Recall(const SearchResult& exact, const SearchResult& found) {
  size_t hits = 0;
  for (size_t q = 0; q < exact.num_queries; ++q) {
    const float worst = exact.distances[q * exact.k + exact.k - 1];
    for (size_t i = 0; i < exact.k; ++i) {
      hits += found.distances[q * exact.k + i] <= worst ? 1 : 0;
    }
  }
  return static_cast<double>(hits) / static_cast<double>(exact.num_queries * exact.k);
}

}  // namespace kith::testing

#endif  // KITH_TESTS_INDEX_INDEX_CHECKS_H_
