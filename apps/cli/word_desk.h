// Where questions about words are answered, however they came: from arguments, lines or a prompt.
#ifndef KITH_APPS_CLI_WORD_DESK_H_
#define KITH_APPS_CLI_WORD_DESK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "kith/index.h"
#include "kith/status.h"
#include "kith/words.h"

namespace kith::apps::cli {

// How answers are found and shown.
struct WordSettings {
  size_t k = 10;
  double recall = 0.99;
  bool exact = false;
  int threads = 0;
  std::string format = "table";  // or tsv, json, word2vec
};

// Prints answers on standard output, and on standard error what words are not there.
class WordDesk {
 public:
  // The words must outlive it.
  WordDesk(const OpenedWords& words, WordSettings settings)
      : index_(*words.index), subwords_(words.subwords.get()), settings_(std::move(settings)) {}

  const Index& index() const { return index_; }
  WordSettings& settings() { return settings_; }

  // Before the first answer.
  void PrintHeader() const;
  // The nearest words of each query. One that cannot be answered is told of, and the others are
  // answered all the same; the Status is the first such. `named` puts the text of the query before
  // what is told of it.
  // `failed` counts those.
  Status Neighbours(const std::vector<std::string>& texts, bool named, uint64_t* failed);

  // What two queries have in common, and of single words: how many are nearer to the first than the
  // second, and 1; which are; which of several is the odd one.
  Status Similarity(const std::string& a, const std::string& b);
  Status Rank(const std::string& a, const std::string& b);
  Status CloserThan(const std::string& a, const std::string& b);
  Status OddOneOut(const std::vector<std::string>& words);
  Status Analogies(const std::string& path, uint64_t vocabulary);

 private:
  bool json() const { return settings_.format == "json"; }
  SearchParams Params() const;
  Status Word2vecLine(const std::string& line);

  const Index& index_;
  const Subwords* const subwords_;  // or nullptr
  WordSettings settings_;
};

}  // namespace kith::apps::cli

#endif  // KITH_APPS_CLI_WORD_DESK_H_
