// kith search: the nearest neighbours of queries.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "answer_table.h"
#include "commands.h"
#include "common/answers.h"
#include "common/json.h"
#include "common/output_files.h"
#include "common/queries.h"
#include "common/read_vectors.h"
#include "common/recall_text.h"
#include "common/text.h"
#include "kith/dataset.h"
#include "kith/index.h"
#include "kith/pictures.h"
#include "options.h"
#include "terminal.h"

namespace kith::apps::cli {
namespace {

struct SearchArgs {
  std::string file;
  std::string stdin_mark;
  std::string rerank;
  int64_t candidates = 100;
  std::string queries;
  std::string dataset;
  std::optional<int64_t> id;
  std::vector<std::string> keys;
  std::optional<std::string> vector;
  std::vector<std::string> images;
  std::string model;
  int64_t k = 10;
  int64_t effort = 0;  // 0: the index's own choice
  double recall = 0;   // 0: not asked for
  double worst = 0;    // the same
  std::string drift = "warn";
  std::string index = "auto";
  bool exact = false;
  bool huge = false;
  int threads = 0;
  std::string format = "table";
  bool json = false;
  std::string out;
};

// The way in that is asked for, which has to be there.
Result<SearchParams> MakeParams(const SearchArgs& args, const IndexInfo& info) {
  SearchParams params;
  params.threads = args.threads;
  params.k =
      static_cast<size_t>(std::min<uint64_t>(static_cast<uint64_t>(args.k), info.num_vectors));
  if (args.effort > 0) params.effort = args.effort;
  params.recall = args.recall;
  params.worst = args.worst;
  params.widen = args.drift == "widen";
  params.watched = args.drift != "off";
  const IndexKind asked = args.exact ? IndexKind::kExact : *ParseIndexKind(args.index);
  if (asked != IndexKind::kAuto && !info.has(asked)) {
    const char* name = IndexKindName(asked);
    return Status::InvalidArgument(StrCat(info.path, " has no ", name,
                                          "; leave --index out, or build it with --index ", name));
  }
  params.index = asked;
  if (asked == IndexKind::kAuto && !info.has_approximate() && args.effort > 0) {
    return Status::InvalidArgument(
        StrCat(info.path,
               " has no graph and no forest; leave --effort out, or build it with --index graph"));
  }
  if (args.huge) KITH_RETURN_IF_ERROR(CheckHuge(info));
  return params;
}

Status CheckHasKeys(const IndexInfo& info) {
  if (info.has_keys) return Status::Ok();
  return Status::InvalidArgument(
      StrCat(info.path, " has no keys; build it with --keys, or search with --id or --vector"));
}

// Whether the fault is in what was asked, not in the file or the machine.
bool IsOfTheQuery(const Status& status) {
  return status.code() == StatusCode::kNotFound || status.code() == StatusCode::kInvalidArgument;
}

class Searcher {
 public:
  Searcher(const Index& index, const SearchParams& params, const SearchArgs& args)
      : index_(index), params_(params), args_(args) {}

  ProgressBar* bar() { return &bar_; }

  // Searches and prints one batch.
  Status Print(const Queries& queries);
  // Queries from standard input: all at once, or at a terminal one by one. A line that is none is
  // reported, and the others are answered; but for an array, whose rows have no other name than
  // their number.
  Status AnswerLines();
  // If the queries answered were of another kind than those that the recall was measured with.
  void WarnOfDrift() const;

