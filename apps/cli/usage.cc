#include "usage.h"

#include <string_view>
#include <vector>

#include "common/text.h"

namespace kith::apps::cli {
namespace {

// "kith search" once a command was found, "kith" before.
std::string CommandOf(const CLI::App& app) {
  std::string command = "kith";
  for (const CLI::App* sub : app.get_subcommands()) command += " " + sub->get_name();
  return command;
}

std::string WithHelp(const CLI::App& app, const std::string& fault) {
  return StrCat(fault, fault.back() == '?' ? " See '" : "; see '", CommandOf(app), " --help'");
}

std::vector<std::string> CommandNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* sub : app.get_subcommands({})) names.push_back(sub->get_name());
  return names;
}

std::vector<std::string> OptionNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

std::string Suggestion(std::string_view typed, const std::vector<std::string>& names) {
  return DidYouMean(typed, std::vector<std::string_view>(names.begin(), names.end()));
}

}  // namespace

std::optional<std::string> UnknownWord(const CLI::App& app, bool wants_help) {
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  for (const std::string& word : app.remaining()) {
    if (!chosen.empty() || word.starts_with('-')) continue;
    return WithHelp(app, StrCat("there is no command '", Printable(word), "'",
                                Suggestion(word, CommandNames(app))));
  }
  if (wants_help) return std::nullopt;
  const CLI::App& command = chosen.empty() ? app : *chosen.front();
  for (const std::string& word : command.remaining()) {
    if (word.size() < 2 || word[0] != '-') continue;
    const std::string name = word.substr(0, word.find('='));
    return WithHelp(app, StrCat("'", CommandOf(app), "' has no option '", Printable(name), "'",
                                Suggestion(name, OptionNames(command))));
  }
  return std::nullopt;
}

std::string UsageText(const CLI::App& app, const CLI::Error& error) {
  if (const auto unknown = UnknownWord(app, false)) return *unknown;
  return WithHelp(app, error.what());
}

}  // namespace kith::apps::cli
