// What a beam buys, on generated and on real data: recall, and the work done for it. Both are
// deterministic, and bounded from both sides: an improvement should be noticed, too, and the table
// moved in the same change. To do so, paste what
//   KITH_DATA=<folder> KITH_PRINT_RECALL=1 build/release/bin/graph_recall_test
// prints in place of kMeasured.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "graph/graph_data.h"
#include "index/index_checks.h"
#include "kith/dataset.h"
#include "kith/index.h"
#include "matrix.h"
#include "simd/kernels.h"
#include "temp_dir.h"

namespace kith {
namespace {

using testing::Matrix;
using testing::Mixture;
using testing::Part;
using testing::Recall;
using testing::Rounded;
using testing::SearchOrFail;
using testing::TempDir;

constexpr size_t kQueries = 200;

// Of a query, on average, but recall.
struct Measures {
  double recall;
  double nodes;
  double distances;
  double codes;
  double bytes;
};

// By the case's name and ef.
const std::map<std::string, Measures> kMeasured = {
    {"mixture_angular_f32_packed 16", {0.9910, 14.6, 78.6, 467, 38794}},
    {"mixture_angular_f32_packed 64", {0.9990, 20.1, 84.1, 644, 47311}},
    {"mixture_angular_f32_packed 256", {1.0000, 26.9, 90.9, 861, 57695}},
    {"mixture_euclidean_u8_packed 16", {0.9980, 14.4, 79.4, 461, 23527}},
    {"mixture_euclidean_u8_packed 64", {1.0000, 20.0, 85.0, 641, 31094}},
    {"mixture_euclidean_u8_packed 256", {1.0000, 27.0, 92.0, 864, 40428}},
    {"mixture_euclidean_f32_compact 16", {0.9985, 14.6, 202.9, 0, 53807}},
    {"mixture_euclidean_f32_compact 64", {1.0000, 20.3, 213.8, 0, 57327}},
    {"mixture_euclidean_f32_compact 256", {1.0000, 27.0, 225.6, 0, 61210}},
    {"mixture_dot_f32_packed 16", {0.9135, 17.4, 145.4, 558, 59564}},
    {"mixture_dot_f32_packed 64", {0.9685, 46.6, 174.6, 1492, 104369}},
    {"mixture_dot_f32_packed 256", {0.9965, 110.2, 238.2, 3526, 202004}},
    {"mixture_manhattan_u8_compact 16", {0.9935, 14.3, 199.1, 0, 14579}},
    {"mixture_manhattan_u8_compact 64", {0.9990, 19.9, 212.1, 0, 16127}},
    {"mixture_manhattan_u8_compact 256", {1.0000, 26.7, 224.5, 0, 17788}},
    {"words_angular_packed 16", {0.9570, 17.7, 81.7, 565, 67419}},
    {"words_angular_packed 64", {0.9950, 45.3, 109.3, 1451, 132977}},
    {"words_angular_packed 256", {0.9990, 126.4, 190.4, 4045, 324963}},
    {"words_dot_packed 16", {0.8660, 19.0, 147.0, 608, 96156}},
    {"words_dot_packed 64", {0.9690, 65.5, 193.5, 2095, 206233}},
    {"words_dot_packed 256", {0.9960, 255.4, 383.4, 8174, 656106}},
    {"digits_euclidean_packed 16", {0.9675, 16.2, 80.2, 520, 119835}},
    {"digits_euclidean_packed 64", {0.9970, 30.6, 94.6, 979, 181346}},
    {"digits_euclidean_packed 256", {1.0000, 64.8, 128.8, 2073, 327953}},
    {"descriptors_euclidean_packed 16", {0.9020, 17.8, 81.8, 569, 33212}},
    {"descriptors_euclidean_packed 64", {0.9895, 42.1, 106.1, 1347, 67448}},
    {"descriptors_euclidean_packed 256", {0.9975, 107.2, 171.2, 3429, 159073}},
    {"descriptors_euclidean_compact 16", {0.9350, 17.1, 451.6, 0, 59999}},
    {"descriptors_euclidean_compact 64", {0.9910, 38.0, 801.1, 0, 107414}},
    {"descriptors_euclidean_compact 256", {0.9985, 85.8, 1455.5, 0, 197283}},
};

// A set of `rows` vectors and 200 queries like them.
struct Case {
  std::string name;
  std::string file;     // in KITH_DATA; empty: generated
  std::string queries;  // its own file, or empty: the rows that follow
  Metric metric;
  GraphLayout layout;
  size_t rows;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

struct Data {
  Matrix generated;
  Dataset base;
  Dataset held_out;
  MatrixView rows;
  MatrixView queries;
};

void Generate(const Case& c, Data* data) {
  const DataType dtype = c.name.find("u8") != std::string::npos ? DataType::kU8 : DataType::kF32;
  data->generated = Rounded(Mixture(c.rows + kQueries, 64, 200, 16, 1), dtype);
  data->rows = data->generated.view();
  data->queries = data->generated.Row(c.rows);
}

void Read(const Case& c, const std::string& folder, Data* data) {
  const bool own = !c.queries.empty();
  auto base = ReadDataset(folder + "/" + c.file, {.max_rows = c.rows + (own ? 0 : kQueries)});
  ASSERT_TRUE(base.ok()) << base.status().message();
  data->base = std::move(base).value();
  data->rows = data->base.vectors;
  ASSERT_EQ(data->rows.rows, c.rows + (own ? 0 : kQueries));
  data->queries = data->rows;
  data->queries.data = data->rows.row(c.rows - (own ? c.rows : 0));
  if (!own) return;
  auto held_out = ReadDataset(folder + "/" + c.queries, {.max_rows = kQueries});
  ASSERT_TRUE(held_out.ok()) << held_out.status().message();
  data->held_out = std::move(held_out).value();
  data->queries = data->held_out.vectors;
}

void ExpectNear(double value, double measured, double slack, const char* what) {
  EXPECT_GE(value, measured - slack) << what;
  EXPECT_LE(value, measured + slack) << what;
}

class GraphRecallTest : public ::testing::TestWithParam<Case> {};

TEST_P(GraphRecallTest, IsWorthItsEffort) {
  const Case& c = GetParam();
  const std::string target = simd::GetKernels().target;
  if (target == "SCALAR" || target == "EMU128") {
    GTEST_SKIP() << "no fused multiply-add: sums of floats differ";
  }
  Data data;
  if (c.file.empty()) {
    Generate(c, &data);
  } else {
    const char* folder = std::getenv("KITH_DATA");
    if (folder == nullptr) {
      GTEST_SKIP() << "NOT TESTED: set KITH_DATA to the directory of the real data sets";
    }
    Read(c, folder, &data);
    if (HasFatalFailure()) return;
  }
  data.rows.rows = c.rows;
  data.queries.rows = kQueries;
  const TempDir dir;
  BuildOptions options = testing::GraphBuild(c.metric, c.layout);
  ASSERT_TRUE(BuildIndex(data.rows, dir.File("x.kith"), options).ok());
  const auto index = OpenIndex(dir.File("x.kith"));
  ASSERT_TRUE(index.ok()) << index.status().message();
  const SearchResult exact =
      SearchOrFail(**index, data.queries, {.index = IndexKind::kExact, .threads = 0});
  for (const int64_t ef : {16, 64, 256}) {
    SCOPED_TRACE(ef);
    const SearchResult found =
        SearchOrFail(**index, data.queries, {.index = IndexKind::kGraph, .effort = ef});
    const auto mean = [](uint64_t count) { return static_cast<double>(count) / kQueries; };
    const Measures now{Recall(exact, found), mean(found.stats.nodes), mean(found.stats.distances),
                       mean(found.stats.codes), mean(found.stats.bytes)};
    const std::string key = c.name + " " + std::to_string(ef);
    if (std::getenv("KITH_PRINT_RECALL") != nullptr) {
      std::printf("    {\"%s\", {%.4f, %.1f, %.1f, %.0f, %.0f}},\n", key.c_str(), now.recall,
                  now.nodes, now.distances, now.codes, now.bytes);
      continue;
    }
    const auto at = kMeasured.find(key);
    ASSERT_NE(at, kMeasured.end());
    const Measures& measured = at->second;
    ExpectNear(now.recall, measured.recall, 0.01, "recall");
    ExpectNear(now.nodes, measured.nodes, 0.03 * measured.nodes, "nodes");
    ExpectNear(now.distances, measured.distances, 0.03 * measured.distances, "distances");
    ExpectNear(now.codes, measured.codes, 0.03 * measured.codes, "codes");
    ExpectNear(now.bytes, measured.bytes, 0.03 * measured.bytes, "bytes");
  }
}

const Case kCases[] = {
    {"mixture_angular_f32_packed", "", "", Metric::kAngular, GraphLayout::kPacked, 20000},
    {"mixture_euclidean_u8_packed", "", "", Metric::kEuclidean, GraphLayout::kPacked, 20000},
    {"mixture_euclidean_f32_compact", "", "", Metric::kEuclidean, GraphLayout::kCompact, 20000},
    {"mixture_dot_f32_packed", "", "", Metric::kDot, GraphLayout::kPacked, 20000},
    {"mixture_manhattan_u8_compact", "", "", Metric::kManhattan, GraphLayout::kCompact, 20000},
    {"words_angular_packed", "words/words-en-100d.bin", "", Metric::kAngular, GraphLayout::kPacked,
     50000},
    {"words_dot_packed", "words/words-en-100d.bin", "", Metric::kDot, GraphLayout::kPacked, 50000},
    {"digits_euclidean_packed", "mnist/train-images-idx3-ubyte.gz",
     "mnist/t10k-images-idx3-ubyte.gz", Metric::kEuclidean, GraphLayout::kPacked, 20000},
    {"descriptors_euclidean_packed", "descriptors/base.u8bin", "descriptors/queries.u8bin",
     Metric::kEuclidean, GraphLayout::kPacked, 100000},
    {"descriptors_euclidean_compact", "descriptors/base.u8bin", "descriptors/queries.u8bin",
     Metric::kEuclidean, GraphLayout::kCompact, 100000},
};

INSTANTIATE_TEST_SUITE_P(All, GraphRecallTest, ::testing::ValuesIn(kCases),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace kith
