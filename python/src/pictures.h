// Vectors of pictures.
#ifndef KITH_PYTHON_PICTURES_H_
#define KITH_PYTHON_PICTURES_H_

#include <nanobind/nanobind.h>

namespace kith::python {

// What kith.embed() calls.
void BindPictures(nanobind::module_& m);

}  // namespace kith::python

#endif  // KITH_PYTHON_PICTURES_H_
