#include "long_call.h"

#include <unistd.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <new>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "errors.h"
#include "gil.h"

namespace nb = nanobind;

namespace kith::python {
namespace {

constexpr std::chrono::milliseconds kBetweenChecks{20};

// A report is copied while nobody could handle that there is no memory for it.
struct Report {
  std::array<char, 64> stage = {};
  size_t stage_size = 0;
  uint64_t done = 0;
  uint64_t total = 0;
  bool fresh = false;  // not yet told to the callback
};

// What the working thread and the waiting one share.
class Shared {
 public:
  void Note(std::string_view stage, uint64_t done, uint64_t total) {
    const std::lock_guard lock(mutex_);
    report_.stage_size = stage.copy(report_.stage.data(), report_.stage.size());
    report_.done = done;
    report_.total = total;
    report_.fresh = true;
  }

  void Finish(Status status) {
    const std::lock_guard lock(mutex_);
    status_ = std::move(status);
    finished_ = true;
    changed_.notify_all();
  }

  // Waits a little; true if the work has ended. The latest report goes to *report.
  bool Wait(Report* report) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kBetweenChecks, [&] { return finished_; });
    *report = report_;
    report_.fresh = false;
    return finished_;
  }

  // REQUIRES: Wait() returned true.
  const Status& status() const { return status_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  Report report_;
  bool finished_ = false;
  Status status_;
};

void Call(const nb::object& callback, const Report& report) {
  if (callback.is_none() || !report.fresh) return;
  const nb::str stage(report.stage.data(), report.stage_size);
  const nb::object done = nb::cast(report.done);
  const nb::object total = nb::cast(report.total);
  const nb::object answer = CallPython([&] { return callback(stage, done, total); });
  if (answer.ptr() == Py_False) ThrowCancelled();
}

// What the work says, or what it throws.
Status WorkOrError(const std::function<Status(const Progress&, const std::stop_token&)>& work,
                   const Progress& progress, const std::stop_token& stop) noexcept {
  try {
    return work(progress, stop);
  } catch (const std::bad_alloc&) {
    return Status::OutOfMemory("out of memory");  // so short that it takes no memory
  } catch (const std::exception& error) {
    try {
      return Status::Internal(error.what());
    } catch (...) {
      return Status::OutOfMemory("out of memory");
    }
  }
}

}  // namespace

void RunLong(const nb::object& callback,
             const std::function<Status(const Progress&, const std::stop_token&)>& work) {
  Shared shared;
  std::stop_source stop;
  EndedAtExit ended_at_exit(&stop);
  const Progress progress = [&](std::string_view stage, uint64_t done, uint64_t total) {
    shared.Note(stage, done, total);
    return !stop.stop_requested();
  };
  std::thread thread;
  try {
    thread = std::thread([&] {
      Status status = WorkOrError(work, progress, stop.get_token());
      shared.Finish(std::move(status));
      ended_at_exit.Done();
    });
  } catch (const std::exception&) {
    // Out of threads, or of memory for one.
    ended_at_exit.Done();
    Throw(Status::OutOfMemory(
        "cannot start a thread for this; end other programs or threads, or raise the limits of "
        "processes and of memory (ulimit -u, -v)"));
  }

  const pid_t process = getpid();
  std::exception_ptr raised;
  Report report;
  for (bool finished = false; !finished;) {
    {
      const WithoutGil without_gil;
      finished = shared.Wait(&report);
    }
    if (raised != nullptr) continue;
    try {
      if (CallPython([] { return PyErr_CheckSignals(); }) != 0) throw nb::python_error();
      Call(callback, report);
    } catch (...) {
      raised = std::current_exception();
      stop.request_stop();
    }
    if (getpid() == process) continue;
    // The callback forked, and this is the child, which has none of the other threads: nothing
    // waits for the work here, and what it was using stays where it is.
    static_cast<void>(new std::thread(std::move(thread)));  // NOLINT: neither joined nor destroyed
    if (raised != nullptr) std::rethrow_exception(raised);
    Raise(PyExc_RuntimeError,
          "the progress callback forked this process, and the work goes on in its parent alone; "
          "end the child in the callback (os._exit)");
  }
  {
    const WithoutGil without_gil;
    thread.join();
  }
  if (raised != nullptr) std::rethrow_exception(raised);
  ThrowIfError(shared.status());
}

void RunMaybeLong(bool is_long, const std::function<Status(const std::stop_token&)>& work) {
  if (is_long) {
    RunLong(nb::none(), [&](const Progress&, const std::stop_token& stop) { return work(stop); });
    return;
  }
  Status status;
  {
    const WithoutGil without_gil;
    status = work({});
  }
  ThrowIfError(status);
}

}  // namespace kith::python
