// kith's side of bench/graph_rivals.py, which starts it and talks to it through pipes, so that the
// same open index is measured in turn with the others, without Python's overhead.
//
//   graph_kith FILE.kith QUERIES INDEX K
//
// Every line of the input is an effort and `single` or `batch`: the queries are answered on one
// thread, one a call or all in one call, and out come a line "WALL_SECONDS CPU_SECONDS DISTANCES
// CODES NODES", of which the counts are means of a query, and then num_queries * K ids as binary
// int64.
#include <cstdio>
#include <ctime>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "bench_util.h"
#include "kith/kith.h"

namespace kith::bench {
namespace {

struct Run {
  double wall_seconds = 0;
  double cpu_seconds = 0;
  SearchStats stats;
  std::vector<int64_t> ids;
};

double CpuSeconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

Run Answer(const Index& index, const MatrixView& queries, const SearchParams& params, size_t size) {
  Run run;
  run.ids.reserve(queries.rows * params.k);
  SearchResult result;
  MatrixView part = queries;
  part.rows = size;
  const double wall_start = Seconds();
  const double cpu_start = CpuSeconds();
  for (size_t i = 0; i < queries.rows; i += size) {
    part.data = queries.row(i);
    Check(index.Search(part, params, &result));
    run.ids.insert(run.ids.end(), result.ids.begin(), result.ids.end());
    run.stats += result.stats;
  }
  run.cpu_seconds = CpuSeconds() - cpu_start;
  run.wall_seconds = Seconds() - wall_start;
  return run;
}

int Main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: graph_kith FILE.kith QUERIES INDEX K\n");
    return 2;
  }
  const std::unique_ptr<Index> index = Check(OpenIndex(argv[1], {.prefault = true}));
  const Dataset file = Check(ReadDataset(argv[2], {.part = DatasetPart::kQueries}));
  const MatrixView& queries = file.vectors;
  SearchParams params;
  params.k = std::stoul(argv[4]);
  const std::optional<IndexKind> kind = ParseIndexKind(argv[3]);
  if (!kind) Check(Status::InvalidArgument(std::string("no such index: ") + argv[3]));
  params.index = *kind;
  std::string mode;
  while (std::cin >> params.effort >> mode) {
    const Run run = Answer(*index, queries, params, mode == "batch" ? queries.rows : 1);
    const auto n = static_cast<double>(queries.rows);
    std::printf("%.9f %.9f %.1f %.1f %.1f\n", run.wall_seconds, run.cpu_seconds,
                static_cast<double>(run.stats.distances) / n,
                static_cast<double>(run.stats.codes) / n, static_cast<double>(run.stats.nodes) / n);
    std::fwrite(run.ids.data(), sizeof(int64_t), run.ids.size(), stdout);
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace kith::bench

int main(int argc, char** argv) { return kith::bench::Main(argc, argv); }
