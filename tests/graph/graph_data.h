// Vectors as real ones are, to build graphs of, and what every graph must be good for.
#ifndef KITH_TESTS_INDEX_GRAPH_DATA_H_
#define KITH_TESTS_INDEX_GRAPH_DATA_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "index/index_checks.h"
#include "kith/index.h"
#include "matrix.h"

namespace kith::testing {

// Clusters in `latent` dimensions, mapped to many: most real data is of this kind, and a graph of
// Gaussian noise in many dimensions would be good for nothing.
inline Matrix Mixture(size_t rows, size_t dim, size_t clusters, size_t latent, uint64_t seed) {
  const Matrix points = Matrix::Clustered(rows, latent, clusters, 0.4, seed);
  Rng rng(seed, 1);
  std::vector<double> map(latent * dim);
  for (double& v : map) v = rng.Normal() / std::sqrt(static_cast<double>(latent));
  Matrix m(DataType::kF32, rows, dim);
  for (size_t r = 0; r < rows; ++r) {
    for (size_t c = 0; c < dim; ++c) {
      double sum = 0.02 * rng.Normal();
      for (size_t l = 0; l < latent; ++l) sum += points.Get(r, l) * map[l * dim + c];
      m.Set(r, c, sum);
    }
  }
  return m;
}

// The same in another type: rounded to 35 steps a unit in bytes, to the sign in bits.
inline Matrix Rounded(const Matrix& m, DataType dtype) {
  Matrix out(dtype, m.rows(), m.dim());
  for (size_t r = 0; r < m.rows(); ++r) {
    for (size_t c = 0; c < m.dim(); ++c) {
      const double v = m.Get(r, c);
      const double step = std::round(35 * v);
      switch (dtype) {
        case DataType::kU8: out.Set(r, c, std::clamp(step + 128, 0.0, 255.0)); break;
        case DataType::kI8: out.Set(r, c, std::clamp(step, -128.0, 127.0)); break;
        case DataType::kBit: out.Set(r, c, v > 0 ? 1 : 0); break;
        default: out.Set(r, c, v); break;
      }
    }
  }
  return out;
}

// The rows from `begin` on.
inline Matrix Part(const Matrix& m, size_t begin, size_t count) {
  std::vector<size_t> order(count);
  for (size_t i = 0; i < count; ++i) order[i] = begin + i;
  return m.Permuted(order);
}

inline Matrix Scaled(const Matrix& m, double scale) {
  Matrix out(m.view().dtype, m.rows(), m.dim());
  for (size_t r = 0; r < m.rows(); ++r) {
    for (size_t c = 0; c < m.dim(); ++c) out.Set(r, c, scale * m.Get(r, c));
  }
  return out;
}

inline BuildOptions GraphBuild(Metric metric, GraphLayout layout = GraphLayout::kAuto) {
  BuildOptions options;
  options.metric = metric;
  options.paths.push_back(GraphOptions{.layout = layout});
  return options;
}

// Layouts that a metric has over a type.
inline std::vector<GraphLayout> Layouts(Metric metric, DataType dtype) {
  if (dtype == DataType::kBit || metric == Metric::kManhattan || metric == Metric::kHamming) {
    return {GraphLayout::kCompact};
  }
  return {GraphLayout::kPacked, GraphLayout::kCompact};
}

// What approximate search found is right in itself: distinct rows in order, each at the distance
// that exact search gives it, bit for bit. REQUIRES: external ids are row numbers.
inline void CheckAnswers(const Index& index, const MatrixView& queries, const SearchResult& found) {
  const size_t n = index.info().num_vectors;
  const SearchResult all = SearchOrFail(index, queries, {.k = n, .index = IndexKind::kExact});
  std::vector<float> distances(n);
  for (size_t q = 0; q < queries.rows; ++q) {
    std::fill(distances.begin(), distances.end(), -1.0f);
    for (size_t i = 0; i < n; ++i) {
      if (all.ids[q * n + i] >= 0) {
        distances[static_cast<size_t>(all.ids[q * n + i])] = all.distances[q * n + i];
      }
    }
    std::vector<bool> seen(n);
    for (size_t i = 0; i < found.k; ++i) {
      const int64_t id = found.ids[q * found.k + i];
      const float distance = found.distances[q * found.k + i];
      SCOPED_TRACE(::testing::Message() << "query " << q << ", place " << i << ", id " << id);
      // All vectors are there for k of them.
      if (i >= n) {
        ASSERT_EQ(id, kNoId);
        continue;
      }
      ASSERT_TRUE(id >= 0 && static_cast<size_t>(id) < n);
      ASSERT_FALSE(seen[static_cast<size_t>(id)]) << "twice";
      seen[static_cast<size_t>(id)] = true;
      ASSERT_EQ(std::memcmp(&distance, &distances[static_cast<size_t>(id)], sizeof(float)), 0)
          << distance << " is not " << distances[static_cast<size_t>(id)];
      if (i > 0) {
        ASSERT_LE(found.distances[q * found.k + i - 1], distance);
      }
    }
  }
}

// Recall@k of a graph at a beam width.
inline double GraphRecall(const Index& index, const MatrixView& queries, size_t k, int64_t ef) {
  const SearchResult exact = SearchOrFail(index, queries, {.k = k, .index = IndexKind::kExact});
  return Recall(exact,
                SearchOrFail(index, queries, {.k = k, .index = IndexKind::kGraph, .effort = ef}));
}

}  // namespace kith::testing

#endif  // KITH_TESTS_INDEX_GRAPH_DATA_H_
