// What several commands share: options, vectors from any file, the choice of a metric.
#ifndef KITH_APPS_CLI_COMMON_H_
#define KITH_APPS_CLI_COMMON_H_

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "kith/dataset.h"
#include "kith/index.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith::cli {

// Keys stay in the order in which they are set.
using Json = nlohmann::ordered_json;

// One line; bytes that are not UTF-8 become U+FFFD.
std::string ToLine(const Json& json);

// A float as the shortest decimal number that reads back as it, for JSON; null for infinity.
Json JsonFloat(float x);

// --columns and --key-column, for csv files.
struct ColumnArgs {
  std::string columns;
  std::string key_column;
};
void AddColumns(CLI::App* app, ColumnArgs* args);

// Options that mean the same everywhere. `name` is CLI11's, "-k" or "--effort".
CLI::Option* AddCount(CLI::App* app, const std::string& name, int64_t* value, int64_t least,
                      const std::string& description);
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

// Seconds since it was made.
class Stopwatch {
 public:
  double Seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// ReadDataset, and also .kith files, whose vectors come in the order of their rows.
// Cost for those: a copy of all vectors. Errors: as ReadDataset and OpenIndex; InvalidArgument
// (keys given for a .kith file).
Result<Dataset> LoadVectors(const std::string& path, const ReadOptions& options);

// InvalidArgument unless the queries have the dimension of the vectors; both are named.
Status CheckSameDim(const std::string& queries_path, size_t queries_dim, const std::string& path,
                    size_t dim);

// InvalidArgument unless the file has a graph, which --huge copies.
Status CheckHuge(const IndexInfo& info);

struct MetricChoice {
  Metric metric = Metric::kAngular;
  std::string reason;  // "as asked", "as the file says", "usual for integer vectors"
};

// The metric asked for, else the one the file implies, else the usual one for its type.
MetricChoice ChooseMetric(const std::optional<Metric>& asked, const Dataset& dataset);

// "1 thread", "4 threads", "all cores".
std::string ThreadsText(int threads);

// The ways into a file: "exact, packed graph of degree 32 with 2-bit codes, forest of ...".
std::string AccessText(const IndexInfo& info);

// The same for --json: {"exact", "graph"}.
Json AccessJson(const IndexInfo& info);

// A file's graph for --json: null if it has none.
Json GraphJson(const IndexInfo& info);

// Bytes of the graph's sections for each vector. REQUIRES: info.has_graph.
double GraphBytesPerVector(const IndexInfo& info);

// Plural(1, "tree") == "1 tree", Plural(3000, "tree") == "3,000 trees".
std::string Plural(uint64_t n, const std::string& noun);

}  // namespace kith::cli

#endif  // KITH_APPS_CLI_COMMON_H_
