// kith duplicates: vectors that are nearly the same, as pairs or groups.
#include "kith/duplicates.h"

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "all_vectors.h"
#include "commands.h"
#include "common/json.h"
#include "common/output_files.h"
#include "common/recall_text.h"
#include "common/stopwatch.h"
#include "common/text.h"
#include "common/write_vectors.h"
#include "options.h"
#include "terminal.h"

namespace kith::apps::cli {
namespace {

struct DuplicatesArgs {
  AllVectorsArgs vectors;
  double within = 0;
  double recall = 0.99;
  bool exact = false;
  bool pairs = false;
  int threads = 0;
  std::string format = "table";
  bool json = false;
  std::string out;
};

// What was found, and how it is written down.
class Report {
 public:
  Report(const Index& index, const Duplicates& found) : index_(index), found_(found) {
    for (const DuplicatePair& pair : found.pairs) {  // the nearest first
      nearest_.emplace(pair.a, pair.distance);
      nearest_.emplace(pair.b, pair.distance);
    }
  }

  size_t num_members() const { return nearest_.size(); }

  Table GroupTable() const {
    Table table;
    table.AddColumn("id", Table::Align::kRight);
    if (has_keys()) table.AddColumn("key", Table::Align::kLeft);
    table.AddColumn("nearest", Table::Align::kRight);
    for (size_t g = 0; g < found_.groups.size(); ++g) {
      table.AddHeading(StrCat("group ", g + 1));
      for (const uint64_t row : found_.groups[g]) {
        std::vector<std::string> cells{StrCat(index_.Id(row))};
        if (has_keys()) cells.push_back(Printable(index_.Key(row)));
        cells.push_back(FormatFixed(nearest_.at(row), 4));
        table.AddRow(std::move(cells));
      }
    }
    return table;
  }

  Table PairTable() const {
    Table table;
    for (const char* const which : {"", "other "}) {
      table.AddColumn(StrCat(which, "id"), Table::Align::kRight);
      if (has_keys()) table.AddColumn(StrCat(which, "key"), Table::Align::kLeft);
    }
    table.AddColumn("distance", Table::Align::kRight);
    for (const DuplicatePair& pair : found_.pairs) {
      std::vector<std::string> cells;
      for (const uint64_t row : {pair.a, pair.b}) {
        cells.push_back(StrCat(index_.Id(row)));
        if (has_keys()) cells.push_back(Printable(index_.Key(row)));
      }
      cells.push_back(FormatFixed(pair.distance, 4));
      table.AddRow(std::move(cells));
    }
    return table;
  }

  std::string GroupLines() const {
    std::string text = has_keys() ? "group\tid\tnearest\tkey\n" : "group\tid\tnearest\n";
    for (size_t g = 0; g < found_.groups.size(); ++g) {
      for (const uint64_t row : found_.groups[g]) {
        text += StrCat(g + 1, "\t", index_.Id(row), "\t", FormatFloat(nearest_.at(row)));
        if (has_keys()) text += "\t" + Escaped(index_.Key(row));
        text += '\n';
      }
    }
    return text;
  }

  std::string PairLines() const {
    std::string text =
        has_keys() ? "id\tother_id\tdistance\tkey\tother_key\n" : "id\tother_id\tdistance\n";
    for (const DuplicatePair& p : found_.pairs) {
      text += StrCat(index_.Id(p.a), "\t", index_.Id(p.b), "\t", FormatFloat(p.distance));
      if (has_keys()) {
        text += StrCat("\t", Escaped(index_.Key(p.a)), "\t", Escaped(index_.Key(p.b)));
      }
      text += '\n';
    }
    return text;
  }

  std::string GroupJson() const {
    std::string text;
    for (size_t g = 0; g < found_.groups.size(); ++g) {
      Json json;
      json["group"] = g + 1;
      for (const uint64_t row : found_.groups[g]) {
        Json member = Named(row, "id", "key");
        member["nearest"] = JsonFloat(nearest_.at(row));
        json["members"].push_back(std::move(member));
      }
      text += ToLine(json);
    }
    return text;
  }

  std::string PairJson() const {
    std::string text;
    for (const DuplicatePair& pair : found_.pairs) {
      Json json = Named(pair.a, "id", "key");
      json.update(Named(pair.b, "other_id", "other_key"));
      json["distance"] = JsonFloat(pair.distance);
      text += ToLine(json);
    }
    return text;
  }

 private:
  bool has_keys() const { return index_.info().has_keys; }

  Json Named(uint64_t row, const char* id, const char* key) const {
    Json json;
    json[id] = index_.Id(row);
    if (has_keys()) json[key] = std::string(index_.Key(row));
    return json;
  }

