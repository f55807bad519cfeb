// kith._core.Reduction: a fitted reduction, as Python has it.
#ifndef KITH_PYTHON_REDUCE_H_
#define KITH_PYTHON_REDUCE_H_

#include <nanobind/nanobind.h>

namespace kith::python {

void BindReduce(nanobind::module_& m);

}  // namespace kith::python

#endif  // KITH_PYTHON_REDUCE_H_
