// What is wrong with a command line that could not be parsed.
#ifndef KITH_APPS_CLI_USAGE_H_
#define KITH_APPS_CLI_USAGE_H_

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

namespace kith::apps::cli {

// The first word that no command or option is known by, in a line that names what was probably
// meant and where the help is; nullopt if there is no such word. Of a line that also has --help:
// only a command.
std::optional<std::string> UnknownWord(const CLI::App& app, bool wants_help);

// The same, or else what the parser says.
std::string UsageText(const CLI::App& app, const CLI::Error& error);

}  // namespace kith::apps::cli

#endif  // KITH_APPS_CLI_USAGE_H_
