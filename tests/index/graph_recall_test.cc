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

#include "graph_data.h"
#include "index_checks.h"
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
    {"mixture_angular_f32_packed 16", {0.9980, 14.5, 78.5, 465, 38702}},
    {"mixture_angular_f32_packed 64", {0.9990, 20.0, 84.0, 639, 47073}},
    {"mixture_angular_f32_packed 256", {0.9995, 26.7, 90.7, 855, 57441}},
    {"mixture_euclidean_u8_packed 16", {0.9895, 14.5, 78.5, 463, 23524}},
    {"mixture_euclidean_u8_packed 64", {0.9900, 20.3, 84.3, 650, 31393}},
    {"mixture_euclidean_u8_packed 256", {1.0000, 27.4, 91.4, 876, 40901}},
    {"mixture_euclidean_f32_compact 16", {0.9855, 14.3, 199.8, 0, 52971}},
    {"mixture_euclidean_f32_compact 64", {0.9950, 20.3, 213.8, 0, 57335}},
    {"mixture_euclidean_f32_compact 256", {1.0000, 27.1, 226.6, 0, 61485}},
    {"mixture_dot_f32_packed 16", {0.8675, 17.0, 145.0, 544, 58857}},
    {"mixture_dot_f32_packed 64", {0.9610, 46.4, 174.4, 1485, 104046}},
    {"mixture_dot_f32_packed 256", {0.9950, 109.0, 236.9, 3486, 200115}},
    {"mixture_manhattan_u8_compact 16", {0.9915, 14.5, 203.1, 0, 14850}},
    {"mixture_manhattan_u8_compact 64", {0.9970, 20.2, 217.0, 0, 16467}},
    {"mixture_manhattan_u8_compact 256", {1.0000, 27.0, 230.1, 0, 18174}},
    {"words_angular_packed 16", {0.9615, 17.7, 81.7, 565, 67407}},
    {"words_angular_packed 64", {0.9960, 45.5, 109.5, 1455, 133297}},
    {"words_angular_packed 256", {0.9995, 126.2, 190.2, 4039, 324501}},
    {"words_dot_packed 16", {0.8770, 18.9, 146.9, 606, 96038}},
    {"words_dot_packed 64", {0.9760, 65.3, 193.3, 2089, 205807}},
    {"words_dot_packed 256", {0.9965, 255.7, 383.7, 8181, 656591}},
    {"digits_euclidean_packed 16", {0.9640, 16.0, 80.0, 513, 118977}},
    {"digits_euclidean_packed 64", {0.9980, 30.7, 94.7, 982, 181796}},
    {"digits_euclidean_packed 256", {1.0000, 65.9, 129.9, 2109, 332734}},
    {"descriptors_euclidean_packed 16", {0.9115, 17.8, 81.8, 571, 33318}},
    {"descriptors_euclidean_packed 64", {0.9895, 42.0, 106.0, 1345, 67363}},
    {"descriptors_euclidean_packed 256", {0.9985, 107.0, 171.0, 3424, 158869}},
    {"descriptors_euclidean_compact 16", {0.9365, 17.1, 450.1, 0, 59806}},
    {"descriptors_euclidean_compact 64", {0.9910, 38.1, 803.9, 0, 107778}},
    {"descriptors_euclidean_compact 256", {0.9990, 85.4, 1452.3, 0, 196825}},
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
