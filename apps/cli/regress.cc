// kith regress: values told by nearest neighbours, on a map or anywhere else.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "commands.h"
#include "common/json.h"
#include "common/labels.h"
#include "common/output_files.h"
#include "common/places.h"
#include "common/read_vectors.h"
#include "common/stopwatch.h"
#include "common/text.h"
#include "common/write_vectors.h"
#include "kith/geo.h"
#include "kith/predict.h"
#include "neighbour_options.h"
#include "options.h"
#include "terminal.h"

namespace kith::apps::cli {
namespace {

struct RegressArgs : NeighbourArgs {
  std::string value;    // a column
  std::string values;   // a file
  std::string columns;  // of the coordinates
  std::string geo;      // the columns of latitude and longitude
  double grid = 0;      // degrees; 0: no grid
  double blocks = 0;    // degrees; 0: random folds
  double trim = 0;
  bool median = false;
  double interval = 0;

  Averaging averaging() const { return {neighbour_weights(), trim, median, interval}; }
};

// What is to be learned from.
struct Known {
  std::unique_ptr<Index> index;
  std::vector<double> values;
  Places places;  // with --geo
};

Result<std::vector<double>> ReadValues(const std::string& path) {
  KITH_ASSIGN_OR_RETURN(const StringList lines, ReadLabels(path));
  std::vector<double> values(lines.size());
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::optional<double> value = ParseReal(lines[i]);
    if (!value || !std::isfinite(*value)) {
      return Status::InvalidArgument(StrCat(
          path, ": line ", i + 1, " is '", Printable(lines[i].substr(0, 40)),
          "', expected one finite number a line; leave out vectors whose value is not known"));
    }
    values[i] = *value;
  }
  return values;
}

// The rows of a csv file, whose last column is the value.
Status LearnTable(const RegressArgs& args, const ReadOptions& read, Known* known) {
  ReadOptions options = read;
  const std::string coordinates = args.geo.empty() ? args.columns : args.geo;
  options.columns = StrCat(coordinates, ",", args.value);
  KITH_ASSIGN_OR_RETURN(const Dataset table, LoadVectors(args.file, options));
  KITH_ASSIGN_OR_RETURN(TableColumns columns, SplitLastColumn(table.vectors));
  known->values = std::move(columns.last);
  Metric metric = ChooseMetric(args.metric, table).metric;
  if (!args.geo.empty()) {
    KITH_ASSIGN_OR_RETURN(known->places, PlacesOf(args.file, columns.rest));
    metric = Metric::kEuclidean;
    columns.rest = known->places.points;
  }
  const size_t rows = known->values.size();
  const size_t dim = columns.rest.size() / rows;
  KITH_ASSIGN_OR_RETURN(known->index, IndexOf(ViewOf(columns.rest.data(), rows, dim), table.keys,
                                              metric, args.recall, args.threads));
  return Status::Ok();
}

Result<Known> Learn(const RegressArgs& args, const ReadOptions& read) {
  Known known;
  if (!args.value.empty()) {
    KITH_RETURN_IF_ERROR(LearnTable(args, read, &known));
    return known;
  }
  KITH_ASSIGN_OR_RETURN(known.index,
                        OpenOrIndex(args.file, args.metric, read, args.recall, args.threads));
  KITH_ASSIGN_OR_RETURN(known.values, ReadValues(args.values));
  const uint64_t vectors = known.index->info().num_vectors;
  if (known.values.size() != vectors) {
    return Status::InvalidArgument(
        StrCat(args.values, " has ", Plural(known.values.size(), "value"), ", but ", args.file,
               " has ", Plural(vectors, "vector"), "; give one value for each"));
  }
  return known;
}

Result<Folds> MakeFolds(const RegressArgs& args, const Known& known, uint32_t count) {
  const auto seed = static_cast<uint64_t>(args.seed);
  if (args.blocks == 0) return RandomFolds(known.values.size(), count, seed);
  KITH_ASSIGN_OR_RETURN(const std::vector<uint64_t> blocks,
                        GlobeBlocks(known.places.latitudes, known.places.longitudes, args.blocks));
  return BlockFolds(blocks, count, seed);
}

// What near means.
std::string MetricText(const RegressArgs& args, const Index& index) {
  return args.geo.empty() ? MetricName(index.info().metric) : "kilometres";
}

const RegressionScore& Best(const std::vector<RegressionScore>& scores) {
  return *std::min_element(scores.begin(), scores.end(),
                           [](const auto& a, const auto& b) { return a.rmse < b.rmse; });
}

Result<std::vector<RegressionScore>> Score(const RegressArgs& args, const Known& known,
                                           uint32_t folds, ProgressBar* bar) {
  KITH_ASSIGN_OR_RETURN(const Folds parts, MakeFolds(args, known, folds));
  Averaging averaging = args.averaging();
  averaging.interval = 0;  // costs a sort, and scores no better
  return CrossValidateRegression(*known.index, known.values, averaging, parts, args.ks,
                                 MakeParams(args), bar->callback());
}

std::string SubjectOf(const RegressArgs& args, const Known& known) {
  return StrCat(Printable(args.file), ": ", Plural(known.values.size(), "value"));
}

std::string PartsText(const RegressArgs& args, int64_t folds) {
  return args.blocks > 0 ? StrCat(folds, " parts of blocks of ",
                                  FormatFloat(static_cast<float>(args.blocks)), "°")
                         : StrCat(folds, " parts");
}

Status RunCrossValidation(const RegressArgs& args, const Known& known, ProgressBar* bar) {
  const Stopwatch stopwatch;
  KITH_ASSIGN_OR_RETURN(const std::vector<RegressionScore> scores,
                        Score(args, known, static_cast<uint32_t>(args.folds), bar));
  bar->Clear();
  const double seconds = stopwatch.Seconds();
  if (args.json) {
    Json json;
    json["file"] = args.file;
    json["values"] = known.values.size();
    json["metric"] = MetricText(args, *known.index);
    json["folds"] = args.folds;
    if (args.blocks > 0) json["blocks"] = args.blocks;
    json["seconds"] = seconds;
    json["scores"] = Json::array();
    for (const RegressionScore& s : scores) {
      json["scores"].push_back({{"k", s.k}, {"rmse", s.rmse}, {"mae", s.mae}, {"r2", s.r2}});
    }
    json["best_k"] = Best(scores).k;
    std::cout << ToLine(json);
    return Status::Ok();
  }
  std::cout << SubjectOf(args, known) << ", each told by the others in "
            << PartsText(args, args.folds) << ", " << MetricText(args, *known.index) << ", "
            << SearchText(args) << ", " << FormatSeconds(seconds) << '\n';
  Table table;
  for (const char* name : {"k", "rmse", "mae", "r2"}) table.AddColumn(name, Table::Align::kRight);
  for (const RegressionScore& s : scores) {
    table.AddRow({FormatCount(s.k), FormatShort(s.rmse), FormatShort(s.mae), FormatFixed(s.r2, 4)});
  }
  table.Print(std::cout, "  ");
  if (scores.size() > 1) std::cout << "  best: -k " << Best(scores).k << '\n';
  return Status::Ok();
}

// Distances as people have them: in km on a map.
std::vector<float> UserDistances(const RegressArgs& args, const std::vector<float>& nearest) {
  if (args.geo.empty()) return nearest;
  std::vector<float> km(nearest.size());
  std::transform(nearest.begin(), nearest.end(), km.begin(),
                 [](float chord) { return static_cast<float>(ChordToKm(chord)); });
  return km;
}

std::string Tsv(const RegressArgs& args, const Regression& told, const Places& places) {
  const bool geo = !args.geo.empty();
  const std::vector<float> nearest = UserDistances(args, told.nearest);
  std::string text = geo ? "lat\tlon\tvalue" : "query\tvalue";
  if (args.interval > 0) text += "\tlow\thigh";
  text += geo ? "\tnearest_km\n" : "\tnearest\n";
  const auto number = [](double x) { return FormatFloat(static_cast<float>(x)); };
  for (size_t q = 0; q < told.values.size(); ++q) {
    text += geo ? StrCat(number(places.latitudes[q]), "\t", number(places.longitudes[q]))
                : std::to_string(q);
    text += StrCat("\t", number(told.values[q]));
    if (args.interval > 0) text += StrCat("\t", number(told.low[q]), "\t", number(told.high[q]));
    text += StrCat("\t", FormatFloat(nearest[q]), "\n");
  }
  return text;
}

// An object for each query.
void PrintJsonLines(const RegressArgs& args, const Regression& told, const Places& places,
                    std::ostream& out) {
  const bool geo = !args.geo.empty();
  const std::vector<float> nearest = UserDistances(args, told.nearest);
  for (size_t q = 0; q < told.values.size(); ++q) {
    Json line;
    if (geo) {
      line["lat"] = places.latitudes[q];
      line["lon"] = places.longitudes[q];
    } else {
      line["query"] = q;
    }
    line["value"] = told.values[q];
    if (args.interval > 0) {
      line["low"] = told.low[q];
      line["high"] = told.high[q];
    }
    line[geo ? "nearest_km" : "nearest"] = JsonFloat(nearest[q]);
    out << ToLine(line);
  }
}

// A file of an array, [rows, columns].
Status WriteArray(const std::string& path, std::span<const float> values, size_t rows) {
  return WriteDataset(path, "npy", ViewOf(values.data(), rows, values.size() / rows), {});
}

// The file of an array beside that of the values, whose name says what it is.
std::string ArrayPath(const RegressArgs& args, const char* what) {
  return std::filesystem::path(args.out).replace_extension(StrCat(".", what, ".npy")).string();
}

const char* NameOfNearest(const RegressArgs& args) {
  return args.geo.empty() ? "nearest" : "nearest_km";
}

bool WritesArrays(const RegressArgs& args) { return args.out.ends_with(".npy"); }

// All files that are written.
std::vector<std::string> OutputsOf(const RegressArgs& args) {
  std::vector<std::string> outputs{args.out};
  if (!WritesArrays(args)) return outputs;
  for (const char* what : {"low", "high"}) {
    if (args.interval > 0) outputs.push_back(ArrayPath(args, what));
  }
  outputs.push_back(ArrayPath(args, NameOfNearest(args)));
  return outputs;
}

// Values to --output, and what else there is beside it.
Status WriteArrays(const RegressArgs& args, const Regression& told, size_t rows) {
  const auto write = [&](const char* what, const std::vector<float>& values) {
    return WriteArray(ArrayPath(args, what), values, rows);
  };
  const auto floats = [](const std::vector<double>& values) {
    return std::vector<float>(values.begin(), values.end());
  };
  KITH_RETURN_IF_ERROR(WriteArray(args.out, floats(told.values), rows));
  if (args.interval > 0) {
    KITH_RETURN_IF_ERROR(write("low", floats(told.low)));
    KITH_RETURN_IF_ERROR(write("high", floats(told.high)));
  }
  return write(NameOfNearest(args), UserDistances(args, told.nearest));
}

// What values are wanted of.
struct Wanted {
  Dataset dataset;     // of a file that is not geographic
  Places places;       // of one that is, or of a grid
  MatrixView vectors;  // either way
  size_t rows = 0;     // of an array: those of a grid, else 1
};

Status LoadWanted(const RegressArgs& args, ReadOptions read, const Known& known, Wanted* wanted) {
  if (args.grid > 0) {
    KITH_ASSIGN_OR_RETURN(wanted->places, GridPlaces(args.grid, &wanted->rows));
  } else {
    read.columns = args.geo.empty() ? args.columns : args.geo;
    KITH_ASSIGN_OR_RETURN(wanted->dataset, LoadQueries(args.queries, read));
    wanted->rows = wanted->dataset.vectors.rows;
    wanted->vectors = wanted->dataset.vectors;
    if (args.geo.empty()) {
      return CheckSameDim(args.queries, wanted->vectors.dim, args.file, known.index->info().dim);
    }
    KITH_ASSIGN_OR_RETURN(const std::vector<float> degrees, FloatsOf(wanted->vectors));
    KITH_ASSIGN_OR_RETURN(wanted->places, PlacesOf(args.queries, degrees));
  }
  wanted->vectors = ViewOf(wanted->places.points.data(), wanted->places.latitudes.size(), 3);
  return Status::Ok();
}

Status RunQueries(const RegressArgs& args, const ReadOptions& read, const Known& known,
                  ProgressBar* bar) {
  constexpr uint32_t kFoldsToChoose = 10;
  Wanted wanted;
  KITH_RETURN_IF_ERROR(LoadWanted(args, read, known, &wanted));
  size_t k = args.ks[0];
  std::string chosen;
  if (args.ks.size() > 1) {
    if (known.values.size() < kFoldsToChoose) {
      return Status::InvalidArgument(
          StrCat(args.file, " has only ", Plural(known.values.size(), "row"),
                 ", too few to choose the best of several -k with ", kFoldsToChoose,
                 " parts of them; "
                 "give one -k"));
    }
    KITH_ASSIGN_OR_RETURN(const std::vector<RegressionScore> scores,
                          Score(args, known, kFoldsToChoose, bar));
    k = Best(scores).k;
    chosen = StrCat(" (the best of those asked for in ", PartsText(args, kFoldsToChoose), ": rmse ",
                    FormatShort(Best(scores).rmse), ")");
  }
  const Stopwatch stopwatch;
  KITH_ASSIGN_OR_RETURN(const std::vector<Regression> told,
                        Regress(*known.index, wanted.vectors, known.values, args.averaging(),
                                std::span(&k, 1), MakeParams(args), bar->callback()));
  bar->Clear();
  WarnOfDrift(args, *known.index, told[0].drifted);
  const double seconds = stopwatch.Seconds();
  const size_t count = wanted.vectors.rows;
  if (args.out.empty()) {
    if (args.json) {
      PrintJsonLines(args, told[0], wanted.places, std::cout);
    } else {
      std::cout << Tsv(args, told[0], wanted.places);
    }
    return Status::Ok();
  }
  if (WritesArrays(args)) {
    KITH_RETURN_IF_ERROR(WriteArrays(args, told[0], wanted.rows));
  } else {
    KITH_RETURN_IF_ERROR(WriteText(args.out, Tsv(args, told[0], wanted.places)));
  }
  if (args.json) {
    Json json;
    json["file"] = args.out;
    json["queries"] = count;
    json["k"] = k;
    json["seconds"] = seconds;
    std::cout << ToLine(json);
    return Status::Ok();
  }
  std::cout << Printable(args.out) << ": " << Plural(count, "value") << " told of "
            << Plural(known.values.size(), "value") << ", k = " << k << chosen << ", "
            << MetricText(args, *known.index) << ", " << SearchText(args) << ", "
            << FormatSeconds(seconds) << " (" << FormatShort(static_cast<double>(count) / seconds)
            << " a second)\n";
  return Status::Ok();
}

Status RunRegress(const RegressArgs& args) {
  KITH_RETURN_IF_ERROR(CheckOutputs({args.file, args.queries, args.values}, OutputsOf(args)));
  ProgressBar bar;
  ReadOptions read;
  read.progress = bar.callback();
  KITH_ASSIGN_OR_RETURN(const Known known, Learn(args, read));
  if (args.folds > 0) return RunCrossValidation(args, known, &bar);
  return RunQueries(args, read, known, &bar);
}

void CheckRegressUsage(const RegressArgs& args) {
  CheckDriftUsage(args);
  const int asked =
      (args.folds > 0 ? 1 : 0) + (args.queries.empty() ? 0 : 1) + (args.grid > 0 ? 1 : 0);
  if (asked != 1) {
    throw CLI::ValidationError("--queries, --grid or --cross-validate",
                               asked == 0 ? "has to be given" : "exclude each other; choose one");
  }
  if (args.value.empty() == args.values.empty()) {
    throw CLI::ValidationError("--value or --values",
                               args.value.empty() ? "has to say what is to be told: a column of "
                                                    "FILE, or a file of numbers"
                                                  : "exclude each other; choose one");
  }
  if (!args.values.empty() && !args.geo.empty()) {
    throw CLI::ValidationError("--geo", "takes columns of a csv file; use it with --value");
  }
  if (args.value.empty() != args.columns.empty() && args.geo.empty()) {
    throw CLI::ValidationError("--columns", "or --geo says where the rows of --value lie");
  }
  if (!args.geo.empty() && !args.columns.empty()) {
    throw CLI::ValidationError("--columns", "and --geo both say where rows lie; choose one");
  }
  if (!args.geo.empty() && args.metric) {
    throw CLI::ValidationError("--metric", "is that of the globe with --geo; leave it out");
  }
  if (!args.geo.empty() && std::count(args.geo.begin(), args.geo.end(), ',') != 1) {
    throw CLI::ValidationError("--geo", "takes two columns, of latitude and longitude, as lat,lon");
  }
  if (args.geo.empty() && args.grid > 0) {
    throw CLI::ValidationError("--grid", "needs --geo");
  }
  if (args.geo.empty() && args.blocks > 0) {
    throw CLI::ValidationError("--blocks", "needs --geo");
  }
  if (args.folds > 0 && !args.out.empty()) {
    throw CLI::ValidationError("--output", "is for --queries and --grid; leave it out");
  }
}

CLI::Option* AddShare(CLI::App* app, const std::string& name, double* share,
                      const std::string& description) {
  const auto check = [](const std::string& text) {
    const std::optional<double> x = ParseReal(text);
    return x && *x > 0 && *x < 1 ? std::string()
                                 : StrCat("'", text, "' is not a share between 0 and 1, as 0.1");
  };
  return app->add_option(name, *share, description)
      ->check(CLI::Validator(check, ""))
      ->type_name("SHARE");
}

CLI::Option* AddDegrees(CLI::App* app, const std::string& name, double* degrees,
                        const std::string& description) {
  const auto check = [](const std::string& text) {
    const std::optional<double> x = ParseReal(text);
    return x && *x >= 0.01 && *x <= 90
               ? std::string()
               : StrCat("'", text, "' is no number of degrees from 0.01 to 90");
  };
  return app->add_option(name, *degrees, description)
      ->check(CLI::Validator(check, ""))
      ->type_name("DEGREES");
}

}  // namespace

