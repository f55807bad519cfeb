// How much memory the program has asked for, at most: of any thread, by operator new or by mapping
// pages that no file backs.
#ifndef KITH_TESTS_MUTANTS_MEMORY_H_
#define KITH_TESTS_MUTANTS_MEMORY_H_

#include <cstddef>

namespace kith::mutants {

// From now on the peak is counted anew.
void ForgetPeak();
// The most bytes held at once since then, beyond those held when it was called.
size_t Peak();

}  // namespace kith::mutants

#endif  // KITH_TESTS_MUTANTS_MEMORY_H_
