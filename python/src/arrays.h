// Arrays of Python as matrices of the core, and the reverse.
#ifndef KITH_PYTHON_ARRAYS_H_
#define KITH_PYTHON_ARRAYS_H_

#include <nanobind/nanobind.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "buffer.h"
#include "kith/types.h"

namespace kith::python {

// Vectors given by the caller. Arrays of float32, float16, int8 and uint8 whose rows are contiguous
// are borrowed; float64 becomes float32, bool becomes bits, wider integers float32 if that is the
// same number, and everything in another layout or byte order is copied. Makes and destroys its
// parts with the GIL held; the view may be read without it.
class InputMatrix {
 public:
  // `object` is an array of one vector (d,) or of vectors (n, d): anything with a buffer, or that
  // kith._inputs.as_array() or numpy.asarray() make an array of. `name` says in messages what it
  // is. Throws TypeError (an element type that is not a vector's), ValueError (a shape with no or
  // more than two axes, ragged lists, a number that float32 does not hold).
  InputMatrix(const nanobind::object& object, const char* name);
  const MatrixView& view() const { return view_; }
  // Whether it is one vector, for which answers have one axis too.
  bool one() const { return one_; }

 private:
  // False if the object has to become another array first.
  bool Borrow(const nanobind::object& object);
  template <class T>
  void Narrow();    // to float32
  void PackBits();  // bool to bits

  const char* name_;
  Buffer buffer_;
  bool one_ = false;
  MatrixView view_;
  std::vector<float> floats_;
  std::vector<std::byte> bits_;
};

// ValueError if the object is an array of numpy some values of which are masked: they would count.
// Costs next to nothing for lists, tuples and plain arrays.
void CheckNotMasked(const nanobind::object& object);

// Whether the elements are float32 in native byte order.
bool IsFloat32(const Buffer& buffer);

// A new numpy array of `rows` x `columns`, or of (columns,) if `one`, to be filled.
template <class T>
class NewArray {
 public:
  NewArray(size_t rows, size_t columns, bool one);
  T* data() { return reinterpret_cast<T*>(buffer_.writable()); }
  nanobind::object Take() {
    buffer_.Release();
    return std::move(array_);
  }

 private:
  nanobind::object array_;
  Buffer buffer_;
};
extern template class NewArray<int64_t>;
extern template class NewArray<float>;
extern template class NewArray<double>;

// The values as a new numpy array of `rows` x `columns`, or of (columns,) if `one`.
// REQUIRES: there are as many.
template <class T>
nanobind::object ToArray(const std::vector<T>& values, size_t rows, size_t columns, bool one) {
  NewArray<T> array(rows, columns, one);
  std::copy(values.begin(), values.end(), array.data());
  return array.Take();
}

// One-dimensional integers. Throws TypeError, ValueError (another shape, a number beyond int64).
std::vector<int64_t> ToIds(const nanobind::object& object, const char* name);

// One-dimensional numbers, NaN and infinities too. Throws TypeError, ValueError (another shape, a
// masked value).
std::vector<double> ToNumbers(const nanobind::object& object, const char* name);

// Strings: str (UTF-8) or bytes, in anything iterable. Throws TypeError naming the place.
StringList ToKeys(const nanobind::object& object);

// A key as str; bytes that are not UTF-8 come as surrogates, as file names do.
nanobind::object FromKey(std::string_view key);
// The reverse; of bytes, they themselves.
std::string ToKey(nanobind::handle object, const char* name);

// A path: str, bytes or os.PathLike. Throws TypeError.
std::string ToPath(nanobind::handle object);

}  // namespace kith::python

#endif  // KITH_PYTHON_ARRAYS_H_
