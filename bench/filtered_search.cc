// Searches whose answers have to be of a set of rows, one a call on one thread: kith asked for
// recalls, and hnswlib with a functor, of all its efforts.
//   filtered_search FILE.kith BASE QUERIES ROW_LABELS QUERY_LABELS GRAPH RECALL...
// A row may be an answer to a query of the same label; labels are u32, one for each. GRAPH is where
// hnswlib's index is kept, "-" to leave it out. Prints a JSON object a line.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bench_data.h"
#include "bench_util.h"
#include "data/convert.h"
#include "kith/dataset.h"
#include "kith/filter.h"
#include "kith/index.h"

#ifdef KITH_HAS_HNSWLIB
#include <hnswlib/hnswlib.h>
#endif

namespace kith::bench {
namespace {

constexpr size_t kK = 10;
constexpr double kLeastSeconds = 0.7;

std::vector<uint32_t> ReadLabels(const char* path) {
  std::ifstream in(path, std::ios::binary);
  std::vector<char> bytes((std::istreambuf_iterator<char>(in)), {});
  std::vector<uint32_t> labels(bytes.size() / sizeof(uint32_t));
  std::copy(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(labels.size() * 4),
            reinterpret_cast<char*>(labels.data()));
  return labels;
}

struct Task {
  const Index* index;
  MatrixView queries;
  std::vector<const RowSet*> sets;            // of each query
  std::vector<std::vector<int64_t>> answers;  // of exact search
  std::vector<float> limits;                  // the distance of the last of these

  MatrixView Query(size_t q) const {
    MatrixView one = queries;
    one.data = queries.row(q);
    one.rows = 1;
    return one;
  }
};

// Runs query(q) for all, again and again, and returns queries a second.
template <class Query>
double Speed(size_t num_queries, const Query& query) {
  size_t done = 0;
  const double start = Seconds();
  double now = start;
  while (now - start < kLeastSeconds) {
    for (size_t q = 0; q < num_queries; ++q) {
      query(q);
      if (++done % 16 == 0 && (now = Seconds()) - start > 2 * kLeastSeconds) break;
    }
    now = Seconds();
  }
  return static_cast<double>(done) / (now - start);
}

void FindAnswers(Task* task) {
  for (size_t q = 0; q < task->queries.rows; ++q) {
    SearchResult result;
    Check(task->index->Search(
        task->Query(q),
        {.k = kK, .index = IndexKind::kExact, .threads = 0, .filter = task->sets[q]}, &result));
    std::erase(result.ids, kNoId);
    task->answers.push_back(result.ids);
  }
}

double RecallOf(const Task& task, size_t q, const std::vector<int64_t>& found) {
  if (task.answers[q].empty()) return 1;
  size_t hits = 0;
  for (const int64_t id : task.answers[q]) {
    hits += static_cast<size_t>(std::count(found.begin(), found.end(), id));
  }
  return static_cast<double>(hits) / static_cast<double>(task.answers[q].size());
}

void MeasureKith(const Task& task, double recall) {
  double got = 0;
  SearchStats stats;
  SearchResult result;
  const auto search = [&](size_t q) {
    Check(task.index->Search(task.Query(q),
                             {.k = kK, .recall = recall, .watched = false, .filter = task.sets[q]},
                             &result));
  };
  for (size_t q = 0; q < task.queries.rows; ++q) {
    search(q);
    stats += result.stats;
    got += RecallOf(task, q, result.ids);
  }
  const double n = static_cast<double>(task.queries.rows);
  const double qps = Speed(task.queries.rows, search);
  std::printf(
      "{\"system\": \"kith\", \"asked\": %g, \"recall\": %.4f, \"qps\": %.1f, "
      "\"nodes\": %.1f, \"distances\": %.1f}\n",
      recall, got / n, qps, static_cast<double>(stats.nodes) / n,
      static_cast<double>(stats.distances) / n);
  std::fflush(stdout);
}

#ifdef KITH_HAS_HNSWLIB
class InSet : public hnswlib::BaseFilterFunctor {
 public:
  explicit InSet(const RowSet& set) : set_(set) {}
  bool operator()(hnswlib::labeltype id) override { return set_.Contains(id); }

