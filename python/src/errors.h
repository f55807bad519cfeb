// Errors of the core as Python's exceptions.
#ifndef KITH_PYTHON_ERRORS_H_
#define KITH_PYTHON_ERRORS_H_

#include <nanobind/nanobind.h>

#include <string>
#include <utility>

#include "kith/calibration.h"
#include "kith/status.h"

namespace kith::python {

// Looks up kith's own exceptions. Before anything is thrown.
void BindErrors();

// kith.annoy.AnnoyFileError, borrowed.
PyObject* AnnoyFileError();

// REQUIRES: the GIL is held.
[[noreturn]] void Raise(PyObject* type, const std::string& message);

// Throws the exception that stands for the error:
//   InvalidArgument, Unsupported  ValueError         IoError      OSError
//   NotFound                      FileNotFoundError  OutOfMemory  MemoryError
//   Corruption                    CorruptFileError   Internal     RuntimeError
// REQUIRES: !status.ok(), and the GIL is held.
[[noreturn]] void Throw(const Status& status);

[[noreturn]] void ThrowValueError(const std::string& message);
[[noreturn]] void ThrowTypeError(const std::string& message);
[[noreturn]] void ThrowKeyError(const std::string& message);
[[noreturn]] void ThrowCancelled();

inline void ThrowIfError(const Status& status) {
  if (!status.ok()) Throw(status);
}

// Warns of queries unlike those that recall was measured with, as of the caller `level` frames of
// Python up; throws if warnings are errors. REQUIRES: the GIL is held.
void WarnOfDrift(const QueryDrift& drift, const std::string& path, int level);

template <class T>
T ValueOrThrow(Result<T> result) {
  ThrowIfError(result.status());
  return std::move(result).value();
}

// The same for what is looked up: what is not there is a KeyError.
template <class T>
T ValueOrKeyError(Result<T> result) {
  if (result.status().code() == StatusCode::kNotFound) ThrowKeyError(result.status().message());
  return ValueOrThrow(std::move(result));
}

}  // namespace kith::python

#endif  // KITH_PYTHON_ERRORS_H_
