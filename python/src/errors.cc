#include "errors.h"

namespace nb = nanobind;

namespace kith::python {
namespace {

// Never given back: the interpreter may be gone when static objects are destroyed.
PyObject* g_corrupt_file_error = nullptr;
PyObject* g_cancelled = nullptr;
PyObject* g_annoy_file_error = nullptr;
PyObject* g_drift_warning = nullptr;

// The message, with its remedy in Python's words.
std::string MessageOf(const Status& status) {
  switch (status.remedy()) {
    case Remedy::kNone: break;
    case Remedy::kSearchExactly:
      return status.MessageWith("ask for less, or search exactly (exact=True instead of index)");
    case Remedy::kMeasureRecall:
      return status.MessageWith(
          "measure it (calibrate()), give an effort, or search exactly (exact=True instead of "
          "index)");
  }
  return status.message();
}

}  // namespace

void Raise(PyObject* type, const std::string& message) {
  // Messages quote paths and keys, which need not be UTF-8.
  const nb::object text = nb::steal(PyUnicode_DecodeUTF8(
      message.data(), static_cast<Py_ssize_t>(message.size()), "surrogateescape"));
  if (text.is_valid()) PyErr_SetObject(type, text.ptr());
  throw nb::python_error();
}

PyObject* AnnoyFileError() { return g_annoy_file_error; }

void BindErrors() {
  const nb::module_ errors = nb::module_::import_("kith._errors");
  g_corrupt_file_error = nb::object(errors.attr("CorruptFileError")).release().ptr();
  g_cancelled = nb::object(errors.attr("Cancelled")).release().ptr();
  g_annoy_file_error = nb::object(errors.attr("AnnoyFileError")).release().ptr();
  g_drift_warning = nb::object(errors.attr("DriftWarning")).release().ptr();
}

void Throw(const Status& status) {
  const std::string message = MessageOf(status);
  switch (status.code()) {
    case StatusCode::kNotFound: Raise(PyExc_FileNotFoundError, message);
    case StatusCode::kCorruption: Raise(g_corrupt_file_error, message);
    case StatusCode::kIoError: Raise(PyExc_OSError, message);
    case StatusCode::kOutOfMemory: Raise(PyExc_MemoryError, message);
    case StatusCode::kInvalidArgument:
    case StatusCode::kUnsupported: Raise(PyExc_ValueError, message);
    case StatusCode::kOk:
    case StatusCode::kInternal: break;
  }
  Raise(PyExc_RuntimeError, message);
}

void ThrowValueError(const std::string& message) { Raise(PyExc_ValueError, message); }
void ThrowTypeError(const std::string& message) { Raise(PyExc_TypeError, message); }
void ThrowKeyError(const std::string& message) { Raise(PyExc_KeyError, message); }
void ThrowCancelled() { Raise(g_cancelled, "cancelled: the progress callback returned False"); }

void WarnOfDrift(const QueryDrift& drift, const std::string& path, int level) {
  // Paths need not be UTF-8.
  const nb::object name = nb::steal(
      PyUnicode_DecodeFSDefaultAndSize(path.data(), static_cast<Py_ssize_t>(path.size())));
  if (!name.is_valid()) throw nb::python_error();
  const nb::object message =
      nb::str(
          "{}: the queries look unlike those that recall was measured with (Kolmogorov-Smirnov "
          "distance {:.2f}), so it may be another than asked for; measure it with such queries: "
          "calibrate(queries)")
          .attr("format")(name, drift.distance);
  const nb::object warn = nb::module_::import_("warnings").attr("warn");
  warn(message, nb::handle(g_drift_warning), level);
}

}  // namespace kith::python