 private:
  const Index& index_;
  const SearchParams params_;
  const SearchArgs& args_;
  ProgressBar bar_;
  bool estimated_ = false;  // whether any answer was other than exact
};

Status Searcher::Print(const Queries& queries) {
  Answers answers;
  KITH_RETURN_IF_ERROR(Answer(queries, params_, &answers));
  estimated_ |= AreEstimated(answers);
  bar_.Clear();
  if (args_.format == "npy") return WriteArrays(std::move(answers.result), args_.out);
  if (args_.format == "json") {
    for (size_t q = 0; q < queries.size(); ++q) {
      std::cout << ToLine(AnswerJson(index_, queries, answers, q));
    }
  } else if (args_.format == "tsv") {
    PrintTsv(index_, queries, answers, std::cout);
  } else {
    PrintTable(index_, queries, answers, std::cout);
  }
  return Status::Ok();
}

Status Searcher::AnswerLines() {
  const bool to_array = args_.format == "npy";
  const bool interactive = isatty(STDIN_FILENO) == 1 && !to_array;
  Queries queries(index_);
  uint64_t line_number = 0;
  uint64_t asked = 0;
  uint64_t failed = 0;
  for (std::string line; std::getline(std::cin, line);) {
    ++line_number;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.find_first_not_of(" \t") == std::string::npos) continue;
    ++asked;
    Status status = queries.AddLine(line, line_number);
    if (!status.ok() && (to_array || !IsOfTheQuery(status))) return status;
    if (interactive && status.ok()) status = Print(std::exchange(queries, Queries(index_)));
    std::cout << std::flush;
    if (status.ok()) continue;
    ++failed;
    PrintError(ErrorText(status));
  }
  if (interactive) return Status::Ok();
  if (asked == 0) {
    return Status::InvalidArgument(
        StrCat("no queries on standard input; write one a line: ",
               index_.info().has_keys ? "keys" : "the numbers of a vector"));
  }
  if (queries.size() > 0) KITH_RETURN_IF_ERROR(Print(queries));
  if (failed == 0) return Status::Ok();
  return Status::NotFound(
      StrCat(FormatCount(failed), " of ", Plural(asked, "query"), " could not be answered"));
}

void Searcher::WarnOfDrift() const {
  const QueryDrift drift = index_.Drift();
  if (!estimated_ || !drift.unlike || args_.drift != "warn") return;
  PrintWarning(DriftText(drift, args_.file, args_.queries));
}

// Pictures become vectors as those of the file did.
Status AddImages(const SearchArgs& args, const Index& index, Queries* queries) {
  const IndexInfo& info = index.info();
  const auto network = PictureNetwork::OpenFor(
      info.origin, std::filesystem::path(info.absolute_path).parent_path().string(), args.model);
  if (!network.ok()) {
    const Status& status = network.status();
    return info.origin.empty() ? Status(status.code(), StrCat(args.file, ": ", status.message()))
                               : status;
  }
  for (const std::string& image : args.images) {
    KITH_ASSIGN_OR_RETURN(std::vector<float> vector, (*network)->Embed(image));
    KITH_RETURN_IF_ERROR(queries->AddValues(std::move(vector), {image, Printable(image)}));
  }
  return Status::Ok();
}

Status SearchWith(const SearchArgs& args, const Index& index, Searcher* searcher) {
  if (!args.stdin_mark.empty()) return searcher->AnswerLines();
  if (!args.queries.empty()) {
    KITH_ASSIGN_OR_RETURN(Queries queries, Queries::FromFile(args.queries, args.dataset, index,
                                                             searcher->bar()->callback()));
    Dataset originals;
    if (!args.rerank.empty()) {
      KITH_ASSIGN_OR_RETURN(originals, LoadVectors(args.rerank, {}));
      queries.RerankBy(originals.vectors, static_cast<size_t>(args.candidates));
    }
    return searcher->Print(queries);
  }
  Queries queries(index);
  if (args.id) {
    KITH_RETURN_IF_ERROR(queries.AddId(*args.id));
  } else if (args.vector) {
    KITH_RETURN_IF_ERROR(queries.AddVector(*args.vector));
  } else if (!args.images.empty()) {
    KITH_RETURN_IF_ERROR(AddImages(args, index, &queries));
  } else {
    KITH_RETURN_IF_ERROR(CheckHasKeys(index.info()));
    KITH_RETURN_IF_ERROR(queries.AddKeys(args.keys));
  }
  return searcher->Print(queries);
}

Status RunSearch(const SearchArgs& args) {
  std::vector<std::string> inputs = args.images;
  inputs.insert(inputs.end(), {args.file, args.rerank, args.queries, args.model});
  KITH_RETURN_IF_ERROR(CheckOutputs(inputs, ArraysOf(args.out)));
  KITH_ASSIGN_OR_RETURN(const std::unique_ptr<Index> index,
                        OpenIndex(args.file, {.huge_pages = args.huge}));
  KITH_ASSIGN_OR_RETURN(const SearchParams params, MakeParams(args, index->info()));
  Searcher searcher(*index, params, args);
  if (args.format == "tsv") PrintTsvHeader(std::cout);
  // Also of a batch of which some queries could not be answered.
  const Status status = SearchWith(args, *index, &searcher);
  searcher.WarnOfDrift();
  return status;
}

void CheckUsage(SearchArgs* args) {
  if (!args->stdin_mark.empty() && args->stdin_mark != "-") {
    throw CLI::ValidationError(
        args->stdin_mark, "not expected; put several keys in quotes, or give - for standard input");
  }
  const int sources = int{!args->stdin_mark.empty()} + int{!args->queries.empty()} +
                      int{args->id.has_value()} + int{!args->keys.empty()} +
                      int{args->vector.has_value()} + int{!args->images.empty()};
  if (sources != 1) {
    throw CLI::ValidationError("query",
                               "give one of --queries, --id, --key, --vector, --image, or - for "
                               "standard input");
  }
  if (!args->rerank.empty() && args->queries.empty()) {
    throw CLI::ValidationError("--rerank", "compares the vectors of --queries; add these");
  }
  if (!args->model.empty() && args->images.empty()) {
    throw CLI::ValidationError("--model", "is for queries that are pictures; add --image");
  }
  if (!args->dataset.empty() && args->queries.empty()) {
    throw CLI::ValidationError("--dataset", "is of a file of queries; add --queries");
  }
  if (args->exact && args->index != "auto" && args->index != "exact") {
    throw CLI::ValidationError("--exact",
                               StrCat("contradicts --index ", args->index, "; leave one out"));
  }
  if (args->huge && (args->exact || args->index == "exact" || args->index == "forest")) {
    throw CLI::ValidationError("--huge", "is for searches of a graph; leave it out");
  }
  if (args->effort > 0 && args->worst > 0) {
    throw CLI::ValidationError("--worst and --effort",
                               "contradict each other: a recall chooses its effort; leave one out");
  }
  if (args->effort > 0 && args->recall > 0) {
    throw CLI::ValidationError("--recall and --effort",
                               "contradict each other: a recall chooses its effort; leave one out");
  }
  if ((args->exact || args->index == "exact") && args->effort > 0) {
    throw CLI::ValidationError("--effort", "means nothing to exact search; leave it out");
  }
  if (args->json) {
    if (args->format != "table") {
      throw CLI::ValidationError("--json", "is --format json; leave the other --format out");
    }
    args->format = "json";
  }
  if ((args->format == "npy") != !args->out.empty()) {
    throw CLI::ValidationError("--format npy",
                               "needs -o FILE, and -o needs it; redirect the other formats with >");
  }
  const std::string extension = std::filesystem::path(args->out).extension().string();
  if (args->format == "npy" && extension != ".npy") {
    throw CLI::ValidationError("-o", "the name must end in .npy");
  }
}

void AddQueryOptions(CLI::App* sub, SearchArgs* args) {
  AddKithFile(sub, &args->file, "The .kith file");
  sub->add_option("DASH", args->stdin_mark,
                  "A single - reads queries from standard input, one a line")
      ->option_text(" ");
  sub->add_option("--queries", args->queries, "Search for every vector of a file")
      ->type_name("FILE");
  AddDataset(sub, &args->dataset, "The dataset of an hdf5 file of queries; \"test\" if absent");
  sub->add_option(
         "--rerank", args->rerank,
         "Compare the nearest found again by the vectors of this file, from which FILE was "
         "built with --reduce")
      ->type_name("FILE");
  AddCount(sub, "--candidates", &args->candidates, 1, "How many of them --rerank compares")
      ->capture_default_str();
  const auto check_id = [](const std::string& text) {
    return ParseWhole(text) ? std::string()
                            : StrCat("'", text, "' is not an id, a whole number below 2^63");
  };
  sub->add_option("--id", args->id, "Search for the vector of this id, itself left out")
      ->check(CLI::Validator(check_id, ""))
      ->type_name("N");
  sub->add_option("--key", args->keys,
                  "Search for a key, or a sum of keys, as \"+king -man +woman\"")
      ->type_name("TEXT")
      ->allow_extra_args(false);
  sub->add_option("--vector", args->vector, "Search for these numbers, commas between")
      ->type_name("X,Y,...");
  sub->add_option("--image", args->images,
                  "Search for a picture, of a FILE that kith embed made; again for another")
      ->type_name("FILE")
      ->allow_extra_args(false);
  sub->add_option("--model", args->model,
                  "The network that made FILE; looked for beside it and in this folder if absent")
      ->type_name("FILE");
}

}  // namespace

