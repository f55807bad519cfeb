// Vectors that are nearly the same.
#ifndef KITH_PYTHON_DUPLICATES_H_
#define KITH_PYTHON_DUPLICATES_H_

#include <nanobind/nanobind.h>

namespace kith::python {

// What kith.Index.duplicates() calls.
void BindDuplicates(nanobind::module_& m);

}  // namespace kith::python

#endif  // KITH_PYTHON_DUPLICATES_H_
