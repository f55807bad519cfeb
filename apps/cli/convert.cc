// kith convert: any file of vectors to any other.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "commands.h"
#include "common/json.h"
#include "common/output_files.h"
#include "common/read_vectors.h"
#include "common/stopwatch.h"
#include "common/text.h"
#include "common/write_vectors.h"
#include "kith/dataset.h"
#include "kith/index.h"
#include "options.h"
#include "terminal.h"

namespace kith::apps::cli {
namespace {

struct ConvertArgs {
  std::string in;
  std::string out;
  std::optional<DataType> dtype;
  std::optional<Metric> metric;
  std::string format;
  std::string in_format;
  std::string keys;
  int64_t rows = 0;
  int64_t dim = 0;
  std::string dataset;
  ColumnArgs columns;
  bool queries = false;
  bool json = false;
};

bool EndsInKith(const std::string& path) {
  return std::filesystem::path(path).extension() == ".kith";
}

// Writes the keys to a file of their own, if asked, and drops those that OUT has no place for.
Status SettleKeys(const ConvertArgs& args, StringList* keys) {
  bool takes_keys = EndsInKith(args.out);
  if (!takes_keys) {
    KITH_ASSIGN_OR_RETURN(takes_keys, TakesKeys(args.out, args.format));
  }
  if (args.keys.empty()) {
    if (keys->empty() || takes_keys) return Status::Ok();
    return Status::InvalidArgument(StrCat(args.out, " has no place for the keys of ", args.in,
                                          "; give --keys FILE to write them to a file of their "
                                          "own"));
  }
  if (keys->empty()) {
    return Status::InvalidArgument(StrCat(args.in, " has no keys; leave --keys out"));
  }
  KITH_RETURN_IF_ERROR(WriteKeys(args.keys, *keys));
  if (!takes_keys) *keys = {};
  return Status::Ok();
}

// Vectors become a file for exact search. Of an index, which Annoy's file is, comes an index.
Status WriteKith(const ConvertArgs& args, const Dataset& dataset, const std::vector<int64_t>& ids,
                 const Progress& progress) {
  BuildOptions options;
  options.metric = ChooseMetric(args.metric, dataset).metric;
  options.dtype = args.dtype;
  if (!IsAnnoyFile(args.in)) options.paths.push_back(ExactOptions{});
  options.ids = ids.empty() ? nullptr : &ids;
  options.keys = dataset.keys.empty() ? nullptr : &dataset.keys;
  options.progress = progress;
  return OfFile(args.in, BuildIndex(dataset.vectors, args.out, options));
}

Status RunConvert(const ConvertArgs& args) {
  const Stopwatch stopwatch;
  KITH_RETURN_IF_ERROR(CheckOutputs({args.in}, {args.out, args.keys}));
  ProgressBar bar;
  ReadOptions read;
  read.format = args.in_format;
  read.part = args.queries ? DatasetPart::kQueries : DatasetPart::kBase;
  read.max_rows = static_cast<uint64_t>(args.rows);
  read.dataset = args.dataset;
  read.columns = args.columns.columns;
  read.key_column = args.columns.key_column;
  read.progress = bar.callback();
  KITH_ASSIGN_OR_RETURN(Items items, LoadItems(args.in, args.metric, args.dim, read));
  Dataset dataset = std::move(items.dataset);
  std::vector<int64_t> ids = std::move(items.ids);
  KITH_RETURN_IF_ERROR(SettleKeys(args, &dataset.keys));
  if (EndsInKith(args.out)) {
    KITH_RETURN_IF_ERROR(WriteKith(args, dataset, ids, bar.callback()));
  } else {
    if (args.dtype) KITH_RETURN_IF_ERROR(ChangeType(*args.dtype, &dataset));
    KITH_RETURN_IF_ERROR(WriteDataset(args.out, args.format, dataset.vectors, dataset.keys));
  }
  bar.Clear();
  std::error_code error;
  const auto bytes = static_cast<uint64_t>(std::filesystem::file_size(args.out, error));
  const MatrixView& vectors = dataset.vectors;
  if (args.json) {
    Json json;
    json["in"] = args.in;
    json["in_format"] = dataset.format;
    json["out"] = args.out;
    json["vectors"] = vectors.rows;
    json["dim"] = vectors.dim;
    json["keys"] = !dataset.keys.empty();
    if (IsAnnoyFile(args.in)) json["holes"] = !ids.empty();
    json["bytes"] = bytes;
    json["seconds"] = stopwatch.Seconds();
    std::cout << ToLine(json);
  } else {
    std::cout << Printable(args.out) << ": " << Plural(vectors.rows, "vector") << " of "
              << Plural(vectors.dim, "dimension") << " from " << Printable(args.in) << " ("
              << dataset.format << "), " << (ids.empty() ? "" : "without its holes, ")
              << FormatBytes(bytes) << " in " << FormatSeconds(stopwatch.Seconds()) << '\n';
  }
  return Status::Ok();
}

void CheckUsage(const ConvertArgs& args) {
  if (args.metric && !EndsInKith(args.out) && !IsAnnoyFile(args.in)) {
    throw CLI::ValidationError("--metric", "only a .kith file has one; leave it out");
  }
  if (args.dim > 0 && !IsAnnoyFile(args.in)) {
    throw CLI::ValidationError("--dim", "is for Annoy's files (.ann); leave it out");
  }
  if (args.queries && !args.dataset.empty()) {
    throw CLI::ValidationError("--dataset", "is instead of --queries; leave one out");
  }
  if (!args.format.empty() && EndsInKith(args.out)) {
    throw CLI::ValidationError("--format", "a .kith file has its own; leave it out");
  }
}

}  // namespace

void AddConvertCommand(CLI::App* app, Action* action) {
  auto args = std::make_shared<ConvertArgs>();
  CLI::App* sub = app->add_subcommand("convert", "Convert vectors from one file format to another");
  sub->add_option("IN", args->in, "File of vectors, a .kith file, or an index of Annoy (.ann)")
      ->required()
      ->option_text(" ");
  sub->add_option("OUT", args->out,
                  "File to write; .kith is made for exact search only, but from .ann")
      ->required()
      ->option_text(" ");
  AddDataType(sub, &args->dtype,
              "Type to write; auto is that of IN, for .kith the smallest that is exact");
  AddFormat(sub, "--format", &args->format, "Format of OUT; follows its extension if absent");
  AddFormat(sub, "--in-format", &args->in_format, "Format of IN; found out if absent");
  AddMetric(sub, &args->metric, "For .kith, what near means; of an .ann file, its metric");
  AddCount(sub, "--dim", &args->dim, 1, "Of an .ann file, its dimension");
  sub->add_option("--keys", args->keys,
                  "Write the keys to FILE, one a line, for formats without names")
      ->type_name("FILE");
  sub->add_flag("--queries", args->queries, "Of hdf5, take \"test\" instead of \"train\"");
  AddDataset(sub, &args->dataset, "Of hdf5, take this dataset");
  AddColumns(sub, &args->columns);
  AddCount(sub, "--rows", &args->rows, 1, "Take only the first N vectors");
  sub->add_flag("--json", args->json, "Print the summary as a JSON object");
  sub->footer(
      "Example:\n"
      "  kith convert words.bin words.npy --keys words.txt\n"
      "  kith convert words.kith words.fvecs --keys words.txt\n"
      "  kith convert old.ann new.kith --metric angular --dim 100");
  sub->callback([args, action] {
    CheckUsage(*args);
    *action = [args] { return RunConvert(*args); };
  });
}

}  // namespace kith::apps::cli
