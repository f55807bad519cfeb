// Objects that callers borrow in turn.
#ifndef KITH_BASE_POOL_H_
#define KITH_BASE_POOL_H_

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace kith {
inline namespace base {

// Scratch that searches in any number of threads use one after the other. Grows to the most that
// were in use at once. Thread-safe.
template <class T>
class Pool {
 public:
  // One that was given back, or nullptr if there is none.
  std::unique_ptr<T> Take() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (free_.empty()) return nullptr;
    std::unique_ptr<T> object = std::move(free_.back());
    free_.pop_back();
    return object;
  }

  void Give(std::unique_ptr<T> object) {
    const std::lock_guard<std::mutex> lock(mutex_);
    free_.push_back(std::move(object));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<T>> free_;  // guarded by mutex_
};

}  // namespace base
}  // namespace kith

#endif  // KITH_BASE_POOL_H_