 private:
  const RowSet& set_;
};

void MeasureHnswlib(const Task& task, const MatrixView& base, Metric metric,
                    const std::string& path) {
  const size_t dim = base.dim;
  const auto row_of = [&](const MatrixView& m, size_t row, float* out) {
    data::RowToF32(m, row, out);
    if (metric != Metric::kAngular) return;
    double squares = 0;
    for (size_t i = 0; i < dim; ++i) squares += double{out[i]} * out[i];
    const auto scale = static_cast<float>(squares > 0 ? 1 / std::sqrt(squares) : 0);
    for (size_t i = 0; i < dim; ++i) out[i] *= scale;
  };
  hnswlib::L2Space space(dim);
  std::unique_ptr<hnswlib::HierarchicalNSW<float>> graph;
  if (std::filesystem::exists(path)) {
    graph = std::make_unique<hnswlib::HierarchicalNSW<float>>(&space, path);
  } else {
    graph = std::make_unique<hnswlib::HierarchicalNSW<float>>(&space, base.rows, 16, 200);
    std::vector<float> row(dim);
    for (size_t i = 0; i < base.rows; ++i) {
      row_of(base, i, row.data());
      graph->addPoint(row.data(), i);
    }
    graph->saveIndex(path + ".part");
    std::filesystem::rename(path + ".part", path);
  }
  std::vector<float> queries(task.queries.rows * dim);
  for (size_t q = 0; q < task.queries.rows; ++q) row_of(task.queries, q, &queries[q * dim]);
  for (const size_t ef : {10, 20, 40, 80, 160, 320, 640, 1280, 2560}) {
    graph->setEf(ef);
    double got = 0;
    const auto search = [&](size_t q) {
      InSet filter(*task.sets[q]);
      auto heap = graph->searchKnn(&queries[q * dim], kK, &filter);
      std::vector<int64_t> ids;
      for (; !heap.empty(); heap.pop()) ids.push_back(static_cast<int64_t>(heap.top().second));
      return ids;
    };
    for (size_t q = 0; q < task.queries.rows; ++q) got += RecallOf(task, q, search(q));
    const double recall = got / static_cast<double>(task.queries.rows);
    const double qps = Speed(task.queries.rows, search);
    std::printf("{\"system\": \"hnswlib\", \"effort\": %zu, \"recall\": %.4f, \"qps\": %.1f}\n", ef,
                recall, qps);
    std::fflush(stdout);
    if (recall > 0.99 || qps < 20) break;
  }
}
#endif

int Main(int argc, char** argv) {
  if (argc < 8) {
    std::fprintf(stderr, "arguments: see the head of bench/filtered_search.cc\n");
    return 2;
  }
  const auto index = Check(OpenIndex(argv[1], {.prefault = true}));
  const Dataset base = Check(ReadDataset(argv[2]));
  const Dataset queries = Check(ReadDataset(argv[3]));
  const std::vector<uint32_t> rows = ReadLabels(argv[4]);
  const std::vector<uint32_t> asked = ReadLabels(argv[5]);
  if (rows.size() != base.vectors.rows || asked.size() > queries.vectors.rows || asked.empty()) {
    std::fprintf(stderr, "there are other numbers of labels than of vectors\n");
    return 1;
  }
  std::map<uint32_t, RowSet> sets;
  Task task{index.get(), queries.vectors, {}, {}, {}};
  task.queries.rows = asked.size();
  for (const uint32_t label : asked) {
    auto [at, is_new] = sets.try_emplace(label, rows.size());
    if (is_new)
      at->second = RowSet::Where(rows.size(), [&](uint64_t r) { return rows[r] == label; });
    task.sets.push_back(&at->second);
  }
  FindAnswers(&task);
  for (int i = 7; i < argc; ++i) MeasureKith(task, std::stod(argv[i]));
#ifdef KITH_HAS_HNSWLIB
  if (std::string(argv[6]) != "-") {
    MeasureHnswlib(task, base.vectors, index->info().metric, argv[6]);
  }
#endif
  return 0;
}

}  // namespace
}  // namespace kith::bench

int main(int argc, char** argv) { return kith::bench::Main(argc, argv); }