  const Index& index_;
  const Duplicates& found_;
  std::unordered_map<uint64_t, float> nearest_;  // how far the nearest duplicate of each is
};

Status Print(const DuplicatesArgs& args, const Report& report, const std::string& summary) {
  if (args.format == "table" && args.out.empty()) {
    std::cout << summary << '\n';
    (args.pairs ? report.PairTable() : report.GroupTable()).Print(std::cout, "  ");
    return Status::Ok();
  }
  const bool json = args.format == "json";
  const std::string text = json ? (args.pairs ? report.PairJson() : report.GroupJson())
                                : (args.pairs ? report.PairLines() : report.GroupLines());
  if (args.out.empty()) {
    std::cout << text;
    return Status::Ok();
  }
  KITH_RETURN_IF_ERROR(WriteText(args.out, text));
  if (!json) std::cout << summary << '\n';
  return Status::Ok();
}

Status RunDuplicates(const DuplicatesArgs& args) {
  KITH_RETURN_IF_ERROR(CheckOutputs({args.vectors.file}, {args.out}));
  const Stopwatch stopwatch;
  ProgressBar bar;
  KITH_ASSIGN_OR_RETURN(const std::unique_ptr<Index> index,
                        IndexOfAll(args.vectors, args.exact, args.threads, bar.callback()));
  DuplicateOptions options;
  options.within = args.within;
  options.recall = args.exact ? 1 : args.recall;
  options.threads = args.threads;
  options.progress = bar.callback();
  KITH_ASSIGN_OR_RETURN(const Duplicates found, FindDuplicates(*index, options));
  bar.Clear();
  const Report report(*index, found);
  const std::string how =
      found.index == IndexKind::kExact
          ? std::string("exact search")
          : StrCat("recall ", ShareText(found.recall), " by the ", IndexKindName(found.index));
  return Print(
      args, report,
      StrCat(Printable(args.vectors.file), ": ", Plural(found.groups.size(), "group"), " of ",
             Plural(report.num_members(), "vector"), " among ",
             FormatCount(index->info().num_vectors), ", ", Plural(found.pairs.size(), "pair"),
             " within ", args.within, " (", MetricName(index->info().metric), ", ", how, ", ",
             FormatSeconds(stopwatch.Seconds()), ")"));
}

void CheckUsage(CLI::App* sub, DuplicatesArgs* args) {
  if (args->exact && sub->count("--recall") > 0) {
    throw CLI::ValidationError("--recall", "means nothing to exact search; leave it out");
  }
  if (!std::isfinite(args->within)) {
    throw CLI::ValidationError("--within", "must be a finite number");
  }
  if (!args->json) {
    CheckTsvName(args->out, args->format == "json" ? std::vector<std::string>{".json", ".jsonl"}
                                                   : std::vector<std::string>{});
    return;
  }
  CheckTsvName(args->out, {".json", ".jsonl"});
  if (args->format != "table") {
    throw CLI::ValidationError("--json", "is --format json; leave the other --format out");
  }
  args->format = "json";
}

}  // namespace

void AddDuplicatesCommand(CLI::App* app, Action* action) {
  auto args = std::make_shared<DuplicatesArgs>();
  CLI::App* sub =
      app->add_subcommand("duplicates", "Find vectors that are nearly the same: copies");
  AddAllVectors(sub, &args->vectors);
  sub->add_option("--within", args->within,
                  "The largest distance of two duplicates, as searches print it")
      ->required()
      ->type_name("D");
  AddRecall(sub, &args->recall, "The share of the true neighbours that is looked at")
      ->capture_default_str();
  sub->add_flag("--exact", args->exact, "Compare every vector with every other");
  sub->add_flag("--pairs", args->pairs, "Print every pair, the nearest first, instead of groups");
  AddThreads(sub, &args->threads, "Threads; 0 is one for each core");
  sub->add_option("--format", args->format, "table, tsv, or json (an object a line)")
      ->check(CLI::IsMember({"table", "tsv", "json"}).description(""))
      ->type_name("NAME");
  sub->add_flag("--json", args->json, "The same as --format json");
  sub->add_option("-o,--output", args->out, "File to write them to: tsv, or json if asked for")
      ->type_name("FILE");
  sub->footer(
      "Example:\n"
      "  kith duplicates photos.kith --within 0.02\n"
      "  kith duplicates photos.kith --within 0.02 --pairs --format tsv -o pairs.tsv");
  sub->callback([sub, args, action] {
    CheckUsage(sub, args.get());
    *action = [args] { return RunDuplicates(*args); };
  });
}

}  // namespace kith::apps::cli
