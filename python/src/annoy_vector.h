// A vector as Annoy takes it from Python.
#ifndef KITH_PYTHON_ANNOY_VECTOR_H_
#define KITH_PYTHON_ANNOY_VECTOR_H_

#include <nanobind/nanobind.h>

#include <cstddef>
#include <memory>

namespace kith::python {

// The numbers of anything that has a length and items 0 to dim - 1 with a value as float: list,
// tuple, array, or an object with __len__ and __getitem__. Arrays of native floats and integers are
// read from their memory. The values are copied, so that they stay as they are without the GIL.
class AnnoyVector {
 public:
  // Throws IndexError (another length), TypeError (no length, no items, not a number), and what
  // the object's own methods raise. REQUIRES: the GIL is held.
  AnnoyVector(nanobind::handle value, size_t dim);
  AnnoyVector(const AnnoyVector&) = delete;
  AnnoyVector& operator=(const AnnoyVector&) = delete;

  const float* data() const { return data_; }

 private:
  static constexpr size_t kInline = 256;

  bool FillFromBuffer(PyObject* value, size_t dim);

  // Not initialised: all of the first `dim` values are written before they are read.
  float inline_[kInline];          // NOLINT(modernize-avoid-c-arrays)
  std::unique_ptr<float[]> heap_;  // NOLINT(modernize-avoid-c-arrays)
  float* data_;
};

}  // namespace kith::python

#endif  // KITH_PYTHON_ANNOY_VECTOR_H_
