#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <new>
#include <span>
#include <stdexcept>
#include <stop_token>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/edge.h"
#include "base/pages.h"
#include "base/rng.h"
#include "base/sort.h"

namespace kith {
namespace {

TEST(ThreadPoolTest, ResolveThreads) {
  EXPECT_EQ(ResolveThreads(1), 1);
  EXPECT_EQ(ResolveThreads(7), 7);
  EXPECT_GE(ResolveThreads(0), 1);
}

TEST(ThreadPoolTest, EachTaskOnce) {
  for (const int threads : {0, 1, 2, 3, 16}) {
    ThreadPool pool(threads);
    for (const size_t tasks : {0, 1, 2, 15, 1000}) {
      std::vector<std::atomic<int>> runs(tasks);
      std::atomic<bool> in_range{true};
      const Status status = pool.For(tasks, [&](size_t task, int thread) {
        ++runs[task];
        if (thread < 0 || thread >= pool.size()) in_range = false;
      });
      EXPECT_TRUE(status.ok());
      EXPECT_TRUE(in_range);
      for (size_t i = 0; i < tasks; ++i) ASSERT_EQ(runs[i], 1) << i << " of " << tasks;
    }
  }
}

TEST(ThreadPoolTest, ThreadNumbersAreNotSharedAtOneTime) {
  ThreadPool pool(4);
  std::vector<std::atomic<int>> users(4);
  std::atomic<bool> shared{false};
  const Status status = pool.For(10'000, [&](size_t, int thread) {
    if (++users[thread] != 1) shared = true;
    --users[thread];
  });
  EXPECT_TRUE(status.ok());
  EXPECT_FALSE(shared);
}

TEST(ThreadPoolTest, ChunksCoverTheRange) {
  ThreadPool pool(3);
  for (const size_t n : {0, 1, 9, 10, 11, 1000}) {
    std::vector<std::atomic<int>> visits(n);
    std::atomic<bool> aligned{true};
    const Status status = pool.Chunks(n, 10, [&](size_t begin, size_t end, int) {
      if (begin % 10 != 0 || begin >= end || end - begin > 10) aligned = false;
      for (size_t i = begin; i < end; ++i) ++visits[i];
    });
    EXPECT_TRUE(status.ok());
    EXPECT_TRUE(aligned);
    for (size_t i = 0; i < n; ++i) ASSERT_EQ(visits[i], 1) << i << " of " << n;
  }
}

// With three threads the fifth task may fail before the second: the second's error is returned if
// it ran at all, and it began before the fifth.
TEST(ThreadPoolTest, TheFirstFailureIsReturnedAndNoMoreTasksBegin) {
  for (const int threads : {1, 3}) {
    ThreadPool pool(threads);
    std::atomic<size_t> begun{0};
    const Status status = pool.For(100'000, [&](size_t task, int) {
      ++begun;
      return task % 3 == 1 ? Status::IoError("task " + std::to_string(task)) : Status::Ok();
    });
    EXPECT_EQ(status.code(), StatusCode::kIoError);
    EXPECT_EQ(status.message(), "task 1");
    EXPECT_LT(begun, 50'000u);
  }
}

TEST(ThreadPoolTest, WhatATaskThrowsIsAStatus) {
  ThreadPool pool(3);
  EXPECT_EQ(pool.For(20, [](size_t, int) { throw std::bad_alloc(); }).code(),
            StatusCode::kOutOfMemory);
  EXPECT_EQ(pool.For(20, [](size_t task, int) { std::vector<int>().reserve(~task); }).code(),
            StatusCode::kOutOfMemory);
  const Status odd = pool.For(20, [](size_t, int) { throw std::runtime_error("odd"); });
  EXPECT_EQ(odd.code(), StatusCode::kInternal);
  EXPECT_EQ(odd.message(), "odd");
  EXPECT_EQ(pool.For(20, [](size_t, int) { throw 7; }).code(), StatusCode::kInternal);
  // And the pool is as good as before.
  EXPECT_TRUE(pool.For(20, [](size_t, int) {}).ok());
}

TEST(ThreadPoolTest, AStopEndsALoop) {
  for (const int threads : {1, 3}) {
    std::stop_source source;
    ThreadPool pool(threads, source.get_token());
    std::atomic<size_t> begun{0};
    const Status status = pool.For(100'000, [&](size_t, int) {
      if (++begun == 10) source.request_stop();
    });
    EXPECT_EQ(status.message(), Cancelled().message());
    EXPECT_LT(begun, 50'000u);
    EXPECT_FALSE(pool.CheckStop().ok());
    EXPECT_FALSE(pool.For(1, [&](size_t, int) { ADD_FAILURE() << "began after the stop"; }).ok());
  }
}

TEST(ThreadPoolTest, AnAnswerOfFalseEndsAllThatRuns) {
  for (const int threads : {1, 3}) {
    ThreadPool pool(threads);
    EXPECT_TRUE(pool.Report({}, "stage", 0, 1).ok());
    const auto yes = [](std::string_view stage, uint64_t done, uint64_t total) {
      return stage == "stage" && done == 3 && total == 7;
    };
    EXPECT_TRUE(pool.Report(yes, "stage", 3, 7).ok());
    const auto no = [](std::string_view, uint64_t, uint64_t) { return false; };
    // The others wait, so that there is something left for the caller's thread.
    const Status status = pool.For(100'000, [&](size_t /*task*/, int thread) {
      if (thread == 0) return pool.Report(no, "stage", 0, 1);
      while (!pool.stopped()) std::this_thread::yield();
      return Status::Ok();
    });
    EXPECT_EQ(status.message(), Cancelled().message());
    EXPECT_TRUE(pool.stopped());
    EXPECT_FALSE(pool.For(1, [](size_t, int) {}).ok());
    EXPECT_FALSE(pool.Report({}, "stage", 0, 1).ok());
  }
}

