#include "arrays.h"

#include <nanobind/stl/string.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "errors.h"

namespace nb = nanobind;

namespace kith::python {
namespace {

constexpr char kTypes[] = "float32, float16, float64, int8, uint8 or bool";

struct Element {
  bool known = false;
  DataType dtype = DataType::kF32;
  bool is_double = false;
  bool is_bool = false;
};

// The element type of a buffer, in native byte order.
Element Recognise(const Py_buffer& buffer) {
  const char* format = buffer.format == nullptr ? "B" : buffer.format;
  if (*format == '@' || *format == '=' || *format == '<') ++format;  // little-endian, as we are
  if (*format == '\0' || format[1] != '\0') return {};
  switch (*format) {
    case 'f': return {true, DataType::kF32, false, false};
    case 'e': return {true, DataType::kF16, false, false};
    case 'd': return {true, DataType::kF32, true, false};
    case 'b': return {true, DataType::kI8, false, false};
    case 'B': return {true, DataType::kU8, false, false};
    case '?': return {true, DataType::kBit, false, true};
    default: return {};
  }
}

std::string ToText(nb::handle object) {
  const nb::object text = nb::steal(PyObject_Str(object.ptr()));
  if (!text.is_valid()) throw nb::python_error();
  return nb::cast<std::string>(text);
}

// What numpy calls the elements of an object, for messages.
std::string TypeOf(const nb::object& object) {
  if (nb::hasattr(object, "dtype")) return ToText(nb::object(object.attr("dtype")));
  return nb::type_name(object.type()).c_str();
}

// What is used of numpy, looked up once and never destroyed: the interpreter may be gone when
// static objects are.
struct Numpy {
  nb::object asarray, ascontiguousarray, empty, int64, float32;

  static const Numpy& Get() {
    static const Numpy& numpy = *new Numpy;
    return numpy;
  }

