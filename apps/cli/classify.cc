// kith classify: labels told by nearest neighbours.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "commands.h"
#include "common/json.h"
#include "common/labels.h"
#include "common/output_files.h"
#include "common/read_vectors.h"
#include "common/stopwatch.h"
#include "common/text.h"
#include "common/write_vectors.h"
#include "kith/predict.h"
#include "neighbour_options.h"
#include "options.h"
#include "terminal.h"

namespace kith::apps::cli {
namespace {

struct ClassifyArgs : NeighbourArgs {
  std::string labels;
  std::string truth;
  ColumnArgs columns;
  bool confusion = false;
};

// How many rows of one label were told another: counts[truth][told].
struct Confusion {
  std::vector<std::vector<uint64_t>> counts;
};

// What was found out, for people and for programs.
struct Report {
  std::string subject;  // "digits.kith: 60,000 vectors with 10 labels"
  Metric metric = Metric::kAngular;
  std::vector<ClassificationScore> scores;
  size_t told = 0;  // rows whose label was told
  double seconds = 0;
};

uint64_t NumWrong(const ClassificationScore& score, size_t told) {
  return static_cast<uint64_t>(std::llround(score.error * static_cast<double>(told)));
}

const ClassificationScore& Best(const std::vector<ClassificationScore>& scores) {
  return *std::min_element(scores.begin(), scores.end(),
                           [](const auto& a, const auto& b) { return a.error < b.error; });
}

void PrintScores(const Report& report, std::ostream& out) {
  Table table;
  table.AddColumn("k", Table::Align::kRight);
  table.AddColumn("wrong", Table::Align::kRight);
  table.AddColumn("error", Table::Align::kRight);
  for (const ClassificationScore& score : report.scores) {
    table.AddRow({FormatCount(score.k), FormatCount(NumWrong(score, report.told)),
                  StrCat(FormatFixed(100 * score.error, 2), " %")});
  }
  table.Print(out, "  ");
}

void PrintConfusion(const Confusion& confusion, const LabelNames& names, size_t k,
                    std::ostream& out) {
  out << "\n  what is (down) and what was told (across), k = " << k << '\n';
  Table table;
  table.AddColumn("", Table::Align::kLeft);
  for (uint32_t label = 0; label < names.size(); ++label) {
    table.AddColumn(Printable(names[label]), Table::Align::kRight);
  }
  for (uint32_t is = 0; is < names.size(); ++is) {
    std::vector<std::string> cells{Printable(names[is])};
    for (const uint64_t count : confusion.counts[is]) {
      cells.push_back(count == 0 ? "." : FormatCount(count));
    }
    table.AddRow(std::move(cells));
  }
  table.Print(out, "  ");
}

// `of`: what `count` counts.
Json ReportJson(const std::string& file, const char* of, size_t count, const Report& report) {
  Json scores = Json::array();
  for (const ClassificationScore& score : report.scores) {
    Json line;
    line["k"] = score.k;
    line["wrong"] = NumWrong(score, report.told);
    line["error"] = score.error;
    scores.push_back(std::move(line));
  }
  Json json;
  json["file"] = file;
  json[of] = count;
  json["metric"] = MetricName(report.metric);
  json["seconds"] = report.seconds;
  json["scores"] = std::move(scores);
  json["best_k"] = Best(report.scores).k;
  return json;
}

Json ConfusionJson(const Confusion& confusion, const LabelNames& names) {
  Json json;
  for (uint32_t is = 0; is < names.size(); ++is) {
    for (uint32_t told = 0; told < names.size(); ++told) {
      const uint64_t count = confusion.counts[is][told];
      if (count > 0) json[names[is]][names[told]] = count;
    }
  }
  return json;
}

// The labels of FILE: its keys, or those of --labels.
Result<StringList> LabelsOfFile(const ClassifyArgs& args, const Index& index) {
  const bool separate = !args.labels.empty() && IsKithFile(args.file);
  if (separate) {
    KITH_ASSIGN_OR_RETURN(StringList labels, ReadLabels(args.labels));
    if (labels.size() != index.info().num_vectors) {
      return Status::InvalidArgument(StrCat(args.labels, " has ", Plural(labels.size(), "label"),
                                            ", but ", args.file, " has ",
                                            Plural(index.info().num_vectors, "vector")));
    }
    return labels;
  }
  if (index.info().has_keys) return KeysOf(index);
  return Status::InvalidArgument(
      StrCat(args.file, " has no keys to serve as labels; give them with --labels"));
}

// One line a query: its number, what was told, the share of votes, and what is, where that is
// known.
Status WriteTold(const std::string& path, const Classification& told, const LabelNames& names,
                 const StringList& truth) {
  std::string text = truth.empty() ? "query\tlabel\tshare\n" : "query\tlabel\tshare\ttruth\n";
  for (size_t q = 0; q < told.labels.size(); ++q) {
    text += StrCat(q, "\t", Escaped(names[told.labels[q]]), "\t", FormatFixed(told.shares[q], 4));
    if (!truth.empty()) text += StrCat("\t", Escaped(truth[q]));
    text += '\n';
  }
  return WriteText(path, text);
}

void PrintTold(const Classification& told, const LabelNames& names, bool json, std::ostream& out) {
  for (size_t q = 0; q < told.labels.size(); ++q) {
    if (json) {
      Json line;
      line["query"] = q;
      line["label"] = names[told.labels[q]];
      line["share"] = told.shares[q];
      out << ToLine(line);
      continue;
    }
    out << q << '\t' << Escaped(names[told.labels[q]]) << '\t' << FormatFixed(told.shares[q], 4)
        << '\n';
  }
}

std::string SubjectOf(const ClassifyArgs& args, const Index& index, const LabelNames& names) {
  return StrCat(Printable(args.file), ": ", Plural(index.info().num_vectors, "vector"), " with ",
                Plural(names.size(), "label"));
}

void PrintHead(const ClassifyArgs& args, const Report& report, const std::string& what,
               std::ostream& out) {
  out << report.subject << "; " << what << ", " << MetricName(report.metric) << ", "
      << SearchText(args) << ", " << FormatSeconds(report.seconds) << " ("
      << FormatShort(static_cast<double>(report.told) / report.seconds) << " a second)\n";
}

Status RunCrossValidation(const ClassifyArgs& args, const Index& index, const LabelNames& names,
                          const std::vector<uint32_t>& labels, ProgressBar* bar) {
  const Stopwatch stopwatch;
  KITH_ASSIGN_OR_RETURN(const Folds folds,
                        RandomFolds(labels.size(), static_cast<uint32_t>(args.folds),
                                    static_cast<uint64_t>(args.seed)));
  Report report;
  KITH_ASSIGN_OR_RETURN(report.scores,
                        CrossValidateClassification(index, labels, args.neighbour_weights(), folds,
                                                    args.ks, MakeParams(args), bar->callback()));
  bar->Clear();
  report.subject = SubjectOf(args, index, names);
  report.metric = index.info().metric;
  report.told = labels.size();
  report.seconds = stopwatch.Seconds();
  if (args.json) {
    std::cout << ToLine(ReportJson(args.file, "folds", static_cast<size_t>(args.folds), report));
    return Status::Ok();
  }
  PrintHead(args, report, StrCat("each told by the others in ", args.folds, " parts"), std::cout);
  PrintScores(report, std::cout);
  if (report.scores.size() > 1) std::cout << "  best: -k " << Best(report.scores).k << '\n';
  return Status::Ok();
}

// What is known of the queries: --truth, or the keys of their file.
Result<StringList> TruthOf(const ClassifyArgs& args, const Dataset& queries) {
  if (args.truth.empty()) return queries.keys;
  KITH_ASSIGN_OR_RETURN(StringList truth, ReadLabels(args.truth));
  if (truth.size() == queries.vectors.rows) return truth;
  return Status::InvalidArgument(StrCat(args.truth, " has ", Plural(truth.size(), "label"),
                                        ", but ", args.queries, " has ",
                                        Plural(queries.vectors.rows, "vector")));
}

// Scores what was told for each k; a label that no stored vector has is always told wrong.
Confusion Judge(const std::vector<Classification>& told, const LabelNames& names,
                const StringList& truth, const std::vector<size_t>& ks, Report* report) {
  Confusion confusion;
  size_t best = 0;
  uint64_t least = ~uint64_t{0};
  for (size_t i = 0; i < ks.size(); ++i) {
    uint64_t wrong = 0;
    for (size_t q = 0; q < truth.size(); ++q) wrong += names.Find(truth[q]) != told[i].labels[q];
    report->scores.push_back(
        {ks[i], static_cast<double>(wrong) / static_cast<double>(truth.size())});
    if (wrong < least) best = i;
    least = std::min(least, wrong);
  }
  confusion.counts.assign(names.size(), std::vector<uint64_t>(names.size()));
  for (size_t q = 0; q < truth.size(); ++q) {
    const std::optional<uint32_t> is = names.Find(truth[q]);
    if (is) ++confusion.counts[*is][told[best].labels[q]];
  }
  return confusion;
}

// Whether a table of queries has the labels' column too, so that errors can be counted. What else
// may be wrong with the file turns up when all of it is read.
bool HasKeyColumn(const std::string& path, const ColumnArgs& columns) {
  if (path == "-" || columns.key_column.empty()) return false;
  ReadOptions first;
  first.columns = columns.columns;
  first.key_column = columns.key_column;
  first.max_rows = 1;
  return ReadDataset(path, first).ok();
}

Status RunQueries(const ClassifyArgs& args, const Index& index, const LabelNames& names,
                  const std::vector<uint32_t>& labels, ProgressBar* bar) {
  ReadOptions read;
  read.columns = args.columns.columns;
  if (HasKeyColumn(args.queries, args.columns)) read.key_column = args.columns.key_column;
  read.progress = bar->callback();
  KITH_ASSIGN_OR_RETURN(const Dataset queries, LoadQueries(args.queries, read));
  KITH_RETURN_IF_ERROR(
      CheckSameDim(args.queries, queries.vectors.dim, args.file, index.info().dim));
  KITH_ASSIGN_OR_RETURN(const StringList truth, TruthOf(args, queries));
  if (args.ks.size() > 1 && truth.empty()) {
    return Status::InvalidArgument(
        "several -k can only be compared where the labels of the queries are known; give --truth");
  }
  if (args.confusion && truth.empty()) {
    return Status::InvalidArgument(
        "--confusion needs the labels of the queries; give --truth, or leave it out");
  }
  const Stopwatch stopwatch;
  KITH_ASSIGN_OR_RETURN(const std::vector<Classification> told,
                        Classify(index, queries.vectors, labels, args.neighbour_weights(), args.ks,
                                 MakeParams(args), bar->callback()));
  bar->Clear();
  WarnOfDrift(args, index, told[0].drifted);
  Report report;
  report.subject = SubjectOf(args, index, names);
  report.metric = index.info().metric;
  report.told = queries.vectors.rows;
  report.seconds = stopwatch.Seconds();
  if (!args.out.empty()) KITH_RETURN_IF_ERROR(WriteTold(args.out, told[0], names, truth));
  if (truth.empty()) {
    if (args.out.empty()) PrintTold(told[0], names, args.json, std::cout);
    return Status::Ok();
  }
  const Confusion confusion = Judge(told, names, truth, args.ks, &report);
  if (args.json) {
    Json json = ReportJson(args.file, "queries", report.told, report);
    json["confusion"] = ConfusionJson(confusion, names);
    std::cout << ToLine(json);
    return Status::Ok();
  }
  PrintHead(args, report, Plural(report.told, "query"), std::cout);
  PrintScores(report, std::cout);
  if (args.confusion) PrintConfusion(confusion, names, Best(report.scores).k, std::cout);
  return Status::Ok();
}

Status RunClassify(const ClassifyArgs& args) {
  KITH_RETURN_IF_ERROR(
      CheckOutputs({args.file, args.queries, args.labels, args.truth}, {args.out}));
  ProgressBar bar;
  ReadOptions read;
  read.columns = args.columns.columns;
  read.key_column = args.columns.key_column;
  read.progress = bar.callback();
  if (args.file == "-" || !IsKithFile(args.file)) read.labels_path = args.labels;
  KITH_ASSIGN_OR_RETURN(const std::unique_ptr<Index> index,
                        OpenOrIndex(args.file, args.metric, read, args.recall, args.threads));
  KITH_ASSIGN_OR_RETURN(const StringList texts, LabelsOfFile(args, *index));
  const LabelNames names(texts);
  const std::vector<uint32_t> labels = names.Numbers(texts);
  if (args.folds > 0) return RunCrossValidation(args, *index, names, labels, &bar);
  return RunQueries(args, *index, names, labels, &bar);
}

}  // namespace

void AddClassifyCommand(CLI::App* app, Action* action) {
  auto args = std::make_shared<ClassifyArgs>();
  CLI::App* sub = app->add_subcommand("classify", "Tell labels by nearest neighbours");
  AddNeighbourOptions(sub, args.get(), "5");
  sub->add_option("--labels", args->labels,
                  "Labels of FILE, one a line or idx; its keys if absent, and MNIST's beside it")
      ->type_name("FILE");
  sub->add_option("--truth", args->truth,
                  "Labels of the queries, to count errors by; the keys of their file if absent")
      ->type_name("FILE");
  AddColumns(sub, &args->columns);
  sub->add_flag("--confusion", args->confusion, "Print which labels were told for which");
  sub->footer(
      "Example:\n"
      "  kith classify digits.kith --queries t10k-images-idx3-ubyte.gz -k 1-10 --confusion\n"
      "  kith classify iris.csv --key-column species --cross-validate 10 -k 1-20");
  sub->callback([args, action] {
    CheckUsage(*args);
    if (args->confusion && args->folds > 0) {
      throw CLI::ValidationError("--confusion", "is for --queries; leave it out");
    }
    CheckTsvName(args->out);
    *action = [args] { return RunClassify(*args); };
  });
}

}  // namespace kith::apps::cli
