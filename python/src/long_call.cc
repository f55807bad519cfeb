#include "long_call.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <new>
#include <string>
#include <system_error>
#include <thread>

#include "errors.h"

namespace nb = nanobind;

namespace kith::python {
namespace {

constexpr std::chrono::milliseconds kBetweenChecks{20};

struct Report {
  std::string stage;
  uint64_t done = 0;
  uint64_t total = 0;
  bool fresh = false;  // not yet told to the callback
};

// What the working thread and the waiting one share.
class Shared {
 public:
  void Note(std::string_view stage, uint64_t done, uint64_t total) {
    const std::lock_guard lock(mutex_);
    report_.stage.assign(stage);
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
  const nb::object answer =
      callback(nb::str(report.stage.data(), report.stage.size()), report.done, report.total);
  if (answer.ptr() == Py_False) ThrowCancelled();
}

}  // namespace

void RunLong(const nb::object& callback,
             const std::function<Status(const Progress&, const std::stop_token&)>& work) {
  Shared shared;
  std::stop_source stop;
  const Progress progress = [&](std::string_view stage, uint64_t done, uint64_t total) {
    shared.Note(stage, done, total);
    return !stop.stop_requested();
  };
  std::thread thread;
  try {
    thread = std::thread([&] {
      Status status;
      try {
        status = work(progress, stop.get_token());
      } catch (const std::bad_alloc&) {
        status = Status::OutOfMemory("not enough memory; close other programs or use a larger one");
      } catch (const std::exception& error) {
        status = Status::Internal(error.what());
      }
      shared.Finish(std::move(status));
    });
  } catch (const std::system_error& error) {
    Throw(Status::OutOfMemory(std::string("cannot start a thread: ") + error.what()));
  }

  std::exception_ptr raised;
  Report report;
  for (bool finished = false; !finished;) {
    {
      const nb::gil_scoped_release release;
      finished = shared.Wait(&report);
    }
    if (raised != nullptr) continue;
    try {
      if (PyErr_CheckSignals() != 0) throw nb::python_error();
      Call(callback, report);
    } catch (...) {
      raised = std::current_exception();
      stop.request_stop();
    }
  }
  {
    const nb::gil_scoped_release release;
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
    const nb::gil_scoped_release release;
    status = work({});
  }
  ThrowIfError(status);
}

}  // namespace kith::python
