// kith embed: vectors of pictures.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "commands.h"
#include "common/json.h"
#include "common/labels.h"
#include "common/output_files.h"
#include "common/stopwatch.h"
#include "common/text.h"
#include "common/write_vectors.h"
#include "kith/dataset.h"
#include "kith/index.h"
#include "kith/pictures.h"
#include "options.h"
#include "terminal.h"

namespace kith::apps::cli {
namespace {

struct EmbedArgs {
  std::vector<std::string> pictures;
  std::string model;
  std::string layer;
  int64_t size = 0;
  double crop = 0;
  std::vector<double> mean;
  std::vector<double> std;
  bool list_layers = false;
  bool strict = false;
  std::optional<Metric> metric;
  std::string labels;
  std::string keys;
  int threads = 0;
  bool json = false;
  std::string out;
};

PictureOptions OptionsOf(const EmbedArgs& args) {
  PictureOptions options;
  options.layer = args.layer;
  if (args.size > 0) options.size = static_cast<uint32_t>(std::min<int64_t>(args.size, 1 << 30));
  if (args.crop != 0) options.crop = args.crop;
  if (!args.mean.empty()) options.mean = {args.mean[0], args.mean[1], args.mean[2]};
  if (!args.std.empty()) options.std = {args.std[0], args.std[1], args.std[2]};
  return options;
}

void PrintLayers(const PictureNetwork& network) {
  Table table;
  table.AddColumn("layer", Table::Align::kLeft);
  table.AddColumn("kind", Table::Align::kLeft);
  table.AddColumn("shape", Table::Align::kRight);
  table.AddColumn("", Table::Align::kLeft);
  for (const PictureNetwork::Layer& layer : network.Layers()) {
    const bool taken = layer.name == network.layer();
    table.AddRow({Printable(layer.name), layer.kind, layer.shape, taken ? "taken" : ""});
  }
  table.Print(std::cout, "  ");
}

bool IsKithName(const std::string& path) {
  return std::filesystem::path(path).extension() == ".kith";
}

Status Write(const EmbedArgs& args, const PictureNetwork& network, const EmbeddedPictures& embedded,
             const Progress& progress) {
  if (!args.labels.empty()) KITH_RETURN_IF_ERROR(WriteKeys(args.labels, embedded.labels));
  if (!args.keys.empty()) KITH_RETURN_IF_ERROR(WriteKeys(args.keys, embedded.keys));
  if (!IsKithName(args.out)) {
    KITH_ASSIGN_OR_RETURN(const bool takes_keys, TakesKeys(args.out, ""));
    return WriteDataset(args.out, "", embedded.view(), takes_keys ? embedded.keys : StringList());
  }
  BuildOptions build;
  build.metric = args.metric.value_or(Metric::kAngular);
  build.keys = &embedded.keys;
  build.origin = network.origin();
  build.threads = args.threads;
  build.progress = progress;
  return BuildIndex(embedded.view(), args.out, build);
}

void Warn(const EmbeddedPictures& embedded) {
  constexpr size_t kMostTold = 20;
  for (size_t i = 0; i < std::min(kMostTold, embedded.skipped.size()); ++i) {
    const EmbeddedPictures::Skipped& skipped = embedded.skipped[i];
    PrintWarning(StrCat(Printable(skipped.name), ": ", Printable(skipped.why), "; skipped"));
  }
  if (embedded.skipped.size() > kMostTold) {
    PrintWarning(
        StrCat("and ", FormatCount(embedded.skipped.size() - kMostTold), " more; --strict ends"));
  }
}

size_t NumLabels(const StringList& labels) { return LabelNames(labels).size(); }

void PrintSummary(const EmbedArgs& args, const PictureNetwork& network,
                  const EmbeddedPictures& embedded, double seconds) {
  const size_t count = embedded.keys.size();
  const size_t tried = count + embedded.skipped.size();
  if (args.json) {
    Json json;
    json["file"] = args.out;
    json["pictures"] = count;
    json["skipped"] = embedded.skipped.size();
    json["labels"] = NumLabels(embedded.labels);
    json["dim"] = embedded.dim;
    json["layer"] = network.layer();
    json["origin"] = network.origin();
    json["seconds"] = seconds;
    std::cout << ToLine(json);
    return;
  }
  std::cout << Printable(args.out) << ": " << Plural(count, "picture") << " of "
            << Plural(NumLabels(embedded.labels), "folder") << ", "
            << Plural(embedded.dim, "dimension") << " (layer " << Printable(network.layer())
            << " of " << Printable(args.model) << ")";
  if (!embedded.skipped.empty()) {
    std::cout << ", " << FormatCount(embedded.skipped.size()) << " skipped";
  }
  std::cout << ", " << FormatSeconds(seconds) << " ("
            << FormatSeconds(seconds / static_cast<double>(tried)) << " each)\n";
}

Status RunEmbed(const EmbedArgs& args) {
  std::vector<std::string> inputs = args.pictures;
  inputs.push_back(args.model);
  KITH_RETURN_IF_ERROR(CheckOutputs(inputs, {args.out, args.labels, args.keys}));
  KITH_ASSIGN_OR_RETURN(const std::unique_ptr<PictureNetwork> network,
                        PictureNetwork::Open(args.model, OptionsOf(args)));
  if (args.list_layers) {
    PrintLayers(*network);
    return Status::Ok();
  }
  const Stopwatch stopwatch;
  ProgressBar bar;
  EmbedOptions options;
  options.strict = args.strict;
  options.threads = args.threads;
  options.progress = bar.callback();
  KITH_ASSIGN_OR_RETURN(const EmbeddedPictures embedded,
                        EmbedPictures(args.pictures, *network, options));
  const double seconds = stopwatch.Seconds();
  KITH_RETURN_IF_ERROR(Write(args, *network, embedded, bar.callback()));
  bar.Clear();
  Warn(embedded);
  PrintSummary(args, *network, embedded, seconds);
  return Status::Ok();
}

void CheckUsage(const EmbedArgs& args) {
  if (args.list_layers) return;
  if (args.pictures.empty()) {
    throw CLI::RequiredError("PICTURES, files, folders or archives of pictures,");
  }
  if (args.out.empty()) throw CLI::RequiredError("-o,--output");
  for (const double deviation : args.std) {
    if (deviation > 0) continue;
    throw CLI::ValidationError("--std", "has to be above 0, since it is divided by");
  }
  if (args.metric && !IsKithName(args.out)) {
    throw CLI::ValidationError("--metric", "is of a .kith file; leave it out");
  }
}

void AddNetworkOptions(CLI::App* sub, EmbedArgs* args) {
  sub->add_option("--model", args->model, "The network: a file of ONNX")
      ->required()
      ->type_name("FILE");
  sub->add_option("--layer", args->layer,
                  "Take this layer's output; what goes into the classifier if absent")
      ->type_name("NAME");
  sub->add_flag("--list-layers", args->list_layers, "Print the network's layers, and end");
  AddCount(sub, "--size", &args->size, 1,
           "Width and height of the network's input; as the model says, or 224, if absent");
  sub->add_option("--crop", args->crop,
                  "The part of the shorter side that the square in the middle takes; as the model "
                  "says, or 0.875, if absent")
      ->check(CLI::Range(0.01, 1.0).description(""))
      ->type_name("SHARE");
  for (const auto& [name, values, what] :
       {std::tuple("--mean", &args->mean, "Of red, green and blue, 0 to 255, subtracted first"),
        std::tuple("--std", &args->std, "And what they are then divided by")}) {
    sub->add_option(name, *values, what)->delimiter(',')->expected(3)->type_name("R,G,B");
  }
}

}  // namespace

void AddEmbedCommand(CLI::App* app, Action* action) {
  auto args = std::make_shared<EmbedArgs>();
  CLI::App* sub = app->add_subcommand("embed", "Make vectors of pictures by a neural network");
  sub->add_option("PICTURES", args->pictures,
                  "Files, folders, patterns, and tar and zip archives of .jpg, .png and .webp")
      ->option_text(" ");
  AddNetworkOptions(sub, args.get());
  AddMetric(sub, &args->metric, "What near means; angular if absent");
  sub->add_flag("--strict", args->strict, "End at a broken picture, instead of skipping it");
  sub->add_option("--labels", args->labels,
                  "Also write the name of each picture's folder to a file, one a line")
      ->type_name("FILE");
  sub->add_option("--keys", args->keys,
                  "Also write each picture's path to a file, one a line; a .kith file has them")
      ->type_name("FILE");
  AddThreads(sub, &args->threads, "Threads; 0 is one for each core");
  sub->add_flag("--json", args->json, "Print the summary as a JSON object");
  sub->add_option("-o,--output", args->out,
                  "File to write: .kith, to be searched, or vectors as .npy, .fvecs, ...")
      ->type_name("FILE");
  sub->footer(
      "Example:\n"
      "  kith embed photos/ -o photos.kith --model examples/data/photo-net.onnx\n"
      "  kith search photos.kith --image query.jpg");
  sub->callback([args, action] {
    CheckUsage(*args);
    *action = [args] { return RunEmbed(*args); };
  });
}

}  // namespace kith::apps::cli
