// Makes the thread-local data of this module part of every thread from its start.
//
// A module that is loaded while the process runs gets its thread-local data on a thread when the
// thread first asks for it, and where there is no memory left for it then, glibc ends the process.
// That is no rare case: exceptions need such data, out-of-memory ones too. If a module has one
// variable that is accessed by way of a descriptor (-mtls-dialect=gnu2, the default on ARM), the
// loader puts all of the module's data into room that every thread has anyway, where there is some.
// The C++ runtime, whose data it is, is linked into the module for that (CMakeLists.txt).
#include "thread_memory.h"

namespace kith::python {
namespace {

thread_local volatile char g_here = 0;

}  // namespace

char TouchThreadMemory() { return g_here; }

}  // namespace kith::python
