// Searching an open file.
#ifndef KITH_PYTHON_SEARCH_H_
#define KITH_PYTHON_SEARCH_H_

#include <nanobind/nanobind.h>

#include "index.h"

namespace kith::python {

// Adds search(), _search_keys() and plan().
void BindSearch(nanobind::class_<IndexHandle>* handle);

}  // namespace kith::python

#endif  // KITH_PYTHON_SEARCH_H_
