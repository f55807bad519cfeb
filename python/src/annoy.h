// kith.annoy.AnnoyIndex: Annoy's Python class, over kith::AnnoyIndex.
#ifndef KITH_PYTHON_ANNOY_H_
#define KITH_PYTHON_ANNOY_H_

#include <nanobind/nanobind.h>

namespace kith::python {

// Makes the class AnnoyIndex, from which kith.annoy.AnnoyIndex inherits.
void BindAnnoy(nanobind::module_& m);

}  // namespace kith::python

#endif  // KITH_PYTHON_ANNOY_H_
