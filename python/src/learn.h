// What is told by nearest neighbours: kith.learn.
#ifndef KITH_PYTHON_LEARN_H_
#define KITH_PYTHON_LEARN_H_

#include <nanobind/nanobind.h>

namespace kith::python {

void BindLearn(nanobind::module_& m);

}  // namespace kith::python

#endif  // KITH_PYTHON_LEARN_H_
