// How long a call goes on after it was asked for an end: the longest of several, each asked at
// another moment of the call. Every call is run to its end once, to know how long it is. Beside it,
// the time of all its threads at work, for machines that do other things meanwhile.
//
//   stop_latency BASE QUERIES METRIC [MOMENTS [THREADS [ONLY]]]
//
// ONLY names one kind of call.
#include <time.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "bench_util.h"
#include "kith/kith.h"

namespace kith::bench {
namespace {

using Call = std::function<Status(std::stop_token stop, const Progress& progress)>;

std::string g_only;
int g_moments = 20;

double WorkSeconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

struct Latency {
  double seconds = 0;
  double work = 0;
  double asked = 0;  // seconds after the call's beginning
  std::string stage;
};

// Runs the call and asks for its end `after` so many seconds. What follows until its return; zeros
// if it had returned before.
Latency Stop(const Call& call, double after) {
  Latency latency{.asked = after};
  std::stop_source source;
  double asked = 0;
  double work = 0;
  std::mutex mutex;
  std::string at;
  std::atomic<bool> done = false;
  const double start = Seconds();
  std::thread asker([&] {
    while (!done && Seconds() - start < after) {
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    const std::lock_guard lock(mutex);
    latency.stage = at;
    asked = Seconds();
    work = WorkSeconds();
    source.request_stop();
  });
  const Status status = call(source.get_token(), [&](std::string_view name, uint64_t, uint64_t) {
    const std::lock_guard lock(mutex);
    at = name;
    return true;
  });
  const double end = Seconds();
  const double work_end = WorkSeconds();
  done = true;
  asker.join();
  if (status.ok()) return latency;
  if (status.message() != "cancelled") Check(status);
  latency.seconds = end - asked;
  latency.work = work_end - work;
  return latency;
}

void Measure(const std::string& name, const Call& call) {
  if (!g_only.empty() && name != g_only) return;
  const double start = Seconds();
  Check(call({}, {}));
  const double all = Seconds() - start;
  std::vector<Latency> all_of_them;
  for (int i = 0; i < g_moments; ++i)
    all_of_them.push_back(Stop(call, all * (i + 0.5) / g_moments));
  std::sort(all_of_them.begin(), all_of_them.end(),
            [](const Latency& a, const Latency& b) { return a.work > b.work; });
  std::printf("%-20s %7.2f s  median %6.1f ms; worst", name.c_str(), all,
              all_of_them[all_of_them.size() / 2].seconds * 1e3);
  for (size_t i = 0; i < std::min<size_t>(3, all_of_them.size()); ++i) {
    const Latency& l = all_of_them[i];
    std::printf(" %6.1f ms (work %6.1f ms, at %.2f s, %s)", l.seconds * 1e3, l.work * 1e3, l.asked,
                l.stage.c_str());
  }
  std::printf("\n");
  std::fflush(stdout);
}

MatrixView Repeated(const MatrixView& m, size_t rows, std::vector<std::byte>* memory) {
  memory->resize(rows * m.stride);
  for (size_t i = 0; i < rows; ++i) {
    std::copy_n(m.row(i % m.rows), m.stride, memory->data() + i * m.stride);
  }
  return {memory->data(), rows, m.dim, m.stride, m.dtype};
}

void MeasureBuilds(const MatrixView& base, Metric metric, int threads, const std::string& path) {
  const auto build = [&](const std::string& name, BuildOptions options) {
    options.metric = metric;
    options.threads = threads;
    Measure(name, [&](std::stop_token stop, const Progress& progress) {
      options.stop = std::move(stop);
      options.progress = progress;
      return BuildIndex(base, path, options);
    });
    std::filesystem::remove(path);
  };
  build("build exact", {.paths = {ExactOptions{}}});
  build("build packed", {.paths = {GraphOptions{.layout = GraphLayout::kPacked}}});
  build("build compact", {.paths = {GraphOptions{.layout = GraphLayout::kCompact}}});
  build("build forest", {.paths = {ForestOptions{}}});
  build("build both", {.paths = {GraphOptions{}, ForestOptions{}}});
}

void MeasureUses(const Index& index, const MatrixView& queries, int threads) {
  std::vector<std::byte> memory;
  const MatrixView many = Repeated(queries, 100'000, &memory);
  const auto search = [&](const std::string& name, const MatrixView& all, SearchParams params) {
    params.threads = threads;
    Measure(name, [&](std::stop_token stop, const Progress&) {
      params.stop = std::move(stop);
      SearchResult result;
      return index.Search(all, params, &result);
    });
  };
  MatrixView some = queries;
  some.rows = std::min<size_t>(some.rows, 2000);
  search("search graph", many, {.k = 10, .index = IndexKind::kGraph});
  search("search forest", queries, {.k = 10, .index = IndexKind::kForest});
  search("search exact", some, {.k = 10, .index = IndexKind::kExact});
  some.rows = 200;
  search("search exact 10000", some, {.k = 10'000, .index = IndexKind::kExact});
  search("search graph 10000", some, {.k = 10'000, .index = IndexKind::kGraph});
  search("search forest 10000", some, {.k = 10'000, .index = IndexKind::kForest});
  some.rows = 2000;
  Measure("calibrate", [&](std::stop_token stop, const Progress& progress) {
    CalibrateOptions options;
    options.threads = threads;
    options.stop = std::move(stop);
    options.progress = progress;
    return CalibrateInMemory(index, some, options).status();
  });
  Measure("evaluate", [&](std::stop_token stop, const Progress& progress) {
    EvalOptions options;
    options.threads = threads;
    options.stop = std::move(stop);
    options.progress = progress;
    return Evaluate(index, some, nullptr, options).status();
  });
  Measure("verify", [&](std::stop_token stop, const Progress& progress) {
    return VerifyIndex(index, {.threads = threads, .progress = progress, .stop = std::move(stop)});
  });
}

void MeasureAnnoy(const MatrixView& base, const MatrixView& queries, int threads) {
  auto annoy = Check(AnnoyIndex::Create(Metric::kEuclidean, base.dim));
  std::vector<float> x(base.dim);
  std::vector<float> all;
  const auto row = [&](const MatrixView& m, size_t i) {
    for (size_t c = 0; c < m.dim; ++c) x[c] = static_cast<float>(std::to_integer<int>(m.row(i)[c]));
  };
  for (size_t i = 0; i < base.rows; ++i) {
    row(base, i);
    Check(annoy->AddItem(static_cast<int64_t>(i), x.data()));
  }
  for (size_t i = 0; i < queries.rows; ++i) {
    row(queries, i);
    all.insert(all.end(), x.begin(), x.end());
  }
  Measure("annoy build", [&](std::stop_token stop, const Progress& progress) {
    Check(annoy->Unbuild());
    return annoy->Build(16, threads, progress, std::move(stop));
  });
  if (!g_only.empty() && g_only.substr(0, 5) != "annoy") return;
  Check(annoy->Unbuild());
  Check(annoy->Build(16, threads));
  std::vector<int64_t> ids(queries.rows * 10);
  Measure("annoy search", [&](std::stop_token stop, const Progress&) {
    return annoy->SearchBatch(all.data(), queries.rows, 10, 20'000, threads, ids.data(), nullptr,
                              std::move(stop));
  });
}

void Main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: stop_latency BASE QUERIES METRIC [MOMENTS [THREADS [ONLY]]]\n");
    std::exit(2);
  }
  const Dataset base = Check(ReadDataset(argv[1]));
  const Dataset queries = Check(ReadDataset(argv[2]));
  const Metric metric = ParseMetric(argv[3]).value();
  if (argc > 4) g_moments = std::atoi(argv[4]);
  const int threads = argc > 5 ? std::atoi(argv[5]) : 0;
  if (argc > 6) g_only = argv[6];
  const std::string path =
      (std::filesystem::temp_directory_path() / "kith_stop_latency.kith").string();
  MeasureBuilds(base.vectors, metric, threads, path);
  Measure("truth", [&](std::stop_token stop, const Progress& progress) {
    return ComputeGroundTruth(base.vectors, queries.vectors, metric, 100, threads, progress,
                              std::move(stop))
        .status();
  });
  if (base.vectors.dtype == DataType::kU8) MeasureAnnoy(base.vectors, queries.vectors, threads);
  if (g_only.substr(0, 5) == "build" || g_only.substr(0, 5) == "annoy" || g_only == "truth") return;
  const auto index = Check(BuildIndexInMemory(
      base.vectors,
      {.metric = metric, .paths = {GraphOptions{}, ForestOptions{}}, .calibrate = false}));
  MeasureUses(*index, queries.vectors, threads);
}

}  // namespace
}  // namespace kith::bench

int main(int argc, char** argv) {
  kith::bench::Main(argc, argv);
  return 0;
}
