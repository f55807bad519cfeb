// kith build: vectors to a .kith file.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "commands.h"
#include "common/describe.h"
#include "common/json.h"
#include "common/output_files.h"
#include "common/plan_text.h"
#include "common/read_vectors.h"
#include "common/recall_text.h"
#include "common/stopwatch.h"
#include "common/text.h"
#include "kith/dataset.h"
#include "kith/index.h"
#include "kith/plan.h"
#include "kith/reduce.h"
#include "options.h"
#include "plan_table.h"
#include "terminal.h"

namespace kith::apps::cli {
namespace {

constexpr int64_t kMostDegree = 512;

struct BuildArgs {
  std::string vectors;
  std::string out;
  std::optional<Metric> metric;
  std::optional<DataType> dtype;
  std::vector<std::string> index;  // none: auto
  std::string layout = "auto";
  int64_t degree = 0;
  int64_t beam = 0;
  int edge_bits = 0;
  uint64_t memory = 0;
  std::string scan_codes = "auto";
  int64_t trees = 0;
  int64_t leaf = 0;
  std::string keys;
  std::string ids;
  int64_t reduce = 0;
  std::string model;
  std::string format;
  int64_t dim = 0;
  int64_t rows = 0;
  std::string dataset;
  ColumnArgs columns;
  uint64_t seed = 42;
  int threads = 0;
  int64_t expect_queries = 0;
  double build_time = 0;
  bool no_calibrate = false;
  bool explain = false;
  bool json = false;
};

// Whether --index names it.
bool Names(const BuildArgs& args, IndexKind kind) {
  return std::find(args.index.begin(), args.index.end(), IndexKindName(kind)) != args.index.end();
}

bool ChoosesItself(const BuildArgs& args) {
  return args.index.empty() || Names(args, IndexKind::kAuto);
}

// Refuses to replace what is read by the index made of it; a .kith file may be rebuilt in place.
Status CheckOutput(const BuildArgs& args) {
  std::vector<std::string> inputs = {args.keys, args.ids, args.model};
  if (args.vectors != "-" && !IsKithFile(args.vectors)) inputs.push_back(args.vectors);
  return CheckOutputs(inputs, {args.out});
}

Json Describe(const BuildArgs& args, const IndexInfo& info, const MetricChoice& metric,
              double seconds) {
  Json json;
  json["file"] = args.out;
  json["vectors"] = info.num_vectors;
  json["dim"] = info.dim;
  if (info.source_dim > 0) json["source_dim"] = info.source_dim;
  json["dtype"] = DataTypeName(info.dtype);
  json["metric"] = MetricName(info.metric);
  json["metric_reason"] = metric.reason;
  AddPathsJson(info, &json);
  json["calibration"] = SourceJson(info.calibration);
  json["keys"] = info.has_keys;
  json["ids"] = info.has_ids;
  json["build_s"] = seconds;
  json["bytes"] = info.file_bytes;
  json["bytes_per_vector"] = BytesPerVector(info);
  return json;
}

// What the choice of the ways in went by, if the command made it.
std::string ChoiceText(const BuildArgs& args, const IndexInfo& info) {
  if (!ChoosesItself(args)) return "";
  const auto queries = static_cast<uint64_t>(args.expect_queries);
  if (queries == 1) return " (chosen for one query)";
  if (queries > 0) return StrCat(" (chosen for ", Plural(queries, "query"), ")");
  if (args.memory > 0 || args.build_time > 0) return " (chosen within the limits)";
  return info.has(IndexKind::kGraph) ? "" : " (a graph would not beat it here)";
}

// What is known of the recall of what was built.
std::string RecallText(const BuildArgs& args, const IndexInfo& info) {
  if (!info.calibration.empty()) return StrCat("measured with ", SourceText(info.calibration));
  return args.no_calibrate ? "not measured; 'kith tune' does"
                           : "not measured: exact search of so few vectors is as fast";
}

void PrintSummary(const BuildArgs& args, const IndexInfo& info, const MetricChoice& metric,
                  double seconds) {
  std::cout << Printable(args.out) << ": " << Plural(info.num_vectors, "vector") << " of "
            << Plural(info.dim, "dimension") << (info.has_keys ? ", with keys" : "")
            << (info.has_ids ? ", with ids" : "") << '\n';
  Table table;
  table.AddColumn("", Table::Align::kLeft);
  table.AddColumn("", Table::Align::kLeft);
  if (info.source_dim > 0) {
    table.AddRow(
        {"reduced", StrCat("from ", Plural(info.source_dim, "dimension"), ", which queries have")});
  }
  table.AddRow({"metric", StrCat(MetricName(info.metric), " (", metric.reason,
                                 args.metric ? ")" : "; --metric chooses another)")});
  table.AddRow({"type", StrCat(DataTypeName(info.dtype),
                               args.dtype ? " (as asked)"
                                          : " (the smallest that holds every value exactly)")});
  table.AddRow({"access", StrCat(PathsText(info), ChoiceText(args, info))});
  if (info.has_approximate()) table.AddRow({"recall", RecallText(args, info)});
  table.AddRow({"time", FormatSeconds(seconds)});
  table.AddRow({"size", StrCat(FormatBytes(info.file_bytes), ", ",
                               FormatShort(BytesPerVector(info)), " bytes a vector")});
  table.Print(std::cout, "  ", false);
}

// What --index and the options of graphs, forests and exact search say.
void SetPaths(const BuildArgs& args, BuildOptions* options) {
  ExactOptions exact;
  if (args.scan_codes != "auto") exact.codes = args.scan_codes == "on";
  if (ChoosesItself(args)) options->if_chosen.push_back(exact);
  if (Names(args, IndexKind::kExact)) options->paths.push_back(exact);
  if (Names(args, IndexKind::kGraph)) {
    options->paths.push_back(GraphOptions{.layout = *ParseGraphLayout(args.layout),
                                          .degree = static_cast<uint32_t>(args.degree),
                                          .beam = static_cast<uint32_t>(args.beam),
                                          .code_bits = args.edge_bits});
  }
  if (Names(args, IndexKind::kForest)) {
    options->paths.push_back(ForestOptions{.num_trees = static_cast<uint32_t>(args.trees),
                                           .leaf_size = static_cast<uint32_t>(args.leaf)});
  }
  options->memory = args.memory;
  options->expected_queries = static_cast<uint64_t>(args.expect_queries);
  options->build_seconds = args.build_time;
}

Result<Planned> Explain(const MatrixView& vectors, const BuildOptions& options) {
  KITH_ASSIGN_OR_RETURN(BuildPlan plan, PlanBuild(vectors, options));
  return Planned{vectors.rows, vectors.dim, *options.dtype, options, std::move(plan)};
}

// The reduction asked for, if one is. Errors: as Reducer::Fit() and Open().
Status FindReducer(const BuildArgs& args, const MatrixView& vectors, const BuildOptions& options,
                   std::optional<Reducer>* reducer) {
  if (!args.model.empty()) {
    KITH_ASSIGN_OR_RETURN(*reducer, Reducer::Open(args.model));
    return CheckSameDim(args.vectors, vectors.dim, args.model, (*reducer)->source_dim());
  }
  if (args.reduce == 0) return Status::Ok();
  ReduceOptions reduce;
  reduce.dim = static_cast<size_t>(args.reduce);
  reduce.metric = options.metric;
  reduce.seed = options.seed;
  reduce.threads = options.threads;
  reduce.progress = options.progress;
  Result<Reducer> fitted = Reducer::Fit(vectors, reduce);
  if (!fitted.ok()) {
    return Status(fitted.status().code(), StrCat(args.vectors, ": ", fitted.status().message()));
  }
  *reducer = std::move(fitted).value();
  return Status::Ok();
}

Status RunBuild(const BuildArgs& args) {
  const Stopwatch stopwatch;
  if (!args.out.empty()) KITH_RETURN_IF_ERROR(CheckOutput(args));
  ProgressBar bar;
  ReadOptions read;
  read.format = args.format;
  read.max_rows = static_cast<uint64_t>(args.rows);
  read.labels_path = args.keys;
  read.dataset = args.dataset;
  read.columns = args.columns.columns;
  read.key_column = args.columns.key_column;
  read.progress = bar.callback();
  KITH_ASSIGN_OR_RETURN(Items items, LoadItems(args.vectors, args.metric, args.dim, read));
  Dataset dataset = std::move(items.dataset);
  std::vector<int64_t> ids = std::move(items.ids);
  if (!args.ids.empty()) {
    KITH_ASSIGN_OR_RETURN(ids, ReadIds(args.ids));
    // --rows takes the first vectors; their ids are then the first ones.
    if (args.rows > 0 && ids.size() > dataset.vectors.rows) ids.resize(dataset.vectors.rows);
  }

  const MetricChoice metric = ChooseMetric(args.metric, dataset);
  BuildOptions options;
  options.metric = metric.metric;
  options.dtype = args.dtype;
  SetPaths(args, &options);
  options.keys = dataset.keys.empty() ? nullptr : &dataset.keys;
  options.ids = ids.empty() && args.ids.empty() ? nullptr : &ids;
  if (args.no_calibrate) options.calibrate = false;
  options.seed = args.seed;
  options.threads = args.threads;
  options.progress = bar.callback();
  std::optional<Reducer> reducer;
  KITH_RETURN_IF_ERROR(FindReducer(args, dataset.vectors, options, &reducer));
  if (reducer) {
    options.reducer = &*reducer;
    // Bits are numbers once they are reduced.
    if (args.model.empty()) options.metric = reducer->reduced_metric();
  }
  std::optional<Planned> planned;
  if (args.explain) {
    if (!options.dtype) {
      KITH_ASSIGN_OR_RETURN(options.dtype, SmallestLossless(dataset.vectors, options.threads));
    }
    Result<Planned> told = Explain(dataset.vectors, options);
    KITH_RETURN_IF_ERROR(OfFile(args.vectors, told.status()));
    planned = *std::move(told);
    bar.Clear();
    if (args.out.empty() && args.json) std::cout << ToLine(PlanJson(*planned));
    if (!args.json) PrintPlan(std::cout, *planned);
    if (args.out.empty()) return Status::Ok();
    if (!args.json) std::cout << std::endl;  // what is built may take long
  }
  KITH_RETURN_IF_ERROR(OfFile(args.vectors, BuildIndex(dataset.vectors, args.out, options)));
  const double seconds = stopwatch.Seconds();
  bar.Clear();

  KITH_ASSIGN_OR_RETURN(const std::unique_ptr<Index> index, OpenIndex(args.out));
  if (args.json) {
    Json json = Describe(args, index->info(), metric, seconds);
    if (planned) json["plan"] = PlanJson(*planned);
    std::cout << ToLine(json);
  } else {
    PrintSummary(args, index->info(), metric, seconds);
  }
  return Status::Ok();
}

// What the choice depends on, for what may be chosen.
void CheckChoice(const BuildArgs& args) {
  if (args.dim > 0 && !IsAnnoyFile(args.vectors)) {
    throw CLI::ValidationError("--dim", "is for Annoy's files (.ann); leave it out");
  }
  if (args.out.empty() && !args.explain) throw CLI::RequiredError("--output");
  if (args.reduce > 0 && !args.model.empty()) {
    throw CLI::ValidationError("--reduce and --model", "exclude each other; choose one");
  }
  if (args.explain && (args.reduce > 0 || !args.model.empty())) {
    throw CLI::ValidationError("--explain",
                               "looks at the vectors as they are; write them reduced with 'kith "
                               "reduce', or leave one out");
  }
  if (args.build_time > 0 && !ChoosesItself(args)) {
    throw CLI::ValidationError("--build-time",
                               "is for --index auto: what is asked for is built, however long it "
                               "takes; leave one out");
  }
  const bool trees_open = Names(args, IndexKind::kForest) && args.trees == 0;
  if (args.expect_queries > 0 && !ChoosesItself(args) && !trees_open && !args.explain) {
    throw CLI::ValidationError("--expect-queries",
                               "is for --index auto, or forest without --trees; leave it out");
  }
}

void CheckUsage(const BuildArgs& args) {
  CheckChoice(args);
  const bool graph = Names(args, IndexKind::kGraph);
  if (args.index.size() > 1 && (Names(args, IndexKind::kAuto) || Names(args, IndexKind::kExact))) {
    throw CLI::ValidationError(
        "--index", "auto and exact stand alone; exact search is always there, so leave it out");
  }
  if ((args.trees > 0 || args.leaf > 0) && !Names(args, IndexKind::kForest)) {
    throw CLI::ValidationError("--trees and --leaf",
                               "are for forests; leave them out, or add --index forest");
  }
  if ((args.degree > 0 || args.beam > 0 || args.edge_bits > 0 || args.layout != "auto") && !graph) {
    throw CLI::ValidationError("--degree, --beam, --layout and --edge-bits",
                               "are for graphs; leave them out, or add --index graph");
  }
  if (args.memory > 0 && !graph && !ChoosesItself(args)) {
    throw CLI::ValidationError("--memory",
                               "is for graphs; leave it out, or build with --index graph");
  }
  if (args.degree % 16 != 0 || args.degree > kMostDegree) {
    throw CLI::ValidationError(
        "--degree", StrCat(args.degree, " is not a multiple of 16 from 16 to ", kMostDegree));
  }
  if (args.edge_bits > 0 && args.layout == "compact") {
    throw CLI::ValidationError("--edge-bits",
                               "means nothing to compact graphs, which have no "
                               "codes; leave it out, or --layout compact");
  }
  if (args.scan_codes == "on" && !Names(args, IndexKind::kExact)) {
    throw CLI::ValidationError("--scan-codes on", "is for --index exact");
  }
  if (std::max({args.trees, args.leaf, args.beam}) > 1'000'000) {
    throw CLI::ValidationError("--trees, --leaf and --beam", "at most 1000000");
  }
}

CLI::Option* AddName(CLI::App* sub, const std::string& name, std::string* value,
                     const std::vector<std::string>& names, const std::string& description) {
  return sub->add_option(name, *value, description)
      ->transform(CLI::IsMember(names, CLI::ignore_case).description(""))
      ->type_name("NAME")
      ->capture_default_str();
}

// The ways in beside exact search, and how to build them.
void AddPaths(CLI::App* sub, BuildArgs* args) {
  sub->add_option(
         "--index", args->index,
         "graph, forest, both as graph,forest, or exact (which is always there too); auto, "
         "the default: a graph where it beats exact search, or what the three below speak for")
      ->transform(
          CLI::IsMember({"auto", "graph", "forest", "exact"}, CLI::ignore_case).description(""))
      ->delimiter(',')
      ->allow_extra_args(false)
      ->option_text("NAME,...");
  AddCount(sub, "--expect-queries", &args->expect_queries, 1,
           "Searches the file is built for, one query a call: few favour what is built sooner. "
           "Many if absent");
  AddSize(sub, "--memory", &args->memory,
          "The most memory building may take beside the vectors, as 4G; a packed graph that needs "
          "more becomes a compact one, and with auto a forest or exact search");
  AddDuration(sub, "--build-time", &args->build_time,
              "The longest the build should take, as 30s, 5m or 2h, by prediction");
  AddCount(sub, "--degree", &args->degree, 1,
           "Graph: neighbours kept of each vector, a multiple of 16; 32 if absent");
  AddCount(sub, "--beam", &args->beam, 1,
           "Graph: width of the searches that refine it; 48 if absent");
  AddName(sub, "--layout", &args->layout, {"auto", "packed", "compact"},
          "Graph: packed (fastest), compact (smallest, any metric), or auto: by measuring");
  sub->add_option("--edge-bits", args->edge_bits,
                  "Graph: bits a coordinate of its codes, 1, 2, 4 or 8; by dimension if absent")
      ->check(CLI::IsMember({1, 2, 4, 8}).description(""))
      ->type_name("N");
  AddCount(sub, "--trees", &args->trees, 1, "Trees of the forest; chosen from the data if absent");
  AddCount(sub, "--leaf", &args->leaf, 1, "Most vectors in a leaf; chosen if absent");
  AddName(sub, "--scan-codes", &args->scan_codes, {"auto", "on", "off"},
          "With --index exact: 8-bit codes that make exact search read less. on, off, or auto: "
          "where they pay");
}

}  // namespace

void AddBuildCommand(CLI::App* app, Action* action) {
  auto args = std::make_shared<BuildArgs>();
  CLI::App* sub = app->add_subcommand("build", "Build a .kith file from vectors");
  sub->add_option("VECTORS", args->vectors, "File of vectors, of any format kith reads")
      ->required()
      ->option_text(" ");
  sub->add_option(
         "-o,--output", args->out,
         "The .kith file to write; replaced if it exists. Needed unless --explain is all that is "
         "wanted")
      ->type_name("FILE");
  AddMetric(sub, &args->metric, "What near means");
  AddPaths(sub, args.get());
  AddDataType(sub, &args->dtype,
              "How values are stored; auto is the smallest type that holds every one exactly");
  sub->add_option("--keys", args->keys, "Names of the vectors: text, one a line, or idx labels")
      ->type_name("FILE");
  AddCount(
      sub, "--reduce", &args->reduce, 1,
      "Index N principal components of the vectors; searches take queries as the vectors were");
  sub->add_option("--model", args->model, "Reduce as this model of 'kith reduce --save' does")
      ->type_name("FILE");
  sub->add_option("--ids", args->ids,
                  "Ids of the vectors: text, one a line, or integers in npy, ivecs or ibin")
      ->type_name("FILE");
  AddThreads(sub, &args->threads,
             "Threads; 0 is one for each core. The file is the same with any number, unless "
             "--build-time chooses");
  sub->add_option("--seed", args->seed, "Seed of graph and trees")
      ->type_name("N")
      ->capture_default_str();
  sub->add_flag("--no-calibrate", args->no_calibrate,
                "Do not measure the recall of graph and forest, which searches with --recall need");
  AddDataset(sub, &args->dataset, "Of an hdf5 file, the dataset to take instead of \"train\"");
  AddColumns(sub, &args->columns);
  AddFormat(sub, "--format", &args->format, "Format of VECTORS; found out if absent");
  AddCount(sub, "--dim", &args->dim, 1, "Of an Annoy file (.ann), its dimension");
  AddCount(sub, "--rows", &args->rows, 1, "Take only the first N vectors");
  sub->add_flag(
      "--explain", args->explain,
      "Print what every index would cost, what is chosen and why; without -o, build nothing");
  sub->add_flag("--json", args->json, "Print the summary as a JSON object");
  sub->footer(
      "Example:\n"
      "  kith build words.bin -o words.kith\n"
      "  kith build train-images-idx3-ubyte.gz -o digits.kith --keys train-labels-idx1-ubyte.gz\n"
      "  kith build words.bin --explain --expect-queries 10000");
  sub->callback([args, action] {
    CheckUsage(*args);
    *action = [args] { return RunBuild(*args); };
  });
}

}  // namespace kith::apps::cli
