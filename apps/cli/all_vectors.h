// Commands about all vectors of a file at once, which may be a .kith file or any other.
#ifndef KITH_APPS_CLI_ALL_VECTORS_H_
#define KITH_APPS_CLI_ALL_VECTORS_H_

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>

#include "kith/index.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith::apps::cli {

struct AllVectorsArgs {
  std::string file;
  std::string dataset;
  std::optional<Metric> metric;
};

// FILE, --dataset and --metric.
void AddAllVectors(CLI::App* app, AllVectorsArgs* args);

// What OpenOrIndexForAll() (common/labels.h) makes of them. Errors: those.
Result<std::unique_ptr<Index>> IndexOfAll(const AllVectorsArgs& args, bool exact, int threads,
                                          const Progress& progress);

}  // namespace kith::apps::cli

#endif  // KITH_APPS_CLI_ALL_VECTORS_H_
