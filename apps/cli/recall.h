// Recall on the command line: how it is asked for, and what a file's calibration says of it.
#ifndef KITH_APPS_CLI_RECALL_H_
#define KITH_APPS_CLI_RECALL_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "common.h"
#include "kith/calibration.h"
#include "kith/index.h"
#include "terminal.h"

namespace kith::cli {

// --recall, a share above 0 and up to 1; or several of them, commas between.
CLI::Option* AddRecall(CLI::App* app, double* recall, const std::string& description);
CLI::Option* AddRecalls(CLI::App* app, std::vector<double>* recalls,
                        const std::string& description);

// "64", "17.2", "1,280". A forest compares whole vectors, a graph's beam has fractions.
std::string EffortText(IndexKind index, double effort);
// A whole number where it is one.
Json EffortJson(IndexKind index, double effort);
// "0.95", "0.9912": four decimals at most.
std::string ShareText(double share);

// What it was measured with: "2,048 held-out vectors", "1,000 queries".
std::string SourceText(const Calibration& calibration);
// {"source", "queries"}, or null if there is none.
Json SourceJson(const Calibration& calibration);
// The same and all that was measured.
Json CalibrationJson(const Calibration& calibration);

// The effort each of these takes, on every curve of a calibration.
inline constexpr double kUsualRecalls[] = {0.8, 0.9, 0.95, 0.99, 0.999};
// At most 100 columns. With `before`, a row of what it said comes above each: "-" if it is empty.
Table EffortTable(const Calibration& calibration, const Calibration* before);
// The same for --json: [{"index", "k", "recall", "before", "effort"}, ...], null where a recall is
// out of reach or was not measured.
Json EffortsJson(const Calibration& calibration, const Calibration& before);

}  // namespace kith::cli

#endif  // KITH_APPS_CLI_RECALL_H_
