// Whether searches find what they are asked to: asks files of real vectors for a recall, with
// queries of the same kind that are neither in them nor among those that were held out, and
// measures it.
//   recall_promise VECTORS METRIC graph|compact|forest [QUERIES]
// Without QUERIES, so many rows are taken out of VECTORS before the index is built. Prints a row of
// docs/recall.md for each k.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/rng.h"
#include "bench_util.h"
#include "data/convert.h"
#include "kith/kith.h"

namespace kith::bench {
namespace {

constexpr size_t kQueries = 4000;
constexpr double kTargets[] = {0.80, 0.90, 0.95, 0.99};

struct Split {
  AlignedBuffer<std::byte> base;
  AlignedBuffer<std::byte> queries;
  MatrixView base_view;
  MatrixView queries_view;
};

// Every pixel is ink or paper.
Dataset Thresholded(const Dataset& from) {
  const MatrixView& rows = from.vectors;
  auto values = std::make_shared<std::vector<float>>(rows.rows * rows.dim);
  for (size_t i = 0; i < rows.rows; ++i) {
    float* out = values->data() + i * rows.dim;
    data::RowToF32(rows, i, out);
    for (size_t j = 0; j < rows.dim; ++j) out[j] = out[j] >= 128 ? 1.0f : 0.0f;
  }
  Dataset bits;
  bits.vectors = ViewOf(values->data(), rows.rows, rows.dim);
  bits.owner = values;
  return bits;
}

Split TakeQueries(const MatrixView& rows) {
  std::vector<uint32_t> order(rows.rows);
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  Rng rng(2026);
  rng.Shuffle(&order);
  const size_t count = std::min(kQueries, rows.rows / 5);
  const size_t stride = RowBytes(rows.dtype, rows.dim);
  const std::span<const uint32_t> all(order);
  ThreadPool pool(0);
  Split split;
  split.queries = Check(data::GatherRows(rows, all.first(count), stride, pool));
  split.base = Check(data::GatherRows(rows, all.subspan(count), stride, pool));
  split.queries_view = {split.queries.data(), count, rows.dim, stride, rows.dtype};
  split.base_view = {split.base.data(), rows.rows - count, rows.dim, stride, rows.dtype};
  return split;
}

void Ask(const Index& index, const MatrixView& queries, IndexKind kind, const char* name) {
  for (const size_t k : {1, 10, 25, 100}) {
    SearchParams params;
    params.k = k;
    params.threads = 0;
    params.index = IndexKind::kExact;
    SearchResult truth;
    Check(index.Search(queries, params, &truth));
    std::printf("| %s | %zu |", name, k);
    for (const double target : kTargets) {
      params.index = kind;
      params.recall = target;
      SearchResult found;
      const Status status = index.Search(queries, params, &found);
      if (!status.ok()) {
        std::printf(" – |");
        continue;
      }
      const double recall =
          RecallAtK(found.distances.data(), k, truth.distances.data(), k, queries.rows, k);
      // More than asked for, because nothing less is to be had.
      const bool least = found.plan.recall > target + 0.0005;
      std::printf(" %.3f%s |", recall, least ? "+" : "");
    }
    std::printf("\n");
    std::fflush(stdout);
  }
}

int Main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: recall_promise VECTORS METRIC graph|compact|forest [QUERIES]\n");
    return 2;
  }
  const std::string_view access = argv[3];
  BuildOptions options;
  options.metric = *ParseMetric(argv[2]);
  if (access == "forest") {
    options.paths.push_back(ForestOptions{});
  } else {
    const bool compact = access == "compact";
    options.paths.push_back(
        GraphOptions{.layout = compact ? GraphLayout::kCompact : GraphLayout::kAuto});
  }
  Dataset data = Check(ReadDataset(argv[1], {}));
  if (options.metric == Metric::kHamming) data = Thresholded(data);
  ThreadPool pool(0);
  Split split;
  Dataset queries;
  if (argc > 4) {
    queries = Check(ReadDataset(argv[4], {}));
    split.base_view = data.vectors;
    split.queries_view = queries.vectors;
  } else {
    split = TakeQueries(data.vectors);
  }
  const std::string path = std::string(argv[0]) + ".kith";
  Check(BuildIndex(split.base_view, path, options));
  const auto index = Check(OpenIndex(path));
  const IndexKind kind = access == "forest" ? IndexKind::kForest : IndexKind::kGraph;
  Ask(*index, split.queries_view, kind,
      (std::string(argv[2]) + ", " + std::string(access)).c_str());
  const QueryDrift drift = index->Drift();
  std::fprintf(stderr, "drift %.3f%s\n", drift.distance, drift.unlike ? ", unlike" : "");
  std::remove(path.c_str());
  return 0;
}

}  // namespace
}  // namespace kith::bench

int main(int argc, char** argv) { return kith::bench::Main(argc, argv); }
