#include "annoy_vector.h"

#include <cstdint>
#include <cstring>
#include <string_view>

namespace nb = nanobind;

namespace kith::python {
namespace {

void CheckLength(Py_ssize_t length, size_t dim) {
  if (length == static_cast<Py_ssize_t>(dim)) return;
  PyErr_Format(PyExc_IndexError, "Vector has wrong length (expected %zu, got %zd)", dim, length);
  throw nb::python_error();
}

float ToFloat(PyObject* number) {
  const double value = PyFloat_AsDouble(number);
  if (value == -1.0 && PyErr_Occurred() != nullptr) throw nb::python_error();
  return static_cast<float>(value);
}

// Items of a list or tuple, which `get` borrows. Numbers other than floats may run code that
// changes the list, so `get` checks the place each time.
template <class Get>
void FillFromItems(PyObject* value, size_t dim, Get get, float* out) {
  for (size_t i = 0; i < dim; ++i) {
    PyObject* item = get(value, static_cast<Py_ssize_t>(i));
    if (item == nullptr) throw nb::python_error();
    if (PyFloat_CheckExact(item)) {
      out[i] = static_cast<float>(PyFloat_AsDouble(item));
    } else {
      out[i] = ToFloat(nb::borrow(item).ptr());
    }
  }
}

// By value[i], which mappings have too.
void FillFromSubscripts(PyObject* value, size_t dim, float* out) {
  for (size_t i = 0; i < dim; ++i) {
    const nb::object key = nb::steal(PyLong_FromSize_t(i));
    const nb::object item = nb::steal(PyObject_GetItem(value, key.ptr()));
    if (!item.is_valid()) throw nb::python_error();
    out[i] = ToFloat(item.ptr());
  }
}

template <class T>
void CopyFrom(const Py_buffer& view, float* out) {
  const auto* from = static_cast<const char*>(view.buf);
  const Py_ssize_t stride = view.strides[0];
  for (Py_ssize_t i = 0; i < view.shape[0]; ++i) {
    T value;
    std::memcpy(&value, from + i * stride, sizeof(value));
    out[i] = static_cast<float>(value);
  }
}

using Copy = void (*)(const Py_buffer&, float*);

// How to copy elements of this format; null if they are not native numbers.
Copy CopyOf(const Py_buffer& view) {
  std::string_view format = view.format == nullptr ? "B" : view.format;
  if (format.size() == 2 && (format[0] == '@' || format[0] == '=')) format.remove_prefix(1);
  if (format.size() != 1) return nullptr;
  const char type = format[0];
  const auto size = static_cast<size_t>(view.itemsize);
  if (type == 'f' && size == sizeof(float)) return CopyFrom<float>;
  if (type == 'd' && size == sizeof(double)) return CopyFrom<double>;
  if (type == '?' && size == 1) return CopyFrom<uint8_t>;
  if (std::string_view("bhilq").find(type) != std::string_view::npos) {
    switch (size) {
      case 1: return CopyFrom<int8_t>;
      case 2: return CopyFrom<int16_t>;
      case 4: return CopyFrom<int32_t>;
      case 8: return CopyFrom<int64_t>;
      default: return nullptr;
    }
  }
  if (std::string_view("BHILQ").find(type) != std::string_view::npos) {
    switch (size) {
      case 1: return CopyFrom<uint8_t>;
      case 2: return CopyFrom<uint16_t>;
      case 4: return CopyFrom<uint32_t>;
      case 8: return CopyFrom<uint64_t>;
      default: return nullptr;
    }
  }
  return nullptr;
}

// Gives the buffer back whatever happens.
struct Buffer {
  Py_buffer view = {};
  ~Buffer() { PyBuffer_Release(&view); }
};

}  // namespace

AnnoyVector::AnnoyVector(nb::handle value, size_t dim) {
  if (dim > kInline) heap_ = std::make_unique_for_overwrite<float[]>(dim);
  data_ = dim > kInline ? heap_.get() : inline_;
  PyObject* object = value.ptr();
  if (PyList_CheckExact(object)) {
    CheckLength(PyList_Size(object), dim);
    FillFromItems(object, dim, PyList_GetItem, data_);
  } else if (PyTuple_CheckExact(object)) {
    CheckLength(PyTuple_Size(object), dim);
    FillFromItems(object, dim, PyTuple_GetItem, data_);
  } else if (!FillFromBuffer(object, dim)) {
    const Py_ssize_t length = PyObject_Size(object);
    if (length < 0) throw nb::python_error();
    CheckLength(length, dim);
    FillFromSubscripts(object, dim, data_);
  }
}

// False if the object is not an array of one axis of native numbers.
bool AnnoyVector::FillFromBuffer(PyObject* value, size_t dim) {
  if (PyObject_CheckBuffer(value) == 0) return false;
  Buffer buffer;
  if (PyObject_GetBuffer(value, &buffer.view, PyBUF_RECORDS_RO) != 0) {
    // Some arrays can't say what they are (dates, objects); their items still may be numbers.
    PyErr_Clear();
    buffer.view.obj = nullptr;
    return false;
  }
  const Copy copy = buffer.view.ndim == 1 ? CopyOf(buffer.view) : nullptr;
  if (copy == nullptr) return false;
  CheckLength(buffer.view.shape[0], dim);
  copy(buffer.view, data_);
  return true;
}

}  // namespace kith::python
