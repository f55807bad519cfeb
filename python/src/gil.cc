#include "gil.h"

#include <pthread.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

#include "errors.h"

namespace nb = nanobind;

namespace kith::python {

// What all threads share. Its lock is never held while a thread waits for the GIL.
struct Exit {
  std::mutex mutex;
  std::condition_variable changed;
  bool ending = false;
  std::thread::id ender;  // the thread that ends the interpreter
  size_t outside = 0;     // threads without the GIL that will ask for it
  EndedAtExit* works = nullptr;
  DroppedAtExit* things = nullptr;

  // Whether this thread must not come back to Python. REQUIRES: the lock is held.
  bool TooLate() const { return ending && std::this_thread::get_id() != ender; }

  void Add(EndedAtExit* work) {
    const std::lock_guard lock(mutex);
    work->next_ = works;
    works = work;
    if (TooLate()) work->stop_->request_stop();
  }

  void Add(DroppedAtExit* thing) {
    const std::lock_guard lock(mutex);
    thing->next_ = things;
    things = thing;
  }

  template <class T>
  void Remove(T* one, T** list) {
    const std::lock_guard lock(mutex);
    for (T** at = list; *at != nullptr; at = &(*at)->next_) {
      if (*at != one) continue;
      *at = one->next_;
      break;
    }
    changed.notify_all();
  }

  // Ends all work, and lets the threads that wait for the GIL have it for a last time.
  void End() {
    {
      const std::lock_guard lock(mutex);
      ending = true;
      ender = std::this_thread::get_id();
      for (const EndedAtExit* work = works; work != nullptr; work = work->next_) {
        work->stop_->request_stop();
      }
    }
    PyThreadState* const state = PyEval_SaveThread();
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return outside == 0 && works == nullptr; });
    }
    PyEval_RestoreThread(state);
  }

  // Once nothing runs any more but the thread that ends the process.
  void Drop() {
    for (const DroppedAtExit* thing = things; thing != nullptr; thing = thing->next_) {
      thing->drop_();
    }
  }
};

namespace {

// Never destroyed: threads may ask for it until the process is gone.
alignas(Exit) std::byte g_exit_bytes[sizeof(Exit)];  // NOLINT(modernize-avoid-c-arrays)
Exit& exit_state() { return *std::launder(reinterpret_cast<Exit*>(g_exit_bytes)); }

// A forked child has none of the other threads, so nothing of theirs is waited for there.
void MakeExit() { new (g_exit_bytes) Exit; }

void MakeExitOnce() {
  static const bool made = [] {
    MakeExit();
    pthread_atfork([] { exit_state().mutex.lock(); }, [] { exit_state().mutex.unlock(); },
                   &MakeExit);
    return true;
  }();
  static_cast<void>(made);
}

}  // namespace

void WaitForEnd() noexcept {
  while (true) pause();
}

WithoutGil::WithoutGil() {
  bool too_late;
  {
    const std::lock_guard lock(exit_state().mutex);
    too_late = exit_state().TooLate();
    if (!too_late) ++exit_state().outside;
  }
  state_ = PyEval_SaveThread();
  if (too_late) WaitForEnd();
}

WithoutGil::~WithoutGil() {
  Exit& state = exit_state();
  bool too_late;
  {
    const std::lock_guard lock(state.mutex);
    too_late = state.TooLate();
    if (too_late) {
      --state.outside;
      state.changed.notify_all();
    }
  }
  if (too_late) WaitForEnd();
  CallPython([&] { PyEval_RestoreThread(state_); });
  const std::lock_guard lock(state.mutex);
  --state.outside;
  state.changed.notify_all();
}

EndedAtExit::EndedAtExit(std::stop_source* stop) : stop_(stop), next_(nullptr) {
  exit_state().Add(this);
}

void EndedAtExit::Done() noexcept { exit_state().Remove(this, &exit_state().works); }

DroppedAtExit::DroppedAtExit(std::function<void()> drop) : drop_(std::move(drop)), next_(nullptr) {
  exit_state().Add(this);
}

DroppedAtExit::~DroppedAtExit() { exit_state().Remove(this, &exit_state().things); }

void BindExit(nb::module_& m) {
  MakeExitOnce();
  {
    // An interpreter that is started after another has ended.
    const std::lock_guard lock(exit_state().mutex);
    exit_state().ending = false;
  }
  // What is not caught by CallPython() ends here: it is no exception of C++, so it has no pointer.
  nb::register_exception_translator([](const std::exception_ptr& error, void*) {
    if (error == nullptr) WaitForEnd();
    std::rethrow_exception(error);
  });
  m.def("_end", [] { exit_state().End(); });
  nb::module_::import_("atexit").attr("register")(m.attr("_end"));
  if (Py_AtExit([] { exit_state().Drop(); }) != 0) {
    Raise(PyExc_ImportError, "too many modules want to be told of the end of the interpreter");
  }
  // What such threads hold is there to the end, which is as it must be.
  nb::set_leak_warnings(false);
}

}  // namespace kith::python
