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
  double recall = 0;  // 0: exact search
  int threads = 0;
  int64_t folds = 0;  // 0: no cross-validation
  int64_t seed = 42;
  std::string out;
  bool json = false;

  NeighbourWeights neighbour_weights() const {
    return weights == "distance" ? NeighbourWeights::kDistance : NeighbourWeights::kUniform;
  }
};

// FILE, --queries, --metric, -k, --weights, --recall, --threads, --cross-validate, --seed, -o and
// --json.
void AddNeighbourOptions(CLI::App* app, NeighbourArgs* args, const std::string& default_ks);

// Throws a CLI::Error where options contradict each other.
void CheckUsage(const NeighbourArgs& args);

// Exact search, or one of the recall that is asked for.
SearchParams MakeParams(const NeighbourArgs& args);

// "exact search", "recall 0.95".
std::string SearchText(const NeighbourArgs& args);

// 1 of "1", 1 to 10 of "1-10", both of "1,3-5"; nullopt of anything else.
std::optional<std::vector<size_t>> ParseKs(const std::string& text);

}  // namespace kith::apps::cli

#endif  // KITH_APPS_CLI_NEIGHBOUR_OPTIONS_H_
