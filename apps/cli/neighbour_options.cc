#include "neighbour_options.h"

#include <algorithm>
#include <sstream>

#include "common/recall_text.h"
#include "common/text.h"
#include "options.h"
#include "terminal.h"

namespace kith::apps::cli {

std::optional<std::vector<size_t>> ParseKs(const std::string& text) {
  constexpr int64_t kMostKs = 1000;
  std::vector<size_t> ks;
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ',');) {
    const size_t dash = part.find('-');
    const std::optional<int64_t> first = ParseWhole(part.substr(0, dash));
    const std::optional<int64_t> last =
        dash == std::string::npos ? first : ParseWhole(part.substr(dash + 1));
    if (!first || !last || *first < 1 || *last < *first || *last - *first >= kMostKs) {
      return std::nullopt;
    }
    for (int64_t k = *first; k <= *last; ++k) ks.push_back(static_cast<size_t>(k));
  }
  std::sort(ks.begin(), ks.end());
  ks.erase(std::unique(ks.begin(), ks.end()), ks.end());
  if (ks.empty() || ks.size() > static_cast<size_t>(kMostKs)) return std::nullopt;
  return ks;
}

void AddNeighbourOptions(CLI::App* app, NeighbourArgs* args, const std::string& default_ks) {
  app->add_option("FILE", args->file, "A .kith file, or any file of vectors")
      ->required()
      ->option_text(" ");
  app->add_option("--queries", args->queries,
                  "File of the vectors to tell it of; of hdf5, its \"test\"")
      ->type_name("FILE");
  AddMetric(app, &args->metric, "What near means, of a file that is no .kith file");
  args->ks = *ParseKs(default_ks);
  const auto check = [](const std::string& text) {
    return ParseKs(text)
               ? std::string()
               : StrCat("'", text, "' is no number of neighbours, or list of them as 1-10");
  };
  app->add_option_function<std::string>(
         "-k", [args](const std::string& text) { args->ks = *ParseKs(text); },
         StrCat("Neighbours that have a say: one number, or several to compare, as 1,3,5 or 1-10 [",
                default_ks, "]"))
      ->check(CLI::Validator(check, ""))
      ->option_text("N,...");
  app->add_option("--weights", args->weights,
                  "How much each counts: uniform, or distance, the inverse of its distance")
      ->check(CLI::IsMember({"uniform", "distance"}).description(""))
      ->type_name("NAME")
      ->capture_default_str();
  AddRecall(app, &args->recall, "Find this share of the neighbours; all of them if absent");
  AddWorst(app, &args->worst);
  AddDrift(app, &args->drift);
  AddCount(app, "--cross-validate", &args->folds, 2,
           "Leave out each of N parts of FILE in turn, and tell it by the others");
  AddCount(app, "--seed", &args->seed, 0, "Which parts these are")->capture_default_str();
  app->add_option("-o,--output", args->out, "Write what is told of each query to a .tsv file")
      ->type_name("FILE");
  AddThreads(app, &args->threads, "Threads; 0 is one for each core");
  app->add_flag("--json", args->json, "Print JSON instead: an object, or one for each query");
}

void CheckDriftUsage(const NeighbourArgs& args) {
  if (args.exact() && args.drift != "warn") {
    throw CLI::ValidationError("--drift", "is for --recall or --worst; leave it out");
  }
}

void CheckUsage(const NeighbourArgs& args) {
  CheckDriftUsage(args);
  if (args.queries.empty() == (args.folds == 0)) {
    throw CLI::ValidationError(
        "--queries or --cross-validate",
        args.queries.empty() ? "has to be given" : "says what is told; leave one out");
  }
  if (args.folds > 0 && !args.out.empty()) {
    throw CLI::ValidationError("--output", "is for what is told of --queries; leave it out");
  }
  if (args.ks.size() > 1 && !args.out.empty()) {
    throw CLI::ValidationError("--output", "takes a single -k; choose one");
  }
}

SearchParams MakeParams(const NeighbourArgs& args) {
  SearchParams params;
  params.threads = args.threads;
  if (args.exact()) {
    params.index = IndexKind::kExact;
  } else {
    params.recall = args.recall;
    params.worst = args.worst;
    params.widen = args.drift == "widen";
    params.watched = args.drift != "off";
  }
  return params;
}

std::string SearchText(const NeighbourArgs& args) {
  if (args.exact()) return "exact search";
  std::string text;
  if (args.recall > 0) text = StrCat("recall ", ShareText(args.recall));
  if (args.worst > 0) text += StrCat(text.empty() ? "" : " and ", "p5 ", ShareText(args.worst));
  return text;
}

void WarnOfDrift(const NeighbourArgs& args, const Index& index, bool drifted) {
  if (!drifted || args.drift != "warn") return;
  PrintWarning(DriftText(index.Drift(), args.file, args.queries));
}

}  // namespace kith::apps::cli
