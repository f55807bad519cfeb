// Options that mean the same in several commands.
#ifndef KITH_APPS_CLI_OPTIONS_H_
#define KITH_APPS_CLI_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kith/index.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith::apps::cli {

// FILE, the .kith file that a command is about.
CLI::Option* AddKithFile(CLI::App* app, std::string* file, const std::string& description);
// Refuses "-": a .kith file is mapped.
CLI::Option* MustHaveName(CLI::Option* option);

// The dataset of an hdf5 file to read.
CLI::Option* AddDataset(CLI::App* app, std::string* dataset, const std::string& description,
                        const std::string& name = "--dataset");

// --columns and --key-column, for csv files.
struct ColumnArgs {
  std::string columns;
  std::string key_column;
};
void AddColumns(CLI::App* app, ColumnArgs* args);

// `name` is CLI11's, "-k" or "--effort".
CLI::Option* AddCount(CLI::App* app, const std::string& name, int64_t* value, int64_t least,
                      const std::string& description);
// An effort of at least 1; a fraction, as 'kith search' and 'kith info' print them, is rounded up.
CLI::Option* AddEffort(CLI::App* app, int64_t* value, const std::string& description);
// A number of bytes, with K, M, G or T for 2^10, 2^20, 2^30 or 2^40 of them.
CLI::Option* AddSize(CLI::App* app, const std::string& name, uint64_t* bytes,
                     const std::string& description);
// A time as 90, 30s, 5m or 2h, in seconds; more than 0.
CLI::Option* AddDuration(CLI::App* app, const std::string& name, double* seconds,
                         const std::string& description);
CLI::Option* AddThreads(CLI::App* app, int* threads, const std::string& description);
CLI::Option* AddMetric(CLI::App* app, std::optional<Metric>* metric,
                       const std::string& description);
CLI::Option* AddDataType(CLI::App* app, std::optional<DataType>* dtype,
                         const std::string& description);
CLI::Option* AddHuge(CLI::App* app, bool* huge);
CLI::Option* AddFormat(CLI::App* app, const std::string& name, std::string* format,
                       const std::string& description);

// --recall, a share above 0 and up to 1; or several of them, commas between.
CLI::Option* AddRecall(CLI::App* app, double* recall, const std::string& description);
CLI::Option* AddRecalls(CLI::App* app, std::vector<double>* recalls,
                        const std::string& description);

// --worst, a recall that 95 % of the queries are to reach.
CLI::Option* AddWorst(CLI::App* app, double* worst);
// --drift, one of warn, widen and off: what is done about queries unlike those measured with.
CLI::Option* AddDrift(CLI::App* app, std::string* drift);

// InvalidArgument unless the file has a graph, which --huge copies.
Status CheckHuge(const IndexInfo& info);

// Throws a CLI::Error if a file of tab-separated lines is to have a name that promises another
// format. `also`: the extensions of formats that the command writes beside these lines.
void CheckTsvName(const std::string& path, const std::vector<std::string>& also = {});

}  // namespace kith::apps::cli

#endif  // KITH_APPS_CLI_OPTIONS_H_
