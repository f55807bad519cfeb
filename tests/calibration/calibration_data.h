// Calibrated files, and searches in them as their plans say.
#ifndef KITH_TESTS_INDEX_CALIBRATION_DATA_H_
#define KITH_TESTS_INDEX_CALIBRATION_DATA_H_

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "calibration/replace_calibration.h"
#include "graph/graph_data.h"
#include "index/index_checks.h"
#include "kith/index.h"
#include "matrix.h"

namespace kith::testing {

inline SearchPlan PlanOrFail(const Index& index, const SearchParams& params,
                             size_t num_queries = 1) {
  const auto plan = index.Plan(params, num_queries);
  EXPECT_TRUE(plan.ok()) << plan.status().message();
  return plan.ok() ? *plan : SearchPlan{};
}

// The share of the k nearest found, as docs/recall.md counts them: those at most a thousandth
// farther than the k-th.
inline double MeanRecall(const SearchResult& exact, const SearchResult& found) {
  size_t hits = 0;
  for (size_t q = 0; q < exact.num_queries; ++q) {
    const double kth = exact.distances[q * exact.k + exact.k - 1];
    for (size_t i = 0; i < exact.k; ++i) {
      hits += found.distances[q * exact.k + i] <= kth + 1e-3 * std::abs(kth) ? 1 : 0;
    }
  }
  return static_cast<double>(hits) / static_cast<double>(exact.num_queries * exact.k);
}

// Writes a copy of a file that takes the given efforts for the given recalls, whatever the k.
inline void SetCalibration(const std::string& from, const std::string& to,
                           const Calibration& calibration) {
  std::vector<std::string> names;
  {
    const auto index = OpenIndex(from);
    ASSERT_TRUE(index.ok()) << index.status().message();
    for (const auto& section : (*index)->info().sections) names.push_back(section.name);
  }
  const std::vector<std::string_view> known(names.begin(), names.end());
  const auto file = storage::ContainerReader::Open(from, known);
  ASSERT_TRUE(file.ok()) << file.status().message();
  const Status written = ReplaceCalibration(**file, calibration, to);
  ASSERT_TRUE(written.ok()) << written.message();
}

}  // namespace kith::testing

#endif  // KITH_TESTS_INDEX_CALIBRATION_DATA_H_
