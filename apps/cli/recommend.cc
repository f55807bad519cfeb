// kith recommend: what to recommend by the folder that kith factorize made.
#include "kith/recommend.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "commands.h"
#include "common/answers.h"
#include "common/json.h"
#include "common/output_files.h"
#include "common/stopwatch.h"
#include "common/text.h"
#include "common/write_vectors.h"
#include "kith/query.h"
#include "options.h"
#include "terminal.h"

namespace kith::apps::cli {
namespace {

struct RecommendArgs {
  std::string folder;
  std::vector<std::string> users;
  std::vector<std::string> like;
  std::vector<std::string> heard;
  bool all = false;
  bool explain = false;
  std::string out;
  int64_t k = 10;
  double recall = 0;  // 0: exact search
  int threads = 0;
  bool json = false;
};

// What is asked about: a name for each query.
struct Asked {
  std::vector<std::string> names;
  std::vector<uint64_t> rows;
};

constexpr size_t kEvidenceShown = 3;

SearchParams ParamsOf(const RecommendArgs& args) {
  SearchParams params;
  params.k = static_cast<size_t>(args.k);
  params.threads = args.threads;
  params.recall = args.recall;
  if (args.recall == 0) params.index = IndexKind::kExact;
  return params;
}

// Says so where a name is that of several, of which kith takes the first.
void WarnIfShared(const Index& index, const std::string& name, uint64_t row, const char* what) {
  uint64_t same = 0;
  for (uint64_t i = 0; i < index.info().num_vectors; ++i) same += index.Key(i) == name;
  if (same < 2) return;
  PrintWarning(StrCat(index.info().path, ": ", FormatCount(same), " ", what, "s are named '",
                      Printable(name), "'; this is of the one in row ", row,
                      ". Give each a name of its own and factorize again to tell them apart"));
}

// The row of a name. Errors: NotFound, with names that are spelled alike.
Result<uint64_t> RowOf(const Index& index, const std::string& name, const char* what) {
  Result<uint64_t> row = index.FindKey(name);
  if (row.ok()) WarnIfShared(index, name, *row, what);
  if (row.ok() || row.status().code() != StatusCode::kNotFound) return row;
  KITH_ASSIGN_OR_RETURN(const std::vector<std::string> near, NearestKeys(index, name, 3));
  return Status::NotFound(StrCat(index.info().path, ": there is no ", what, " '", Printable(name),
                                 "'", DidYouMean(near)));
}

Result<Asked> Find(const Index& index, const std::vector<std::string>& names, const char* what) {
  Asked asked{names, {}};
  for (const std::string& name : names) {
    KITH_ASSIGN_OR_RETURN(const uint64_t row, RowOf(index, name, what));
    asked.rows.push_back(row);
  }
  return asked;
}

// The history of a new user of these items, each of the median weight of those there are.
Result<Interactions> NewUser(const Recommender& model, const std::vector<std::string>& names) {
  KITH_ASSIGN_OR_RETURN(const Asked asked, Find(model.items(), names, "item"));
  std::vector<float> weights = model.history().weights;
  const auto middle = weights.begin() + static_cast<ptrdiff_t>(weights.size() / 2);
  std::nth_element(weights.begin(), middle, weights.end());
  Interactions history;
  history.users.Add("new");
  history.items = model.history().items;
  std::vector<uint32_t> columns(asked.rows.begin(), asked.rows.end());
  std::sort(columns.begin(), columns.end());
  columns.erase(std::unique(columns.begin(), columns.end()), columns.end());
  history.weights.assign(columns.size(), *middle);
  history.columns = std::move(columns);
  history.offsets.push_back(history.columns.size());
  return history;
}

// Larger is better for people: the product, or the cosine.
double ScoreOf(float distance, bool angular) {
  return angular ? 1 - static_cast<double>(distance) : -static_cast<double>(distance);
}

// "Muse, Radiohead and Travis": what speaks most for an item.
Result<std::vector<Evidence>> EvidenceFor(const Recommender& model, uint64_t user, uint64_t item) {
  KITH_ASSIGN_OR_RETURN(std::vector<Evidence> evidence, model.Explain(user, item));
  evidence.resize(std::min(evidence.size(), kEvidenceShown));
  return evidence;
}

Status PrintTable(const RecommendArgs& args, const Recommender& model, const Asked& asked,
                  const SearchResult& found) {
  const bool angular = !args.like.empty();
  for (size_t q = 0; q < asked.names.size(); ++q) {
    Table table;
    table.AddColumn("rank", Table::Align::kRight);
    table.AddColumn("item", Table::Align::kLeft);
    table.AddColumn(angular ? "cosine" : "score", Table::Align::kRight);
    if (args.explain) table.AddColumn("because of", Table::Align::kLeft);
    size_t rank = 0;
    for (const Neighbour& each : NeighboursOf(found, q)) {
      std::vector<std::string> cells{std::to_string(++rank), Escaped(KeyOf(model.items(), each.id)),
                                     FormatFixed(ScoreOf(each.distance, angular), 4)};
      if (args.explain) {
        KITH_ASSIGN_OR_RETURN(const std::vector<Evidence> evidence,
                              EvidenceFor(model, asked.rows[q], static_cast<uint64_t>(each.id)));
        std::vector<std::string> names;
        names.reserve(evidence.size());
        for (const Evidence& e : evidence) {
          names.push_back(StrCat(Escaped(model.items().Key(e.item)), " ", FormatFixed(e.score, 2)));
        }
        cells.push_back(Joined(names));
      }
      table.AddRow(std::move(cells));
    }
    std::cout << Printable(asked.names[q]) << '\n';
    table.Print(std::cout, "  ");
  }
  return Status::Ok();
}

Status PrintJson(const RecommendArgs& args, const Recommender& model, const Asked& asked,
                 const SearchResult& found) {
  const bool angular = !args.like.empty();
  for (size_t q = 0; q < asked.names.size(); ++q) {
    Json json;
    json[angular ? "like" : "user"] = asked.names[q];
    json["items"] = Json::array();
    for (const Neighbour& each : NeighboursOf(found, q)) {
      Json entry;
      entry["item"] = std::string(KeyOf(model.items(), each.id));
      entry["score"] = ScoreOf(each.distance, angular);
      if (args.explain) {
        KITH_ASSIGN_OR_RETURN(const std::vector<Evidence> evidence,
                              EvidenceFor(model, asked.rows[q], static_cast<uint64_t>(each.id)));
        for (const Evidence& e : evidence) {
          entry["because"].push_back(
              {{"item", std::string(model.items().Key(e.item))}, {"score", e.score}});
        }
      }
      json["items"].push_back(std::move(entry));
    }
    std::cout << ToLine(json);
  }
  return Status::Ok();
}

// Lines "user rank item score".
std::string Lines(const Recommender& model, const SearchResult& found) {
  std::string text = "user\trank\titem\tscore\n";
  for (size_t user = 0; user < found.num_queries; ++user) {
    const std::string name = Escaped(model.users().Key(user));
    size_t rank = 0;
    for (const Neighbour& each : NeighboursOf(found, user)) {
      text += StrCat(name, '\t', ++rank, '\t', Escaped(KeyOf(model.items(), each.id)), '\t',
                     FormatFloat(-each.distance), '\n');
    }
  }
  return text;
}

bool IsNpyName(const std::string& path) {
  return std::filesystem::path(path).extension() == ".npy";
}

Status RunAll(const RecommendArgs& args, const Recommender& model) {
  std::vector<uint64_t> rows(model.users().info().num_vectors);
  std::iota(rows.begin(), rows.end(), uint64_t{0});
  const Stopwatch stopwatch;
  Answers answers;
  answers.with_recall = args.recall > 0;
  KITH_RETURN_IF_ERROR(model.ForUsers(rows, ParamsOf(args), &answers.result));
  answers.seconds = stopwatch.Seconds();
  const std::string plan = PlanText(answers);
  if (IsNpyName(args.out)) {
    KITH_RETURN_IF_ERROR(WriteArrays(answers.result, args.out));
  } else {
    KITH_RETURN_IF_ERROR(WriteText(args.out, Lines(model, answers.result)));
  }
  if (args.json) {
    Json json;
    json["file"] = args.out;
    json["users"] = rows.size();
    json["k"] = answers.result.k;
    json["index"] = IndexKindName(answers.result.plan.index);
    json["seconds"] = answers.seconds;
    std::cout << ToLine(json);
    return Status::Ok();
  }
  std::cout << Printable(args.out) << ": " << Plural(answers.result.k, "item") << " for each of "
            << Plural(rows.size(), "user") << " in " << FormatSeconds(answers.seconds) << " ("
            << plan << ")\n";
  return Status::Ok();
}

Status RunRecommend(const RecommendArgs& args) {
  KITH_RETURN_IF_ERROR(CheckOutputs(
      FilesOfModel(args.folder), IsNpyName(args.out) ? ArraysOf(args.out) : std::vector{args.out}));
  KITH_ASSIGN_OR_RETURN(const std::unique_ptr<Recommender> model, Recommender::Open(args.folder));
  if (args.all) return RunAll(args, *model);
  const SearchParams params = ParamsOf(args);
  SearchResult found;
  Asked asked;
  if (!args.like.empty()) {
    KITH_ASSIGN_OR_RETURN(asked, Find(model->items(), args.like, "item"));
    KITH_RETURN_IF_ERROR(model->Similar(asked.rows, params, &found));
  } else if (!args.heard.empty()) {
    KITH_ASSIGN_OR_RETURN(const Interactions history, NewUser(*model, args.heard));
    asked.names = {"a new user"};
    KITH_RETURN_IF_ERROR(model->ForNewUsers(history, params, &found));
  } else {
    KITH_ASSIGN_OR_RETURN(asked, Find(model->users(), args.users, "user"));
    KITH_RETURN_IF_ERROR(model->ForUsers(asked.rows, params, &found));
  }
  return args.json ? PrintJson(args, *model, asked, found) : PrintTable(args, *model, asked, found);
}

}  // namespace

void AddRecommendCommand(CLI::App* app, Action* action) {
  auto args = std::make_shared<RecommendArgs>();
  CLI::App* sub = app->add_subcommand(
      "recommend", "Recommend items to users, by the folder that 'kith factorize' wrote");
  sub->add_option("FOLDER", args->folder, "What 'kith factorize' wrote")
      ->required()
      ->option_text(" ");
  CLI::Option_group* what = sub->add_option_group("About whom");
  what->add_option("--user", args->users, "Users, by their names")->type_name("NAME ...");
  what->add_option("--like", args->like, "Items: others that point the same way")
      ->type_name("NAME ...");
  what->add_option("--heard", args->heard, "A new user who knows these items")
      ->type_name("NAME ...");
  what->add_flag("--all", args->all, "All users at once, to a file");
  what->require_option(1);
  sub->add_option("-o,--output", args->out,
                  "With --all: lines 'user rank item score', or .npy: rows of items, and a file of "
                  "distances beside it")
      ->type_name("FILE");
  AddCount(sub, "-k", &args->k, 1, "Items for each")->capture_default_str();
  sub->add_flag("--explain", args->explain, "With --user: which of a user's items speak for each");
  AddRecall(sub, &args->recall,
            "The share of the true best items wanted, if fewer than all will do");
  AddThreads(sub, &args->threads, "Threads; 0 is one for each core");
  sub->add_flag("--json", args->json, "Print JSON, a line for each");
  sub->footer(
      "Examples:\n"
      "  kith recommend listening --user 2 --explain\n"
      "  kith recommend listening --like Radiohead\n"
      "  kith recommend listening --heard Muse Radiohead\n"
      "  kith recommend listening --all -o everyone.tsv");
  sub->callback([args, action] {
    if (args->all == args->out.empty()) {
      throw CLI::ValidationError(args->all ? "--all" : "--output",
                                 args->all ? "needs --output" : "needs --all");
    }
    CheckTsvName(args->out, {".npy"});
    if (args->explain && args->users.empty()) {
      throw CLI::ValidationError("--explain", "needs --user");
    }
    *action = [args] { return RunRecommend(*args); };
  });
}

}  // namespace kith::apps::cli
