// kith words: the words nearest to words, as word2vec's tools find them, and what else words are to
// each other.
#include "kith/words.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "commands.h"
#include "common/stopwatch.h"
#include "common/text.h"
#include "options.h"
#include "terminal.h"
#include "word_desk.h"
#include "word_prompt.h"

namespace kith::apps::cli {
namespace {

constexpr int64_t kUsualWords = 10;
constexpr int64_t kWord2vecWords = 40;

struct WordsArgs {
  std::string file;
  std::vector<std::string> query;
  std::string out;
  int64_t count = 0;  // 0: as usual for the format
  double recall = 0;  // 0: as usual
  bool exact = false;
  int threads = 0;
  uint64_t memory = 0;
  std::string format = "table";
  bool json = false;
  // What is asked instead of the nearest words.
  std::vector<std::string> odd;
  std::vector<std::string> similarity;
  std::vector<std::string> rank;
  std::vector<std::string> closer;
  std::string analogies;
  int64_t vocabulary = 0;
};

Result<OpenedWords> Open(const WordsArgs& args) {
  ProgressBar bar;
  const Stopwatch stopwatch;
  OpenWordsOptions options;
  options.index_path = args.out;
  options.memory = args.memory;
  options.threads = args.threads;
  options.progress = bar.callback();
  KITH_ASSIGN_OR_RETURN(OpenedWords words, OpenWords(args.file, options));
  bar.Clear();
  if (words.built && isatty(STDERR_FILENO) == 1) {
    std::cerr << words.index_path << ": " << Plural(words.index->info().num_vectors, "word") << ", "
              << FormatBytes(words.index->info().file_bytes) << ", made in "
              << FormatSeconds(stopwatch.Seconds()) << "; it is opened at once from now on\n";
  }
  return words;
}

// Lines of standard input: all that have arrived are answered together, so that many take less time
// and whoever writes one by one gets each answer at once.
Status AnswerLines(WordDesk* desk) {
  constexpr size_t kMostAtOnce = 256;
  const bool word2vec = desk->settings().format == "word2vec";
  uint64_t asked = 0;
  uint64_t failed = 0;
  std::vector<std::string> lines;
  const auto answer = [&]() -> Status {
    const Status status = desk->Neighbours(lines, true, &failed);
    std::cout << std::flush;
    if (status.code() != StatusCode::kNotFound && status.code() != StatusCode::kInvalidArgument) {
      KITH_RETURN_IF_ERROR(status);
    }
    lines.clear();
    return Status::Ok();
  };
  if (word2vec) std::cout << kWord2vecPrompt << std::flush;
  for (std::string line; std::getline(std::cin, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (word2vec && line == "EXIT") break;
    if (line.find_first_not_of(" \t") != std::string::npos) {
      lines.push_back(line);
      ++asked;
    }
    const bool more = std::cin.rdbuf()->in_avail() > 0 && lines.size() < kMostAtOnce && !word2vec;
    if (!more && !lines.empty()) KITH_RETURN_IF_ERROR(answer());
    if (word2vec) std::cout << kWord2vecPrompt << std::flush;
  }
  if (!lines.empty()) KITH_RETURN_IF_ERROR(answer());
  if (asked == 0 && !word2vec) {
    return Status::InvalidArgument("no queries on standard input; write one a line: words");
  }
  if (failed == 0) return Status::Ok();
  return Status::NotFound(
      StrCat(FormatCount(failed), " of ", Plural(asked, "query"), " could not be answered"));
}

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

Status RunWords(const WordsArgs& args) {
  KITH_ASSIGN_OR_RETURN(const OpenedWords words, Open(args));
  WordSettings settings;
  const bool word2vec = args.format == "word2vec";
  settings.k = static_cast<size_t>(args.count > 0 ? args.count
                                   : word2vec     ? kWord2vecWords
                                                  : kUsualWords);
  if (args.recall > 0) settings.recall = args.recall;
  settings.exact = args.exact;
  settings.threads = args.threads;
  settings.format = args.format;
  WordDesk desk(words, settings);
  if (!args.analogies.empty()) {
    return desk.Analogies(args.analogies, static_cast<uint64_t>(args.vocabulary));
  }
  if (!args.odd.empty()) return desk.OddOneOut(args.odd);
  if (!args.similarity.empty()) return desk.Similarity(args.similarity[0], args.similarity[1]);
  if (!args.rank.empty()) return desk.Rank(args.rank[0], args.rank[1]);
  if (!args.closer.empty()) return desk.CloserThan(args.closer[0], args.closer[1]);
  desk.PrintHeader();
  uint64_t failed = 0;  // which the Status tells of, too
  if (!args.query.empty()) return desk.Neighbours({Joined(args.query)}, false, &failed);
  if (isatty(STDIN_FILENO) == 1 && !word2vec) return Prompt(&desk);
  return AnswerLines(&desk);
}

void CheckUsage(WordsArgs* args) {
  const int asked = int{!args->query.empty()} + int{!args->odd.empty()} +
                    int{!args->similarity.empty()} + int{!args->rank.empty()} +
                    int{!args->closer.empty()} + int{!args->analogies.empty()};
  if (asked > 1) {
    throw CLI::ValidationError("query",
                               "one question at a time: words, or one of --odd-one-out, "
                               "--similarity, --rank, --closer-than, --analogies");
  }
  if (args->exact && args->recall > 0) {
    throw CLI::ValidationError("--exact", "finds everything; leave --recall out");
  }
  if (args->vocabulary > 0 && args->analogies.empty()) {
    throw CLI::ValidationError("--vocabulary", "is for --analogies; leave it out");
  }
  if (args->json) {
    if (args->format != "table") {
      throw CLI::ValidationError("--json", "is --format json; leave the other --format out");
    }
    args->format = "json";
  }
  const bool lists = args->analogies.empty() && args->odd.empty() && args->similarity.empty() &&
                     args->rank.empty() && args->closer.empty();
  if (!lists && (args->format == "tsv" || args->format == "word2vec")) {
    throw CLI::ValidationError(StrCat("--format ", args->format),
                               "is for the nearest words; leave it out, or use --json");
  }
}

void AddQuestions(CLI::App* sub, WordsArgs* args) {
  sub->add_option("--odd-one-out", args->odd, "Which of several words does not belong")
      ->option_text("WORD ...")
      ->expected(2, 1 << 20);
  const auto two = [&](const char* name, std::vector<std::string>* words, const char* text) {
    sub->add_option(name, *words, text)->option_text("A B")->expected(2);
  };
  two("--similarity", &args->similarity, "The cosine of two queries");
  two("--rank", &args->rank, "The place of word B among the neighbours of word A");
  two("--closer-than", &args->closer, "The words that are closer to A than B is");
  sub->add_option("--analogies", args->analogies,
                  "Score questions \"a b c d\" in sections, as questions-words.txt has them")
      ->type_name("FILE");
  AddCount(sub, "--vocabulary", &args->vocabulary, 1,
           "With --analogies: only the first N words count");
}

}  // namespace

void AddWordsCommand(CLI::App* app, Action* action) {
  auto args = std::make_shared<WordsArgs>();
  CLI::App* sub = app->add_subcommand("words", "Ask for the words nearest to words");
  sub->add_option("FILE", args->file,
                  "Words and their vectors: word2vec, GloVe, fastText, csv, .gz or .kith")
      ->required()
      ->option_text(" ");
  sub->add_option("QUERY", args->query,
                  "Words, as \"king - man + woman\"; without any, lines of standard input")
      ->option_text(" ");
  AddCount(sub, "-n", &args->count, 1, "Words to list; 10, or 40 with --format word2vec");
  AddRecall(sub, &args->recall, "The share of the true nearest words wanted; 0.99 if absent");
  sub->add_flag("--exact", args->exact, "Compare every word, as word2vec's tool does");
  AddQuestions(sub, args.get());
  sub->add_option("--format", args->format,
                  "table, tsv, json, or word2vec: as its tool `distance` prints")
      ->check(CLI::IsMember({"table", "tsv", "json", "word2vec"}).description(""))
      ->type_name("NAME");
  sub->add_flag("--json", args->json, "The same as --format json");
  sub->add_option("-o,--output", args->out,
                  "The .kith file made of FILE when it is first asked; FILE.kith if absent")
      ->type_name("FILE");
  AddSize(sub, "--memory", &args->memory, "The most memory making it may take, as 4G");
  AddThreads(sub, &args->threads, "Threads; 0 is one for each core");
  sub->footer(
      "Example:\n"
      "  kith words GoogleNews-vectors-negative300.bin chinese river\n"
      "  kith words words.bin \"king - man + woman\" -n 5\n"
      "  kith words words.bin --analogies questions-words.txt\n"
      "  kith words words.bin                                      (asks at a prompt)");
  sub->callback([args, action] {
    CheckUsage(args.get());
    *action = [args] { return RunWords(*args); };
  });
}

}  // namespace kith::apps::cli
