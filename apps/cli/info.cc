// kith info and kith verify: what a .kith file holds, and whether all of it is sound.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

#include "commands.h"
#include "common/describe.h"
#include "common/json.h"
#include "common/recall_text.h"
#include "common/stopwatch.h"
#include "common/text.h"
#include "effort_table.h"
#include "kith/index.h"
#include "kith/reduce.h"
#include "options.h"
#include "terminal.h"

namespace kith::apps::cli {
namespace {

struct InfoArgs {
  std::string file;
  bool json = false;
  int threads = 0;  // of verify
};

// "400,224 nodes (distinct vectors), 1,408 bytes read a visit".
std::string NodesText(const PathInfo& graph) {
  const bool compact = graph.text("layout") == GraphLayoutName(GraphLayout::kCompact);
  return StrCat(Plural(graph.number("nodes"), "node"), " (distinct vectors), ",
                FormatCount(graph.number("visit_bytes")), " bytes read a visit",
                compact ? " beside vectors" : "");
}

bool HasSection(const IndexInfo& info, std::string_view name) {
  return std::any_of(info.sections.begin(), info.sections.end(),
                     [&](const IndexInfo::Section& section) { return section.name == name; });
}

void Print(const IndexInfo& info) {
  std::cout << Printable(info.path) << '\n';
  Table table;
  table.AddColumn("", Table::Align::kLeft);
  table.AddColumn("", Table::Align::kLeft);
  table.AddRow({"vectors", StrCat(FormatCount(info.num_vectors), " of ",
                                  Plural(info.dim, "dimension"), ", ", DataTypeName(info.dtype))});
  if (info.source_dim > 0) {
    table.AddRow({"reduced", StrCat("from ", Plural(info.source_dim, "dimension"),
                                    ", which queries have, by the model in it")});
  }
  table.AddRow({"metric", MetricName(info.metric)});
  table.AddRow({"keys", info.has_keys ? "yes" : "no"});
  table.AddRow({"ids", info.has_ids ? "the file's own" : "row numbers"});
  table.AddRow({"access", PathsText(info)});
  if (const PathInfo* graph = info.path_of(IndexKind::kGraph)) {
    table.AddRow({"graph", NodesText(*graph)});
    if (const double found = graph->share("self_recall"); found >= 0) {
      table.AddRow({"", StrCat("finds ", FormatShort(100 * found), " % of its own vectors")});
    }
    table.AddRow({"", StrCat(FormatBytes(graph->bytes), ", ",
                             FormatShort(BytesPerVector(info, *graph)), " bytes a vector")});
  }
  table.AddRow({"size", StrCat(FormatBytes(info.file_bytes), ", ",
                               FormatShort(BytesPerVector(info)), " bytes a vector")});
  table.AddRow({"format", StrCat("version ", info.format_version)});
  if (const std::string built = BuiltWithText(info); !built.empty()) {
    table.AddRow({"built with", built});
  } else if (HasSection(info, "meta")) {
    table.AddRow({"built with", "unreadable; 'kith verify' says what is wrong"});
  }
  if (!info.origin.empty()) table.AddRow({"origin", OriginText(info)});
  if (info.build_seconds >= 0) table.AddRow({"built in", FormatSeconds(info.build_seconds)});
  if (info.has_approximate()) {
    table.AddRow({"recall", info.calibration.empty()
                                ? "not measured; 'kith tune' does"
                                : StrCat("measured with ", SourceText(info.calibration))});
  }
  table.Print(std::cout, "  ", false);
  if (!info.calibration.empty()) {
    std::cout << '\n';
    EffortTable(info.calibration, nullptr).Print(std::cout, "  ");
    std::cout << '\n';
    WorstTable(info.calibration).Print(std::cout, "  ");
  }
  Table sections;
  sections.AddColumn("section", Table::Align::kLeft);
  sections.AddColumn("offset", Table::Align::kRight);
  sections.AddColumn("bytes", Table::Align::kRight);
  sections.AddColumn("crc32c", Table::Align::kRight);
  for (const IndexInfo::Section& section : info.sections) {
    sections.AddRow({Printable(section.name), FormatCount(section.offset),
                     FormatCount(section.size), Hex(section.crc32c)});
  }
  std::cout << '\n';
  sections.Print(std::cout, "  ");
}

// Of a file that is only a model of kith reduce.
Status RunModelInfo(const InfoArgs& args) {
  KITH_ASSIGN_OR_RETURN(const Reducer reducer, Reducer::Open(args.file));
  const double kept = reducer.KeptVariance(reducer.dim());
  if (args.json) {
    Json json;
    json["file"] = args.file;
    Json& model = json["model"];
    model["method"] = ReduceMethodName(reducer.method());
    model["source_dim"] = reducer.source_dim();
    model["dim"] = reducer.dim();
    model["metric"] = MetricName(reducer.metric());
    model["centred"] = reducer.centred();
    model["whitened"] = reducer.whitened();
    model["variance"] = JsonKnown(kept);
    model["fitted_rows"] = reducer.fitted_rows();
    std::cout << ToLine(json);
    return Status::Ok();
  }
  std::cout << Printable(args.file) << '\n';
  Table table;
  table.AddColumn("", Table::Align::kLeft);
  table.AddColumn("", Table::Align::kLeft);
  table.AddRow({"model", StrCat(ReduceMethodName(reducer.method()), ", ",
                                Plural(reducer.source_dim(), "dimension"), " to ", reducer.dim(),
                                reducer.whitened() ? ", whitened" : "")});
  table.AddRow({"metric", StrCat(MetricName(reducer.metric()),
                                 reducer.centred() ? ", the mean is taken away" : "")});
  if (kept >= 0) table.AddRow({"variance", StrCat(FormatFixed(100 * kept, 1), " % kept")});
  if (reducer.fitted_rows() > 0) {
    table.AddRow({"fitted to", Plural(reducer.fitted_rows(), "vector")});
  }
  table.Print(std::cout, "  ", false);
  return Status::Ok();
}

Status RunInfo(const InfoArgs& args) {
  if (IsReducerFile(args.file)) return RunModelInfo(args);
  KITH_ASSIGN_OR_RETURN(const std::unique_ptr<Index> index, OpenIndex(args.file));
  if (args.json) {
    std::cout << ToLine(InfoJson(index->info()));
  } else {
    Print(index->info());
  }
  return Status::Ok();
}

Status RunVerify(const InfoArgs& args) {
  const Stopwatch stopwatch;
  {
    ProgressBar bar;
    KITH_RETURN_IF_ERROR(
        VerifyIndex(args.file, {.threads = args.threads, .progress = bar.callback()}));
  }
  const double seconds = stopwatch.Seconds();
  size_t sections = 1;  // of a model
  uint64_t bytes = 0;
  if (IsReducerFile(args.file)) {
    std::error_code error;
    bytes = std::filesystem::file_size(args.file, error);
  } else {
    KITH_ASSIGN_OR_RETURN(const std::unique_ptr<Index> index, OpenIndex(args.file));
    sections = index->info().sections.size();
    bytes = index->info().file_bytes;
  }
  if (args.json) {
    Json json;
    json["file"] = args.file;
    json["ok"] = true;
    json["sections"] = sections;
    json["bytes"] = bytes;
    json["seconds"] = seconds;
    std::cout << ToLine(json);
  } else {
    std::cout << Printable(args.file) << ": sound (" << Plural(sections, "section") << ", "
              << FormatBytes(bytes) << ", checked in " << FormatSeconds(seconds) << ")\n";
  }
  return Status::Ok();
}

CLI::App* AddCommand(CLI::App* app, const char* name, const char* description, Action* action,
                     Status (*run)(const InfoArgs&), const std::shared_ptr<InfoArgs>& args) {
  CLI::App* sub = app->add_subcommand(name, description);
  AddKithFile(sub, &args->file, "The .kith file");
  sub->add_flag("--json", args->json, "Print a JSON object");
  sub->callback([args, action, run] { *action = [args, run] { return run(*args); }; });
  return sub;
}

}  // namespace

void AddInfoCommand(CLI::App* app, Action* action) {
  AddCommand(app, "info", "Show what a .kith file holds, without reading its vectors", action,
             RunInfo, std::make_shared<InfoArgs>())
      ->footer("Example:\n  kith info words.kith");
}

void AddVerifyCommand(CLI::App* app, Action* action) {
  const auto args = std::make_shared<InfoArgs>();
  CLI::App* sub = AddCommand(
      app, "verify", "Check every checksum of a .kith file, and all that its vectors determine",
      action, RunVerify, args);
  AddThreads(sub, &args->threads, "Threads; 0 is one for each core");
  sub->footer("Example:\n  kith verify words.kith");
}

}  // namespace kith::apps::cli