TEST(ThreadPoolTest, LoopsWithinTasksRunOnTheirOwnThread) {
  ThreadPool pool(3);
  std::atomic<size_t> runs{0};
  const Status status = pool.For(50, [&](size_t, int) {
    return pool.For(20, [&](size_t, int thread) {
      EXPECT_EQ(thread, 0);
      ++runs;
    });
  });
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(runs, 1000u);
}

TEST(ThreadPoolTest, ManyThreadsMayUseOne) {
  ThreadPool pool(3);
  std::atomic<size_t> runs{0};
  std::vector<std::thread> users;
  for (int user = 0; user < 4; ++user) {
    users.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        EXPECT_TRUE(pool.For(20, [&](size_t, int) { ++runs; }).ok());
      }
    });
  }
  for (std::thread& user : users) user.join();
  EXPECT_EQ(runs, 4u * 50 * 20);
}

TEST(ThreadPoolTest, SortsInPieces) {
  ThreadPool pool(3);
  Rng rng(1);
  for (const size_t n : {0, 1, 1000, 65'536, 65'537, 200'000, 300'001}) {
    std::vector<uint32_t> values(n);
    for (uint32_t& value : values) value = rng.Below(50'000);
    std::vector<uint32_t> sorted = values;
    std::sort(sorted.begin(), sorted.end());
    ASSERT_TRUE(SortInPieces(std::span(values), pool).ok());
    EXPECT_TRUE(values == sorted) << n;
  }
}

TEST(EdgeTest, SaysWhatRanOutOfMemoryAndWhatToDo) {
  const auto none = []() -> Status { throw std::bad_alloc(); };
  EXPECT_EQ(AtEdge("a.csv", "read fewer rows", none).message(),
            "a.csv: out of memory; read fewer rows");
  EXPECT_EQ(AtEdge({}, "read fewer rows", none).message(), "out of memory; read fewer rows");
  EXPECT_EQ(AtEdge("a.csv", {}, none).message(), "a.csv: out of memory");
  const auto result = []() -> Result<int> { throw std::length_error("too long"); };
  EXPECT_EQ(AtEdge("a.csv", {}, result).status().message(), "a.csv: out of memory");
  EXPECT_EQ(*AtEdge("a.csv", {}, []() -> Result<int> { return 3; }), 3);
  // Who knows more has said it.
  const auto other = [] { return Status::OutOfMemory("no room for 7 rows"); };
  EXPECT_EQ(AtEdge("a.csv", "read fewer rows", other).message(), "no room for 7 rows");
  const auto corrupt = [] { return Status::Corruption("out of memory"); };
  EXPECT_EQ(AtEdge("a.csv", "read fewer rows", corrupt).message(), "out of memory");
}

TEST(AlignedBufferTest, IsZeroedAndAlignedHoweverLarge) {
  for (const size_t count :
       {size_t{0}, size_t{1}, size_t{1000}, size_t{2} << 20, size_t{5} << 20}) {
    auto buffer = AlignedBuffer<uint32_t>::Create(count);
    ASSERT_TRUE(buffer.ok());
    EXPECT_EQ(buffer->size(), count);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer->data()) % kCacheLine, 0u);
    EXPECT_TRUE(
        std::all_of(buffer->data(), buffer->data() + count, [](uint32_t x) { return x == 0; }));
    AlignedBuffer<uint32_t> moved = std::move(*buffer);
    for (size_t i = 0; i < count; ++i) moved[i] = 7;
  }
  FailPagesForTesting(1);
  EXPECT_TRUE(AlignedBuffer<uint32_t>::Create(size_t{2} << 20).ok());
  EXPECT_TRUE(AlignedBuffer<uint32_t>::Create(1000).ok());
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(AlignedBuffer<uint32_t>::Create(size_t{2} << 20).status().code(),
              StatusCode::kOutOfMemory);
  }
  FailPagesForTesting(-1);
  EXPECT_TRUE(AlignedBuffer<uint32_t>::Create(size_t{2} << 20).ok());
}

}  // namespace
}  // namespace kith