void AddSearchCommand(CLI::App* app, Action* action) {
  auto args = std::make_shared<SearchArgs>();
  CLI::App* sub = app->add_subcommand("search", "Find the nearest neighbours of queries");
  AddQueryOptions(sub, args.get());
  AddCount(sub, "-k", &args->k, 1, "Neighbours of each query")->capture_default_str();
  AddEffort(sub, &args->effort,
            "Graph: ef, the width of the beam; 64 or 2 k if absent, whichever is more. "
            "Forest: search_k, the vectors to compare; 8 k times the trees if absent");
  AddRecall(sub, &args->recall,
            "The share of true neighbours wanted on average, as 0.95, instead of an effort");
  AddWorst(sub, &args->worst);
  AddDrift(sub, &args->drift);
  sub->add_flag("--exact", args->exact, "Compare every vector");
  sub->add_option("--index", args->index, "auto (the best there is), graph, forest or exact")
      ->check(CLI::IsMember({"auto", "graph", "forest", "exact"}).description(""))
      ->type_name("NAME");
  AddHuge(sub, &args->huge);
  AddThreads(sub, &args->threads, "Threads for many queries; 0 is one for each core");
  sub->add_option("--format", args->format, "table, tsv, json (an object for each query) or npy")
      ->check(CLI::IsMember({"table", "tsv", "json", "npy"}).description(""))
      ->type_name("NAME");
  sub->add_flag("--json", args->json, "The same as --format json");
  sub->add_option("-o,--output", args->out,
                  "With --format npy: ids to FILE.npy, distances to FILE.distances.npy")
      ->type_name("FILE");
  sub->footer(
      "Example:\n"
      "  kith search words.kith --key \"chinese river\" -k 20\n"
      "  kith search words.kith --queries asked.fvecs --recall 0.95 --json\n"
      "  echo guitar | kith search words.kith - --exact --format tsv");
  sub->callback([args, action] {
    CheckUsage(args.get());
    *action = [args] { return RunSearch(*args); };
  });
}

}  // namespace kith::apps::cli
