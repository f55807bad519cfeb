// Time that passes.
#ifndef KITH_APPS_COMMON_STOPWATCH_H_
#define KITH_APPS_COMMON_STOPWATCH_H_

#include <chrono>

namespace kith::apps {

// Seconds since it was made.
class Stopwatch {
 public:
  double Seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace kith::apps

#endif  // KITH_APPS_COMMON_STOPWATCH_H_
