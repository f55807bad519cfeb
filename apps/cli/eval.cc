// kith eval: recall and speed of a .kith file.
#include "kith/eval.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/strings.h"
#include "commands.h"
#include "common.h"
#include "kith/dataset.h"
#include "kith/index.h"
#include "terminal.h"

namespace kith::cli {
namespace {

struct EvalArgs {
  std::string file;
  std::string queries;
  std::string truth;
  int64_t k = 10;
  std::vector<int64_t> efforts;
  std::vector<std::string> index;  // none: all there are
  bool huge = false;
  bool exact = false;
  bool no_exact = false;
  int threads = 1;
  int64_t rows = 0;
  bool json = false;
};

// The truth and where it is from; none: it is to be computed.
struct TruthSource {
  std::optional<GroundTruth> truth;
  std::string text;
};

// An hdf5 file of queries has their truth, of which the file need not be built, in it.
Result<TruthSource> FindTruth(const EvalArgs& args, const Dataset& queries) {
  if (!args.truth.empty()) {
    KITH_ASSIGN_OR_RETURN(GroundTruth truth, ReadGroundTruth(args.truth));
    return TruthSource{std::move(truth), StrCat("from ", args.truth)};
  }
  if (queries.format == "hdf5") {
    Result<GroundTruth> truth = ReadGroundTruth(args.queries);
    if (truth.ok() && truth->k >= static_cast<size_t>(args.k)) {
      return TruthSource{std::move(truth).value(), StrCat("from ", args.queries)};
    }
  }
  return TruthSource{std::nullopt, "by exact search"};
}

void PrintJsonLines(const IndexInfo& info, const std::vector<EvalPoint>& points) {
  for (const EvalPoint& point : points) {
    Json json;
    json["index"] = IndexKindName(point.index);
    json["k"] = point.k;
    json["effort"] = point.effort;
    json["recall"] = point.recall;
    json["qps"] = point.qps;
    json["batch_qps"] = point.batch_qps;
    json["p50_us"] = point.p50_us;
    json["p99_us"] = point.p99_us;
    json["distances"] = point.distances;
    json["codes"] = point.codes;
    json["nodes"] = point.nodes;
    json["entries"] = point.entries;
    json["bytes_read"] = point.bytes;
    json["build_s"] = info.build_seconds < 0 ? Json() : Json(info.build_seconds);
    json["bytes"] = info.file_bytes;
    std::cout << ToLine(json);
  }
}

void PrintPoints(const EvalArgs& args, const std::vector<EvalPoint>& points) {
  double exact_qps = 0;
  for (const EvalPoint& point : points) {
    if (point.index == IndexKind::kExact) exact_qps = point.qps;
  }
  Table table;
  table.AddColumn("index", Table::Align::kLeft);
  const std::string recall_name = StrCat("recall@", args.k);
  const std::vector<std::string> names{"effort", recall_name, "qps",      "batch qps",
                                       "p50",    "p99",       "distances"};
  for (const std::string& name : names) table.AddColumn(name, Table::Align::kRight);
  if (exact_qps > 0) table.AddColumn("speed-up", Table::Align::kRight);
  for (const EvalPoint& point : points) {
    const bool exact = point.index == IndexKind::kExact;
    std::vector<std::string> cells{IndexKindName(point.index),
                                   exact ? "-" : FormatCount(static_cast<uint64_t>(point.effort)),
                                   FormatFixed(point.recall, 4),
                                   FormatShort(point.qps),
                                   FormatShort(point.batch_qps),
                                   FormatSeconds(point.p50_us / 1e6),
                                   FormatSeconds(point.p99_us / 1e6),
                                   FormatShort(point.distances)};
    if (exact_qps > 0) cells.push_back(FormatShort(point.qps / exact_qps));
    table.AddRow(std::move(cells));
  }
  table.Print(std::cout, "  ");
}

// Whether a way in is to be measured, if the file has it. Errors: InvalidArgument (it is asked for,
// and the file has not).
Result<bool> IsMeasured(const EvalArgs& args, IndexKind kind, const IndexInfo& info) {
  const std::string name = IndexKindName(kind);
  if (args.index.empty()) return kind == IndexKind::kExact ? !args.no_exact : !args.exact;
  if (std::find(args.index.begin(), args.index.end(), name) == args.index.end()) return false;
  if (kind == IndexKind::kExact || (kind == IndexKind::kGraph ? info.has_graph : info.has_forest)) {
    return true;
  }
  return Status::InvalidArgument(StrCat(
      info.path, " has no ", name, "; leave it out of --index, or build it with --index ", name));
}

Status RunEval(const EvalArgs& args) {
  KITH_ASSIGN_OR_RETURN(const std::unique_ptr<Index> index,
                        OpenIndex(args.file, {.huge_pages = args.huge}));
  const IndexInfo& info = index->info();
  if (args.huge) KITH_RETURN_IF_ERROR(CheckHuge(info));
  ProgressBar bar;
  ReadOptions read;
  read.part = DatasetPart::kQueries;
  read.max_rows = static_cast<uint64_t>(args.rows);
  read.progress = bar.callback();
  KITH_ASSIGN_OR_RETURN(const Dataset queries, LoadVectors(args.queries, read));
  KITH_RETURN_IF_ERROR(CheckSameDim(args.queries, queries.vectors.dim, args.file, info.dim));
  KITH_ASSIGN_OR_RETURN(const TruthSource source, FindTruth(args, queries));

  EvalOptions options;
  options.k = static_cast<size_t>(args.k);
  options.efforts = args.efforts;
  KITH_ASSIGN_OR_RETURN(options.exact, IsMeasured(args, IndexKind::kExact, info));
  KITH_ASSIGN_OR_RETURN(options.graph, IsMeasured(args, IndexKind::kGraph, info));
  KITH_ASSIGN_OR_RETURN(options.forest, IsMeasured(args, IndexKind::kForest, info));
  options.threads = args.threads;
  options.progress = bar.callback();
  KITH_ASSIGN_OR_RETURN(
      const std::vector<EvalPoint> points,
      Evaluate(*index, queries.vectors, source.truth ? &*source.truth : nullptr, options));
  bar.Clear();
  if (args.json) {
    PrintJsonLines(info, points);
    return Status::Ok();
  }
  std::cout << args.file << ": " << Plural(info.num_vectors, "vector") << " of "
            << Plural(info.dim, "dimension") << ", " << DataTypeName(info.dtype) << ", "
            << MetricName(info.metric) << "; " << FormatCount(queries.vectors.rows)
            << (queries.vectors.rows == 1 ? " query, " : " queries, ") << ThreadsText(args.threads)
            << ", truth " << source.text << '\n';
  PrintPoints(args, points);
  return Status::Ok();
}

void CheckUsage(const EvalArgs& args) {
  if (args.exact && args.no_exact) {
    throw CLI::ValidationError("--exact", "contradicts --no-exact; leave one out");
  }
  if (!args.index.empty() && (args.exact || args.no_exact)) {
    throw CLI::ValidationError("--index",
                               "says all that is measured; leave --exact and --no-exact out");
  }
  const bool only_exact = args.exact || args.index == std::vector<std::string>{"exact"};
  if (only_exact && args.huge) {
    throw CLI::ValidationError("--huge", "is for searches of a graph; leave it out");
  }
  if (only_exact && !args.efforts.empty()) {
    throw CLI::ValidationError("--effort", "means nothing to exact search; leave it out");
  }
  for (const int64_t effort : args.efforts) {
    if (effort < 1) throw CLI::ValidationError("--effort", StrCat(effort, " is less than 1"));
  }
}

}  // namespace

void AddEvalCommand(CLI::App* app, Action* action) {
  auto args = std::make_shared<EvalArgs>();
  CLI::App* sub = app->add_subcommand("eval", "Measure the recall and speed of a .kith file");
  sub->add_option("FILE", args->file, "The .kith file")->required()->option_text(" ");
  sub->add_option("--queries", args->queries, "File of queries; of hdf5, its \"test\"")
      ->required()
      ->type_name("FILE");
  sub->add_option("--truth", args->truth,
                  "Their true neighbours: ivecs, ibin, npy or hdf5; computed if absent")
      ->type_name("FILE");
  AddCount(sub, "-k", &args->k, 1, "Neighbours of each query")->capture_default_str();
  sub->add_option("--effort", args->efforts,
                  "Efforts to measure, commas between: ef of a graph or search_k of a forest; if "
                  "absent, a grid for each, until recall is 0.999")
      ->delimiter(',')
      ->option_text("A,B,...")
      ->allow_extra_args(false);
  sub->add_option("--index", args->index,
                  "What to measure, commas between: exact, graph, forest; all there are if absent")
      ->check(CLI::IsMember({"exact", "graph", "forest"}).description(""))
      ->delimiter(',')
      ->option_text("NAME,...")
      ->allow_extra_args(false);
  AddHuge(sub, &args->huge);
  sub->add_flag("--exact", args->exact, "Measure exact search only");
  sub->add_flag("--no-exact", args->no_exact, "Leave exact search out");
  AddThreads(sub, &args->threads, "Threads of the batches; 0 is one for each core")
      ->capture_default_str();
  AddCount(sub, "--rows", &args->rows, 1, "Take only the first N queries");
  sub->add_flag("--json", args->json, "Print a JSON object for each line of the table");
  sub->footer(
      "Example:\n"
      "  kith eval digits.kith --queries t10k-images-idx3-ubyte.gz --rows 1000");
  sub->callback([args, action] {
    CheckUsage(*args);
    *action = [args] { return RunEval(*args); };
  });
}

}  // namespace kith::cli
