// Allocations that fail when a test says so, of any thread of the program that links
// failing_memory.cc.
#ifndef KITH_TESTS_FAULTS_FAILING_MEMORY_H_
#define KITH_TESTS_FAULTS_FAILING_MEMORY_H_

#include <cstdint>

namespace kith::testing {

// While there is one, operator new counts, and fails in the n-th call (from 0), or in all from
// there on. Not more than one at a time.
class FailingMemory {
 public:
  enum class Mode { kOnce, kFromThereOn };

  static constexpr int64_t kNever = -1;

  explicit FailingMemory(int64_t n = kNever, Mode mode = Mode::kOnce);
  ~FailingMemory();
  FailingMemory(const FailingMemory&) = delete;
  FailingMemory& operator=(const FailingMemory&) = delete;

  // Calls so far.
  static int64_t calls();
};

// While there is one, no thread can be started.
class NoThreads {
 public:
  NoThreads();
  ~NoThreads();
  NoThreads(const NoThreads&) = delete;
  NoThreads& operator=(const NoThreads&) = delete;

  // False in builds whose sanitizer starts threads itself.
  static bool works();
};

}  // namespace kith::testing

#endif  // KITH_TESTS_FAULTS_FAILING_MEMORY_H_
