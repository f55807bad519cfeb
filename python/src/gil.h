// Letting go of the GIL, and what becomes of threads that want it back when the interpreter ends.
//
// Threads that nobody joins (daemon threads) may be anywhere when the interpreter ends. Python up
// to 3.13 ends such a thread by pthread_exit() where it asks for the GIL, which unwinds its stack
// through code that must not be left that way and aborts the process; later ones let it wait for
// ever. Here it waits for ever with all of them. Before that, work that was begun is ended, so that
// it removes its temporary files.
#ifndef KITH_PYTHON_GIL_H_
#define KITH_PYTHON_GIL_H_

#include <cxxabi.h>
#include <nanobind/nanobind.h>

#include <functional>
#include <stop_token>
#include <utility>

namespace kith::python {

// Has the interpreter call, before it ends, what ends the work of other threads and waits for it.
// Once, before anything else here.
void BindExit(nanobind::module_& m);

// Never returns: the process ends meanwhile.
[[noreturn]] void WaitForEnd() noexcept;

// Lets other threads run Python while it lives. REQUIRES: the GIL is held. Where the interpreter is
// ending, neither what makes one nor what destroys one returns, but for the thread that ends it.
class WithoutGil {
 public:
  WithoutGil();
  ~WithoutGil();
  WithoutGil(const WithoutGil&) = delete;
  WithoutGil& operator=(const WithoutGil&) = delete;

 private:
  PyThreadState* state_;
};

// Work in a thread of its own that the end of the interpreter stops, and waits for. Made before the
// thread starts; the thread says Done() as the last thing that it does.
class EndedAtExit {
 public:
  explicit EndedAtExit(std::stop_source* stop);
  void Done() noexcept;
  EndedAtExit(const EndedAtExit&) = delete;
  EndedAtExit& operator=(const EndedAtExit&) = delete;

 private:
  friend struct Exit;
  std::stop_source* stop_;
  EndedAtExit* next_;
};

// What must not stay behind though its owner does: objects that threads held which wait for ever
// are never destroyed. Calls drop() at the very end of the interpreter if it lives then.
class DroppedAtExit {
 public:
  explicit DroppedAtExit(std::function<void()> drop);
  ~DroppedAtExit();
  DroppedAtExit(const DroppedAtExit&) = delete;
  DroppedAtExit& operator=(const DroppedAtExit&) = delete;

 private:
  friend struct Exit;
  std::function<void()> drop_;
  DroppedAtExit* next_;
};

// Calls fn(), which may run code of Python's users and so let go of the GIL: all that calls back
// goes through here. A thread that is to be ended in there waits for ever instead, before anything
// of its stack is destroyed.
template <class Fn>
decltype(auto) CallPython(Fn&& fn) {
  try {
    return std::forward<Fn>(fn)();
  } catch (const abi::__forced_unwind&) {
    WaitForEnd();
  }
}

// Calls fn(item) with each item of something iterable. Throws what that raises.
template <class Fn>
void ForEach(nanobind::handle iterable, Fn&& fn) {
  const auto iterator =
      nanobind::steal(CallPython([&] { return PyObject_GetIter(iterable.ptr()); }));
  if (!iterator.is_valid()) throw nanobind::python_error();
  while (true) {
    const auto item = nanobind::steal(CallPython([&] { return PyIter_Next(iterator.ptr()); }));
    if (!item.is_valid()) break;
    fn(item);
  }
  if (PyErr_Occurred() != nullptr) throw nanobind::python_error();
}

}  // namespace kith::python

#endif  // KITH_PYTHON_GIL_H_
