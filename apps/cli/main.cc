// The kith command: parses, runs one subcommand, turns errors into one line and an exit code.
#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>
#include <exception>
#include <iostream>
#include <new>
#include <string>

#include "commands.h"
#include "common/text.h"
#include "kith/version.h"
#include "terminal.h"
#include "usage.h"

namespace kith::apps::cli {
namespace {

constexpr int kOk = 0;
constexpr int kFailed = 1;
constexpr int kUsage = 2;

int ReportUsage(const std::string& fault) {
  PrintError(fault);
  return kUsage;
}

// What was printed may still be in buffers that the disk has no room for.
int FlushOutput() {
  errno = 0;
  std::cout.flush();
  if (std::cout.good()) return kOk;
  PrintError(StrCat("cannot write to standard output: ",
                    errno == 0 ? "the output was closed" : std::strerror(errno)));
  return kFailed;
}

int Main(int argc, char** argv) {
  CLI::App app("kith: nearest neighbours of vectors, exact or as exact as you ask, from one file.",
               "kith");
  Action action;
  app.set_version_flag("--version", "kith " KITH_VERSION);
  app.require_subcommand(0, 1);
  app.get_formatter()->column_width(34);
  app.footer(
      "Example:\n"
      "  kith build words.bin -o words.kith\n"
      "  kith search words.kith --key \"chinese river\"\n\n"
      "'kith COMMAND --help' describes a command. Exit codes: 0 ok, 1 failed, 2 wrong usage.");
  AddBuildCommand(&app, &action);
  AddSearchCommand(&app, &action);
  AddEvalCommand(&app, &action);
  AddTuneCommand(&app, &action);
  AddTruthCommand(&app, &action);
  AddClassifyCommand(&app, &action);
  AddRegressCommand(&app, &action);
  AddReduceCommand(&app, &action);
  AddGraphCommand(&app, &action);
  AddEmbedCommand(&app, &action);
  AddDuplicatesCommand(&app, &action);
  AddMapCommand(&app, &action);
  AddFactorizeCommand(&app, &action);
  AddRecommendCommand(&app, &action);
  AddInfoCommand(&app, &action);
  AddVerifyCommand(&app, &action);
  AddConvertCommand(&app, &action);
  AddWordsCommand(&app, &action);
  try {
    app.parse(argc, argv);
    if (!action) throw CLI::RequiredError("a command (build, search, eval, ...)");
  } catch (const CLI::Error& error) {
    // --help and --version end parsing the same way, with exit code 0.
    if (error.get_exit_code() != 0) return ReportUsage(UsageText(app, error));
    // The help of a command that is not there is not that of all the others.
    if (const auto unknown = UnknownWord(app, true)) return ReportUsage(*unknown);
    app.exit(error, std::cout, std::cerr);
    return FlushOutput();
  }
  const Status status = action();
  const int flushed = FlushOutput();
  if (status.ok()) return flushed;
  PrintError(ErrorText(status));
  return kFailed;
}

}  // namespace
}  // namespace kith::apps::cli

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  kith::apps::cli::InstallSignalHandlers();
  try {
    return kith::apps::cli::Main(argc, argv);
  } catch (const std::bad_alloc&) {
    kith::apps::cli::PrintError(
        "out of memory; ask for fewer vectors, queries or neighbours at a time");
  } catch (const std::exception& error) {
    kith::apps::cli::PrintError(std::string("internal error: ") + error.what());
  }
  return 1;
}
