// kith eval: recall and speed of .kith files.
#include "kith/eval.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "commands.h"
#include "common/json.h"
#include "common/output_files.h"
#include "common/read_vectors.h"
#include "common/recall_text.h"
#include "common/text.h"
#include "kith/dataset.h"
#include "kith/index.h"
#include "options.h"
#include "plot.h"
#include "terminal.h"

namespace kith::apps::cli {
namespace {

struct EvalArgs {
  std::vector<std::string> files;
  std::string queries;
  std::string dataset;
  std::string truth;
  int64_t k = 10;
  std::vector<int64_t> efforts;
  std::vector<double> recalls;
  double worst = 0;  // 0: not asked for
  std::string drift = "warn";
  std::vector<std::string> index;  // none: all there are
  bool huge = false;
  bool exact = false;
  bool no_exact = false;
  int threads = 1;
  int64_t rows = 0;
  std::vector<std::string> plots;
  bool json = false;
};

// A file and what was measured of it.
struct Measured {
  const IndexInfo& info;
  std::string path;  // as given
  std::vector<EvalPoint> points;
};

// The truth and where it is from; none: it is to be computed.
struct TruthSource {
  std::optional<GroundTruth> truth;
  std::string text;
};

// An hdf5 file of queries has their truth, of which the file need not be built, in it; but not that
// of another dataset than its "test".
Result<TruthSource> FindTruth(const EvalArgs& args, const Dataset& queries) {
  if (!args.truth.empty()) {
    KITH_ASSIGN_OR_RETURN(GroundTruth truth, ReadGroundTruth(args.truth));
    return TruthSource{std::move(truth), StrCat("from ", args.truth)};
  }
  if (queries.format == "hdf5" && args.dataset.empty()) {
    Result<GroundTruth> truth = ReadGroundTruth(args.queries);
    if (truth.ok() && truth->k >= static_cast<size_t>(args.k)) {
      return TruthSource{std::move(truth).value(), StrCat("from ", args.queries)};
    }
  }
  return TruthSource{std::nullopt, "by exact search"};
}

// Null where it was never measured.
Json ReachedJson(const EvalPoint& point) {
  return point.reached > 0 ? Json(point.reached) : Json();
}

void PrintJsonLines(const Measured& measured) {
  const IndexInfo& info = measured.info;
  for (const EvalPoint& point : measured.points) {
    const bool batches_repeated = std::isfinite(point.batch_qps_interval.high);
    Json json;
    json["file"] = measured.path;
    json["index"] = IndexKindName(point.index);
    json["k"] = point.k;
    json["effort"] = EffortJson(point.index, point.effort);
    if (point.target > 0 || point.target_worst > 0) {
      json["target"] = point.target > 0 ? Json(point.target) : Json();
      if (point.target_worst > 0) json["target_worst"] = point.target_worst;
      json["reachable"] = point.reachable;
      json["drift"] = point.drift.distance;
      json["drift_unlike"] = point.drift.unlike;
      json["missed"] = point.missed;
    }
    if (!point.reachable) {
      json["effort"] = nullptr;
      json["reached"] = ReachedJson(point);
      if (point.reached_worst > 0) json["reached_worst"] = point.reached_worst;
      std::cout << ToLine(json);
      continue;
    }
    json["recall"] = point.recall;
    json["recall_low"] = point.recall_interval.low;
    json["recall_high"] = point.recall_interval.high;
    json["recall_p5"] = point.recall_p5;
    json["recall_worst_decile"] = point.recall_worst_decile;
    json["qps"] = point.qps;
    json["qps_low"] = point.qps_interval.low;
    json["qps_high"] = point.qps_interval.high;
    json["batch_qps"] = point.batch_qps;
    json["batch_qps_low"] = batches_repeated ? Json(point.batch_qps_interval.low) : Json();
    json["batch_qps_high"] = batches_repeated ? Json(point.batch_qps_interval.high) : Json();
    json["p50_us"] = point.p50_us;
    json["p99_us"] = point.p99_us;
    json["distances"] = point.distances;
    json["codes"] = point.codes;
    json["nodes"] = point.nodes;
    json["entries"] = point.entries;
    json["bytes_read"] = point.bytes;
    json["build_s"] = JsonKnown(info.build_seconds);
    json["bytes"] = info.file_bytes;
    std::cout << ToLine(json);
  }
}

// How far the worse of the two bounds is away.
double HalfWidth(double value, const Interval& interval) {
  return std::max(value - interval.low, interval.high - value);
}

// "0.9674 ±.0021". What exact search finds does not depend on the choice of queries.
std::string RecallText(const EvalPoint& point) {
  if (point.index == IndexKind::kExact) return FormatFixed(point.recall, 4);
  const std::string half = FormatFixed(HalfWidth(point.recall, point.recall_interval), 4);
  return StrCat(FormatFixed(point.recall, 4), " ±", half[0] == '0' ? half.substr(1) : half);
}

// "69,613 ±3%".
std::string SpeedText(double qps, const Interval& interval) {
  const double share = 100 * HalfWidth(qps, interval) / qps;
  return StrCat(FormatShort(qps), " ±", FormatFixed(share, share < 0.95 ? 1 : 0), "%");
}

// With targets there is no room for distances.
Table MakeTable(size_t k, bool targets, bool speed_up) {
  Table table;
  table.AddColumn("index", Table::Align::kLeft);
  if (targets) table.AddColumn("target", Table::Align::kRight);
  for (const std::string& name :
       {std::string("effort"), StrCat("recall@", k), std::string("p5"), std::string("worst")}) {
    table.AddColumn(name, Table::Align::kRight);
  }
  for (const char* name : {"qps", "batch", "p99"}) table.AddColumn(name, Table::Align::kRight);
  if (!targets) table.AddColumn("distances", Table::Align::kRight);
  if (speed_up) table.AddColumn("speed-up", Table::Align::kRight);
  return table;
}

// "0.95", "0.95, p5 0.8".
std::string TargetText(const EvalPoint& point) {
  std::string text = point.target > 0 ? ShareText(point.target) : "";
  if (point.target_worst > 0) {
    text += StrCat(text.empty() ? "" : ", ", "p5 ", ShareText(point.target_worst));
  }
  return text.empty() ? "-" : text;
}

void AddRows(const std::vector<EvalPoint>& points, bool targets, bool speed_up, Table* table) {
  double exact_qps = 0;
  for (const EvalPoint& point : points) {
    if (point.index == IndexKind::kExact) exact_qps = point.qps;
  }
  for (const EvalPoint& point : points) {
    const bool exact = point.index == IndexKind::kExact;
    std::vector<std::string> cells{IndexKindName(point.index)};
    if (targets) cells.push_back(TargetText(point));
    if (!point.reachable) {
      cells.resize(table->num_columns(), "-");
      table->AddRow(std::move(cells));
      continue;
    }
    cells.insert(cells.end(),
                 {exact ? "-" : EffortText(point.index, point.effort), RecallText(point),
                  FormatFixed(point.recall_p5, 2), FormatFixed(point.recall_worst_decile, 3),
                  SpeedText(point.qps, point.qps_interval), FormatShort(point.batch_qps),
                  FormatSeconds(point.p99_us / 1e6)});
    if (!targets) cells.push_back(FormatShort(point.distances));
    if (speed_up) cells.push_back(FormatShort(point.qps / exact_qps));
    table->AddRow(std::move(cells));
  }
}

// "digits.kith: 60,000 vectors of 784 dimensions, u8, euclidean".
std::string FileText(const Measured& measured) {
  const IndexInfo& info = measured.info;
  return StrCat(Printable(measured.path), ": ", Plural(info.num_vectors, "vector"), " of ",
                Plural(info.dim, "dimension"), ", ", DataTypeName(info.dtype), ", ",
                MetricName(info.metric));
}

void PrintTable(const EvalArgs& args, const std::vector<Measured>& all, size_t queries,
                const std::string& truth) {
  const std::string how =
      StrCat(Plural(queries, "query"), ", ", ThreadsText(args.threads), ", truth ", truth);
  bool speed_up = false;
  for (const Measured& measured : all) {
    speed_up |= std::any_of(measured.points.begin(), measured.points.end(),
                            [](const EvalPoint& p) { return p.index == IndexKind::kExact; });
  }
  const bool targets = !args.recalls.empty() || args.worst > 0;
  Table table = MakeTable(static_cast<size_t>(args.k), targets, speed_up);
  std::cout << (all.size() == 1 ? StrCat(FileText(all[0]), "; ", how) : how) << '\n';
  for (const Measured& measured : all) {
    if (all.size() > 1) table.AddHeading(FileText(measured));
    AddRows(measured.points, targets, speed_up, &table);
  }
  table.Print(std::cout, "  ");
}

// What is said below the table, or beside JSON: that queries are of another kind than those that
// recall was measured with, which their distances tell, or what is found of their neighbours.
std::vector<std::string> DriftTexts(const std::vector<Measured>& all, const std::string& queries) {
  std::vector<std::string> texts;
  for (const Measured& measured : all) {
    const auto unlike = std::find_if(measured.points.begin(), measured.points.end(),
                                     [](const EvalPoint& p) { return p.drift.unlike; });
    const auto missed = std::find_if(measured.points.begin(), measured.points.end(),
                                     [](const EvalPoint& p) { return p.missed; });
    const std::string where = all.size() == 1 ? "" : StrCat(Printable(measured.path), ": ");
    if (unlike != measured.points.end()) {
      texts.push_back(StrCat(where, DriftText(unlike->drift, measured.path, queries)));
    } else if (missed != measured.points.end()) {
      texts.push_back(StrCat(where, "less was found than asked for (", RecallText(*missed), " of ",
                             ShareText(missed->target), "), for the queries are harder than those ",
                             "that recall was measured with, though as near; measure it with such ",
                             "queries: kith tune ", measured.path, " --queries ", queries));
    }
  }
  return texts;
}

// Targets that were out of reach, which the table shows as dashes.
Status CheckReached(const std::vector<Measured>& all) {
  std::string missed;
  for (const Measured& measured : all) {
    for (const EvalPoint& point : measured.points) {
      if (point.reachable) continue;
      const bool of_mean = point.target > point.reached || point.target_worst == 0;
      const double reached = of_mean ? point.reached : point.reached_worst;
      missed += StrCat(missed.empty() ? "" : "; ", "recall ",
                       ShareText(of_mean ? point.target : point.target_worst),
                       of_mean ? "" : " for 95 % of the queries", " is beyond what the ",
                       IndexKindName(point.index), " of ", Printable(measured.path),
                       " reaches for k = ", point.k,
                       reached > 0 ? StrCat(", about ", ShareText(reached))
                                   : ", for it was never measured (kith tune)");
    }
  }
  if (missed.empty()) return Status::Ok();
  return Status::InvalidArgument(
      StrCat("not all was measured: ", missed, "; a search without --index is exact there"));
}

Status DrawPlots(const std::vector<Measured>& all, size_t queries, Plots* plots) {
  std::vector<PlotFile> files;
  files.reserve(all.size());
  for (const Measured& measured : all) {
    PlotFile file{measured.path, measured.points};
    std::erase_if(file.points, [](const EvalPoint& point) { return !point.reachable; });
    files.push_back(std::move(file));
  }
  const IndexInfo& info = all[0].info;
  PlotText text;
  text.title = all.size() == 1 ? StrCat("Recall and speed of ",
                                        info.path.substr(info.path.find_last_of('/') + 1))
                               : StrCat("Recall and speed of ", all.size(), " files");
  text.subtitle =
      StrCat(FormatCount(info.num_vectors), " × ", info.dim, ", ", MetricName(info.metric), "; ",
             Plural(queries, "query"), ", one a call, one thread; bars: 95 % confidence");
  return plots->Draw(PlotHeight(files), [&](const std::string& terminal) {
    return PlotScript(terminal, text, files);
  });
}

// Whether a way in is to be measured, where a file has it. Errors: InvalidArgument (it is asked
// for, and no file has it).
Result<bool> IsMeasured(const EvalArgs& args, IndexKind kind,
                        const std::vector<std::unique_ptr<Index>>& indexes) {
  const std::string name = IndexKindName(kind);
  if (args.index.empty()) return kind == IndexKind::kExact ? !args.no_exact : !args.exact;
  if (std::find(args.index.begin(), args.index.end(), name) == args.index.end()) return false;
  const bool any = std::any_of(indexes.begin(), indexes.end(),
                               [&](const auto& index) { return index->info().has(kind); });
  if (any) return true;
  return Status::InvalidArgument(StrCat(indexes.size() == 1 ? indexes[0]->info().path : "no file",
                                        " has ", indexes.size() == 1 ? "no " : "a ", name,
                                        "; leave it out of --index, or build it with --index ",
                                        name));
}

Result<EvalOptions> ChooseOptions(const EvalArgs& args,
                                  const std::vector<std::unique_ptr<Index>>& indexes) {
  EvalOptions options;
  options.k = static_cast<size_t>(args.k);
  options.efforts = args.efforts;
  options.recalls = args.recalls;
  options.worst = args.worst;
  options.widen = args.drift == "widen";
  // Else everything there is.
  const bool some = !args.index.empty() || args.exact || args.no_exact;
  for (const IndexKind kind : {IndexKind::kExact, IndexKind::kGraph, IndexKind::kForest}) {
    if (!some) break;
    KITH_ASSIGN_OR_RETURN(const bool measured, IsMeasured(args, kind, indexes));
    if (measured) options.paths.push_back(kind);
  }
  options.threads = args.threads;
  return options;
}

Result<std::vector<std::unique_ptr<Index>>> OpenAll(const EvalArgs& args) {
  std::vector<std::unique_ptr<Index>> indexes;
  for (const std::string& file : args.files) {
    KITH_ASSIGN_OR_RETURN(std::unique_ptr<Index> index, OpenIndex(file, {.huge_pages = args.huge}));
    if (args.huge) KITH_RETURN_IF_ERROR(CheckHuge(index->info()));
    indexes.push_back(std::move(index));
  }
  return indexes;
}

Status RunEval(const EvalArgs& args) {
  std::vector<std::string> inputs = args.files;
  inputs.insert(inputs.end(), {args.queries, args.truth});
  KITH_RETURN_IF_ERROR(CheckOutputs(inputs, args.plots));
  KITH_ASSIGN_OR_RETURN(Plots plots, Plots::Open(args.plots));
  KITH_ASSIGN_OR_RETURN(const std::vector<std::unique_ptr<Index>> indexes, OpenAll(args));
  ProgressBar bar;
  ReadOptions read;
  read.dataset = args.dataset;
  read.max_rows = static_cast<uint64_t>(args.rows);
  read.progress = bar.callback();
  KITH_ASSIGN_OR_RETURN(const Dataset queries, LoadQueries(args.queries, read));
  KITH_RETURN_IF_ERROR(
      CheckSameDim(args.queries, queries.vectors.dim, args.files[0], indexes[0]->info().dim));
  KITH_ASSIGN_OR_RETURN(const TruthSource source, FindTruth(args, queries));
  KITH_ASSIGN_OR_RETURN(EvalOptions options, ChooseOptions(args, indexes));
  options.progress = bar.callback();

  std::vector<const Index*> pointers;
  pointers.reserve(indexes.size());
  for (const auto& index : indexes) pointers.push_back(index.get());
  KITH_ASSIGN_OR_RETURN(std::vector<std::vector<EvalPoint>> points,
                        EvaluateTogether(pointers, queries.vectors,
                                         source.truth ? &*source.truth : nullptr, options));
  bar.Clear();
  std::vector<Measured> all;
  for (size_t i = 0; i < indexes.size(); ++i) {
    all.push_back({indexes[i]->info(), args.files[i], std::move(points[i])});
  }
  std::vector<std::string> drifts;
  if (args.drift == "warn") drifts = DriftTexts(all, args.queries);
  if (args.json) {
    for (const Measured& measured : all) PrintJsonLines(measured);
    for (const std::string& text : drifts) PrintWarning(text);
  } else {
    PrintTable(args, all, queries.vectors.rows, source.text);
    for (const std::string& text : drifts) std::cout << "warning: " << text << '\n';
  }
  KITH_RETURN_IF_ERROR(DrawPlots(all, queries.vectors.rows, &plots));
  return CheckReached(all);
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
  if (only_exact && !args.recalls.empty()) {
    throw CLI::ValidationError("--recall", "means nothing to exact search; leave it out");
  }
  if (only_exact && args.worst > 0) {
    throw CLI::ValidationError("--worst", "means nothing to exact search; leave it out");
  }
  if (!args.efforts.empty() && args.worst > 0) {
    throw CLI::ValidationError("--worst and --effort",
                               "contradict each other: a recall chooses its effort; leave one out");
  }
  if (!args.efforts.empty() && !args.recalls.empty()) {
    throw CLI::ValidationError("--recall and --effort",
                               "contradict each other: a recall chooses its effort; leave one out");
  }
  for (const int64_t effort : args.efforts) {
    if (effort < 1) throw CLI::ValidationError("--effort", StrCat(effort, " is less than 1"));
  }
}

}  // namespace

void AddEvalCommand(CLI::App* app, Action* action) {
  auto args = std::make_shared<EvalArgs>();
  CLI::App* sub = app->add_subcommand("eval", "Measure the recall and speed of .kith files");
  MustHaveName(
      sub->add_option("FILE", args->files, "The .kith files, of the same vectors if several"))
      ->required()
      ->option_text("...");
  sub->add_option("--queries", args->queries, "File of queries; of hdf5, its \"test\"")
      ->required()
      ->type_name("FILE");
  AddDataset(sub, &args->dataset,
             "Of an hdf5 file of queries, the dataset to take instead of \"test\"");
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
  AddRecalls(sub, &args->recalls,
             "Recalls to ask for instead, commas between: how near to each is what is found");
  AddWorst(sub, &args->worst);
  AddDrift(sub, &args->drift);
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
  sub->add_option("--plot", args->plots,
                  "Draw speed against recall, as SVG or PNG by the ending; may be given again")
      ->option_text("FILE")
      ->allow_extra_args(false);
  sub->add_flag("--json", args->json, "Print a JSON object for each line of the table");
  sub->footer(
      "Example:\n"
      "  kith eval digits.kith --queries t10k-images-idx3-ubyte.gz --rows 1000\n"
      "  kith eval digits.kith --queries t10k-images-idx3-ubyte.gz --recall 0.8,0.9,0.95\n"
      "  kith eval a.kith b.kith --queries q.fvecs --truth q.ivecs --plot curves.svg");
  sub->callback([args, action] {
    CheckUsage(*args);
    *action = [args] { return RunEval(*args); };
  });
}

}  // namespace kith::apps::cli
