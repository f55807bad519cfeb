#include "machine_limits.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "bench_util.h"

namespace kith::bench {
namespace {

constexpr int kRepeats = 9;

uint64_t ReadPlain(const std::byte* p, size_t bytes) {
  uint64_t sums[8] = {};
  for (size_t i = 0; i + 64 <= bytes; i += 64) {
    uint64_t words[8];
    std::memcpy(words, p + i, 64);
    for (int j = 0; j < 8; ++j) sums[j] += words[j];
  }
  return sums[0] + sums[1] + sums[2] + sums[3] + sums[4] + sums[5] + sums[6] + sums[7];
}

#if defined(__x86_64__)

// `ahead`: how far memory is asked for before it is read, or 0; the best of them is the limit.
__attribute__((target("avx512f"))) uint64_t ReadAvx512(const std::byte* p, size_t bytes,
                                                       size_t ahead) {
  __m512i sums[8] = {};
  for (size_t i = 0; i + 512 <= bytes; i += 512) {
    for (int j = 0; j < 8; ++j) {
      if (ahead > 0) _mm_prefetch(p + i + j * 64 + ahead, _MM_HINT_T0);
      sums[j] = _mm512_add_epi64(sums[j], _mm512_loadu_si512(p + i + j * 64));
    }
  }
  uint64_t total = 0;
  for (const __m512i& sum : sums) total += static_cast<uint64_t>(_mm512_reduce_add_epi64(sum));
  return total;
}

#endif

double Bandwidth() {
  constexpr size_t kBytes = size_t{512} << 20;
  void* memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) Check(Status::OutOfMemory("cannot map 512 MB"));
  madvise(memory, kBytes, MADV_HUGEPAGE);  // the limit is memory's, not that of page tables
  std::memset(memory, 1, kBytes);
  const auto* data = static_cast<const std::byte*>(memory);
  volatile uint64_t sink = 0;
  double best = BestSeconds(kRepeats, [&] { sink = sink + ReadPlain(data, kBytes); });
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) {
    for (const size_t ahead : {0, 2048, 8192}) {
      best = std::min(
          best, BestSeconds(kRepeats, [&] { sink = sink + ReadAvx512(data, kBytes, ahead); }));
    }
  }
#endif
  munmap(memory, kBytes);
  return static_cast<double>(kBytes) / best * 1e-9;
}

#if defined(__x86_64__)

constexpr int kChains = 16;  // independent sums: more than latency times units
constexpr int64_t kSteps = 2'000'000;

// A function that runs sixteen times one sequence of instructions, kSteps times over, its sum in
// another register each time. In assembly, so that nothing is left out, moved or kept in memory.
#define KITH_LOOP(NAME, ONE)                                                                     \
  __attribute__((target("avx512f"))) void NAME() {                                               \
    for (int64_t i = 0; i < kSteps; ++i) {                                                       \
      asm volatile(ONE("0") ONE("1") ONE("2") ONE("3") ONE("4") ONE("5") ONE("6") ONE("7")       \
                       ONE("8") ONE("9") ONE("10") ONE("11") ONE("12") ONE("13") ONE("14")       \
                           ONE("15")::                                                           \
                               : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", \
                                 "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",    \
                                 "xmm15", "xmm22", "xmm23");                                     \
    }                                                                                            \
  }
#define KITH_FMA(N) "vfmadd231ps %%zmm20, %%zmm21, %%zmm" N "\n"
#define KITH_BF16_DOT(N) "vdpbf16ps %%zmm20, %%zmm21, %%zmm" N "\n"
#define KITH_BYTE_DOT(N) "vpdpbusd %%zmm20, %%zmm21, %%zmm" N "\n"
#define KITH_FLOAT_L1(N)               \
  "vsubps %%zmm20, %%zmm21, %%zmm22\n" \
  "vpandd %%zmm20, %%zmm22, %%zmm23\n" \
  "vaddps %%zmm23, %%zmm" N ", %%zmm" N "\n"
#define KITH_BYTE_L1(N)                 \
  "vpsadbw %%zmm20, %%zmm21, %%zmm22\n" \
  "vpaddd %%zmm22, %%zmm" N ", %%zmm" N "\n"
#define KITH_BITS(N)                   \
  "vpxord %%zmm20, %%zmm21, %%zmm22\n" \
  "vpopcntd %%zmm22, %%zmm23\n"        \
  "vpaddd %%zmm23, %%zmm" N ", %%zmm" N "\n"
KITH_LOOP(RunFma, KITH_FMA)
KITH_LOOP(RunBf16Dot, KITH_BF16_DOT)
KITH_LOOP(RunByteDot, KITH_BYTE_DOT)
KITH_LOOP(RunFloatL1, KITH_FLOAT_L1)
KITH_LOOP(RunByteL1, KITH_BYTE_L1)
KITH_LOOP(RunBits, KITH_BITS)

// 10^9 coordinates a second of a sequence that deals with `coordinates` of them.
double Rate(int coordinates, void (*run)()) {
  return static_cast<double>(coordinates) * kChains * kSteps / BestSeconds(2 * kRepeats, run) *
         1e-9;
}

void MeasurePeaks(MachineLimits* limits) {
  if (!__builtin_cpu_supports("avx512bw")) return;
  limits->fma.coordinates = Rate(16, RunFma);
  limits->float_l1.coordinates = Rate(16, RunFloatL1);
  limits->byte_l1.coordinates = Rate(64, RunByteL1);
  if (__builtin_cpu_supports("avx512bf16")) limits->bf16_dot.coordinates = Rate(32, RunBf16Dot);
  if (__builtin_cpu_supports("avx512vnni")) limits->byte_dot.coordinates = Rate(64, RunByteDot);
  if (__builtin_cpu_supports("avx512vpopcntdq")) limits->bits.coordinates = Rate(512, RunBits);
}

#else

void MeasurePeaks(MachineLimits*) {}

#endif

}  // namespace

MachineLimits MeasureLimits() {
  MachineLimits limits{.fma = {"fma"},
                       .float_l1 = {"sub and add"},
                       .bf16_dot = {"vdpbf16ps"},
                       .byte_dot = {"vpdpbusd"},
                       .byte_l1 = {"vpsadbw add"},
                       .bits = {"xor vpopcntd add"}};
  limits.bandwidth = Bandwidth();
  MeasurePeaks(&limits);
  return limits;
}

}  // namespace kith::bench
