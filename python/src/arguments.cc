#include "arguments.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <thread>

#include "arrays.h"
#include "errors.h"
#include "kith/metric_names.h"

namespace nb = nanobind;

namespace kith::python {
namespace {

[[noreturn]] void ThrowNot(const char* what, nb::handle object, const char* name) {
  ThrowTypeError(std::string(name) + " must be " + what + ", not " +
                 nb::type_name(object.type()).c_str());
}

nb::object ToIndex(nb::handle object) {
  nb::object number = nb::steal(CallPython([&] { return PyNumber_Index(object.ptr()); }));
  if (!number.is_valid()) throw nb::python_error();
  return number;
}

std::string Written(nb::handle object) {
  const nb::object text = nb::steal(CallPython([&] { return PyObject_Str(object.ptr()); }));
  if (!text.is_valid()) throw nb::python_error();
  return ToKey(text, "a text");
}

}  // namespace

bool IsInteger(nb::handle object) {
  return PyIndex_Check(object.ptr()) && !PyBool_Check(object.ptr());
}

int64_t ToInteger(nb::handle object, int64_t beyond) {
  const nb::object number = ToIndex(object);
  int overflow = 0;
  const long long value = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
  if (value == -1 && PyErr_Occurred() != nullptr) throw nb::python_error();
  return overflow != 0 ? beyond : value;
}

int64_t ToInteger(nb::handle object, const char* name) {
  return ToInteger(object, name, std::numeric_limits<int64_t>::min(),
                   std::numeric_limits<int64_t>::max());
}

int64_t ToInteger(nb::handle object, const char* name, int64_t least, int64_t most) {
  if (!IsInteger(object)) ThrowNot("an integer", object, name);
  const nb::object number = ToIndex(object);
  int overflow = 0;
  const long long value = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
  if (value == -1 && PyErr_Occurred() != nullptr) throw nb::python_error();
  if (overflow == 0 && value >= least && value <= most) return value;
  ThrowValueError(std::string(name) + " is " + Written(number) + "; it must be from " +
                  std::to_string(least) + " to " + std::to_string(most));
}

std::optional<int64_t> ToOptionalInteger(nb::handle object, const char* name) {
  if (object.is_none()) return std::nullopt;
  return ToInteger(object, name);
}

uint64_t ToSeed(nb::handle object, const char* name) {
  if (!IsInteger(object)) ThrowNot("an integer", object, name);
  const nb::object number = ToIndex(object);
  const unsigned long long value = PyLong_AsUnsignedLongLong(number.ptr());
  if (PyErr_Occurred() == nullptr) return value;
  PyErr_Clear();
  ThrowValueError(std::string(name) + " is " + Written(number) + "; it must be from 0 to 2^64 - 1");
}

double ToNumber(nb::handle object, const char* name) {
  if (PyBool_Check(object.ptr()) || (!PyNumber_Check(object.ptr()))) {
    ThrowNot("a number", object, name);
  }
  const double value = CallPython([&] { return PyFloat_AsDouble(object.ptr()); });
  if (value == -1.0 && PyErr_Occurred() != nullptr) {
    nb::python_error error;
    if (!error.matches(PyExc_TypeError)) throw error;
    ThrowNot("a number", object, name);
  }
  return value;
}

std::optional<double> ToOptionalNumber(nb::handle object, const char* name) {
  if (object.is_none()) return std::nullopt;
  return ToNumber(object, name);
}

double ToRecall(nb::handle object, const char* name) {
  const double recall = ToNumber(object, name);
  if (recall > 0 && recall <= 1) return recall;
  ThrowValueError(std::string(name) + " is " + Written(object) + "; it must be above 0, at most 1");
}

std::optional<double> ToOptionalRecall(nb::handle object, const char* name) {
  if (object.is_none()) return std::nullopt;
  return ToRecall(object, name);
}

std::optional<int64_t> ToOptionalEffort(nb::handle object, const char* name) {
  if (object.is_none()) return std::nullopt;
  if (IsInteger(object)) {
    return ToInteger(object, name, 0, std::numeric_limits<int64_t>::max());
  }
  constexpr double kMost = 1e18;  // which int64 has room for
  const double effort = ToNumber(object, name);
  if (effort >= 0 && effort <= kMost) return static_cast<int64_t>(std::ceil(effort));
  ThrowValueError(std::string(name) + " is " + Written(object) + "; it must be from 0 to 1e18");
}

OnDrift ToOnDrift(nb::handle name) {
  const std::string text = ToText(name, "drift");
  if (text == "warn") return {true, false};
  if (text == "widen") return {false, true};
  if (text == "off") return {false, false};
  ThrowValueError("unknown drift '" + text + "', expected warn, widen or off");
}

bool ToBool(nb::handle object) {
  const int truth = CallPython([&] { return PyObject_IsTrue(object.ptr()); });
  if (truth < 0) throw nb::python_error();
  return truth != 0;
}

std::optional<bool> ToOptionalBool(nb::handle object) {
  if (object.is_none()) return std::nullopt;
  return ToBool(object);
}

std::string ToText(nb::handle object, const char* name) {
  if (!PyUnicode_Check(object.ptr())) ThrowNot("str", object, name);
  return ToKey(object, name);
}

int ToThreads(nb::handle n_jobs) {
  if (n_jobs.is_none()) return 1;
  if (!IsInteger(n_jobs)) ThrowNot("an integer or None", n_jobs, "n_jobs");
  constexpr int64_t kMost = 1024;
  const int64_t n = ToInteger(n_jobs, kMost);
  if (n == 0) ThrowValueError("n_jobs is 0; give a number of threads, or -1 for all cores");
  if (n == -1) return 0;
  if (n > 0) return static_cast<int>(std::min(n, kMost));
  // Asking for the number of cores reads a file: only here.
  const auto cores = static_cast<int64_t>(std::max(1u, std::thread::hardware_concurrency()));
  return static_cast<int>(std::max<int64_t>(1, cores + 1 + std::max(n, -cores)));
}

Metric ToMetric(nb::handle name) {
  const std::string text = ToText(name, "metric");
  const auto metric = ParseMetric(text);
  if (!metric) ThrowValueError(UnknownMetric(text));
  return *metric;
}

IndexKind ToIndexKind(nb::handle name) {
  const std::string text = ToText(name, "index");
  const auto kind = ParseIndexKind(text);
  if (!kind) {
    ThrowValueError("index is \"" + text + "\"; it must be auto, exact, graph or forest");
  }
  return *kind;
}

}  // namespace kith::python