 private:
  Numpy() {
    const nb::module_ numpy = nb::module_::import_("numpy");
    asarray = numpy.attr("asarray");
    ascontiguousarray = numpy.attr("ascontiguousarray");
    empty = numpy.attr("empty");
    int64 = numpy.attr("dtype")("int64");
    float32 = numpy.attr("dtype")("float32");
  }
};

nb::object AsArray(const nb::object& object, const char* name) {
  // Numbers in lists have no type of their own; those of arrays are the caller's choice.
  const bool typed = nb::hasattr(object, "dtype") || nb::hasattr(object, "__array__") ||
                     PyObject_CheckBuffer(object.ptr());
  if (PyUnicode_Check(object.ptr()) || PyDict_Check(object.ptr()) || PyAnySet_Check(object.ptr())) {
    ThrowTypeError(std::string(name) + " are of type " + TypeOf(object) +
                   "; give an array of vectors: (n, d), or (d,) for one");
  }
  nb::object array;
  try {
    array = Numpy::Get().asarray(object);
  } catch (nb::python_error& error) {
    if (!error.matches(PyExc_ValueError)) throw;
    ThrowValueError(std::string(name) +
                    " have rows of different lengths; every vector needs the "
                    "same number of coordinates");
  }
  const std::string kind = nb::cast<std::string>(array.attr("dtype").attr("kind"));
  if (kind == "O" || kind == "U" || kind == "S" || kind == "c") {
    ThrowTypeError(std::string(name) + " have elements of type " + TypeOf(array) + ", not " +
                   kTypes);
  }
  if (!typed && kind != "b") array = array.attr("astype")("float32");
  return array;
}

}  // namespace

InputMatrix::InputMatrix(const nb::object& object, const char* name) : name_(name) {
  if (PyObject_CheckBuffer(object.ptr()) && !PyBytes_Check(object.ptr()) &&
      !PyByteArray_Check(object.ptr())) {
    Borrow(object);
  } else {
    Borrow(AsArray(object, name));
  }
}

void InputMatrix::Borrow(const nb::object& object) {
  Element element;
  try {
    buffer_.Get(object, PyBUF_RECORDS_RO);
    element = Recognise(*buffer_);
  } catch (nb::python_error&) {
    // Types that only numpy extensions know have no buffers.
  }
  if (!element.known) {
    ThrowTypeError(std::string(name_) + " have elements of type " + TypeOf(object) + ", not " +
                   kTypes + "; convert them with .astype(\"float32\")");
  }
  if (buffer_->ndim != 1 && buffer_->ndim != 2) {
    ThrowValueError(std::string(name_) + " have " + std::to_string(buffer_->ndim) +
                    " axes; give vectors as (n, d), or one as (d,)");
  }
  one_ = buffer_->ndim == 1;
  const Py_ssize_t rows = one_ ? 1 : buffer_->shape[0];
  const Py_ssize_t dim = buffer_->shape[one_ ? 0 : 1];
  const Py_ssize_t step = buffer_->strides[one_ ? 0 : 1];
  const Py_ssize_t stride = one_ ? dim * buffer_->itemsize : buffer_->strides[0];
  if ((dim > 1 && step != buffer_->itemsize) || (rows > 1 && stride < dim * buffer_->itemsize)) {
    const nb::object copy = Numpy::Get().ascontiguousarray(object);
    Borrow(copy);
    return;
  }
  view_ = {static_cast<const std::byte*>(buffer_->buf), static_cast<size_t>(rows),
           static_cast<size_t>(dim), static_cast<size_t>(std::max<Py_ssize_t>(stride, 0)),
           element.dtype};
  if (element.is_double) Narrow();
  if (element.is_bool) PackBits();
}

void InputMatrix::Narrow() {
  constexpr size_t kNone = std::numeric_limits<size_t>::max();
  size_t bad = kNone;
  floats_.resize(view_.rows * view_.dim);
  {
    const nb::gil_scoped_release release;
    for (size_t i = 0; i < view_.rows && bad == kNone; ++i) {
      const std::byte* row = view_.row(i);
      for (size_t j = 0; j < view_.dim; ++j) {
        double value;
        std::memcpy(&value, row + j * sizeof(value), sizeof(value));
        const auto narrow = static_cast<float>(value);
        if (std::isinf(narrow) && std::isfinite(value)) {
          bad = i * view_.dim + j;
          break;
        }
        floats_[i * view_.dim + j] = narrow;
      }
    }
  }
  if (bad != kNone) {
    ThrowValueError(std::string(name_) + ": the float64 value at row " +
                    std::to_string(bad / view_.dim) + ", column " +
                    std::to_string(bad % view_.dim) +
                    " is beyond what float32 holds, as which they are stored; scale them down");
  }
  view_ = ViewOf(floats_.data(), view_.rows, view_.dim);
}

void InputMatrix::PackBits() {
  const size_t stride = RowBytes(DataType::kBit, view_.dim);
  bits_.resize(view_.rows * stride);
  for (size_t i = 0; i < view_.rows; ++i) {
    const std::byte* row = view_.row(i);
    for (size_t j = 0; j < view_.dim; ++j) {
      if (row[j] != std::byte{0}) bits_[i * stride + j / 8] |= std::byte{1} << (j % 8);
    }
  }
  view_.data = bits_.data();
  view_.stride = stride;
}

template <class T>
NewArray<T>::NewArray(size_t rows, size_t columns, bool one) {
  const Numpy& numpy = Numpy::Get();
  const nb::object& dtype = std::is_same_v<T, float> ? numpy.float32 : numpy.int64;
  array_ = one ? numpy.empty(columns, dtype) : numpy.empty(nb::make_tuple(rows, columns), dtype);
  buffer_.Get(array_, PyBUF_WRITABLE);
}

template class NewArray<int64_t>;
template class NewArray<float>;

std::vector<int64_t> ToIds(const nb::object& object, const char* name) {
  const nb::object array = Numpy::Get().asarray(object);
  const std::string kind = nb::cast<std::string>(array.attr("dtype").attr("kind"));
  const auto size = nb::cast<size_t>(array.attr("size"));
  if (size > 0 && kind != "i" && kind != "u") {
    ThrowTypeError(std::string(name) + " are of type " + TypeOf(array) + ", not integers");
  }
  if (nb::cast<size_t>(array.attr("ndim")) != 1) {
    ThrowValueError(std::string(name) + " have " +
                    std::to_string(nb::cast<size_t>(array.attr("ndim"))) +
                    " axes; give one number for each vector, as (n,)");
  }
  const nb::object integers = array.attr("astype")(Numpy::Get().int64);
  Buffer buffer;
  buffer.Get(integers, PyBUF_C_CONTIGUOUS);
  std::vector<int64_t> ids(size);
  if (size > 0) std::memcpy(ids.data(), buffer->buf, size * sizeof(int64_t));
  return ids;
}

StringList ToKeys(const nb::object& object) {
  if (PyUnicode_Check(object.ptr()) || PyBytes_Check(object.ptr())) {
    ThrowTypeError("keys are one string; give a list of them, one for each vector");
  }
  StringList keys;
  for (const nb::handle key : object) keys.Add(ToKey(key, "keys"));
  return keys;
}

nb::object FromKey(std::string_view key) {
  PyObject* text =
      PyUnicode_DecodeUTF8(key.data(), static_cast<Py_ssize_t>(key.size()), "surrogateescape");
  if (text == nullptr) throw nb::python_error();
  return nb::steal(text);
}

std::string ToKey(nb::handle object, const char* name) {
  if (!PyUnicode_Check(object.ptr()) && !PyBytes_Check(object.ptr())) {
    ThrowTypeError(std::string(name) + " must be str or bytes, not " +
                   nb::type_name(object.type()).c_str());
  }
  const nb::object bytes =
      PyBytes_Check(object.ptr())
          ? nb::borrow(object)
          : nb::steal(PyUnicode_AsEncodedString(object.ptr(), "utf-8", "surrogateescape"));
  if (!bytes.is_valid()) throw nb::python_error();
  char* data = nullptr;
  Py_ssize_t size = 0;
  if (PyBytes_AsStringAndSize(bytes.ptr(), &data, &size) != 0) throw nb::python_error();
  return std::string(data, static_cast<size_t>(size));
}

std::string ToPath(nb::handle object) {
  PyObject* bytes = nullptr;
  if (PyUnicode_FSConverter(object.ptr(), &bytes) == 0) throw nb::python_error();
  const nb::object owner = nb::steal(bytes);
  return ToKey(owner, "path");
}

}  // namespace kith::python
