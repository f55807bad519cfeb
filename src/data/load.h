// Numbers out of bytes that need not be aligned. Compilers turn these into plain (vector) loads.
#ifndef KITH_DATA_LOAD_H_
#define KITH_DATA_LOAD_H_

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>

namespace kith::data {

static_assert(std::endian::native == std::endian::little, "the file formats are little-endian");

// The i-th of the little-endian T at `p`.
template <class T>
T Load(const std::byte* p, size_t i = 0) {
  T value;
  std::memcpy(&value, p + i * sizeof(T), sizeof(T));
  return value;
}

// The i-th of the big-endian T at `p`.
template <class T>
T LoadBigEndian(const std::byte* p, size_t i = 0) {
  T value = Load<T>(p, i);
  auto* bytes = reinterpret_cast<std::byte*>(&value);
  std::reverse(bytes, bytes + sizeof(T));
  return value;
}

}  // namespace kith::data

#endif  // KITH_DATA_LOAD_H_
