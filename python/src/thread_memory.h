// Thread-local data that no thread has to ask memory for.
#ifndef KITH_PYTHON_THREAD_MEMORY_H_
#define KITH_PYTHON_THREAD_MEMORY_H_

namespace kith::python {

// Called once, so that the variable behind it stays.
char TouchThreadMemory();

}  // namespace kith::python

#endif  // KITH_PYTHON_THREAD_MEMORY_H_
