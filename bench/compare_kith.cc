// kith's process in bench/compare: as bench/comparison/worker.py, whose protocol it speaks, is a
// rival's, so that the same open index is measured in turn with the others, without Python.
//
//   compare_kith FILE.kith QUERIES graph|forest|exact K
//
// Lines of the input are `open`, `first EFFORT` and `search EFFORT one|batch THREADS SECONDS IDS`;
// lines of the output are JSON. An effort of -1 is kith's default.
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench_util.h"
#include "kith/kith.h"

namespace kith::bench {
namespace {

// Answers all queries, `size` of them a call, and appends the answers to `ids`, unless it is null.
void Answer(const Index& index, const MatrixView& queries, const SearchParams& params, size_t size,
            std::vector<int64_t>* ids) {
  SearchResult result;
  MatrixView part = queries;
  part.rows = size;
  for (size_t i = 0; i < queries.rows; i += size) {
    part.data = queries.row(i);
    Check(index.Search(part, params, &result));
    if (ids != nullptr) ids->insert(ids->end(), result.ids.begin(), result.ids.end());
  }
}

void PrintIds(const std::vector<int64_t>& ids, size_t k) {
  std::printf(", \"ids\": [");
  for (size_t i = 0; i < ids.size(); ++i) {
    const bool first = i % k == 0;
    const bool last = i % k == k - 1;
    std::printf("%s%s%lld%s", i == 0 ? "" : ", ", first ? "[" : "", static_cast<long long>(ids[i]),
                last ? "]" : "");
  }
  std::printf("]");
}

void Search(const Index& index, const MatrixView& queries, SearchParams params) {
  std::string mode;
  double least_seconds = 0;
  int with_ids = 0;
  std::cin >> params.effort >> mode >> params.threads >> least_seconds >> with_ids;
  const size_t size = mode == "batch" ? queries.rows : 1;
  std::vector<int64_t> ids;
  ids.reserve(queries.rows * params.k);
  int passes = 0;
  double seconds = 0;
  std::clock_t cpu = 0;
  while (passes == 0 || seconds < least_seconds) {
    ids.clear();
    const double start = Seconds();
    const std::clock_t cpu_start = std::clock();
    Answer(index, queries, params, size, &ids);
    cpu += std::clock() - cpu_start;
    seconds += Seconds() - start;
    ++passes;
  }
  std::printf("{\"seconds\": %.9f, \"cpu_seconds\": %.6f, \"passes\": %d", seconds,
              static_cast<double>(cpu) / CLOCKS_PER_SEC, passes);
  if (with_ids != 0) PrintIds(ids, params.k);
  std::printf("}\n");
}

int Main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: compare_kith FILE.kith QUERIES graph|forest|exact K\n");
    return 2;
  }
  const Dataset file = Check(ReadDataset(argv[2], {.part = DatasetPart::kQueries}));
  SearchParams params;
  const std::optional<IndexKind> kind = ParseIndexKind(argv[3]);
  if (!kind) Check(Status::InvalidArgument(std::string("no such index: ") + argv[3]));
  params.index = *kind;
  params.k = std::stoul(argv[4]);
  std::unique_ptr<Index> index;
  std::printf("{\"ready\": true}\n");
  std::fflush(stdout);
  std::string command;
  while (std::cin >> command) {
    const double start = Seconds();
    if (command == "open") {
      index = Check(OpenIndex(argv[1]));
      std::printf("{\"seconds\": %.9f}\n", Seconds() - start);
    } else if (index == nullptr) {
      Check(Status::InvalidArgument("the first command is `open`, not " + command));
    } else if (command == "first") {
      MatrixView one = file.vectors;
      one.rows = 1;
      std::cin >> params.effort;
      Answer(*index, one, params, 1, nullptr);
      std::printf("{\"seconds\": %.9f}\n", Seconds() - start);
    } else {
      Search(*index, file.vectors, params);
    }
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace kith::bench

int main(int argc, char** argv) { return kith::bench::Main(argc, argv); }
