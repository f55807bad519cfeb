#include "buffer.h"

#include "errors.h"
#include "gil.h"

namespace nb = nanobind;

namespace kith::python {
namespace {

// Whether the sizes of a buffer agree, so that what lies between its elements is its own.
bool Agrees(const Py_buffer& raw) {
  if (raw.ndim < 0 || raw.len < 0 || raw.itemsize < 0) return false;
  if (raw.len > 0 && (raw.buf == nullptr || raw.itemsize == 0)) return false;
  if (raw.shape == nullptr) return raw.ndim <= 1;
  Py_ssize_t left = raw.itemsize == 0 ? 0 : raw.len / raw.itemsize;
  bool empty = false;
  for (int axis = 0; axis < raw.ndim; ++axis) {
    if (raw.shape[axis] < 0) return false;
    empty = empty || raw.shape[axis] == 0;
  }
  if (empty) return true;
  for (int axis = 0; axis < raw.ndim; ++axis) {
    if (left % raw.shape[axis] != 0) return false;
    left /= raw.shape[axis];
  }
  return left == 1 || raw.itemsize == 0;
}

}  // namespace

void Buffer::Get(nb::handle object, int flags) {
  Release();
  if (CallPython([&] { return PyObject_GetBuffer(object.ptr(), &raw_, flags); }) != 0) {
    raw_ = {};
    throw nb::python_error();
  }
  if (Agrees(raw_)) return;
  Release();
  Raise(PyExc_BufferError, std::string("the buffer of a ") + nb::type_name(object.type()).c_str() +
                               " contradicts itself: its length is not that of its shape");
}

bool Buffer::TryGet(nb::handle object) {
  if (PyObject_CheckBuffer(object.ptr()) == 0) return false;
  try {
    Get(object);
    return true;
  } catch (nb::python_error& error) {
    // Arrays of dates, objects and the like have no buffers, and say so in several ways.
    if (error.matches(PyExc_BufferError) || error.matches(PyExc_ValueError) ||
        error.matches(PyExc_TypeError) || error.matches(PyExc_NotImplementedError)) {
      return false;
    }
    throw;
  }
}

void Buffer::Release() {
  if (raw_.obj != nullptr) PyBuffer_Release(&raw_);
  raw_ = {};
}

Py_ssize_t Buffer::shape(int axis) const {
  if (raw_.shape != nullptr) return raw_.shape[axis];
  return raw_.itemsize == 0 ? 0 : raw_.len / raw_.itemsize;
}

Py_ssize_t Buffer::stride(int axis) const {
  if (raw_.strides != nullptr) return raw_.strides[axis];
  Py_ssize_t stride = raw_.itemsize;
  for (int i = raw_.ndim - 1; i > axis; --i) stride *= shape(i);
  return stride;
}

std::vector<std::byte> Buffer::Copy() const {
  std::vector<std::byte> bytes(size());
  if (!bytes.empty() && PyBuffer_ToContiguous(bytes.data(), &raw_, raw_.len, 'C') != 0) {
    throw nb::python_error();
  }
  return bytes;
}

}  // namespace kith::python
