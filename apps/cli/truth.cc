// kith truth: exact ground truth of queries.
#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "commands.h"
#include "common/json.h"
#include "common/output_files.h"
#include "common/read_vectors.h"
#include "common/stopwatch.h"
#include "common/text.h"
#include "kith/dataset.h"
#include "kith/eval.h"
#include "options.h"
#include "terminal.h"

namespace kith::apps::cli {
namespace {

struct TruthArgs {
  std::string vectors;
  std::string queries;
  std::string dataset;
  std::string queries_dataset;
  std::string out;
  std::optional<Metric> metric;
  int64_t k = 100;
  int64_t rows = 0;
  int threads = 0;
  bool json = false;
};

Status RunTruth(const TruthArgs& args) {
  KITH_RETURN_IF_ERROR(CheckOutputs({args.vectors, args.queries}, {args.out}));
  const Stopwatch stopwatch;
  ProgressBar bar;
  ReadOptions read;
  read.dataset = args.dataset;
  read.progress = bar.callback();
  KITH_ASSIGN_OR_RETURN(const Items items, LoadVectorsAndIds(args.vectors, read));
  const Dataset& base = items.dataset;
  read.dataset = args.queries_dataset;
  read.max_rows = static_cast<uint64_t>(args.rows);
  KITH_ASSIGN_OR_RETURN(const Dataset queries, LoadQueries(args.queries, read));
  KITH_RETURN_IF_ERROR(
      CheckSameDim(args.queries, queries.vectors.dim, args.vectors, base.vectors.dim));
  const auto k = static_cast<size_t>(args.k);
  if (k > base.vectors.rows) {
    return Status::InvalidArgument(StrCat("k is ", k, ", but ", args.vectors, " has only ",
                                          Plural(base.vectors.rows, "vector"), "; choose -k ",
                                          base.vectors.rows, " or less"));
  }
  const MetricChoice metric = ChooseMetric(args.metric, base);
  Result<GroundTruth> computed = ComputeGroundTruth(base.vectors, queries.vectors, metric.metric, k,
                                                    args.threads, bar.callback());
  KITH_RETURN_IF_ERROR(OfFile(args.vectors, computed.status()));
  GroundTruth truth = *std::move(computed);
  for (int64_t& id : truth.ids) {
    if (id != kNoId && !items.ids.empty()) id = items.ids[static_cast<size_t>(id)];
  }
  KITH_RETURN_IF_ERROR(WriteGroundTruth(args.out, truth));
  bar.Clear();
  const double seconds = stopwatch.Seconds();
  if (args.json) {
    Json json;
    json["file"] = args.out;
    json["queries"] = truth.num_queries;
    json["k"] = truth.k;
    json["vectors"] = base.vectors.rows;
    json["metric"] = MetricName(metric.metric);
    json["metric_reason"] = metric.reason;
    json["seconds"] = seconds;
    std::cout << ToLine(json);
  } else {
    std::cout << Printable(args.out) << ": the " << FormatCount(truth.k) << " nearest of "
              << Plural(base.vectors.rows, "vector") << " for "
              << Plural(truth.num_queries, "query") << "\n  metric  " << MetricName(metric.metric)
              << " (" << metric.reason << (args.metric ? ")" : "; --metric chooses another)")
              << "\n  time    " << FormatSeconds(seconds) << '\n';
  }
  return Status::Ok();
}

}  // namespace

void AddTruthCommand(CLI::App* app, Action* action) {
  auto args = std::make_shared<TruthArgs>();
  CLI::App* sub = app->add_subcommand("truth", "Compute the exact nearest neighbours of queries");
  sub->add_option("VECTORS", args->vectors, "File of vectors, or a .kith file")
      ->required()
      ->option_text(" ");
  sub->add_option("--queries", args->queries, "File of queries; of hdf5, its \"test\"")
      ->required()
      ->type_name("FILE");
  AddDataset(sub, &args->dataset,
             "Of an hdf5 file of vectors, the dataset to take instead of \"train\"");
  AddDataset(sub, &args->queries_dataset,
             "Of an hdf5 file of queries, the dataset to take instead of \"test\"",
             "--queries-dataset");
  AddCount(sub, "-k", &args->k, 1, "Neighbours of each query")->capture_default_str();
  sub->add_option("-o,--output", args->out, "File to write: .ivecs, .ibin or .npy")
      ->required()
      ->type_name("FILE");
  AddMetric(sub, &args->metric, "What near means");
  AddCount(sub, "--rows", &args->rows, 1, "Take only the first N queries");
  AddThreads(sub, &args->threads, "Threads; 0 is one for each core");
  sub->add_flag("--json", args->json, "Print the summary as a JSON object");
  sub->footer(
      "Example:\n"
      "  kith truth base.u8bin --queries queries.u8bin -k 100 -o truth.ivecs");
  sub->callback([args, action] { *action = [args] { return RunTruth(*args); }; });
}

}  // namespace kith::apps::cli
