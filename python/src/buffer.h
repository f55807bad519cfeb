// The memory of Python objects that lend theirs: arrays, memoryviews, bytes.
#ifndef KITH_PYTHON_BUFFER_H_
#define KITH_PYTHON_BUFFER_H_

#include <nanobind/nanobind.h>

#include <cstddef>
#include <vector>

namespace kith::python {

// A buffer of an object, of any layout, held as long as this lives. What the protocol leaves to the
// exporter, who may leave out shape and strides whatever it was asked for, is asked for here and
// nowhere else. Needs the GIL.
class Buffer {
 public:
  Buffer() = default;
  ~Buffer() { Release(); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  // Throws what the object says if it has no buffer, and BufferError if that contradicts itself.
  void Get(nanobind::handle object, int flags = PyBUF_FULL_RO);
  // False instead, if the object is of a kind that lends nothing, or nothing of these elements.
  bool TryGet(nanobind::handle object);
  void Release();

  const std::byte* data() const { return static_cast<const std::byte*>(raw_.buf); }
  std::byte* writable() { return static_cast<std::byte*>(raw_.buf); }
  size_t size() const { return static_cast<size_t>(raw_.len); }
  size_t itemsize() const { return static_cast<size_t>(raw_.itemsize); }
  // As in the module struct; "B" if the exporter says nothing.
  const char* format() const { return raw_.format == nullptr ? "B" : raw_.format; }
  int ndim() const { return raw_.ndim; }
  // REQUIRES: axis < ndim().
  Py_ssize_t shape(int axis) const;
  Py_ssize_t stride(int axis) const;  // in bytes; of a buffer that is not indirect()
  // Whether rows may be pointers to rows, which strides do not describe, nor numpy know.
  bool indirect() const { return raw_.suboffsets != nullptr; }
  // All elements in C order, one behind the other. Throws BufferError.
  std::vector<std::byte> Copy() const;
  // Whether data() is that already.
  bool contiguous() const { return PyBuffer_IsContiguous(&raw_, 'C') != 0; }

 private:
  Py_buffer raw_{};
};

}  // namespace kith::python

#endif  // KITH_PYTHON_BUFFER_H_
