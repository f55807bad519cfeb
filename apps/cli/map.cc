// kith map: a picture of all vectors in two dimensions.
#include "kith/map.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
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
#include "gnuplot.h"
#include "map_plot.h"
#include "options.h"
#include "terminal.h"

namespace kith::apps::cli {
namespace {

constexpr size_t kMostColours = 100;  // keys that are fewer names than these are labels
constexpr int64_t kMostNegatives = 1000;

struct MapArgs {
  std::string file;
  std::string dataset;
  ColumnArgs columns;
  std::optional<Metric> metric;
  std::string out;
  std::vector<std::string> plots;
  std::string labels;
  std::string weights;
  std::string title;
  int64_t names = 60;
  bool store = false;
  bool stored = false;
  bool measure = true;
  int64_t k = 15;
  double recall = 0.95;
  bool exact = false;
  int64_t epochs = 0;
  double min_dist = 0.1;
  double spread = 1;
  int64_t negatives = 5;
  uint64_t seed = 42;
  int threads = 0;
  bool json = false;
};

// What is known of the rows beside their vectors.
struct Known {
  StringList keys;    // names of single rows; or none
  StringList labels;  // or none
};

// Keys that many rows share are labels.
bool AreLabels(const StringList& keys) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < keys.size() && names.size() <= kMostColours; ++i) names.insert(keys[i]);
  return names.size() <= kMostColours && 4 * names.size() <= keys.size();
}

Status CheckOneEach(const std::string& path, size_t count, const char* what, const MapArgs& args,
                    const Index& index) {
  const uint64_t rows = index.info().num_vectors;
  if (count == rows) return Status::Ok();
  return Status::InvalidArgument(StrCat(path, " has ", Plural(count, what), ", but ", args.file,
                                        " has ", Plural(rows, "vector")));
}

Result<Known> KnownOf(const MapArgs& args, const Index& index) {
  Known known;
  known.keys = KeysOf(index);
  if (!args.labels.empty()) {
    KITH_ASSIGN_OR_RETURN(known.labels, ReadLabels(args.labels));
    KITH_RETURN_IF_ERROR(CheckOneEach(args.labels, known.labels.size(), "label", args, index));
  } else if (!known.keys.empty() && AreLabels(known.keys)) {
    known.labels = std::move(known.keys);
    known.keys = StringList();
  }
  return known;
}

// Rows, the most important first: by --weights, else in their order.
Result<std::vector<uint64_t>> ByImportance(const MapArgs& args, const Index& index) {
  std::vector<uint64_t> order(index.info().num_vectors);
  std::iota(order.begin(), order.end(), uint64_t{0});
  if (args.weights.empty()) return order;
  KITH_ASSIGN_OR_RETURN(const StringList lines, ReadLabels(args.weights));
  KITH_RETURN_IF_ERROR(CheckOneEach(args.weights, lines.size(), "number", args, index));
  std::vector<double> weights(lines.size());
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::optional<double> weight = ParseReal(lines[i]);
    if (!weight) {
      return Status::InvalidArgument(StrCat(args.weights, " line ", i + 1, ": '",
                                            Printable(std::string(lines[i])), "' is no number"));
    }
    weights[i] = *weight;
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](uint64_t a, uint64_t b) { return weights[a] > weights[b]; });
  return order;
}

Result<Map> MapOf(const MapArgs& args, const Index& index, const Progress& progress) {
  if (args.stored) {
    KITH_ASSIGN_OR_RETURN(std::optional<Map> map, StoredMap(index));
    if (map) return *std::move(map);
    return Status::NotFound(
        StrCat(args.file, " has no map; make one with: kith map ", args.file, " --store"));
  }
  MapOptions options;
  options.k = static_cast<size_t>(args.k);
  options.min_dist = static_cast<float>(args.min_dist);
  options.spread = static_cast<float>(args.spread);
  options.epochs = static_cast<uint32_t>(args.epochs);
  options.negatives = static_cast<uint32_t>(args.negatives);
  options.recall = args.exact ? 1 : args.recall;
  options.seed = args.seed;
  options.threads = args.threads;
  options.progress = progress;
  KITH_ASSIGN_OR_RETURN(Map map, MakeMap(index, options));
  if (args.measure && index.info().num_vectors >= 4) {
    MapQualityOptions measure;
    measure.threads = args.threads;
    measure.progress = progress;
    KITH_ASSIGN_OR_RETURN(const MapQuality quality, MeasureMap(index, map.points, measure));
    map.quality_k = static_cast<uint32_t>(quality.k);
    map.trustworthiness = quality.trustworthiness;
    map.preservation = quality.preservation;
  }
  return map;
}

