// What users did, vectors made of it, and what is recommended by them.
#ifndef KITH_PYTHON_RECOMMEND_H_
#define KITH_PYTHON_RECOMMEND_H_

#include <nanobind/nanobind.h>

namespace kith::python {

// What kith.recommend calls.
void BindRecommend(nanobind::module_& m);

}  // namespace kith::python

#endif  // KITH_PYTHON_RECOMMEND_H_
