// What callers give for an argument, with errors that name it: nanobind's own list whole
// signatures.
#ifndef KITH_PYTHON_ARGUMENTS_H_
#define KITH_PYTHON_ARGUMENTS_H_

#include <nanobind/nanobind.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gil.h"
#include "kith/index.h"
#include "kith/types.h"

namespace kith::python {

// Whether it is an integer of Python's, numpy's or another's, which bool is not.
bool IsInteger(nanobind::handle object);

// The integer, or `beyond` if int64 has no room for it. REQUIRES: IsInteger(object).
int64_t ToInteger(nanobind::handle object, int64_t beyond);

// All that follow throw TypeError for something of another type, and ValueError for a value that is
// never right; those that return an optional take None.
int64_t ToInteger(nanobind::handle object, const char* name);
std::optional<int64_t> ToOptionalInteger(nanobind::handle object, const char* name);
// From `least` to `most`.
int64_t ToInteger(nanobind::handle object, const char* name, int64_t least, int64_t most);
// From 0 to 2^64 - 1.
uint64_t ToSeed(nanobind::handle object, const char* name);
double ToNumber(nanobind::handle object, const char* name);
std::optional<double> ToOptionalNumber(nanobind::handle object, const char* name);
// A recall: above 0 and at most 1.
double ToRecall(nanobind::handle object, const char* name);
std::optional<double> ToOptionalRecall(nanobind::handle object, const char* name);
// An effort: at least 0, and a fraction, which plan() may give, is rounded up.
std::optional<int64_t> ToOptionalEffort(nanobind::handle object, const char* name);
// What is done about queries unlike those that recall was measured with: "warn", "widen" or "off".
struct OnDrift {
  bool warn = true;
  bool widen = false;
};
OnDrift ToOnDrift(nanobind::handle name);
// What Python takes for true.
bool ToBool(nanobind::handle object);
std::optional<bool> ToOptionalBool(nanobind::handle object);
std::string ToText(nanobind::handle object, const char* name);

// Arguments that a function of Python's has gathered, and one of them. Throws KeyError.
using Options = nanobind::typed<nanobind::dict, nanobind::str, nanobind::object>;
inline nanobind::object Of(const nanobind::dict& options, const char* name) {
  return nanobind::object(options[name]);
}

// One of them, or any number.
template <class Convert>
auto ToMany(nanobind::handle object, const char* name, const Convert& convert)
    -> std::vector<decltype(convert(object, name))> {
  std::vector<decltype(convert(object, name))> values;
  const bool one = PyUnicode_Check(object.ptr()) || !nanobind::hasattr(object, "__iter__");
  if (one) {
    values.push_back(convert(object, name));
  } else {
    ForEach(object, [&](nanobind::handle item) { values.push_back(convert(item, name)); });
  }
  return values;
}

// Threads for the core (0: one for each core) from joblib's convention: None is 1, -1 all cores,
// -2 all but one.
int ToThreads(nanobind::handle n_jobs);

// Names as the enums they stand for; errors list the names.
Metric ToMetric(nanobind::handle name);
IndexKind ToIndexKind(nanobind::handle name);

}  // namespace kith::python

#endif  // KITH_PYTHON_ARGUMENTS_H_