Status WriteTable(const MapArgs& args, const Index& index, const Known& known, const Map& map) {
  std::string text = known.keys.empty() ? "id\tx\ty" : "id\tkey\tx\ty";
  text += known.labels.empty() ? "\n" : "\tlabel\n";
  for (uint64_t row = 0; row < index.info().num_vectors; ++row) {
    text += StrCat(index.Id(row), "\t");
    if (!known.keys.empty()) text += StrCat(Escaped(known.keys[row]), "\t");
    text += StrCat(FormatFloat(map.points[2 * row]), "\t", FormatFloat(map.points[2 * row + 1]));
    if (!known.labels.empty()) text += StrCat("\t", Escaped(known.labels[row]));
    text += '\n';
  }
  return WriteText(args.out, text);
}

std::string QualityText(const Map& map) {
  if (map.quality_k == 0) return {};
  return StrCat("trustworthiness ", FormatFixed(map.trustworthiness, 3), ", neighbours kept ",
                FormatFixed(100 * map.preservation, 0), " % (of the ", map.quality_k, " nearest)");
}

Status DrawPlots(const MapArgs& args, const Index& index, const Known& known, const Map& map,
                 Plots* plots) {
  MapPicture picture;
  picture.text.title = args.title.empty() ? args.file : args.title;
  picture.text.subtitle = StrCat(Plural(index.info().num_vectors, "vector"), " of ",
                                 Plural(index.info().dim, "dimension"));
  if (map.quality_k > 0) picture.text.subtitle += StrCat(": ", QualityText(map));
  picture.points = map.points;
  if (!known.labels.empty()) {
    const LabelNames names(known.labels);
    picture.labels = names.Numbers(known.labels);
    for (uint32_t i = 0; i < names.size(); ++i) picture.label_names.push_back(Drawable(names[i]));
  }
  if (!known.keys.empty() && args.names > 0) {
    KITH_ASSIGN_OR_RETURN(picture.named, ByImportance(args, index));
    picture.most_names = static_cast<size_t>(args.names);
    // Where these find no room, neither do others.
    picture.named.resize(std::min(picture.named.size(), 20 * picture.most_names));
    for (const uint64_t row : picture.named) {
      picture.names.push_back(Drawable(std::string(known.keys[row])));
    }
  }
  return plots->Draw(MapPlotHeight(picture),
                     [&](const std::string& terminal) { return MapPlotScript(terminal, picture); });
}

void PrintJson(const MapArgs& args, const Index& index, const Map& map, double seconds) {
  Json json;
  json["file"] = args.file;
  json["vectors"] = index.info().num_vectors;
  json["metric"] = MetricName(index.info().metric);
  json["k"] = map.k;
  json["epochs"] = map.epochs;
  json["min_dist"] = FormatFloat(map.min_dist);
  json["seed"] = map.seed;
  json["trustworthiness"] = map.quality_k == 0 ? Json(nullptr) : Json(map.trustworthiness);
  json["preservation"] = map.quality_k == 0 ? Json(nullptr) : Json(map.preservation);
  json["stored"] = args.store;
  json["seconds"] = seconds;
  std::cout << ToLine(json);
}

Status RunMap(const MapArgs& args) {
  const Stopwatch stopwatch;
  std::vector<std::string> outputs = args.plots;
  outputs.push_back(args.out);
  KITH_RETURN_IF_ERROR(CheckOutputs({args.file, args.labels, args.weights}, outputs));
  if ((args.store || args.stored) && (args.file == "-" || !IsKithFile(args.file))) {
    return Status::InvalidArgument(StrCat(
        args.file, " is no .kith file, which a map could be kept in; build one of it first"));
  }
  KITH_ASSIGN_OR_RETURN(Plots plots, Plots::Open(args.plots));
  ProgressBar bar;
  ReadOptions read;
  read.dataset = args.dataset;
  read.columns = args.columns.columns;
  read.key_column = args.columns.key_column;
  read.progress = bar.callback();
  KITH_ASSIGN_OR_RETURN(const std::unique_ptr<Index> index,
                        OpenOrIndexForAll(args.file, args.metric, read, args.exact, args.threads));
  KITH_ASSIGN_OR_RETURN(const Known known, KnownOf(args, *index));
  KITH_ASSIGN_OR_RETURN(const Map map, MapOf(args, *index, bar.callback()));
  if (!args.out.empty()) KITH_RETURN_IF_ERROR(WriteTable(args, *index, known, map));
  if (args.store) KITH_RETURN_IF_ERROR(StoreMap(*index, map).status());
  if (!plots.empty()) KITH_RETURN_IF_ERROR(DrawPlots(args, *index, known, map, &plots));
  bar.Clear();
  if (args.json) {
    PrintJson(args, *index, map, stopwatch.Seconds());
    return Status::Ok();
  }
  std::cout << Printable(args.file) << ": a map of " << Plural(index->info().num_vectors, "vector")
            << ", " << MetricName(index->info().metric) << ", k = " << map.k << ", "
            << Plural(map.epochs, "epoch") << ", " << FormatSeconds(stopwatch.Seconds()) << '\n';
  if (map.quality_k > 0) std::cout << "  " << QualityText(map) << '\n';
  return Status::Ok();
}

