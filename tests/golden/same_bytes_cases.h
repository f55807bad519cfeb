// The files that same_bytes_test.cc builds, and the vectors in them.
#ifndef KITH_TESTS_GOLDEN_SAME_BYTES_CASES_H_
#define KITH_TESTS_GOLDEN_SAME_BYTES_CASES_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/rng.h"
#include "kith/index.h"
#include "matrix.h"
#include "sanitized.h"

namespace kith::testing {

// Enough for drift to be judged and for a file to be calibrated with.
inline constexpr size_t kSameBytesQueries = 40;

struct SameBytesCase {
  enum class Kind {
    kNoise,     // no structure: graphs and trees find little
    kClusters,  // as most real data is
    kTight,     // clusters far apart, which codes of a graph's edges may not suit
    kCopies,    // clusters, of which every third vector is as another
    kLengths,   // noise of uneven length, for dot
    kWholes,    // integers 0 to 255, as any type
    kWords,     // of examples/data
  };

  std::string name;
  Kind kind;
  Metric metric;
  DataType dtype;  // of the vectors given
  size_t rows;
  size_t dim;
  // The ways in, "auto", "exact", "graph", "forest" or "graph,forest", and what else is asked for;
  // of clusters, how many and how wide, in thousandths of their distance.
  std::string asked;

