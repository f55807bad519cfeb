// Which rows a search may answer with, as callers of Python say it.
#ifndef KITH_PYTHON_FILTERS_H_
#define KITH_PYTHON_FILTERS_H_

#include <nanobind/nanobind.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "kith/filter.h"
#include "kith/index.h"

namespace kith::python {

// The arguments, each None where it is not given.
struct FilterArguments {
  nanobind::object where;    // booleans (n,) or (nq, n)
  nanobind::object allow;    // ids
  nanobind::object deny;     // ids
  nanobind::object exclude;  // ids of each query, or a sparse matrix (nq, n)
};

// All of them as one filter, which lives as long as this. Made and destroyed with the GIL held;
// used without it.
class Filters {
 public:
  // `one`: whether the search is for one query, not a batch of one. Throws TypeError, ValueError
  // (another shape), KeyError (no such id).
  Filters(const Index& index, const FilterArguments& arguments, size_t num_queries, bool one);

  const RowFilter& filter() const { return filters_.empty() ? AllRows() : *filters_.back(); }

 private:
  // From here on, this has to be passed, too.
  void Add(std::unique_ptr<RowFilter> filter);

  std::vector<std::unique_ptr<RowFilter>> filters_;  // the last is all of them
};

}  // namespace kith::python

#endif  // KITH_PYTHON_FILTERS_H_
