// Vectors on which a scan over rounded codes would go wrong if its bounds were not bounds.
#ifndef KITH_TESTS_SCAN_DATA_H_
#define KITH_TESTS_SCAN_DATA_H_

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "matrix.h"

namespace kith::testing {

struct ScanData {
  std::string name;
  Matrix rows;  // float32
  Matrix queries;
};

inline Matrix Gaussian(size_t rows, size_t dim, uint64_t seed) {
  Matrix m(DataType::kF32, rows, dim);
  Rng rng(seed);
  for (size_t r = 0; r < rows; ++r) {
    for (size_t c = 0; c < dim; ++c) m.Set(r, c, rng.Normal());
  }
  return m;
}

template <class Function>
Matrix Mapped(Matrix m, const Function& f) {
  for (size_t r = 0; r < m.rows(); ++r) {
    for (size_t c = 0; c < m.dim(); ++c) m.Set(r, c, f(m.Get(r, c), r, c));
  }
  return m;
}

// Rows just below halfway from one code to the next, queries just above on the other side, so that
// every coordinate is rounded away from the other's. The last coordinate is the largest and sets
// the step to 1; half of the rows mirror the other half, so that the mean is zero.
inline ScanData RoundedApart(size_t n, size_t dim) {
  const auto value = [dim](size_t r, size_t c, double rest) {
    if (c + 1 == dim) return 127.0;
    return static_cast<double>((r / 2 + c) % 3) + rest;
  };
  Matrix rows(DataType::kF32, n, dim);
  for (size_t r = 0; r < n; ++r) {
    const double sign = r % 2 == 0 ? 1 : -1;
    for (size_t c = 0; c < dim; ++c) rows.Set(r, c, sign * value(r, c, 0.499));
  }
  Matrix queries(DataType::kF32, 8, dim);
  for (size_t q = 0; q < queries.rows(); ++q) {
    for (size_t c = 0; c < dim; ++c) queries.Set(q, c, value(q, c, q % 2 == 0 ? 0.501 : -0.499));
  }
  return {"rounded_apart", rows, queries};
}

// Distances that differ in the last bits only.
inline ScanData NearTies(size_t n, size_t dim) {
  Matrix rows(DataType::kF32, n, dim);
  Rng rng(5);
  for (size_t r = 0; r < n; ++r) {
    for (size_t c = 0; c < dim; ++c) rows.Set(r, c, 1);
    auto x = 1.0f;
    for (uint32_t steps = rng.Below(3); steps > 0; --steps) x = std::nextafter(x, 2.0f);
    rows.Set(r, rng.Below(static_cast<uint32_t>(dim)), x);
  }
  return {"near_ties", rows, Gaussian(6, dim, 6)};
}

inline std::vector<ScanData> ScanDataSets(size_t n, size_t dim) {
  const Matrix rows = Gaussian(n, dim, 1);
  const Matrix queries = Gaussian(6, dim, 2);
  std::vector<ScanData> sets;
  const auto add = [&](const std::string& name, const auto& f) {
    sets.push_back({name, Mapped(rows, f), Mapped(queries, f)});
  };
  add("gaussian", [](double x, size_t, size_t) { return x; });
  add("large_offset", [](double x, size_t, size_t) { return 1e6 + x; });
  add("tiny_differences", [](double x, size_t, size_t) { return 1000 + 1e-3 * x; });
  add("small", [](double x, size_t, size_t) { return 1e-12 * x; });
  add("subnormal", [](double x, size_t, size_t) { return 1e-41 * x; });
  add("below_range", [](double x, size_t, size_t) { return 1e-20 * x; });
  add("above_range",
      [dim](double x, size_t, size_t) { return 2e18 / std::sqrt(static_cast<double>(dim)) * x; });
  add("many_lengths",
      [](double x, size_t r, size_t) { return x * std::pow(10, r % 30 / 2.0 - 8); });
  add("outlier_coordinate",
      [](double x, size_t r, size_t c) { return c == 0 ? (r % 2 == 0 ? 1e4 : -1e4) + x : x; });
  add("outlier_rows", [](double x, size_t r, size_t) { return r % 50 == 7 ? 1e6 * x : x; });
  add("equal", [](double, size_t, size_t c) { return 0.3 + 0.1 * static_cast<double>(c % 7); });
  add("zeros", [](double x, size_t r, size_t) { return r % 3 == 0 ? 0 : x; });
  add("integers", [](double x, size_t, size_t) { return std::round(x); });
  sets.push_back({"duplicates", rows, queries});
  for (size_t r = 20; r < n; ++r) sets.back().rows.CopyRow(rows, r % 20, r);
  sets.push_back({"queries_are_rows", rows, Mapped(queries, [&](double, size_t q, size_t c) {
                    return rows.Get(q * 7 % n, c);
                  })});
  sets.push_back({"clustered", Matrix::Clustered(n, dim, 12, 0.01, 3),
                  Matrix::Clustered(6, dim, 12, 0.01, 3)});
  sets.push_back(RoundedApart(n, dim));
  sets.push_back(NearTies(n, dim));
  return sets;
}

// The rows by falling distance to the origin's positive corner: each is nearer than all before.
inline Matrix FarthestFirst(const Matrix& rows) {
  std::vector<std::pair<double, size_t>> order;
  for (size_t r = 0; r < rows.rows(); ++r) {
    double sum = 0;
    for (size_t c = 0; c < rows.dim(); ++c) sum += rows.Get(r, c);
    order.emplace_back(sum, r);
  }
  std::sort(order.begin(), order.end());
  std::vector<size_t> by_row;
  for (const auto& [sum, row] : order) by_row.push_back(row);
  return rows.Permuted(by_row);
}

}  // namespace kith::testing

#endif  // KITH_TESTS_SCAN_DATA_H_
