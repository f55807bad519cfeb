// Exact search over 8-bit codes with error bounds against the plain scan of the same vectors, the
// two measured in turn. Checks that all answers are identical bit for bit, and prints speeds and
// the share of the vectors that had to be compared in full.
//
//   exact_scan BASE QUERIES angular|euclidean|dot [f32|f16|bf16 [NUM_QUERIES]]
//
// QUERIES may be `-`: then NUM_QUERIES vectors, evenly spread, are taken out of BASE.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "bench_data.h"
#include "bench_util.h"
#include "kith/kith.h"
#include "simd/kernels.h"

namespace kith::bench {
namespace {

// Few at once are soon done, and their times vary more.
int Rounds(size_t count) { return count == 1 ? 80 : 12; }

struct Built {
  std::unique_ptr<Index> index;
  double build_seconds;
};

Built Build(const MatrixView& base, Metric metric, DataType dtype, bool codes,
            const std::string& path) {
  BuildOptions options{.metric = metric, .dtype = dtype, .paths = {ExactOptions{codes}}};
  options.threads = 1;
  const double start = Seconds();
  Check(BuildIndex(base, path, options));
  const double seconds = Seconds() - start;
  return {Check(OpenIndex(path, {.prefault = true})), seconds};
}

SearchResult Search(const Index& index, const MatrixView& queries, size_t k, int threads) {
  SearchResult result;
  Check(index.Search(queries, {.k = k, .index = IndexKind::kExact, .threads = threads}, &result));
  return result;
}

bool Same(const SearchResult& a, const SearchResult& b) {
  return a.ids == b.ids && std::memcmp(a.distances.data(), b.distances.data(),
                                       a.distances.size() * sizeof(float)) == 0;
}

MatrixView Rows(MatrixView m, size_t begin, size_t count) {
  m.data = m.row(begin);
  m.rows = std::min(count, m.rows - begin);
  return m;
}

// Seconds of this thread at work, so that what else the machine does matters less; on several
// threads, those of the clock.
double Now(int threads) {
  if (threads > 1) return Seconds();
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// What a quarter of the runs stay below.
double Quartile(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 4];
}

// One line: `count` queries at once, both ways in turn.
void Measure(const Index& plain, const Index& coded, const MatrixView& queries, size_t count,
             size_t k, int threads) {
  std::vector<double> plain_times;
  std::vector<double> coded_times;
  SearchStats stats;
  size_t searched = 0;
  for (int round = 0; round < Rounds(count); ++round) {
    const MatrixView part = Rows(queries, round * count % (queries.rows - count + 1), count);
    const double start = Now(threads);
    const SearchResult a = Search(plain, part, k, threads);
    const double middle = Now(threads);
    const SearchResult b = Search(coded, part, k, threads);
    const double end = Now(threads);
    if (!Same(a, b)) Check(Status::Internal("answers differ"));
    stats += b.stats;
    searched += count;
    if (round == 0) continue;  // warms the caches
    plain_times.push_back((middle - start) / static_cast<double>(count));
    coded_times.push_back((end - middle) / static_cast<double>(count));
  }
  const double plain_seconds = Quartile(plain_times);
  const double coded_seconds = Quartile(coded_times);
  const double full = static_cast<double>(stats.distances) / static_cast<double>(searched);
  std::printf("%7zu %5zu %7d  %9.0f %9.0f %6.2f  %9.1f %9.4f %%\n", count, k, threads,
              1 / plain_seconds, 1 / coded_seconds, plain_seconds / coded_seconds, full,
              100 * full / static_cast<double>(plain.info().num_vectors));
}

int Main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr,
                 "usage: exact_scan BASE QUERIES|- angular|euclidean|dot [f32|f16|bf16 [N]]\n");
    return 2;
  }
  const Dataset file = Check(ReadDataset(argv[1]));
  const auto metric = ParseMetric(argv[3]);
  const auto dtype = ParseDataType(argc > 4 ? argv[4] : "f32");
  if (!metric.has_value() || !dtype.has_value()) {
    Check(Status::InvalidArgument("no such metric or type"));
  }
  const Split data = SplitQueries(file, argv[2], argc > 5 ? std::stoul(argv[5]) : 2000);
  const std::string folder = std::filesystem::temp_directory_path().string();
  const std::string plain_path = folder + "/exact_scan_plain.kith";
  const std::string coded_path = folder + "/exact_scan_coded.kith";
  const Built plain = Build(data.base, *metric, *dtype, false, plain_path);
  const Built coded = Build(data.base, *metric, *dtype, true, coded_path);
  std::printf("%zu x %zu %s, %s; kernels: %s\n", data.base.rows, data.base.dim,
              DataTypeName(*dtype), MetricName(*metric), simd::GetKernels().target);
  std::printf("build, one thread: %.2f s plain, %.2f s with codes; file: %.1f MB, %.1f MB\n\n",
              plain.build_seconds, coded.build_seconds,
              static_cast<double>(plain.index->info().file_bytes) * 1e-6,
              static_cast<double>(coded.index->info().file_bytes) * 1e-6);
  std::printf("%7s %5s %7s  %9s %9s %6s  %9s %11s\n", "queries", "", "", "plain", "codes", "",
              "compared", "share of");
  std::printf("%7s %5s %7s  %9s %9s %6s  %9s %11s\n", "at once", "k", "threads", "qps", "qps",
              "ratio", "in full", "the vectors");
  for (const size_t k : {1, 10, 100, 1000}) {
    Measure(*plain.index, *coded.index, data.queries, 1, k, 1);
  }
  Measure(*plain.index, *coded.index, data.queries, 1, 10, 2);
  for (const int threads : {1, 2}) {
    Measure(*plain.index, *coded.index, data.queries, 64, 10, threads);
  }
  std::filesystem::remove(plain_path);
  std::filesystem::remove(coded_path);
  return 0;
}

}  // namespace
}  // namespace kith::bench

int main(int argc, char** argv) { return kith::bench::Main(argc, argv); }
