// Words and what they are to each other.
#ifndef KITH_PYTHON_WORDS_H_
#define KITH_PYTHON_WORDS_H_

#include <nanobind/nanobind.h>

namespace kith::python {

// What kith.words() and kith.Words call.
void BindWords(nanobind::module_& m);

}  // namespace kith::python

#endif  // KITH_PYTHON_WORDS_H_
