// kith reduce: fewer dimensions, and what that costs.
#include "kith/reduce.h"

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
#include "gnuplot.h"
#include "kith/dataset.h"
#include "options.h"
#include "reduce_plot.h"
#include "terminal.h"

namespace kith::apps::cli {
namespace {

constexpr size_t kSampledQueries = 1000;

struct ReduceArgs {
  std::string file;
  std::string out;
  std::string format;
  std::string keys;
  std::string save;
  std::string model;
  std::string method = "pca";
  std::optional<Metric> metric;
  int64_t dim = 0;
  double keep_variance = 0;
  double keep_recall = 0;
  bool reranked = false;
  bool whiten = false;
  bool table = false;
  std::string queries;
  int64_t k = 10;
  int64_t rerank = 100;
  std::vector<std::string> plots;
  uint64_t seed = 42;
  int64_t rows = 0;
  std::string dataset;
  ColumnArgs columns;
  int threads = 0;
  bool json = false;

  bool measures() const { return table || keep_recall > 0 || !plots.empty(); }
};

// What a run has to tell.
struct Told {
  std::optional<Reducer> reducer;
  std::vector<ReducePoint> points;
  std::optional<KeptRecall> kept;
  size_t measured_queries = 0;
  double fit_seconds = 0;
};

ReduceRecallOptions MeasureOptions(const ReduceArgs& args, const Progress& progress) {
  ReduceRecallOptions options;
  options.k = static_cast<size_t>(args.k);
  options.rerank = static_cast<size_t>(args.rerank);
  options.threads = args.threads;
  options.progress = progress;
  return options;
}

// Measures what the arguments ask for, with the queries given or with some of the vectors.
Status Measure(const ReduceArgs& args, const Dataset& dataset, const Progress& progress,
               Told* told) {
  Dataset given;
  SampledQueries sampled;
  MatrixView queries;
  if (args.queries.empty()) {
    KITH_ASSIGN_OR_RETURN(sampled, SampleQueries(dataset.vectors, kSampledQueries, args.seed));
    queries = ViewOf(sampled.values.data(), sampled.rows.size(), dataset.vectors.dim);
  } else {
    ReadOptions read;
    read.progress = progress;
    KITH_ASSIGN_OR_RETURN(given, LoadQueries(args.queries, read));
    queries = given.vectors;
    KITH_RETURN_IF_ERROR(CheckSameDim(args.queries, queries.dim, args.file, dataset.vectors.dim));
  }
  told->measured_queries = queries.rows;
  const ReduceRecallOptions measure = MeasureOptions(args, progress);
  if (args.keep_recall > 0) {
    KeepRecallOptions keep;
    keep.recall = args.keep_recall;
    keep.reranked = args.reranked;
    keep.measure = measure;
    KITH_ASSIGN_OR_RETURN(told->kept,
                          KeepRecall(*told->reducer, dataset.vectors, queries, sampled.rows, keep));
    told->points = told->kept->measured;
    KITH_ASSIGN_OR_RETURN(told->reducer, told->reducer->Prefix(told->kept->dim));
    return Status::Ok();
  }
  KITH_ASSIGN_OR_RETURN(told->points, MeasureReduction(*told->reducer, dataset.vectors, queries,
                                                       sampled.rows, measure));
  return Status::Ok();
}

Status FitReducer(const ReduceArgs& args, const Dataset& dataset, const Progress& progress,
                  Told* told) {
  const Stopwatch stopwatch;
  if (!args.model.empty()) {
    KITH_ASSIGN_OR_RETURN(told->reducer, Reducer::Open(args.model));
    return CheckSameDim(args.file, dataset.vectors.dim, args.model, told->reducer->source_dim());
  }
  ReduceOptions options;
  options.method = *ParseReduceMethod(args.method);
  options.dim = static_cast<size_t>(args.dim);
  options.keep_variance = args.keep_variance;
  options.metric = args.metric.value_or(OwnMetric(dataset).value_or(Metric::kEuclidean));
  options.whiten = args.whiten;
  options.seed = args.seed;
  options.threads = args.threads;
  options.progress = progress;
  auto fitted = Reducer::Fit(dataset.vectors, options);
  if (!fitted.ok()) {
    return Status(fitted.status().code(), StrCat(args.file, ": ", fitted.status().message()));
  }
  told->reducer = std::move(fitted).value();
  told->fit_seconds = stopwatch.Seconds();
  return Status::Ok();
}

Status WriteReduced(const ReduceArgs& args, const Dataset& dataset, const Reducer& reducer,
                    const Progress& progress) {
  KITH_ASSIGN_OR_RETURN(const bool takes_keys, TakesKeys(args.out, args.format));
  if (!args.keys.empty()) {
    if (dataset.keys.empty()) {
      return Status::InvalidArgument(StrCat(args.file, " has no keys; leave --keys out"));
    }
    KITH_RETURN_IF_ERROR(WriteKeys(args.keys, dataset.keys));
  }
  const MatrixView& vectors = dataset.vectors;
  return WriteDatasetInBlocks(
      args.out, args.format, vectors.rows, reducer.dim(), takes_keys ? dataset.keys : StringList(),
      [&](size_t begin, size_t end, float* out) {
        const Status status =
            reducer.TransformRows(vectors, begin, end, out, args.threads, progress);
        return status.ok() ? status
                           : Status(status.code(), StrCat(args.file, ": ", status.message()));
      });
}

std::string PercentText(double share) {
  return share < 0 ? "-" : StrCat(FormatFixed(100 * share, 1), " %");
}

void PrintTable(const ReduceArgs& args, const Told& told) {
  Table table;
  table.AddColumn("dimensions", Table::Align::kRight);
  table.AddColumn("variance", Table::Align::kRight);
  table.AddColumn(StrCat("recall@", args.k), Table::Align::kRight);
  table.AddColumn(StrCat("of ", args.rerank, " re-ranked"), Table::Align::kRight);
  for (const ReducePoint& p : told.points) {
    table.AddRow({FormatCount(p.dim), PercentText(p.variance), FormatFixed(p.recall, 4),
                  FormatFixed(p.reranked, 4)});
  }
  table.Print(std::cout, "  ");
  if (!told.kept) {
    std::cout << "  by " << Plural(told.measured_queries, "query") << " and exact search\n";
    return;
  }
  const ReducePoint& point = told.kept->point;
  std::cout << "  " << Plural(point.dim, "dimension") << " kept; by "
            << Plural(told.kept->queries, "query") << " that did not choose: recall@" << args.k
            << ' ' << FormatFixed(point.recall, 4) << ", re-ranked "
            << FormatFixed(point.reranked, 4) << '\n';
}

void PrintText(const ReduceArgs& args, const Dataset& dataset, const Told& told, double seconds) {
  const Reducer& reducer = *told.reducer;
  const MatrixView& vectors = dataset.vectors;
  const double variance = reducer.KeptVariance(reducer.dim());
  std::cout << Printable(args.file) << ": " << Plural(vectors.rows, "vector") << " of "
            << Plural(vectors.dim, "dimension") << " to " << reducer.dim() << " by "
            << ReduceMethodName(reducer.method()) << (reducer.whitened() ? ", whitened" : "");
  if (variance >= 0) std::cout << ", " << PercentText(variance) << " of the variance";
  std::cout << "\n  metric  " << MetricName(reducer.metric())
            << (reducer.centred() ? ", the mean is taken away" : "");
  if (args.model.empty() && !args.metric) std::cout << "; --metric chooses another";
  std::cout << '\n';
  if (!args.out.empty()) {
    std::error_code error;
    std::cout << "  file    " << Printable(args.out) << ", "
              << FormatBytes(std::filesystem::file_size(args.out, error));
    if (!dataset.keys.empty() && args.keys.empty() && !*TakesKeys(args.out, args.format)) {
      std::cout << ", without the keys; --keys FILE writes them";
    }
    std::cout << '\n';
  }
  if (!args.save.empty()) std::cout << "  model   " << Printable(args.save) << '\n';
  std::cout << "  time    " << FormatSeconds(seconds) << '\n';
  if (!told.points.empty()) PrintTable(args, told);
}

Json PointJson(const ReducePoint& point) {
  Json json;
  json["dim"] = point.dim;
  json["variance"] = JsonKnown(point.variance);
  json["recall"] = point.recall;
  json["reranked"] = point.reranked;
  return json;
}

void PrintJson(const ReduceArgs& args, const Dataset& dataset, const Told& told, double seconds) {
  const Reducer& reducer = *told.reducer;
  Json json;
  json["file"] = args.file;
  json["vectors"] = dataset.vectors.rows;
  json["source_dim"] = reducer.source_dim();
  json["dim"] = reducer.dim();
  json["method"] = ReduceMethodName(reducer.method());
  json["metric"] = MetricName(reducer.metric());
  json["whitened"] = reducer.whitened();
  json["variance"] = JsonKnown(reducer.KeptVariance(reducer.dim()));
  json["total_variance"] = reducer.total_variance();
  json["variances"] = reducer.variances();
  if (!args.out.empty()) json["out"] = args.out;
  if (!args.save.empty()) json["model"] = args.save;
  if (!told.points.empty()) {
    json["k"] = args.k;
    json["rerank"] = args.rerank;
    json["queries"] = told.measured_queries;
    for (const ReducePoint& point : told.points) json["table"].push_back(PointJson(point));
  }
  if (told.kept) {
    json["kept"] = PointJson(told.kept->point);
    json["kept"]["queries"] = told.kept->queries;
  }
  json["fit_seconds"] = told.fit_seconds;
  json["seconds"] = seconds;
  std::cout << ToLine(json);
}

Status DrawPlots(const ReduceArgs& args, const Dataset& dataset, const Told& told, Plots* plots) {
  PlotText text;
  text.title =
      StrCat("What fewer dimensions keep of ", args.file.substr(args.file.find_last_of('/') + 1));
  text.subtitle =
      StrCat(FormatCount(dataset.vectors.rows), " × ", dataset.vectors.dim, ", ",
             ReduceMethodName(told.reducer->method()), ", ", MetricName(told.reducer->metric()),
             "; ", Plural(told.measured_queries, "query"), " and exact search");
  return plots->Draw(ReducePlotHeight(), [&](const std::string& terminal) {
    return ReducePlotScript(terminal, text, told.points, static_cast<size_t>(args.k),
                            static_cast<size_t>(args.rerank));
  });
}

Status RunReduce(const ReduceArgs& args) {
  const Stopwatch stopwatch;
  std::vector<std::string> outputs = args.plots;
  outputs.insert(outputs.end(), {args.out, args.save, args.keys});
  KITH_RETURN_IF_ERROR(CheckOutputs({args.file, args.model, args.queries}, outputs));
  KITH_ASSIGN_OR_RETURN(Plots plots, Plots::Open(args.plots));
  ProgressBar bar;
  ReadOptions read;
  read.max_rows = static_cast<uint64_t>(args.rows);
  read.dataset = args.dataset;
  read.columns = args.columns.columns;
  read.key_column = args.columns.key_column;
  read.progress = bar.callback();
  KITH_ASSIGN_OR_RETURN(const Dataset dataset, LoadVectors(args.file, read));
  Told told;
  KITH_RETURN_IF_ERROR(FitReducer(args, dataset, bar.callback(), &told));
  if (args.measures()) KITH_RETURN_IF_ERROR(Measure(args, dataset, bar.callback(), &told));
  if (!args.out.empty()) {
    KITH_RETURN_IF_ERROR(WriteReduced(args, dataset, *told.reducer, bar.callback()));
  }
  if (!args.save.empty()) KITH_RETURN_IF_ERROR(told.reducer->Save(args.save));
  if (!plots.empty()) KITH_RETURN_IF_ERROR(DrawPlots(args, dataset, told, &plots));
  bar.Clear();
  if (args.json) {
    PrintJson(args, dataset, told, stopwatch.Seconds());
  } else {
    PrintText(args, dataset, told, stopwatch.Seconds());
  }
  return Status::Ok();
}

void CheckUsage(ReduceArgs* args) {
  const int kept =
      (args->dim > 0 ? 1 : 0) + (args->keep_variance > 0 ? 1 : 0) + (args->keep_recall > 0 ? 1 : 0);
  if (kept > 1) {
    throw CLI::ValidationError("--dim, --keep-variance and --keep-recall",
                               "exclude each other; choose one");
  }
  if (!args->model.empty()) {
    if (kept > 0 || args->whiten || args->metric || args->method != "pca") {
      throw CLI::ValidationError("--model",
                                 "says how to reduce; leave the options of a new reduction out");
    }
    if (args->out.empty() && !args->measures()) {
      throw CLI::ValidationError("--output", "has to say where the reduced vectors go");
    }
  }
  // Nothing to write: then the trade-off is what is asked for.
  if (args->out.empty() && args->save.empty()) args->table = true;
  if (args->reranked && !(args->keep_recall > 0)) {
    throw CLI::ValidationError("--reranked", "is for --keep-recall; leave it out");
  }
  if (!args->measures() && !args->queries.empty()) {
    throw CLI::ValidationError("--queries", "measures recall; give --table or --keep-recall");
  }
  if (!args->keys.empty() && args->out.empty()) {
    throw CLI::ValidationError("--keys", "goes with --output; leave it out");
  }
  if (args->rerank < args->k) {
    throw CLI::ValidationError("--rerank", StrCat("must be at least k, which is ", args->k));
  }
  if (std::filesystem::path(args->out).extension() == ".kith") {
    throw CLI::ValidationError(
        "--output", "writes vectors, as .npy or .fvecs; 'kith build' makes a .kith file of them");
  }
}

CLI::Option* AddPart(CLI::App* app, const std::string& name, double* share,
                     const std::string& description) {
  const auto check = [](const std::string& text) {
    const std::optional<double> x = ParseReal(text);
    return x && *x > 0 && *x <= 1
               ? std::string()
               : StrCat("'", text, "' is not a share above 0 and up to 1, as 0.95");
  };
  return app->add_option(name, *share, description)
      ->check(CLI::Validator(check, ""))
      ->type_name("SHARE");
}

void AddMeasureOptions(CLI::App* sub, ReduceArgs* args) {
  sub->add_flag("--table", args->table,
                "Print variance and recall by dimension, also where files are written");
  sub->add_option("--queries", args->queries,
                  "Queries to measure recall with; without, 1,000 of the vectors")
      ->type_name("FILE");
  AddCount(sub, "-k", &args->k, 1, "Neighbours whose recall is measured")->capture_default_str();
  AddCount(sub, "--rerank", &args->rerank, 1,
           "The nearest reduced vectors that are compared again by their originals")
      ->capture_default_str();
  sub->add_option("--plot", args->plots, "Draw the table, as .svg or .png; takes gnuplot")
      ->type_name("FILE");
}

}  // namespace

void AddReduceCommand(CLI::App* app, Action* action) {
  auto args = std::make_shared<ReduceArgs>();
  CLI::App* sub =
      app->add_subcommand("reduce", "Reduce vectors to fewer dimensions, and tell what that costs");
  sub->add_option("FILE", args->file, "File of vectors, or a .kith file")
      ->required()
      ->option_text(" ");
  AddCount(sub, "--dim", &args->dim, 1, "Keep N dimensions");
  AddPart(sub, "--keep-variance", &args->keep_variance,
          "Keep the fewest dimensions with this share of the variance");
  AddPart(sub, "--keep-recall", &args->keep_recall,
          "Keep the fewest dimensions with which this share of the true neighbours is found");
  sub->add_flag("--reranked", args->reranked, "Which --keep-recall may reach with re-ranking");
  sub->add_option("--method", args->method,
                  "pca, gaussian or sparse (random projections), truncate (the first ones)")
      ->check(CLI::Validator(
          [](const std::string& name) {
            return ParseReduceMethod(name) ? std::string()
                                           : StrCat("'", name,
                                                    "' is no method; choose pca, gaussian, sparse "
                                                    "or truncate");
          },
          ""))
      ->capture_default_str()
      ->type_name("NAME");
  AddMetric(sub, &args->metric,
            "By what neighbours are told: the one that FILE names, else euclidean; angular and dot "
            "keep the mean");
  sub->add_flag("--whiten", args->whiten, "Give all principal components the same variance");
  sub->add_option("-o,--output", args->out, "Write the reduced vectors, as .npy, .fvecs, .csv ...")
      ->type_name("FILE");
  AddFormat(sub, "--format", &args->format, "Format of them; follows the extension if absent");
  sub->add_option("--keys", args->keys, "Write the keys of FILE, one a line")->type_name("FILE");
  sub->add_option("--save", args->save, "Write the model, for --model (.kith)")->type_name("FILE");
  sub->add_option("--model", args->model, "Reduce as this model does, which --save wrote")
      ->type_name("FILE");
  AddMeasureOptions(sub, args.get());
  sub->add_option("--seed", args->seed, "Seed of random numbers")->capture_default_str();
  AddCount(sub, "--rows", &args->rows, 1, "Take only the first N vectors");
  AddDataset(sub, &args->dataset, "Of hdf5, take this dataset");
  AddColumns(sub, &args->columns);
  AddThreads(sub, &args->threads, "Threads; 0 is one for each core");
  sub->add_flag("--json", args->json, "Print a JSON object");
  sub->footer(
      "Example:\n"
      "  kith reduce base.npy --plot tradeoff.png\n"
      "  kith reduce base.npy --keep-recall 0.9 -o base64.npy --save model.kith\n"
      "  kith reduce queries.npy --model model.kith -o queries64.npy");
  sub->callback([args, action] {
    CheckUsage(args.get());
    *action = [args] { return RunReduce(*args); };
  });
}

}  // namespace kith::apps::cli
