// A call again and again, each time with less memory.
#ifndef KITH_TESTS_FAULTS_SWEEP_H_
#define KITH_TESTS_FAULTS_SWEEP_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/rng.h"
#include "faults/failing_memory.h"
#include "kith/status.h"
#include "sanitized.h"

namespace kith::testing {

// The first allocations of a call that makes `calls` of them, and `most` of the others.
inline std::vector<int64_t> SampleCalls(int64_t calls, int64_t most) {
  constexpr int64_t kFirst = 8;
  if (kSanitized) most = (most + 3) / 4;
  std::vector<int64_t> sample;
  for (int64_t n = 0; n < std::min(calls, kFirst); ++n) sample.push_back(n);
  if (calls <= kFirst) return sample;
  Rng rng(static_cast<uint64_t>(calls));
  const int64_t rest = calls - kFirst;
  const int64_t count = std::min(most, rest);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t begin = i * rest / count;
    const int64_t end = (i + 1) * rest / count;
    sample.push_back(kFirst + begin + rng.Below(static_cast<uint32_t>(end - begin)));
  }
  return sample;
}

// Runs call(), which returns a Status, with allocations failing one after the other, and from each
// on. It must go well or be OutOfMemory; after(status) is called with memory again. `most` bounds
// the number of allocations that fail in turn.
template <class Call, class After>
void Sweep(int64_t most, Call call, After after) {
  int64_t calls = 0;
  // Once before it counts: what is kept for the next call is asked for once only.
  for (int i = 0; i < 2; ++i) {
    Status status;
    {
      const FailingMemory counting;
      status = call();
      calls = FailingMemory::calls();
    }
    ASSERT_TRUE(status.ok()) << status.message();
    after(status);
  }
  int failed = 0;
  for (const int64_t n : SampleCalls(calls, most)) {
    for (const auto mode : {FailingMemory::Mode::kOnce, FailingMemory::Mode::kFromThereOn}) {
      SCOPED_TRACE(::testing::Message()
                   << "allocation " << n << " of " << calls
                   << (mode == FailingMemory::Mode::kOnce ? "" : " and all that follow"));
      Status status;
      {
        const FailingMemory failing(n, mode);
        status = call();
      }
      if (!status.ok()) {
        ASSERT_EQ(status.code(), StatusCode::kOutOfMemory) << status.message();
        ASSERT_NE(status.message(), "");
        ++failed;
      }
      after(status);
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
  // Hardly anything goes on without memory.
  if (calls > 0) EXPECT_GT(failed, 0);
}

}  // namespace kith::testing

#endif  // KITH_TESTS_FAULTS_SWEEP_H_
