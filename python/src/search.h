// Searching an open file.
#ifndef KITH_PYTHON_SEARCH_H_
#define KITH_PYTHON_SEARCH_H_

#include <nanobind/nanobind.h>

#include "index.h"
#include "kith/index.h"

namespace kith::python {

// How a search is to be done, as its caller says it.
struct How {
  nanobind::object recall;
  nanobind::object effort;
  nanobind::object exact;
  nanobind::object index;
  nanobind::object n_jobs;
  nanobind::object worst = nanobind::none();
  nanobind::object drift = nanobind::str("warn");
};

// The same for the core, but for k. Throws TypeError, ValueError (what means nothing, alone or
// together).
SearchParams ToParams(const How& how);

// Adds search(), _search_keys() and plan().
void BindSearch(nanobind::class_<IndexHandle>* handle);

}  // namespace kith::python

#endif  // KITH_PYTHON_SEARCH_H_
