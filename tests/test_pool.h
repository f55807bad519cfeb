// Pools of threads for the tests of what takes one.
#ifndef KITH_TESTS_TEST_POOL_H_
#define KITH_TESTS_TEST_POOL_H_

#include <map>

#include "base/thread_pool.h"

namespace kith {

// One of so many threads, the same each time. For one test at a time.
inline ThreadPool& TestPool(int threads = 1) {
  static std::map<int, ThreadPool> pools;
  return pools.try_emplace(threads, threads).first->second;
}

}  // namespace kith

#endif  // KITH_TESTS_TEST_POOL_H_
