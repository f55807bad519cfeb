// Values that lie one after the other in the bytes of a section.
#ifndef KITH_CALIBRATION_CURSOR_H_
#define KITH_CALIBRATION_CURSOR_H_

#include <algorithm>
#include <cstddef>
#include <span>

namespace kith::calibration {

template <class T>
std::span<const std::byte> BytesOf(const T* values, size_t count) {
  return std::as_bytes(std::span(values, count));
}

// Reads values one after the other from bytes.
class Cursor {
 public:
  explicit Cursor(std::span<const std::byte> bytes) : left_(bytes) {}

  // False if there are fewer.
  template <class T>
  bool Read(T* values, size_t count) {
    if (left_.size() / sizeof(T) < count) return false;
    std::copy_n(left_.data(), count * sizeof(T), reinterpret_cast<std::byte*>(values));
    left_ = left_.subspan(count * sizeof(T));
    return true;
  }
  bool done() const { return left_.empty(); }

 private:
  std::span<const std::byte> left_;
};

inline bool IsShare(float x) { return x >= 0 && x <= 1; }

}  // namespace kith::calibration

#endif  // KITH_CALIBRATION_CURSOR_H_
