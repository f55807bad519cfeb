// What `kith classify` and `kith regress` are asked alike: how many neighbours, how they are found
// and weighed.
#ifndef KITH_APPS_CLI_NEIGHBOUR_OPTIONS_H_
#define KITH_APPS_CLI_NEIGHBOUR_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kith/index.h"
#include "kith/predict.h"
#include "kith/types.h"

namespace kith::apps::cli {

struct NeighbourArgs {
  std::string file;
  std::string queries;
  std::optional<Metric> metric;
  std::vector<size_t> ks;
  std::string weights = "uniform";
  double recall = 0;  // 0: not asked for
  double worst = 0;   // the same; exact search if neither is
  std::string drift = "warn";
  int threads = 0;
  int64_t folds = 0;  // 0: no cross-validation
  int64_t seed = 42;
  std::string out;
  bool json = false;

  bool exact() const { return recall == 0 && worst == 0; }
  NeighbourWeights neighbour_weights() const {
    return weights == "distance" ? NeighbourWeights::kDistance : NeighbourWeights::kUniform;
  }
};

// FILE, --queries, --metric, -k, --weights, --recall, --worst, --drift, --threads,
// --cross-validate, --seed, -o and --json.
void AddNeighbourOptions(CLI::App* app, NeighbourArgs* args, const std::string& default_ks);

// Each throws a CLI::Error where options contradict each other: those of how neighbours are found,
// and all of them.
void CheckDriftUsage(const NeighbourArgs& args);
void CheckUsage(const NeighbourArgs& args);

// Exact search, or one of the recall that is asked for.
SearchParams MakeParams(const NeighbourArgs& args);

// "exact search", "recall 0.95", "recall 0.95 and p5 0.8".
std::string SearchText(const NeighbourArgs& args);

// Warns, if that is to be said, that a search found its queries to be of another kind than those
// that recall was measured with.
void WarnOfDrift(const NeighbourArgs& args, const Index& index, bool drifted);

// 1 of "1", 1 to 10 of "1-10", both of "1,3-5"; nullopt of anything else.
std::optional<std::vector<size_t>> ParseKs(const std::string& text);

}  // namespace kith::apps::cli

#endif  // KITH_APPS_CLI_NEIGHBOUR_OPTIONS_H_
