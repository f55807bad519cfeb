#include "annoy_vector.h"

#include <nanobind/stl/string.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "arrays.h"
#include "buffer.h"
#include "errors.h"
#include "gil.h"

namespace nb = nanobind;

namespace kith::python {
namespace {

void CheckLength(Py_ssize_t length, size_t dim) {
  if (length == static_cast<Py_ssize_t>(dim)) return;
  PyErr_Format(PyExc_IndexError, "Vector has wrong length (expected %zu, got %zd)", dim, length);
  throw nb::python_error();
}

// Items of numpy that are no real numbers have something to say for themselves as floats.
void CheckReal(PyObject* number) {
  if (PyFloat_Check(number) || PyLong_Check(number)) return;
  nb::object kind;
  if (PyComplex_Check(number)) {
    kind = nb::str("c");
  } else if (nb::hasattr(number, "dtype")) {
    kind =
        CallPython([&] { return nb::getattr(nb::getattr(number, "dtype"), "kind", nb::str("f")); });
  } else {
    return;
  }
  const auto letter = nb::cast<std::string>(kind);
  if (letter == "c" || letter == "m" || letter == "M") {
    ThrowTypeError(std::string("a vector has a value of type ") +
                   nb::type_name(nb::handle(number).type()).c_str() + ", not a real number");
  }
}

float ToFloat(PyObject* number) {
  CheckReal(number);
  const double value = CallPython([&] { return PyFloat_AsDouble(number); });
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
    const nb::object item =
        nb::steal(CallPython([&] { return PyObject_GetItem(value, key.ptr()); }));
    if (!item.is_valid()) throw nb::python_error();
    out[i] = ToFloat(item.ptr());
  }
}

template <class T>
void CopyFrom(const std::byte* from, Py_ssize_t stride, size_t size, float* out) {
  for (size_t i = 0; i < size; ++i, from += stride) {
    T value;
    std::memcpy(&value, from, sizeof(value));
    out[i] = static_cast<float>(value);
  }
}

using Copy = void (*)(const std::byte*, Py_ssize_t, size_t, float*);

// How to copy elements of this format; null if they are not native numbers.
Copy CopyOf(const Buffer& view) {
  std::string_view format = view.format();
  if (format.size() == 2 && (format[0] == '@' || format[0] == '=' || format[0] == '<'))
    format.remove_prefix(1);
  if (format.size() != 1) return nullptr;
  const char type = format[0];
  const size_t size = view.itemsize();
  if (type == 'f' && size == sizeof(float)) return CopyFrom<float>;
  if (type == 'd' && size == sizeof(double)) return CopyFrom<double>;
  if (type == '?' && size == 1) return CopyFrom<uint8_t>;
  if (std::string_view("bhilqn").find(type) != std::string_view::npos) {
    switch (size) {
      case 1: return CopyFrom<int8_t>;
      case 2: return CopyFrom<int16_t>;
      case 4: return CopyFrom<int32_t>;
      case 8: return CopyFrom<int64_t>;
      default: return nullptr;
    }
  }
  if (std::string_view("BHILQN").find(type) != std::string_view::npos) {
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
    const Py_ssize_t length = CallPython([&] { return PyObject_Size(object); });
    if (length < 0) throw nb::python_error();
    CheckLength(length, dim);
    FillFromSubscripts(object, dim, data_);
  }
}

// False if the object is not an array of one axis of native numbers.
bool AnnoyVector::FillFromBuffer(PyObject* value, size_t dim) {
  CheckNotMasked(nb::borrow(value));
  // Some arrays can't say what they are (dates, objects); their items still may be numbers.
  Buffer buffer;
  if (!buffer.TryGet(value)) return false;
  const Copy copy = buffer.ndim() == 1 ? CopyOf(buffer) : nullptr;
  if (copy == nullptr) return false;
  CheckLength(buffer.shape(0), dim);
  if (buffer.indirect()) {
    const std::vector<std::byte> values = buffer.Copy();
    copy(values.data(), static_cast<Py_ssize_t>(buffer.itemsize()), dim, data_);
  } else {
    copy(buffer.data(), buffer.stride(0), dim, data_);
  }
  return true;
}

}  // namespace kith::python
