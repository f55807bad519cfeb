// kith factorize: users and items as vectors, from what users did.
#include "kith/factorize.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <iostream>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "commands.h"
#include "common/json.h"
#include "common/output_files.h"
#include "common/stopwatch.h"
#include "common/text.h"
#include "kith/recommend.h"
#include "options.h"
#include "terminal.h"

namespace kith::apps::cli {
namespace {

struct FactorizeArgs {
  std::string file;
  std::string names;
  std::string out;
  std::string algorithm = "als";
  std::string scale = "log";
  std::string evaluate;
  int64_t factors = 64;
  int64_t iterations = 0;
  std::optional<double> regularization;
  double alpha = 1;
  double learning_rate = 0.05;
  int64_t k = 10;
  int64_t seed = 42;
  int threads = 0;
  bool json = false;
};

struct Trained {
  Factors factors;
  double seconds = 0;
};

// One way to recommend, and how well it did.
struct Row {
  std::string name;
  RankingScore score;
};

FactorizeOptions OptionsOf(const FactorizeArgs& args) {
  FactorizeOptions options;
  options.algorithm = args.algorithm == "bpr" ? FactorAlgorithm::kBpr : FactorAlgorithm::kAls;
  if (args.scale == "linear") options.scale = WeightScale::kLinear;
  if (args.scale == "binary") options.scale = WeightScale::kBinary;
  options.factors = static_cast<uint32_t>(args.factors);
  options.iterations = static_cast<uint32_t>(args.iterations);
  options.regularization = args.regularization.value_or(-1);
  options.alpha = args.alpha;
  options.learning_rate = args.learning_rate;
  options.seed = static_cast<uint64_t>(args.seed);
  options.threads = args.threads;
  return Resolved(options);
}

// "random:0.2", "leave:5", "latest:5"; nullopt of anything else.
std::optional<SplitOptions> ParseSplit(const std::string& text) {
  SplitOptions split;
  const size_t colon = text.find(':');
  const std::string kind = text.substr(0, colon);
  const std::string number = colon == std::string::npos ? "" : text.substr(colon + 1);
  if (kind == "random") {
    const std::optional<double> share = number.empty() ? split.share : ParseReal(number);
    if (!share || !(*share > 0 && *share < 1)) return std::nullopt;
    split.share = *share;
    return split;
  }
  if (kind != "leave" && kind != "latest") return std::nullopt;
  split.held_out = kind == "leave" ? HeldOut::kSome : HeldOut::kLatest;
  const std::optional<int64_t> count = number.empty() ? int64_t{split.count} : ParseWhole(number);
  if (!count || *count < 1 || *count > 1000000) return std::nullopt;
  split.count = static_cast<uint32_t>(*count);
  return split;
}

// The mean score that als gives to pairs that are there, and that it would have be 1; of some of
// them where there are many.
double MeanScore(const Interactions& all, const Factors& factors) {
  const size_t step = all.num_users() / 10000 + 1;
  double sum = 0;
  size_t count = 0;
  for (size_t user = 0; user < all.num_users(); user += step) {
    const float* const a = factors.users.data() + user * factors.dim;
    for (const uint32_t item : all.ItemsOf(user)) {
      const float* const b = factors.items.data() + item * factors.dim;
      sum += std::inner_product(a, a + factors.dim, b, 0.0);
      ++count;
    }
  }
  return count == 0 ? 1 : sum / static_cast<double>(count);
}

// Of few pairs, a weight of lengths that suits many leaves vectors of all but nothing.
void WarnOfEmptyVectors(const FactorizeOptions& options, const Interactions& all,
                        const Factors& factors) {
  if (options.algorithm != FactorAlgorithm::kAls) return;
  constexpr double kNextToNothing = 0.01;
  const double mean = MeanScore(all, factors);
  if (mean >= kNextToNothing) return;
  PrintWarning(StrCat("the vectors tell next to nothing: the pairs that are there score ",
                      FormatFixed(mean, 4), " on average, where 1 is the aim; lower ",
                      "--regularization, which is ", FormatShort(options.regularization)));
}

Result<Trained> Train(const Interactions& interactions, FactorizeOptions options, bool quiet) {
  const Stopwatch stopwatch;
  ProgressBar bar;
  options.progress = bar.callback();
  const uint32_t every = std::max<uint32_t>(1, options.iterations / 15);
  options.on_iteration = [&](uint32_t iteration, double loss) {
    if (quiet || (iteration % every != 0 && iteration != 1)) return;
    bar.Clear();
    std::cout << "  iteration " << iteration << "  loss " << FormatFixed(loss, 6) << std::endl;
  };
  Trained trained;
  KITH_ASSIGN_OR_RETURN(trained.factors, Factorize(interactions, options));
  trained.seconds = stopwatch.Seconds();
  bar.Clear();
  WarnOfEmptyVectors(options, interactions, trained.factors);
  return trained;
}

// What users are recommended by their vectors, compared with every item.
Result<std::vector<int64_t>> RecommendByFactors(const Split& split, const Factors& factors,
                                                size_t k, int threads) {
  BuildOptions build;
  build.metric = Metric::kDot;
  build.paths = {ExactOptions{}};
  build.threads = threads;
  const size_t dim = factors.dim;
  KITH_ASSIGN_OR_RETURN(
      const std::unique_ptr<Index> items,
      BuildIndexInMemory(ViewOf(factors.items.data(), split.train.num_items(), dim), build));
  SearchParams params;
  params.k = k;
  params.threads = threads;
  SearchResult found;
  KITH_RETURN_IF_ERROR(
      RecommendByVectors(*items, ViewOf(factors.users.data(), split.train.num_users(), dim),
                         split.train, params, &found));
  found.ids.resize(split.train.num_users() * k, kNoId);
  return std::move(found.ids);
}

Result<std::vector<Row>> Evaluate(const FactorizeArgs& args, const FactorizeOptions& options,
                                  const Split& split, const Factors& factors) {
  // No more can be recommended than there are.
  const size_t k = std::min(static_cast<size_t>(args.k), split.train.num_items());
  KITH_ASSIGN_OR_RETURN(const std::vector<int64_t> by_factors,
                        RecommendByFactors(split, factors, k, args.threads));
  KITH_ASSIGN_OR_RETURN(const std::vector<int64_t> by_cosine,
                        RecommendByCosine(split.train, options.scale, k, args.threads));
  KITH_ASSIGN_OR_RETURN(const std::vector<int64_t> popular,
                        RecommendPopular(split.train, k, args.threads));
  std::vector<Row> rows;
  const std::pair<const char*, const std::vector<int64_t>*> ways[] = {
      {args.algorithm.c_str(), &by_factors}, {"item cosine", &by_cosine}, {"popular", &popular}};
  for (const auto& [name, ids] : ways) {
    KITH_ASSIGN_OR_RETURN(const RankingScore score, ScoreRanking(*ids, k, split.test));
    rows.push_back({name, score});
  }
  return rows;
}

void PrintScores(const FactorizeArgs& args, const std::vector<Row>& rows) {
  const std::string at = StrCat("@", args.k);
  Table table;
  table.AddColumn("by", Table::Align::kLeft);
  for (const char* name : {"recall", "NDCG", "MAP"}) {
    table.AddColumn(name + at, Table::Align::kRight);
  }
  table.AddColumn("coverage", Table::Align::kRight);
  for (const Row& row : rows) {
    table.AddRow({row.name, FormatFixed(row.score.recall, 4), FormatFixed(row.score.ndcg, 4),
                  FormatFixed(row.score.map, 4), FormatFixed(row.score.coverage, 4)});
  }
  table.Print(std::cout, "  ");
}

Json ScoresJson(const std::vector<Row>& rows) {
  Json json = Json::array();
  for (const Row& row : rows) {
    Json one;
    one["by"] = row.name;
    one["users"] = row.score.num_users;
    one["recall"] = row.score.recall;
    one["ndcg"] = row.score.ndcg;
    one["map"] = row.score.map;
    one["coverage"] = row.score.coverage;
    json.push_back(std::move(one));
  }
  return json;
}

std::string Subject(const FactorizeArgs& args, const Interactions& all) {
  return StrCat(
      Printable(args.file), ": ", Plural(all.num_users(), "user"), ", ",
      Plural(all.num_items(), "item"), ", ", Plural(all.size(), "pair"),
      all.header_line == 0 ? "" : StrCat(" (line ", all.header_line, " taken as a header)"));
}

Json SummaryJson(const FactorizeArgs& args, const FactorizeOptions& options,
                 const Interactions& all) {
  Json json;
  json["file"] = args.file;
  json["users"] = all.num_users();
  json["items"] = all.num_items();
  json["pairs"] = all.size();
  if (all.header_line != 0) json["header_line"] = all.header_line;
  json["algorithm"] = args.algorithm;
  json["factors"] = options.factors;
  json["regularization"] = options.regularization;
  return json;
}

Status RunEvaluate(const FactorizeArgs& args, const FactorizeOptions& options,
                   const Interactions& all) {
  SplitOptions by = ParseSplit(args.evaluate).value();
  by.seed = options.seed;
  KITH_ASSIGN_OR_RETURN(const Split split, SplitInteractions(all, by));
  KITH_ASSIGN_OR_RETURN(const Trained trained, Train(split.train, options, true));
  KITH_ASSIGN_OR_RETURN(const std::vector<Row> rows,
                        Evaluate(args, options, split, trained.factors));
  if (args.json) {
    Json json = SummaryJson(args, options, all);
    json["held_out"] = split.test.size();
    json["k"] = args.k;
    json["scores"] = ScoresJson(rows);
    json["seconds"] = trained.seconds;
    std::cout << ToLine(json);
    return Status::Ok();
  }
  std::cout << Subject(args, all) << ", " << FormatCount(split.test.size()) << " of them held out ("
            << args.evaluate << ", " << Plural(rows[0].score.num_users, "user") << ")\n";
  PrintScores(args, rows);
  return Status::Ok();
}

Status RunFactorize(const FactorizeArgs& args) {
  if (!args.out.empty()) {
    KITH_RETURN_IF_ERROR(CheckOutputs({args.file, args.names}, FilesOfModel(args.out)));
  }
  const FactorizeOptions options = OptionsOf(args);
  // Before all the work, which would be lost if its result could not be written.
  if (!args.out.empty()) KITH_RETURN_IF_ERROR(CheckModelFolder(args.out));
  Interactions all;
  {
    ProgressBar bar;
    KITH_ASSIGN_OR_RETURN(all, ReadInteractions(args.file, {args.names, bar.callback()}));
  }
  if (!args.evaluate.empty()) KITH_RETURN_IF_ERROR(RunEvaluate(args, options, all));
  if (args.out.empty()) return Status::Ok();
  if (!args.json) std::cout << Subject(args, all) << std::endl;
  KITH_ASSIGN_OR_RETURN(const Trained trained, Train(all, options, args.json));
  const Stopwatch stopwatch;
  {
    ProgressBar bar;
    WriteModelOptions write;
    write.factorize = options;
    write.threads = args.threads;
    write.progress = bar.callback();
    KITH_RETURN_IF_ERROR(WriteModel(args.out, all, trained.factors, write));
  }
  if (args.json) {
    Json json = SummaryJson(args, options, all);
    json["folder"] = args.out;
    json["losses"] = trained.factors.losses;
    json["seconds"] = trained.seconds;
    json["write_seconds"] = stopwatch.Seconds();
    std::cout << ToLine(json);
    return Status::Ok();
  }
  std::cout << Printable(args.out) << ": users.kith and items.kith of " << trained.factors.dim
            << " dimensions; factorized in " << FormatSeconds(trained.seconds) << ", indexed in "
            << FormatSeconds(stopwatch.Seconds()) << '\n';
  return Status::Ok();
}

CLI::Option* AddReal(CLI::App* app, const std::string& name, const std::string& description,
                     const std::function<void(double)>& set) {
  const auto check = [](const std::string& text) {
    const std::optional<double> x = ParseReal(text);
    return x && *x >= 0 ? std::string() : StrCat("'", text, "' is not a number of at least 0");
  };
  return app
      ->add_option_function<std::string>(
          name, [set](const std::string& text) { set(ParseReal(text).value_or(0)); }, description)
      ->check(CLI::Validator(check, ""))
      ->type_name("X");
}

void AddLearning(CLI::App* sub, FactorizeArgs* args) {
  const auto names = [](CLI::Option* option, const std::vector<std::string>& of) {
    option->check(CLI::IsMember(of).description(""))->type_name("NAME")->capture_default_str();
  };
  names(sub->add_option("--algorithm", args->algorithm,
                        "als: alternating least squares; bpr: Bayesian personalised ranking"),
        {"als", "bpr"});
  AddCount(sub, "--factors", &args->factors, 1, "Dimensions of the vectors")->capture_default_str();
  AddReal(sub, "--regularization",
          "The weight of the vectors' squared lengths (als: 10, bpr: 0.01)",
          [args](double x) { args->regularization = x; });
  AddReal(sub, "--alpha", "als: how much more a pair counts than none, by its weight (1)",
          [args](double x) { args->alpha = x; });
  names(sub->add_option("--scale", args->scale, "What a weight w counts: ln(1 + w), w, or 1"),
        {"log", "linear", "binary"});
  AddCount(sub, "--iterations", &args->iterations, 1, "Passes over the pairs (als: 15, bpr: 100)");
  AddReal(sub, "--learning-rate", "bpr: the length of a step (0.05)",
          [args](double x) { args->learning_rate = x; });
  AddCount(sub, "--seed", &args->seed, 0, "Of random numbers")->capture_default_str();
}

}  // namespace

void AddFactorizeCommand(CLI::App* app, Action* action) {
  auto args = std::make_shared<FactorizeArgs>();
  CLI::App* sub = app->add_subcommand(
      "factorize", "Make vectors of users and items out of what users did, to recommend by");
  sub->add_option("FILE", args->file,
                  "Lines 'user item [weight [time]]' (tsv, csv, gz), or Matrix Market")
      ->required()
      ->option_text(" ");
  const auto named = [](const std::string& text) {
    return text != "-" ? std::string()
                       : "what users did is read from a file and can't come from standard input; "
                         "give its name (./- for a file named -)";
  };
  sub->get_option("FILE")->check(CLI::Validator(named, ""));
  sub->add_option("--names", args->names, "A file of lines 'id name' of the items")
      ->type_name("FILE");
  sub->add_option("-o,--output", args->out, "Folder to write, for 'kith recommend'")
      ->type_name("FOLDER");
  AddLearning(sub, args.get());
  const auto check = [](const std::string& text) {
    return ParseSplit(text)
               ? std::string()
               : StrCat("'", text, "' is not random:SHARE, leave:COUNT or latest:COUNT");
  };
  sub->add_option("--evaluate", args->evaluate,
                  "Hold pairs out and see whether they are recommended: random:0.2, leave:5 of "
                  "each user, or latest:5 by time")
      ->check(CLI::Validator(check, ""))
      ->type_name("SPLIT");
  AddCount(sub, "-k", &args->k, 1, "Items recommended where --evaluate counts")
      ->capture_default_str();
  AddThreads(sub, &args->threads, "Threads; 0 is one for each core");
  sub->add_flag("--json", args->json, "Print JSON");
  sub->footer(
      "Examples:\n"
      "  kith factorize plays.tsv -o listening\n"
      "  kith factorize plays.tsv --evaluate leave:5 --factors 32");
  sub->callback([sub, args, action] {
    const char* const other = args->algorithm == "bpr" ? "--alpha" : "--learning-rate";
    if (sub->count(other) > 0) {
      throw CLI::ValidationError(other,
                                 StrCat("means nothing to ", args->algorithm, "; leave it out"));
    }
    if (args->out.empty() && args->evaluate.empty()) {
      throw CLI::RequiredError("--output or --evaluate");
    }
    if (args->factors > 4096) {
      throw CLI::ValidationError("--factors", "is at most 4096");
    }
    if (args->iterations > 1000000) {
      throw CLI::ValidationError("--iterations", "is at most 1000000");
    }
    *action = [args] { return RunFactorize(*args); };
  });
}

}  // namespace kith::apps::cli