void AddRegressCommand(CLI::App* app, Action* action) {
  auto args = std::make_shared<RegressArgs>();
  CLI::App* sub = app->add_subcommand("regress", "Tell values by nearest neighbours");
  AddNeighbourOptions(sub, args.get(), "10");
  sub->add_option("--value", args->value, "Column of a csv FILE that is to be told")
      ->type_name("NAME");
  sub->add_option("--values", args->values, "Or a file of the values of FILE's vectors, one a line")
      ->type_name("FILE");
  sub->add_option("--columns", args->columns, "Columns that say where a row lies, as x,y")
      ->type_name("LIST");
  sub->add_option("--geo", args->geo,
                  "Columns of latitude and longitude in degrees, as lat,lon: near is on the globe, "
                  "and distances are in km")
      ->type_name("LAT,LON");
  AddDegrees(sub, "--grid", &args->grid, "Tell it of a grid over the globe, so far apart");
  AddDegrees(sub, "--blocks", &args->blocks,
             "Leave out blocks of the globe of so many degrees, for near places resemble each "
             "other");
  AddShare(sub, "--trim", &args->trim, "Leave out the highest values, this share of them");
  sub->add_flag("--median", args->median, "The median instead of the mean");
  AddShare(sub, "--interval", &args->interval,
           "Also between what values this share of the neighbours lies");
  sub->footer(
      "Example:\n"
      "  kith regress pings.csv --geo dst_lat,dst_lon --value avg_ms -k 50 --trim 0.1 --grid 0.25 "
      "-o map.npy\n"
      "  kith regress stations.csv --geo latitude,longitude --value elevation -k 1-30 "
      "--cross-validate 10 --blocks 5");
  sub->callback([args, action] {
    CheckRegressUsage(*args);
    CheckTsvName(args->out, {".npy"});
    *action = [args] { return RunRegress(*args); };
  });
}

}  // namespace kith::apps::cli
