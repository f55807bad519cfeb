// The subcommands of kith. Each adds its options to the parser and, once the command line is known
// to be right, says what to run.
#ifndef KITH_APPS_CLI_COMMANDS_H_
#define KITH_APPS_CLI_COMMANDS_H_

#include <CLI/CLI.hpp>
#include <functional>

#include "kith/status.h"

namespace kith::apps::cli {

// Set by the callback of the subcommand chosen; empty until then. A Status that is not ok means
// exit code 1; wrong usage is thrown as a CLI::Error while parsing and means exit code 2.
using Action = std::function<Status()>;

void AddBuildCommand(CLI::App* app, Action* action);
void AddSearchCommand(CLI::App* app, Action* action);
void AddEvalCommand(CLI::App* app, Action* action);
void AddTuneCommand(CLI::App* app, Action* action);
void AddTruthCommand(CLI::App* app, Action* action);
void AddClassifyCommand(CLI::App* app, Action* action);
void AddRegressCommand(CLI::App* app, Action* action);
void AddReduceCommand(CLI::App* app, Action* action);
void AddGraphCommand(CLI::App* app, Action* action);
void AddEmbedCommand(CLI::App* app, Action* action);
void AddDuplicatesCommand(CLI::App* app, Action* action);
void AddMapCommand(CLI::App* app, Action* action);
void AddFactorizeCommand(CLI::App* app, Action* action);
void AddRecommendCommand(CLI::App* app, Action* action);
void AddInfoCommand(CLI::App* app, Action* action);
void AddVerifyCommand(CLI::App* app, Action* action);
void AddConvertCommand(CLI::App* app, Action* action);
void AddWordsCommand(CLI::App* app, Action* action);

}  // namespace kith::apps::cli

#endif  // KITH_APPS_CLI_COMMANDS_H_
