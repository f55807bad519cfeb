// Pictures of all vectors.
#ifndef KITH_PYTHON_MAP_H_
#define KITH_PYTHON_MAP_H_

#include <nanobind/nanobind.h>

namespace kith::python {

// What kith.Index.map() and its like call.
void BindMap(nanobind::module_& m);

}  // namespace kith::python

#endif  // KITH_PYTHON_MAP_H_
