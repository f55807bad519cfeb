// Calls that may take long: without the GIL, with reports of progress, ended by Ctrl-C.
#ifndef KITH_PYTHON_LONG_CALL_H_
#define KITH_PYTHON_LONG_CALL_H_

#include <nanobind/nanobind.h>

#include <functional>
#include <stop_token>

#include "kith/status.h"
#include "kith/types.h"

namespace kith::python {

// Runs work(progress, stop) in a thread of its own while this one, which must hold the GIL, lets go
// of it, looks for signals and calls `callback`(stage, done, total), unless it is None, with the
// latest report now and then. An exception of a signal handler or of the callback, or a callback
// that returns False, asks `stop` for an end, and the next report answers false; it is thrown once
// the work has ended. Throws the work's own error too.
void RunLong(const nanobind::object& callback,
             const std::function<Status(const Progress&, const std::stop_token&)>& work);

// The same for work that reports nothing, if it may take so long that somebody would wait for an
// answer to Ctrl-C; else on this thread, without the GIL.
void RunMaybeLong(bool is_long, const std::function<Status(const std::stop_token&)>& work);

}  // namespace kith::python

#endif  // KITH_PYTHON_LONG_CALL_H_
