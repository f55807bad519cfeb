#include "arrays.h"

#include <nanobind/stl/string.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <string_view>
#include <type_traits>

#include "errors.h"
#include "gil.h"

namespace nb = nanobind;

namespace kith::python {
namespace {

constexpr char kTypes[] = "float32, float16, float64, bool or integers";

// What vectors may be made of: the first as they are, the others by way of float32 or bits.
enum class Element {
  kUnknown,
  kF32,
  kF16,
  kI8,
  kU8,
  kBool,
  kF64,
  kI16,
  kU16,
  kI32,
  kU32,
  kI64,
  kU64,
};

// An integer's letter says only whether it has a sign: how long it is depends on who speaks.
Element Integer(bool is_signed, size_t size) {
  switch (size) {
    case 1: return is_signed ? Element::kI8 : Element::kU8;
    case 2: return is_signed ? Element::kI16 : Element::kU16;
    case 4: return is_signed ? Element::kI32 : Element::kU32;
    case 8: return is_signed ? Element::kI64 : Element::kU64;
    default: return Element::kUnknown;
  }
}

// The element type of a buffer, if it is in native byte order.
Element Recognise(const Buffer& buffer) {
  std::string_view format = buffer.format();
  const size_t size = buffer.itemsize();
  // Little-endian, as we are; elements of one byte have no order.
  constexpr std::string_view kOrders = "@=<";
  if (format.size() == 2 &&
      (kOrders.find(format[0]) != std::string_view::npos || (size == 1 && format[0] == '>'))) {
    format.remove_prefix(1);
  }
  if (format.size() != 1) return Element::kUnknown;
  const char letter = format[0];
  if (letter == 'f' && size == 4) return Element::kF32;
  if (letter == 'e' && size == 2) return Element::kF16;
  if (letter == 'd' && size == 8) return Element::kF64;
  if (letter == '?' && size == 1) return Element::kBool;
  if (std::string_view("bhilqn").find(letter) != std::string_view::npos) return Integer(true, size);
  if (std::string_view("BHILQN").find(letter) != std::string_view::npos) {
    return Integer(false, size);
  }
  return Element::kUnknown;
}

// Whether float32 holds the number; *narrow is what it holds. Floats are rounded, but may not
// become infinite; integers are identities as often as quantities, and may not change.
bool Fits(double value, float* narrow) {
  *narrow = static_cast<float>(value);
  return !std::isinf(*narrow) || !std::isfinite(value);
}
template <class T>
bool Fits(T value, float* narrow) {
  *narrow = static_cast<float>(value);
  // The sign taken off, so that the smallest number has a magnitude too.
  const auto bits = static_cast<uint64_t>(value);
  const uint64_t magnitude = std::is_signed_v<T> && value < 0 ? ~bits + 1 : bits;
  constexpr int kDigits = std::numeric_limits<float>::digits;
  return magnitude == 0 || magnitude >> std::countr_zero(magnitude) < uint64_t{1} << kDigits;
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
  nb::object asarray, ascontiguousarray, frombuffer, empty, dtype, int64, float32, float64;
  nb::object ndarray;
  // Of kith: frames and columns as arrays; and arrays without masks.
  nb::object as_array, unmasked;

  static const Numpy& Get() {
    static const Numpy& numpy = *new Numpy;
    return numpy;
  }

 private:
  Numpy() {
    const nb::module_ numpy = nb::module_::import_("numpy");
    asarray = numpy.attr("asarray");
    ascontiguousarray = numpy.attr("ascontiguousarray");
    frombuffer = numpy.attr("frombuffer");
    empty = numpy.attr("empty");
    dtype = numpy.attr("dtype");
    int64 = dtype("int64");
    float32 = dtype("float32");
    float64 = dtype("float64");
    ndarray = numpy.attr("ndarray");
    const nb::module_ inputs = nb::module_::import_("kith._inputs");
    as_array = inputs.attr("as_array");
    unmasked = inputs.attr("unmasked");
  }
};

template <class... Args>
nb::object Call(const nb::object& function, const Args&... args) {
  return CallPython([&] { return function(args...); });
}

std::string KindOf(const nb::object& array) {
  return nb::cast<std::string>(array.attr("dtype").attr("kind"));
}

// Rows that are pointers to rows, which numpy does not know, as an array.
nb::object FromIndirect(const Buffer& buffer) {
  const std::vector<std::byte> copy = buffer.Copy();
  const nb::bytes bytes(copy.data(), copy.size());
  nb::list shape;
  for (int axis = 0; axis < buffer.ndim(); ++axis) shape.append(buffer.shape(axis));
  const nb::object type = Call(Numpy::Get().dtype, nb::str(buffer.format()));
  return Call(Call(Numpy::Get().frombuffer, bytes, type).attr("reshape"), shape);
}

// What numpy makes of it.
nb::object FromNumpy(const nb::object& object, const char* name) {
  try {
    return Call(Numpy::Get().asarray, object);
  } catch (nb::python_error& error) {
    if (!error.matches(PyExc_ValueError)) throw;
  }
  // Elements that buffers can describe and numpy does not know.
  if (PyObject_CheckBuffer(object.ptr()) != 0) {
    ThrowTypeError(std::string(name) + " have elements that are not " + kTypes);
  }
  ThrowValueError(std::string(name) +
                  " have rows of different lengths; every vector needs the "
                  "same number of coordinates");
}

// What is no array of vectors as it is, as one that is: contiguous, in native byte order.
nb::object AsArray(const nb::object& object, const char* name) {
  const Numpy& numpy = Numpy::Get();
  if (PyUnicode_Check(object.ptr()) || PyDict_Check(object.ptr()) || PyAnySet_Check(object.ptr())) {
    ThrowTypeError(std::string(name) + " are of type " + TypeOf(object) +
                   "; give an array of vectors: (n, d), or (d,) for one");
  }
  nb::object array;
  {
    Buffer buffer;
    if (buffer.TryGet(object) && buffer.indirect()) array = FromIndirect(buffer);
  }
  if (!array.is_valid()) array = FromNumpy(Call(numpy.as_array, object), name);
  const std::string kind = KindOf(array);
  if (std::string_view("fiub").find(kind) == std::string_view::npos) {
    ThrowTypeError(std::string(name) + " have elements of type " + TypeOf(array) + ", not " +
                   kTypes + "; convert them with .astype(\"float32\")");
  }
  const nb::object type = array.attr("dtype");
  if (!nb::cast<bool>(type.attr("isnative"))) {
    array = Call(array.attr("astype"), Call(type.attr("newbyteorder"), nb::str("=")));
  }
  return Call(numpy.ascontiguousarray, array);
}

}  // namespace

void CheckNotMasked(const nb::object& object) {
  if (PyList_CheckExact(object.ptr()) || PyTuple_CheckExact(object.ptr())) return;
  const Numpy& numpy = Numpy::Get();
  if (!object.type().is(numpy.ndarray)) Call(numpy.unmasked, object);
}

bool IsFloat32(const Buffer& buffer) { return Recognise(buffer) == Element::kF32; }

InputMatrix::InputMatrix(const nb::object& object, const char* name) : name_(name) {
  CheckNotMasked(object);
  const bool text = PyBytes_Check(object.ptr()) || PyByteArray_Check(object.ptr());
  if (!text && Borrow(object)) return;
  const nb::object array = AsArray(object, name);
  if (Borrow(array)) return;
  ThrowTypeError(std::string(name_) + " have elements of type " + TypeOf(array) + ", not " +
                 kTypes + "; convert them with .astype(\"float32\")");
}

bool InputMatrix::Borrow(const nb::object& object) {
  if (!buffer_.TryGet(object) || buffer_.indirect()) return false;
  const Element element = Recognise(buffer_);
  if (element == Element::kUnknown) return false;
  if (buffer_.ndim() != 1 && buffer_.ndim() != 2) {
    ThrowValueError(std::string(name_) + " have " + std::to_string(buffer_.ndim()) +
                    " axes; give vectors as (n, d), or one as (d,)");
  }
  one_ = buffer_.ndim() == 1;
  const auto itemsize = static_cast<Py_ssize_t>(buffer_.itemsize());
  const Py_ssize_t rows = one_ ? 1 : buffer_.shape(0);
  const Py_ssize_t dim = buffer_.shape(one_ ? 0 : 1);
  const Py_ssize_t row_bytes = dim * itemsize;
  const Py_ssize_t stride = one_ || rows < 2 ? row_bytes : buffer_.stride(0);
  if (rows > 0 && dim > 1 && buffer_.stride(one_ ? 0 : 1) != itemsize) return false;
  if (rows > 1 && stride < row_bytes) return false;
  view_ = {buffer_.data(), static_cast<size_t>(rows), static_cast<size_t>(dim),
           static_cast<size_t>(stride), DataType::kF32};
  switch (element) {
    case Element::kF32: break;
    case Element::kF16: view_.dtype = DataType::kF16; break;
    case Element::kI8: view_.dtype = DataType::kI8; break;
    case Element::kU8: view_.dtype = DataType::kU8; break;
    case Element::kBool: PackBits(); break;
    case Element::kF64: Narrow<double>(); break;
    case Element::kI16: Narrow<int16_t>(); break;
    case Element::kU16: Narrow<uint16_t>(); break;
    case Element::kI32: Narrow<int32_t>(); break;
    case Element::kU32: Narrow<uint32_t>(); break;
    case Element::kI64: Narrow<int64_t>(); break;
    case Element::kU64: Narrow<uint64_t>(); break;
    case Element::kUnknown: break;
  }
  return true;
}

template <class T>
void InputMatrix::Narrow() {
  constexpr size_t kNone = std::numeric_limits<size_t>::max();
  size_t bad = kNone;
  T bad_value = 0;
  floats_.resize(view_.rows * view_.dim);
  {
    const WithoutGil without_gil;
    for (size_t i = 0; i < view_.rows && bad == kNone; ++i) {
      const std::byte* row = view_.row(i);
      for (size_t j = 0; j < view_.dim; ++j) {
        T value;
        std::memcpy(&value, row + j * sizeof(value), sizeof(value));
        if (Fits(value, &floats_[i * view_.dim + j])) continue;
        bad = i * view_.dim + j;
        bad_value = value;
        break;
      }
    }
  }
  if (bad != kNone) {
    const std::string place = " at row " + std::to_string(bad / view_.dim) + ", column " +
                              std::to_string(bad % view_.dim);
    if (std::is_same_v<T, double>) {
      ThrowValueError(std::string(name_) + ": the float64 value" + place +
                      " is beyond what float32 holds, as which they are stored; scale them down");
    }
    ThrowValueError(std::string(name_) + ": the integer " + std::to_string(bad_value) + place +
                    " is none that float32 holds exactly, as which they are stored; if rounding "
                    "is no loss, convert them with .astype(\"float32\")");
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
  view_.dtype = DataType::kBit;
}

template <class T>
NewArray<T>::NewArray(size_t rows, size_t columns, bool one) {
  const Numpy& numpy = Numpy::Get();
  const nb::object& dtype = std::is_same_v<T, float>    ? numpy.float32
                            : std::is_same_v<T, double> ? numpy.float64
                                                        : numpy.int64;
  array_ = one ? Call(numpy.empty, nb::make_tuple(columns), dtype)
               : Call(numpy.empty, nb::make_tuple(rows, columns), dtype);
  buffer_.Get(array_, PyBUF_WRITABLE);
}

template class NewArray<int64_t>;
template class NewArray<float>;
template class NewArray<double>;

namespace {

// ValueError unless the array has one axis.
void CheckOneAxis(const nb::object& array, const char* name) {
  const auto axes = nb::cast<size_t>(array.attr("ndim"));
  if (axes == 1) return;
  ThrowValueError(std::string(name) + " have " + std::to_string(axes) +
                  " axes; give one number for each vector, as (n,)");
}

// The elements of an array of one axis as the type T, which numpy calls `type`.
template <class T>
std::vector<T> Elements(const nb::object& array, const nb::object& type) {
  const nb::object converted = Call(array.attr("astype"), type);
  Buffer buffer;
  buffer.Get(converted, PyBUF_C_CONTIGUOUS);
  std::vector<T> elements(buffer.size() / sizeof(T));
  if (!elements.empty()) std::memcpy(elements.data(), buffer.data(), buffer.size());
  return elements;
}

}  // namespace

std::vector<int64_t> ToIds(const nb::object& object, const char* name) {
  const nb::object array = Call(Numpy::Get().asarray, object);
  const std::string kind = KindOf(array);
  if (nb::cast<size_t>(array.attr("size")) > 0 && kind != "i" && kind != "u") {
    ThrowTypeError(std::string(name) + " are of type " + TypeOf(array) + ", not integers");
  }
  CheckOneAxis(array, name);
  std::vector<int64_t> ids = Elements<int64_t>(array, Numpy::Get().int64);
  if (kind != "u") return ids;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] >= 0) continue;
    ThrowValueError(std::string(name) + ": " + std::to_string(static_cast<uint64_t>(ids[i])) +
                    ", number " + std::to_string(i) + ", is beyond the largest id, 2^63 - 1");
  }
  return ids;
}

std::vector<double> ToNumbers(const nb::object& object, const char* name) {
  CheckNotMasked(object);
  const nb::object array = FromNumpy(object, name);
  const std::string kind = KindOf(array);
  if (std::string_view("fiub").find(kind) == std::string_view::npos) {
    ThrowTypeError(std::string(name) + " are of type " + TypeOf(array) + ", not numbers");
  }
  CheckOneAxis(array, name);
  return Elements<double>(array, Numpy::Get().float64);
}

StringList ToKeys(const nb::object& object) {
  if (PyUnicode_Check(object.ptr()) || PyBytes_Check(object.ptr())) {
    ThrowTypeError("keys are one string; give a list of them, one for each vector");
  }
  StringList keys;
  ForEach(object, [&](nb::handle key) { keys.Add(ToKey(key, "keys")); });
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
  if (CallPython([&] { return PyUnicode_FSConverter(object.ptr(), &bytes); }) == 0) {
    throw nb::python_error();
  }
  const nb::object owner = nb::steal(bytes);
  return ToKey(owner, "path");
}

}  // namespace kith::python
