// kith graph: the nearest neighbours of every vector, as a sparse matrix.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>

#include "all_vectors.h"
#include "commands.h"
#include "common/json.h"
#include "common/output_files.h"
#include "common/read_vectors.h"
#include "common/recall_text.h"
#include "common/stopwatch.h"
#include "common/text.h"
#include "kith/neighbour_graph.h"
#include "options.h"
#include "terminal.h"

namespace kith::apps::cli {
namespace {

struct GraphArgs {
  AllVectorsArgs vectors;
  std::string out;
  int64_t k = 15;
  double recall = 0.95;
  bool exact = false;
  std::string edges = "directed";
  bool with_self = false;
  int threads = 0;
  bool json = false;
};

EdgesKept EdgesOf(const std::string& name) {
  if (name == "either") return EdgesKept::kEither;
  return name == "mutual" ? EdgesKept::kMutual : EdgesKept::kDirected;
}

// Of a .kith file by what is in it; of other vectors without an index, where that suits them.
Result<NeighbourGraph> Make(const GraphArgs& args, const NeighbourGraphOptions& options,
                            Metric* metric) {
  const AllVectorsArgs& from = args.vectors;
  if (from.file != "-" && IsKithFile(from.file)) {
    KITH_ASSIGN_OR_RETURN(const std::unique_ptr<Index> index,
                          IndexOfAll(from, args.exact, args.threads, options.progress));
    *metric = index->info().metric;
    return MakeNeighbourGraph(*index, options);
  }
  ReadOptions read;
  read.dataset = from.dataset;
  read.progress = options.progress;
  KITH_ASSIGN_OR_RETURN(const Dataset dataset, LoadVectors(from.file, read));
  *metric = ChooseMetric(from.metric, dataset).metric;
  Result<NeighbourGraph> graph = MakeNeighbourGraph(dataset.vectors, *metric, options);
  if (!graph.ok()) return OfFile(from.file, graph.status());
  return graph;
}

Status RunGraph(const GraphArgs& args) {
  KITH_RETURN_IF_ERROR(CheckOutputs({args.vectors.file}, {args.out}));
  if (std::filesystem::path(args.out).extension() != ".npz") {
    return Status::InvalidArgument(
        StrCat(args.out, ": what is written is an .npz file; the name must end in .npz"));
  }
  const Stopwatch stopwatch;
  ProgressBar bar;
  NeighbourGraphOptions options;
  options.k = static_cast<size_t>(args.k);
  options.recall = args.exact ? 1 : args.recall;
  options.edges = EdgesOf(args.edges);
  options.with_self = args.with_self;
  options.threads = args.threads;
  options.progress = bar.callback();
  Metric metric{};
  KITH_ASSIGN_OR_RETURN(const NeighbourGraph graph, Make(args, options, &metric));
  KITH_RETURN_IF_ERROR(WriteNeighbourGraph(args.out, graph));
  bar.Clear();
  const double seconds = stopwatch.Seconds();
  // There are no more neighbours than other vectors.
  const uint64_t k = std::min(static_cast<uint64_t>(args.k), graph.num_rows - 1);
  const bool exact = !graph.joined && graph.index == IndexKind::kExact;
  if (args.json) {
    Json json;
    json["file"] = args.out;
    json["vectors"] = graph.num_rows;
    json["edges"] = graph.neighbours.size();
    json["k"] = k;
    json["metric"] = MetricName(metric);
    json["index"] = graph.joined ? "joins" : IndexKindName(graph.index);
    json["effort"] = exact || graph.joined ? Json(nullptr) : Json(graph.effort);
    json["recall"] = graph.recall;
    json["seconds"] = seconds;
    std::cout << ToLine(json);
    return Status::Ok();
  }
  std::cout << Printable(args.out) << ": " << Plural(graph.neighbours.size(), "edge") << " of "
            << Plural(graph.num_rows, "vector") << ", " << MetricName(metric) << ", k = " << k
            << ", "
            << (exact ? std::string("exact search")
                      : StrCat("recall ", ShareText(graph.recall),
                               graph.joined ? std::string(" by local joins")
                                            : StrCat(" by the ", IndexKindName(graph.index))))
            << ", " << FormatSeconds(seconds) << '\n';
  return Status::Ok();
}

}  // namespace

void AddGraphCommand(CLI::App* app, Action* action) {
  auto args = std::make_shared<GraphArgs>();
  CLI::App* sub =
      app->add_subcommand("graph", "Find the neighbours of every vector: a sparse matrix");
  AddAllVectors(sub, &args->vectors);
  AddCount(sub, "-k", &args->k, 1, "Neighbours of each vector, itself not counted")
      ->capture_default_str();
  AddRecall(sub, &args->recall, "The share of the true neighbours wanted")->capture_default_str();
  sub->add_flag("--exact", args->exact, "Compare every vector with every other");
  sub->add_option("--edges", args->edges,
                  "directed: to the k nearest; either: with every reverse; mutual: those that are "
                  "there both ways")
      ->check(CLI::IsMember({"directed", "either", "mutual"}).description(""))
      ->type_name("NAME")
      ->capture_default_str();
  sub->add_flag("--self", args->with_self, "Each vector is a neighbour of itself, too");
  sub->add_option("-o,--output", args->out, "File to write: .npz, for scipy.sparse.load_npz()")
      ->required()
      ->type_name("FILE");
  AddThreads(sub, &args->threads, "Threads; 0 is one for each core");
  sub->add_flag("--json", args->json, "Print the summary as a JSON object");
  sub->footer(
      "Example:\n"
      "  kith graph words.kith -k 15 --recall 0.95 -o neighbours.npz");
  sub->callback([sub, args, action] {
    if (args->exact && sub->count("--recall") > 0) {
      throw CLI::ValidationError("--recall", "means nothing to exact search; leave it out");
    }
    *action = [args] { return RunGraph(*args); };
  });
}

}  // namespace kith::apps::cli
