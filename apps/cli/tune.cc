// kith tune: the recall of a file's indexes, measured with queries like those it gets.
#include <CLI/CLI.hpp>
#include <cmath>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "commands.h"
#include "common/files.h"
#include "common/json.h"
#include "common/output_files.h"
#include "common/read_vectors.h"
#include "common/recall_text.h"
#include "common/stopwatch.h"
#include "common/text.h"
#include "effort_table.h"
#include "kith/calibration.h"
#include "kith/dataset.h"
#include "kith/index.h"
#include "options.h"
#include "terminal.h"

namespace kith::apps::cli {
namespace {

struct TuneArgs {
  std::string file;
  std::string queries;
  std::string dataset;
  std::string out;  // empty: the file itself
  std::vector<uint32_t> ks;
  int64_t rows = 0;
  int threads = 0;
  bool adapt = false;
  bool json = false;
};

Status CheckFiles(const TuneArgs& args) {
  if (IsSameFile(args.queries, args.file)) {
    return Status::InvalidArgument(
        StrCat(args.queries,
               " holds the vectors that are to be found, each the nearest of itself; "
               "give queries like those to come"));
  }
  return CheckOutputs({args.queries}, {args.out});
}

// The standard error of a mean recall of 0.9, if each query found all of its neighbours or none.
double MostError(size_t queries) { return std::sqrt(0.9 * 0.1 / static_cast<double>(queries)); }

void WarnIfFew(size_t queries) {
  constexpr size_t kFew = 500;
  if (queries >= kFew) return;
  PrintWarning(StrCat(FormatCount(queries), " queries are few: a recall near 0.9 is known to ±",
                      FormatFixed(MostError(queries), 3),
                      " (standard error, at most); a thousand or more tell it to ±0.01"));
}

// Edges that a file's graph was given for queries; nothing: it has no graph.
std::optional<uint64_t> AdaptedEdges(const IndexInfo& info) {
  if (!info.has(IndexKind::kGraph)) return std::nullopt;
  for (const PathInfo& path : info.paths) {
    for (const PathInfo::Property& property : path.properties) {
      if (property.name == "adapted_edges") return property.number;
    }
  }
  return 0;
}

// What became of the wish for edges.
std::string AdaptedText(std::optional<uint64_t> before, std::optional<uint64_t> now) {
  if (!now.has_value()) return "there is no graph to give edges to: measured only";
  if (*now <= before.value_or(0)) {
    return "the graph stays as it is: no edges were found with which such queries find clearly "
           "more";
  }
  return StrCat(FormatCount(*now - before.value_or(0)),
                " edges given to the graph for every second query; measured with the others");
}

Status RunTune(const TuneArgs& args) {
  const Stopwatch stopwatch;
  KITH_RETURN_IF_ERROR(CheckFiles(args));
  const std::string& out = args.out.empty() ? args.file : args.out;
  Calibration before;
  std::optional<uint64_t> edges_before;
  ProgressBar bar;
  CalibrateOptions options;
  options.ks = args.ks;
  options.output = args.out;
  options.threads = args.threads;
  options.adapt = args.adapt;
  options.progress = bar.callback();
  size_t num_queries = 0;
  std::unique_ptr<Index> tuned;
  {
    KITH_ASSIGN_OR_RETURN(const std::unique_ptr<Index> index, OpenIndex(args.file));
    before = index->info().calibration;
    edges_before = AdaptedEdges(index->info());
    ReadOptions read;
    read.dataset = args.dataset;
    read.max_rows = static_cast<uint64_t>(args.rows);
    read.progress = bar.callback();
    KITH_ASSIGN_OR_RETURN(const Dataset queries, LoadQueries(args.queries, read));
    KITH_RETURN_IF_ERROR(CheckQueryDim(args.queries, queries.vectors.dim, index->info()));
    num_queries = queries.vectors.rows;
    KITH_ASSIGN_OR_RETURN(tuned, CalibrateIndex(*index, queries.vectors, options));
  }
  bar.Clear();
  const double seconds = stopwatch.Seconds();
  const Calibration& now = tuned->info().calibration;
  const std::optional<uint64_t> edges = AdaptedEdges(tuned->info());
  if (args.json) {
    Json json;
    json["file"] = out;
    json["queries"] = num_queries;
    json["seconds"] = seconds;
    json["before"] = SourceJson(before);
    if (args.adapt) json["added_edges"] = edges.value_or(0) - edges_before.value_or(0);
    json["efforts"] = EffortsJson(now, before);
    json["calibration"] = CalibrationJson(now);
    std::cout << ToLine(json);
  } else {
    std::cout << Printable(out) << ": recall measured with " << SourceText(now)
              << (before.empty() ? std::string() : StrCat(", before with ", SourceText(before)))
              << " (" << FormatSeconds(seconds) << ")\n";
    if (args.adapt) std::cout << "  " << AdaptedText(edges_before, edges) << '\n';
    EffortTable(now, &before).Print(std::cout, "  ");
    std::cout << '\n';
    WorstTable(now).Print(std::cout, "  ");
  }
  WarnIfFew(num_queries);
  return Status::Ok();
}

}  // namespace

void AddTuneCommand(CLI::App* app, Action* action) {
  auto args = std::make_shared<TuneArgs>();
  CLI::App* sub = app->add_subcommand("tune", "Measure the recall of a .kith file with queries");
  AddKithFile(sub, &args->file, "The .kith file; it is replaced when all is measured");
  sub->add_option("--queries", args->queries,
                  "File of queries like those to come, a thousand or more; of hdf5, its \"test\"")
      ->required()
      ->type_name("FILE");
  AddDataset(sub, &args->dataset, "Of an hdf5 file, the dataset to take instead of \"test\"");
  sub->add_option("-k", args->ks,
                  "Numbers of neighbours to measure, commas between; 1, 10, 100, and 30 of a "
                  "graph, if absent. "
                  "Between them recall is interpolated")
      ->check(CLI::Range(1, 10'000).description(""))
      ->delimiter(',')
      ->option_text("N,...")
      ->allow_extra_args(false);
  sub->add_option("-o,--output", args->out, "Write another file instead")->type_name("FILE");
  sub->add_flag("--adapt", args->adapt,
                "Give a graph edges for such queries as well, with every second of them; measure "
                "with the others");
  AddCount(sub, "--rows", &args->rows, 1, "Take only the first N queries");
  AddThreads(sub, &args->threads,
             "Threads; 0 is one for each core. The file is the same with any number");
  sub->add_flag("--json", args->json, "Print a JSON object");
  sub->footer(
      "Example:\n"
      "  kith tune words.kith --queries asked.fvecs\n"
      "  kith search words.kith --queries new.fvecs --recall 0.95\n"
      "  kith tune sentences.kith --queries titles.npy --adapt");
  sub->callback([args, action] { *action = [args] { return RunTune(*args); }; });
}

}  // namespace kith::apps::cli