void AddLayoutOptions(CLI::App* sub, MapArgs* args) {
  AddCount(sub, "-k", &args->k, 1, "Neighbours that hold each vector")->capture_default_str();
  AddRecall(sub, &args->recall, "The share of the true neighbours wanted")->capture_default_str();
  sub->add_flag("--exact", args->exact, "Compare every vector with every other");
  AddCount(sub, "--epochs", &args->epochs, 1, "Rounds; 500 up to 200,000 vectors, else 200");
  sub->add_option("--min-dist", args->min_dist, "How near points may come to each other")
      ->capture_default_str()
      ->type_name("X");
  sub->add_option("--spread", args->spread, "The scale of the map; at least --min-dist")
      ->capture_default_str()
      ->type_name("X");
  AddCount(sub, "--negatives", &args->negatives, 0,
           "Points that repel, for each neighbour that attracts")
      ->check(CLI::Range(int64_t{0}, kMostNegatives).description(""))
      ->capture_default_str();
  sub->add_option("--seed", args->seed, "Seed of random numbers")->capture_default_str();
}

}  // namespace

void AddMapCommand(CLI::App* app, Action* action) {
  auto args = std::make_shared<MapArgs>();
  CLI::App* sub =
      app->add_subcommand("map", "Draw all vectors in two dimensions, near ones nearby");
  sub->add_option("FILE", args->file, "A .kith file, or any file of vectors")
      ->required()
      ->option_text(" ");
  sub->add_option("-o,--output", args->out, "Write the coordinates as a table (.tsv)")
      ->type_name("FILE");
  sub->add_option("--plot", args->plots, "Draw the map, as .svg or .png; takes gnuplot")
      ->type_name("FILE");
  sub->add_flag("--store", args->store, "Keep the map in FILE, a .kith file");
  sub->add_flag("--stored", args->stored, "Take the map that FILE keeps");
  sub->add_option("--labels", args->labels,
                  "Labels to colour points by, one a line or idx; keys that rows share, if absent")
      ->type_name("FILE");
  AddCount(sub, "--names", &args->names, 0, "Write the keys of so many rows beside their points")
      ->capture_default_str();
  sub->add_option("--weights", args->weights,
                  "Numbers, one a line: rows of the largest are named first; else the first rows")
      ->type_name("FILE");
  sub->add_option("--title", args->title, "Title of the picture; FILE if absent")
      ->type_name("TEXT");
  AddLayoutOptions(sub, args.get());
  sub->add_flag("!--no-measure", args->measure,
                "Do not measure what the map keeps of the neighbours");
  AddDataset(sub, &args->dataset, "Of an hdf5 file, the dataset to take instead of \"train\"");
  AddColumns(sub, &args->columns);
  AddMetric(sub, &args->metric, "What near means, of a file that is no .kith file");
  AddThreads(sub, &args->threads, "Threads; 0 is one for each core");
  sub->add_flag("--json", args->json, "Print the summary as a JSON object");
  sub->footer(
      "Example:\n"
      "  kith map words.kith --plot words.png --names 100\n"
      "  kith map digits.kith --store -o digits.tsv");
  sub->callback([sub, args, action] {
    if (args->exact && sub->count("--recall") > 0) {
      throw CLI::ValidationError("--recall", "means nothing to exact search; leave it out");
    }
    CheckTsvName(args->out);
    if (args->store && args->stored) {
      throw CLI::ValidationError("--store and --stored", "exclude each other; choose one");
    }
    for (const char* option : {"-k", "--recall", "--exact", "--epochs", "--min-dist", "--spread",
                               "--negatives", "--seed", "--no-measure"}) {
      if (args->stored && sub->count(option) > 0) {
        throw CLI::ValidationError(option, "is of a new map, not of --stored; leave one out");
      }
    }
    for (const char* option : {"--names", "--weights", "--title"}) {
      if (args->plots.empty() && sub->count(option) > 0) {
        throw CLI::ValidationError(option, "is of the picture; add --plot, or leave it out");
      }
    }
    if (args->out.empty() && args->plots.empty() && !args->store) {
      throw CLI::ValidationError("--plot, --output or --store",
                                 "one of them has to say where the map goes");
    }
    *action = [args] { return RunMap(*args); };
  });
}

}  // namespace kith::apps::cli
