// What the benchmarks share: a clock, and medians of repeated runs.
#ifndef KITH_BENCH_BENCH_UTIL_H_
#define KITH_BENCH_BENCH_UTIL_H_

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "kith/status.h"

namespace kith::bench {

inline double Seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

inline double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// The median time of `repeats` runs after one that is not counted.
template <class Function>
double MedianSeconds(int repeats, const Function& run) {
  std::vector<double> times;
  for (int i = 0; i <= repeats; ++i) {
    const double start = Seconds();
    run();
    if (i > 0) times.push_back(Seconds() - start);
  }
  return Median(times);
}

// The shortest time of `repeats` runs after one that is not counted: what limits are measured by.
template <class Function>
double BestSeconds(int repeats, const Function& run) {
  double best = 0;
  for (int i = 0; i <= repeats; ++i) {
    const double start = Seconds();
    run();
    const double seconds = Seconds() - start;
    if (i == 1 || (i > 1 && seconds < best)) best = seconds;
  }
  return best;
}

inline void Check(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.message().c_str());
  std::exit(1);
}

template <class T>
T Check(Result<T> result) {
  Check(result.status());
  return std::move(result).value();
}

}  // namespace kith::bench

#endif  // KITH_BENCH_BENCH_UTIL_H_
