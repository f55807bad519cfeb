// Exact search against what the machine can do: measures the memory bandwidth and the arithmetic
// peak of one core, then scans files of random vectors, and prints the share of each limit that was
// reached.
//
//   roofline [FOLDER [VECTORS]]   FOLDER (default: .) takes a file of up to 512 bytes a vector
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/rng.h"
#include "bench_util.h"
#include "kith/kith.h"
#include "simd/kernels.h"

namespace kith::bench {
namespace {

constexpr int kRepeats = 7;

// ---- The machine's limits.

#if defined(__x86_64__)
__attribute__((target("avx512f"))) uint64_t ReadAvx512(const std::byte* p, size_t bytes) {
  __m512i sums[8] = {};
  for (size_t i = 0; i + 512 <= bytes; i += 512) {
    for (int j = 0; j < 8; ++j) {
      sums[j] = _mm512_add_epi64(sums[j], _mm512_loadu_si512(p + i + j * 64));
    }
  }
  uint64_t total = 0;
  for (const __m512i& sum : sums) total += static_cast<uint64_t>(_mm512_reduce_add_epi64(sum));
  return total;
}

#endif

uint64_t ReadPlain(const std::byte* p, size_t bytes) {
  uint64_t sums[8] = {};
  for (size_t i = 0; i + 64 <= bytes; i += 64) {
    uint64_t words[8];
    std::memcpy(words, p + i, 64);
    for (int j = 0; j < 8; ++j) sums[j] += words[j];
  }
  return sums[0] + sums[1] + sums[2] + sums[3] + sums[4] + sums[5] + sums[6] + sums[7];
}

double BandwidthGBs() {
  const size_t bytes = size_t{1} << 30;
  const std::vector<std::byte> data(bytes, std::byte{1});
  volatile uint64_t sink = 0;
  double best = MedianSeconds(kRepeats, [&] { sink = sink + ReadPlain(data.data(), bytes); });
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) {
    best = std::min(best,
                    MedianSeconds(kRepeats, [&] { sink = sink + ReadAvx512(data.data(), bytes); }));
  }
#endif
  return static_cast<double>(bytes) / best * 1e-9;
}

constexpr int kChains = 16;  // independent sums: more than latency times units
constexpr int64_t kSteps = 20'000'000;

#if defined(__x86_64__)
__attribute__((target("avx512f"))) float FmaAvx512() {
  __m512 sums[kChains];  // of different values, or they would be computed once
  for (int j = 0; j < kChains; ++j) sums[j] = _mm512_set1_ps(static_cast<float>(j));
  const __m512 x = _mm512_set1_ps(0.5f);
  for (int64_t i = 0; i < kSteps; ++i) {
    for (int j = 0; j < kChains; ++j) sums[j] = _mm512_fmadd_ps(x, x, sums[j]);
  }
  float total = 0;
  for (const __m512& sum : sums) total += _mm512_reduce_add_ps(sum);
  return total;
}

__attribute__((target("avx2,fma"))) float FmaAvx2() {
  __m256 sums[8];
  for (int j = 0; j < 8; ++j) sums[j] = _mm256_set1_ps(static_cast<float>(j));
  const __m256 x = _mm256_set1_ps(0.5f);
  for (int64_t i = 0; i < kSteps; ++i) {
    for (int j = 0; j < 8; ++j) sums[j] = _mm256_fmadd_ps(x, x, sums[j]);
  }
  float lanes[8];
  float total = 0;
  for (const __m256& sum : sums) {
    _mm256_storeu_ps(lanes, sum);
    total += lanes[0];
  }
  return total;
}

#endif

// 0 where this program does not know the processor's instructions.
double PeakGflops() {
#if defined(__x86_64__)
  volatile float sink = 0;
  if (__builtin_cpu_supports("avx512f")) {
    const double s = MedianSeconds(kRepeats, [&] { sink = sink + FmaAvx512(); });
    return 2.0 * 16 * kChains * kSteps / s * 1e-9;
  }
  if (__builtin_cpu_supports("fma")) {
    const double s = MedianSeconds(kRepeats, [&] { sink = sink + FmaAvx2(); });
    return 2.0 * 8 * 8 * kSteps / s * 1e-9;
  }
#endif
  return 0;
}

// ---- Exact search.

constexpr size_t kDim = 128;

// Small integers: exact in every type.
std::vector<float> RandomVectors(size_t n, bool bits) {
  std::vector<float> x(n * kDim);
  Rng rng(1);
  for (float& v : x) v = static_cast<float>(rng.Below(bits ? 2 : 128));
  return x;
}

void Measure(const std::string& path, size_t n, Metric metric, DataType dtype, double bandwidth,
             double peak) {
  const bool bits = dtype == DataType::kBit;
  const std::vector<float> x = RandomVectors(n, bits);
  BuildOptions build;
  build.metric = metric;
  build.dtype = dtype;
  build.forest = false;
  build.scan_codes = false;  // which would be measured instead of the vectors
  Check(BuildIndex(ViewOf(x.data(), n, kDim), path, build));
  const std::unique_ptr<Index> index = Check(OpenIndex(path, {.prefault = true}));
  const double gigabytes = static_cast<double>(n * RowBytes(dtype, kDim)) * 1e-9;

  const size_t num_queries = 256;
  MatrixView queries = ViewOf(x.data(), num_queries, kDim);
  SearchResult result;
  const auto search = [&](size_t count, int threads) {
    queries.rows = count;
    Check(
        index->Search(queries, {.k = 10, .index = IndexKind::kExact, .threads = threads}, &result));
  };
  const double single = MedianSeconds(kRepeats, [&] { search(1, 1); });
  const double batch = MedianSeconds(3, [&] { search(num_queries, 1); });
  const double batch2 = MedianSeconds(3, [&] { search(num_queries, 2); });
  const double gflops = 2.0 * static_cast<double>(n * kDim * num_queries) / batch * 1e-9;
  std::printf("%-10s %-5s %9.2f %8.1f %6.0f %%  %10.3f %9.1f %6.0f %%  %6.2f\n", MetricName(metric),
              DataTypeName(dtype), single * 1e3, gigabytes / single,
              100 * gigabytes / single / bandwidth, batch / num_queries * 1e3, gflops,
              100 * gflops / peak, batch / batch2);
}

void MeasureOpening(const std::string& path) {
  const double seconds = MedianSeconds(21, [&] { Check(OpenIndex(path)); });
  std::printf("opening %s (%.1f MB): %.0f us\n", path.c_str(),
              static_cast<double>(std::filesystem::file_size(path)) * 1e-6, seconds * 1e6);
}

int Main(int argc, char** argv) {
  const std::string folder = argc > 1 ? argv[1] : ".";
  const size_t n = argc > 2 ? std::stoul(argv[2]) : 1'000'000;
  const std::string path = folder + "/roofline.kith";
  const double bandwidth = BandwidthGBs();
  const double peak = PeakGflops();
  std::printf("one core: %.1f GB/s streamed, %.0f GFLOP/s of float32 FMA; kernels: %s\n", bandwidth,
              peak, simd::GetKernels().target);
  std::printf("%zu vectors of %zu dimensions, k = 10\n\n", n, kDim);
  std::printf("%-10s %-5s %9s %8s %8s  %10s %9s %8s  %6s\n", "", "", "one query", "", "of the",
              "256 at once", "", "of the", "2");
  std::printf("%-10s %-5s %9s %8s %8s  %10s %9s %8s  %6s\n", "metric", "type", "ms", "GB/s",
              "limit", "ms each", "G op/s", "FMA peak", "threads");
  for (const DataType dtype :
       {DataType::kF32, DataType::kF16, DataType::kBF16, DataType::kI8, DataType::kU8}) {
    for (const Metric metric :
         {Metric::kEuclidean, Metric::kAngular, Metric::kDot, Metric::kManhattan}) {
      Measure(path, n, metric, dtype, bandwidth, peak);
    }
  }
  Measure(path, n, Metric::kHamming, DataType::kBit, bandwidth, peak);
  std::printf("\n");
  MeasureOpening(path);
  const std::vector<float> x = RandomVectors(n, false);
  BuildOptions build{.metric = Metric::kEuclidean, .dtype = DataType::kF32, .forest = false};
  Check(BuildIndex(ViewOf(x.data(), n, kDim), path, build));
  MeasureOpening(path);
  Check(BuildIndex(ViewOf(x.data(), 10, kDim), path, build));
  MeasureOpening(path);
  std::filesystem::remove(path);
  return 0;
}

}  // namespace
}  // namespace kith::bench

int main(int argc, char** argv) { return kith::bench::Main(argc, argv); }
