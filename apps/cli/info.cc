// kith info and kith verify: what a .kith file holds, and whether all of it is sound.
#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>

#include "base/strings.h"
#include "commands.h"
#include "common.h"
#include "kith/index.h"
#include "recall.h"
#include "terminal.h"

namespace kith::cli {
namespace {

struct InfoArgs {
  std::string file;
  bool json = false;
};

double BytesPerVector(const IndexInfo& info) {
  return info.num_vectors == 0
             ? 0
             : static_cast<double>(info.file_bytes) / static_cast<double>(info.num_vectors);
}

// What the file says about its making: an object, or null if it says nothing readable.
Json BuiltWith(const IndexInfo& info) {
  Json json = Json::parse(info.built_with, nullptr, false);
  return json.is_object() ? json : Json();
}

std::string Hex(uint32_t x) {
  std::string text = "0x00000000";
  for (size_t i = text.size(); x != 0; x >>= 4) text[--i] = "0123456789abcdef"[x & 15];
  return text;
}

Json Describe(const IndexInfo& info) {
  Json json;
  json["file"] = info.path;
  json["vectors"] = info.num_vectors;
  json["dim"] = info.dim;
  json["dtype"] = DataTypeName(info.dtype);
  json["metric"] = MetricName(info.metric);
  json["index"] = AccessJson(info);
  json["scan_codes"] = info.has_scan_codes;
  json["graph"] = GraphJson(info);
  json["trees"] = info.num_trees;
  json["leaf"] = info.leaf_size;
  json["keys"] = info.has_keys;
  json["ids"] = info.has_ids;
  json["bytes"] = info.file_bytes;
  json["bytes_per_vector"] = BytesPerVector(info);
  json["format_version"] = info.format_version;
  json["built_with"] = BuiltWith(info);
  json["build_s"] = info.build_seconds < 0 ? Json() : Json(info.build_seconds);
  json["calibration"] = CalibrationJson(info.calibration);
  json["sections"] = Json::array();
  for (const IndexInfo::Section& section : info.sections) {
    json["sections"].push_back({{"name", section.name},
                                {"offset", section.offset},
                                {"bytes", section.size},
                                {"crc32c", Hex(section.crc32c)}});
  }
  return json;
}

// {"seed": 42, "metric": "dot"} as "seed 42, metric dot".
std::string BuiltWithText(const IndexInfo& info) {
  std::string text;
  const Json built_with = BuiltWith(info);
  for (const auto& [name, value] : built_with.items()) {
    std::string words = name;
    for (char& c : words) {
      if (c == '_') c = ' ';
    }
    text += StrCat(text.empty() ? "" : ", ", words, " ",
                   value.is_string() ? value.get<std::string>() : value.dump());
  }
  return Printable(text);
}

// "400,224 nodes (distinct vectors), 1,408 bytes read a visit".
std::string NodesText(const IndexInfo& info) {
  return StrCat(Plural(info.graph_nodes, "node"), " (distinct vectors), ",
                FormatCount(info.graph_node_bytes), " bytes read a visit",
                info.graph_layout == GraphLayout::kCompact ? " beside vectors" : "");
}

void Print(const IndexInfo& info) {
  std::cout << info.path << '\n';
  Table table;
  table.AddColumn("", Table::Align::kLeft);
  table.AddColumn("", Table::Align::kLeft);
  table.AddRow({"vectors", StrCat(FormatCount(info.num_vectors), " of ",
                                  Plural(info.dim, "dimension"), ", ", DataTypeName(info.dtype))});
  table.AddRow({"metric", MetricName(info.metric)});
  table.AddRow({"keys", info.has_keys ? "yes" : "no"});
  table.AddRow({"ids", info.has_ids ? "the file's own" : "row numbers"});
  table.AddRow({"access", AccessText(info)});
  if (info.has_graph) {
    table.AddRow({"graph", NodesText(info)});
    table.AddRow({"", StrCat(FormatBytes(info.graph_bytes), ", ",
                             FormatShort(GraphBytesPerVector(info)), " bytes a vector")});
  }
  table.AddRow({"size", StrCat(FormatBytes(info.file_bytes), ", ",
                               FormatShort(BytesPerVector(info)), " bytes a vector")});
  table.AddRow({"format", StrCat("version ", info.format_version)});
  if (const std::string built = BuiltWithText(info); !built.empty()) {
    table.AddRow({"built with", built});
  }
  if (info.build_seconds >= 0) table.AddRow({"built in", FormatSeconds(info.build_seconds)});
  if (info.has_graph || info.has_forest) {
    table.AddRow({"recall", info.calibration.empty()
                                ? "not measured; 'kith tune' does"
                                : StrCat("measured with ", SourceText(info.calibration))});
  }
  table.Print(std::cout, "  ", false);
  if (!info.calibration.empty()) {
    std::cout << '\n';
    EffortTable(info.calibration, nullptr).Print(std::cout, "  ");
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

Status RunInfo(const InfoArgs& args) {
  KITH_ASSIGN_OR_RETURN(const std::unique_ptr<Index> index, OpenIndex(args.file));
  if (args.json) {
    std::cout << ToLine(Describe(index->info()));
  } else {
    Print(index->info());
  }
  return Status::Ok();
}

Status RunVerify(const InfoArgs& args) {
  const Stopwatch stopwatch;
  KITH_RETURN_IF_ERROR(VerifyIndex(args.file));
  const double seconds = stopwatch.Seconds();
  KITH_ASSIGN_OR_RETURN(const std::unique_ptr<Index> index, OpenIndex(args.file));
  const IndexInfo& info = index->info();
  if (args.json) {
    Json json;
    json["file"] = args.file;
    json["ok"] = true;
    json["sections"] = info.sections.size();
    json["bytes"] = info.file_bytes;
    json["seconds"] = seconds;
    std::cout << ToLine(json);
  } else {
    std::cout << args.file << ": sound (" << Plural(info.sections.size(), "section") << ", "
              << FormatBytes(info.file_bytes) << ", checked in " << FormatSeconds(seconds) << ")\n";
  }
  return Status::Ok();
}

CLI::App* AddCommand(CLI::App* app, const char* name, const char* description, Action* action,
                     Status (*run)(const InfoArgs&)) {
  auto args = std::make_shared<InfoArgs>();
  CLI::App* sub = app->add_subcommand(name, description);
  sub->add_option("FILE", args->file, "The .kith file")->required()->option_text(" ");
  sub->add_flag("--json", args->json, "Print a JSON object");
  sub->callback([args, action, run] { *action = [args, run] { return run(*args); }; });
  return sub;
}

}  // namespace

void AddInfoCommand(CLI::App* app, Action* action) {
  AddCommand(app, "info", "Show what a .kith file holds, without reading its vectors", action,
             RunInfo)
      ->footer("Example:\n  kith info words.kith");
}

void AddVerifyCommand(CLI::App* app, Action* action) {
  AddCommand(app, "verify", "Check every checksum and structure of a .kith file", action, RunVerify)
      ->footer("Example:\n  kith verify words.kith");
}

}  // namespace kith::cli