  // Whether the word is among what is asked for.
  bool Asks(std::string_view word) const {
    return (' ' + asked + ' ').find(' ' + std::string(word) + ' ') != std::string::npos;
  }
  // The number behind "word=", or `other` if it is not there.
  uint64_t Number(std::string_view word, uint64_t other = 0) const {
    const size_t at = (' ' + asked).find(' ' + std::string(word) + '=');
    return at == std::string::npos ? other : std::stoull(asked.substr(at + word.size() + 1));
  }
  // The smallest type that holds all is stored, if "narrow" is asked for.
  bool KeepsType() const { return !Asks("narrow"); }
};

inline void PrintTo(const SameBytesCase& c, std::ostream* out) { *out << c.name; }

inline BuildOptions OptionsOf(const SameBytesCase& c) {
  BuildOptions options;
  options.metric = c.metric;
  if (c.KeepsType()) options.dtype = c.dtype;
  GraphOptions graph;
  if (c.Asks("packed")) graph.layout = GraphLayout::kPacked;
  if (c.Asks("compact")) graph.layout = GraphLayout::kCompact;
  graph.code_bits = static_cast<int>(c.Number("bits"));
  graph.degree = static_cast<uint32_t>(c.Number("degree"));
  graph.beam = static_cast<uint32_t>(c.Number("beam"));
  ForestOptions forest;
  forest.num_trees = static_cast<uint32_t>(c.Number("trees"));
  forest.leaf_size = static_cast<uint32_t>(c.Number("leaf"));
  ExactOptions exact;
  if (c.Asks("codes")) exact.codes = true;
  if (c.Asks("no_codes")) exact.codes = false;
  if (c.Asks("auto")) {
    options.if_chosen = {exact, graph, forest};
  } else {
    if (c.Asks("graph") || c.Asks("graph,forest")) options.paths.emplace_back(graph);
    if (c.Asks("forest") || c.Asks("graph,forest")) options.paths.emplace_back(forest);
    if (options.paths.empty()) options.paths.emplace_back(exact);
  }
  if (c.Asks("uncalibrated")) options.calibrate = false;
  options.expected_queries = c.Number("queries");
  options.memory = c.Number("memory");
  options.seed = c.Number("seed", options.seed);
  return options;
}

// A value of the type: floats as they are, others in steps of 35 a unit, bits by their sign.
inline void SetRounded(Matrix* m, size_t row, size_t column, double value) {
  const auto step = static_cast<double>(static_cast<int>(35 * value));
  switch (m->view().dtype) {
    case DataType::kU8: return m->Set(row, column, std::clamp(step + 128, 0.0, 255.0));
    case DataType::kI8: return m->Set(row, column, std::clamp(step, -128.0, 127.0));
    case DataType::kBit: return m->Set(row, column, value > 0 ? 1 : 0);
    default: return m->Set(row, column, value);
  }
}

// Words, and as queries rarer ones that are behind all that any case takes.
inline Matrix WordVectors(const std::string& path, size_t rows) {
  constexpr size_t kFirstAsked = 20000;
  const auto words = OpenIndex(path);
  if (!words.ok()) {
    ADD_FAILURE() << words.status().message();
    return {};
  }
  const size_t dim = (*words)->info().dim;
  Matrix m(DataType::kI8, rows + kSameBytesQueries, dim);
  std::vector<float> vector(dim);
  for (size_t r = 0; r < m.rows(); ++r) {
    (*words)->GetVector(r < rows ? r : kFirstAsked + r - rows, vector.data());
    for (size_t c = 0; c < dim; ++c) m.Set(r, c, static_cast<double>(vector[c]));
  }
  return m;
}

// The rows, and the queries behind them.
inline Matrix VectorsOf(const SameBytesCase& c, const std::string& words) {
  using Kind = SameBytesCase::Kind;
  if (c.kind == Kind::kWords) return WordVectors(words, c.rows);
  const size_t all = c.rows + kSameBytesQueries;
  Matrix m(c.dtype, all, c.dim);
  Rng rng(1, c.dim);
  const bool clustered = c.kind != Kind::kNoise && c.kind != Kind::kLengths;
  const double spread = c.kind == Kind::kTight ? 1e-3 * c.Number("spread", 1) : 0.4;
  const Matrix clusters =
      clustered ? Matrix::Clustered(all, c.dim, c.Number("clusters", 30), spread, 3) : Matrix();
  for (size_t r = 0; r < all; ++r) {
    const double length = c.kind == Kind::kLengths ? 0.25 * (1 + rng.Below(16)) : 1;
    for (size_t d = 0; d < c.dim; ++d) {
      if (c.kind == Kind::kWholes) {
        m.Set(r, d, rng.Below(256));
      } else {
        SetRounded(&m, r, d, clustered ? clusters.Get(r, d) : length * rng.Normal());
      }
    }
    if (c.kind == Kind::kCopies && r % 3 == 2 && r < c.rows) m.CopyRow(m, r / 2, r);
  }
  return m;
}

// Over vectors and over codes.
inline std::vector<SameBytesCase> ExactCases() {
  using enum SameBytesCase::Kind;
  using enum Metric;
  using enum DataType;
  return {
      {"exact_angular_f32", kNoise, kAngular, kF32, 700, 20, "exact"},
      {"exact_angular_f32_codes", kClusters, kAngular, kF32, 3000, 48, "exact codes named"},
      {"exact_euclidean_f16_codes", kClusters, kEuclidean, kF16, 2000, 33, "exact codes"},
      {"exact_dot_bf16_codes", kLengths, kDot, kBF16, 2000, 40, "exact codes"},
      {"exact_euclidean_f32_codes_chosen", kClusters, kEuclidean, kF32, 3000, 100, "exact"},
      {"exact_euclidean_f32_codes_off", kClusters, kEuclidean, kF32, 3000, 100, "exact no_codes"},
      {"exact_manhattan_i8_named", kClusters, kManhattan, kI8, 700, 24, "exact named"},
      {"exact_hamming_bit", kClusters, kHamming, kBit, 700, 100, "exact"},
      {"exact_euclidean_narrowed", kWholes, kEuclidean, kF32, 700, 100, "exact narrow"},
      {"few_angular_f32", kNoise, kAngular, kF32, 5, 7, "auto"},
      {"one_euclidean_f32_graph", kNoise, kEuclidean, kF32, 1, 3, "graph,forest"},
  };
}

// Of every number of bits, with vectors in the nodes and, of long ones, what they are rounded to.
inline std::vector<SameBytesCase> PackedCases() {
  using enum SameBytesCase::Kind;
  using enum Metric;
  using enum DataType;
  return {
      {"packed_angular_f32_1bit", kClusters, kAngular, kF32, 2000, 32, "graph packed bits=1"},
      {"packed_euclidean_f32_2bit", kClusters, kEuclidean, kF32, 2000, 50,
       "graph packed bits=2 tuned"},
      {"packed_dot_f32_4bit", kLengths, kDot, kF32, 2000, 20, "graph packed bits=4"},
      {"packed_euclidean_u8_8bit", kClusters, kEuclidean, kU8, 2000, 40, "graph packed bits=8"},
      {"packed_angular_f16_uncalibrated", kNoise, kAngular, kF16, 1500, 24,
       "graph packed seed=7 uncalibrated"},
      {"packed_dot_bf16_degree16", kLengths, kDot, kBF16, 1500, 30,
       "graph packed degree=16 beam=24 uncalibrated"},
      {"packed_euclidean_i8_named", kClusters, kEuclidean, kI8, 2000, 64,
       "graph packed degree=48 named"},
      {"packed_angular_f32_rounded", kClusters, kAngular, kF32, 1200, 200, "graph packed tuned"},
      {"packed_euclidean_f16_rounded", kClusters, kEuclidean, kF16, 1000, 400, "graph packed"},
      {"packed_dot_f32_rounded_8bit", kLengths, kDot, kF32, 1000, 260, "graph packed bits=8 named"},
      {"packed_euclidean_u8_long", kClusters, kEuclidean, kU8, 800, 784, "graph packed"},
      {"packed_euclidean_f32_copies", kCopies, kEuclidean, kF32, 2000, 16, "graph packed named"},
      {"packed_angular_f32_few", kClusters, kAngular, kF32, 300, 12, "graph packed"},
      {"packed_dot_f32_rounded_few", kLengths, kDot, kF32, 300, 192, "graph"},
  };
}

// Asked for, there being no other, and measured to be better than packed.
inline std::vector<SameBytesCase> CompactCases() {
  using enum SameBytesCase::Kind;
  using enum Metric;
  using enum DataType;
  return {
      {"compact_angular_f32", kClusters, kAngular, kF32, 2000, 32, "graph compact tuned"},
      {"compact_dot_f16", kLengths, kDot, kF16, 1500, 24, "graph compact"},
      {"compact_manhattan_u8", kClusters, kManhattan, kU8, 1500, 24, "graph"},
      {"compact_hamming_bit", kClusters, kHamming, kBit, 2000, 128, "graph"},
      {"compact_hamming_u8", kCopies, kHamming, kU8, 600, 32, "graph compact degree=16"},
      {"compact_euclidean_i8_copies", kCopies, kEuclidean, kI8, 1500, 20,
       "graph compact uncalibrated named"},
      // A packed graph that is measured and becomes compact, and one that is asked to be.
      {"auto_compact_euclidean", kTight, kEuclidean, kF32, 3000, 24, "graph"},
      {"asked_compact_euclidean", kTight, kEuclidean, kF32, 3000, 24, "graph compact"},
      {"auto_compact_angular", kTight, kAngular, kF32, 3000, 24, "graph"},
      {"asked_compact_angular", kTight, kAngular, kF32, 3000, 24, "graph compact"},
      {"auto_compact_euclidean_uncalibrated", kTight, kEuclidean, kF32, 2000, 24,
       "graph uncalibrated"},
      {"asked_compact_euclidean_uncalibrated", kTight, kEuclidean, kF32, 2000, 24,
       "graph compact uncalibrated"},
      {"auto_compact_angular_uncalibrated", kTight, kAngular, kF32, 2000, 24, "graph uncalibrated"},
      {"asked_compact_angular_uncalibrated", kTight, kAngular, kF32, 2000, 24,
       "graph compact uncalibrated"},
      {"auto_compact_euclidean_rounded", kTight, kEuclidean, kF32, 1200, 200, "graph"},
      {"asked_compact_euclidean_rounded", kTight, kEuclidean, kF32, 1200, 200, "graph compact"},
      {"auto_compact_dot_u8", kTight, kDot, kU8, 1200, 400, "graph clusters=2 spread=50"},
      {"asked_compact_dot_u8", kTight, kDot, kU8, 1200, 400, "graph compact clusters=2 spread=50"},
      {"auto_compact_dot_rounded", kTight, kDot, kF32, 1000, 400, "graph"},
      {"asked_compact_dot_rounded", kTight, kDot, kF32, 1000, 400, "graph compact"},
      {"auto_compact_dot_rounded_uncalibrated", kTight, kDot, kF32, 1000, 400,
       "graph uncalibrated"},
      {"asked_compact_dot_rounded_uncalibrated", kTight, kDot, kF32, 1000, 400,
       "graph compact uncalibrated"},
  };
}

// Forests, both, and what is chosen.
inline std::vector<SameBytesCase> OtherCases() {
  using enum SameBytesCase::Kind;
  using enum Metric;
  using enum DataType;
  return {
      // Forests, without codes and, of long vectors, with.
      {"forest_euclidean_f32", kClusters, kEuclidean, kF32, 2000, 24, "forest tuned"},
      {"forest_angular_f32_codes", kClusters, kAngular, kF32, 2000, 128, "forest trees=6 leaf=40"},
      {"forest_dot_f32_codes", kLengths, kDot, kF32, 1500, 150, "forest trees=8"},
      {"forest_dot_bf16_uncalibrated", kLengths, kDot, kBF16, 1500, 30,
       "forest uncalibrated named"},
      {"forest_manhattan_i8", kClusters, kManhattan, kI8, 1500, 20, "forest trees=5"},
      {"forest_hamming_bit", kClusters, kHamming, kBit, 1500, 200, "forest"},
      {"forest_euclidean_u8_copies", kCopies, kEuclidean, kU8, 600, 12, "forest trees=4"},
      {"forest_euclidean_f32_expected", kClusters, kEuclidean, kF32, 2000, 24,
       "forest queries=1000"},
      // Both.
      {"both_angular_f32", kClusters, kAngular, kF32, 1500, 48,
       "graph,forest packed trees=8 named tuned"},
      {"both_euclidean_f32_rounded_codes", kClusters, kEuclidean, kF32, 1000, 200,
       "graph,forest trees=4"},
      {"both_dot_i8_copies", kCopies, kDot, kI8, 1200, 16, "graph,forest trees=4 uncalibrated"},
      {"both_manhattan_u8_compact", kCopies, kManhattan, kU8, 1200, 16,
       "graph,forest trees=4 leaf=20"},
      // Chosen.
      {"auto_graph_words", kWords, kAngular, kI8, 4000, 100, "graph named"},
      {"auto_words_small", kWords, kAngular, kI8, 4000, 100, "auto"},
      {"auto_angular_f32", kClusters, kAngular, kF32, 3000, 80, "auto"},
      {"auto_angular_f32_few_queries", kClusters, kAngular, kF32, 3000, 80, "auto queries=10"},
      {"auto_angular_f32_5000_queries", kClusters, kAngular, kF32, 3000, 80, "auto queries=5000"},
      {"auto_angular_f32_10000_queries", kClusters, kAngular, kF32, 3000, 80, "auto queries=10000"},
      {"auto_angular_f32_24MB", kClusters, kAngular, kF32, 3000, 80, "auto memory=24000000"},
      {"graph_angular_f32_24MB", kClusters, kAngular, kF32, 3000, 80,
       "graph memory=24000000 uncalibrated"},
  };
}

inline std::vector<SameBytesCase> AllSameBytesCases() {
  std::vector<SameBytesCase> all;
  for (const auto& some : {ExactCases(), PackedCases(), CompactCases(), OtherCases()}) {
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

// Sanitizers get the small ones.
inline std::vector<SameBytesCase> SameBytesCases() {
  std::vector<SameBytesCase> cases = AllSameBytesCases();
  if (kSanitized) std::erase_if(cases, [](const SameBytesCase& c) { return c.rows > 700; });
  return cases;
}

}  // namespace kith::testing

#endif  // KITH_TESTS_GOLDEN_SAME_BYTES_CASES_H_
