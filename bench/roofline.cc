// Exact search against what the machine can do: measures the memory bandwidth of one core and the
// rate of the instructions that apply, then scans files of random vectors, and prints the share of
// each limit that was reached. Times are the best of several runs, of the limits and of the scans.
//
//   roofline [FOLDER [VECTORS [DIM]]]   FOLDER (default: .) takes a file of 4 * DIM bytes a vector
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/rng.h"
#include "bench_util.h"
#include "kith/kith.h"
#include "machine_limits.h"
#include "simd/kernels.h"

namespace kith::bench {
namespace {

constexpr size_t kQueries = 256;

// The instructions that the widest way to compute a metric is made of.
const Peak& PeakOf(const MachineLimits& limits, Metric metric, DataType dtype) {
  const bool bytes = dtype == DataType::kI8 || dtype == DataType::kU8;
  if (dtype == DataType::kBit) return limits.bits;
  if (metric == Metric::kManhattan) return bytes ? limits.byte_l1 : limits.float_l1;
  return bytes ? limits.byte_dot : limits.fma;
}

// Small integers: exact in every type.
std::vector<float> RandomVectors(size_t n, size_t dim, bool bits) {
  std::vector<float> x(n * dim);
  Rng rng(1);
  for (float& v : x) v = static_cast<float>(rng.Below(bits ? 2 : 128));
  return x;
}

struct Sizes {
  std::string path;
  size_t n;
  size_t dim;
};

void Measure(const Sizes& sizes, Metric metric, DataType dtype, const MachineLimits& limits) {
  const auto& [path, n, dim] = sizes;
  const std::vector<float> x = RandomVectors(n, dim, dtype == DataType::kBit);
  BuildOptions build;
  build.metric = metric;
  build.dtype = dtype;
  // Without codes, which would be measured instead of the vectors.
  build.paths.push_back(ExactOptions{false});
  Check(BuildIndex(ViewOf(x.data(), n, dim), path, build));
  const std::unique_ptr<Index> index = Check(OpenIndex(path, {.prefault = true}));

  MatrixView queries = ViewOf(x.data(), kQueries, dim);
  SearchResult result;
  const auto search = [&](size_t count, int threads) {
    queries.rows = count;
    Check(
        index->Search(queries, {.k = 10, .index = IndexKind::kExact, .threads = threads}, &result));
  };
  const double single = BestSeconds(15, [&] { search(1, 1); });
  const double batch = BestSeconds(5, [&] { search(kQueries, 1); });
  const double batch2 = BestSeconds(5, [&] { search(kQueries, 2); });
  const double gigabytes = static_cast<double>(n * RowBytes(dtype, dim)) * 1e-9;
  const double bandwidth = gigabytes / single;
  const double rate = static_cast<double>(n * dim * kQueries) / batch * 1e-9;
  const Peak& peak = PeakOf(limits, metric, dtype);
  std::printf("%-10s %-5s %8.2f %7.1f %6.0f %%   %8.3f %8.0f %6.0f %%  %-17s %6.2f\n",
              MetricName(metric), DataTypeName(dtype), single * 1e3, bandwidth,
              100 * bandwidth / limits.bandwidth, batch / kQueries * 1e3, rate,
              peak.coordinates > 0 ? 100 * rate / peak.coordinates : 0.0, peak.name.c_str(),
              batch / batch2);
  std::fflush(stdout);
}

void PrintLimits(const MachineLimits& limits) {
  std::printf("One core: %.1f GB/s of memory streamed; coordinates a second, in 10^9:\n",
              limits.bandwidth);
  for (const Peak& peak : {limits.fma, limits.float_l1, limits.bf16_dot, limits.byte_dot,
                           limits.byte_l1, limits.bits}) {
    if (peak.coordinates > 0) {
      std::printf("  %-17s %6.0f\n", peak.name.c_str(), peak.coordinates);
    }
  }
}

void MeasureOpening(const std::string& path) {
  const double seconds = MedianSeconds(21, [&] { Check(OpenIndex(path)); });
  std::printf("opening %s (%.1f MB): %.0f us\n", path.c_str(),
              static_cast<double>(std::filesystem::file_size(path)) * 1e-6, seconds * 1e6);
}

int Main(int argc, char** argv) {
  const std::string folder = argc > 1 ? argv[1] : ".";
  const size_t n = argc > 2 ? std::stoul(argv[2]) : 1'000'000;
  const size_t dim = argc > 3 ? std::stoul(argv[3]) : 128;
  const std::string path = folder + "/roofline.kith";
  const Sizes sizes{path, n, dim};
  const MachineLimits limits = MeasureLimits();
  PrintLimits(limits);
  std::printf("%zu vectors of %zu dimensions, k = 10; kernels: %s\n\n", n, dim,
              simd::GetKernels().target);
  std::printf("%-16s   %-23s    %-42s %8s\n", "", "one query, one thread",
              "256 queries, one thread", "two");
  std::printf("%-10s %-5s %8s %7s %8s   %8s %8s %8s  %-17s %6s\n", "metric", "type", "ms", "GB/s",
              "of limit", "ms each", "10^9/s", "of limit", "instructions", "threads");
  for (const DataType dtype :
       {DataType::kF32, DataType::kF16, DataType::kBF16, DataType::kI8, DataType::kU8}) {
    for (const Metric metric :
         {Metric::kEuclidean, Metric::kAngular, Metric::kDot, Metric::kManhattan}) {
      Measure(sizes, metric, dtype, limits);
    }
  }
  Measure(sizes, Metric::kHamming, DataType::kBit, limits);
  std::printf("\n");
  MeasureOpening(path);
  const std::vector<float> x = RandomVectors(n, dim, false);
  BuildOptions build{
      .metric = Metric::kEuclidean, .dtype = DataType::kF32, .paths = {ExactOptions{}}};
  Check(BuildIndex(ViewOf(x.data(), n, dim), path, build));
  MeasureOpening(path);
  Check(BuildIndex(ViewOf(x.data(), 10, dim), path, build));
  MeasureOpening(path);
  std::filesystem::remove(path);
  return 0;
}

}  // namespace
}  // namespace kith::bench

int main(int argc, char** argv) { return kith::bench::Main(argc, argv); }
