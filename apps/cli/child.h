// Other programs.
#ifndef KITH_APPS_CLI_CHILD_H_
#define KITH_APPS_CLI_CHILD_H_

#include <string>
#include <vector>

#include "kith/status.h"

namespace kith::apps::cli {

// The first executable file of this name in the directories of PATH; empty if there is none.
std::string FindProgram(const std::string& name);

// Runs a program, no shell between, with `input` as its standard input, and waits for its end.
// Returns what it wrote to standard output.
// Errors: IoError (not started; exit code not 0: the message has the last line of its stderr).
Result<std::string> RunProgram(const std::string& path, const std::vector<std::string>& args,
                               const std::string& input);

}  // namespace kith::apps::cli

#endif  // KITH_APPS_CLI_CHILD_H_
