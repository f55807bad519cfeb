#include "base/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

namespace kith {
namespace {

TEST(ParallelTest, ResolveThreads) {
  EXPECT_EQ(ResolveThreads(1), 1);
  EXPECT_EQ(ResolveThreads(7), 7);
  EXPECT_GE(ResolveThreads(0), 1);
}

TEST(ParallelTest, EachTaskOnce) {
  for (const int threads : {0, 1, 2, 3, 16}) {
    for (const size_t tasks : {0, 1, 2, 15, 1000}) {
      std::vector<std::atomic<int>> runs(tasks);
      std::atomic<bool> in_range{true};
      ParallelFor(tasks, threads, [&](size_t task, int thread) {
        ++runs[task];
        if (thread < 0 || thread >= ResolveThreads(threads)) in_range = false;
      });
      EXPECT_TRUE(in_range);
      for (size_t i = 0; i < tasks; ++i) ASSERT_EQ(runs[i], 1) << i << " of " << tasks;
    }
  }
}

TEST(ParallelTest, ThreadNumbersAreNotSharedAtOneTime) {
  constexpr int kThreads = 4;
  std::atomic<int> users[kThreads] = {};
  std::atomic<bool> shared{false};
  ParallelFor(10'000, kThreads, [&](size_t, int thread) {
    if (++users[thread] != 1) shared = true;
    --users[thread];
  });
  EXPECT_FALSE(shared);
}

TEST(ParallelTest, ChunksCoverTheRange) {
  for (const size_t n : {0, 1, 9, 10, 11, 1000}) {
    std::vector<std::atomic<int>> visits(n);
    std::atomic<bool> aligned{true};
    ParallelChunks(n, 10, 3, [&](size_t begin, size_t end, int) {
      if (begin % 10 != 0 || begin >= end || end - begin > 10) aligned = false;
      for (size_t i = begin; i < end; ++i) ++visits[i];
    });
    EXPECT_TRUE(aligned);
    for (size_t i = 0; i < n; ++i) ASSERT_EQ(visits[i], 1) << i << " of " << n;
  }
}

}  // namespace
}  // namespace kith
