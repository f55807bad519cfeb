// ScoreAnalogies. Every question is a combination of the cosines of its words to all words, so
// those are computed once for each word that any question has, a block of words at a time.
#include <algorithm>
#include <limits>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/spelling.h"
#include "base/strings.h"
#include "base/thread_pool.h"
#include "kith/words.h"
#include "learn/cosines.h"
#include "learn/words.h"

namespace kith::learn {
namespace {

std::string Folded(std::string_view word) {
  std::string folded(word);
  std::transform(folded.begin(), folded.end(), folded.begin(), UpperAscii);
  return folded;
}

constexpr uint32_t kAbsent = std::numeric_limits<uint32_t>::max();

// "a b c d", as numbers of words.
struct Question {
  uint32_t words[4];
  uint32_t section;
};

struct Questions {
  std::vector<AnalogySection> sections;
  std::vector<Question> asked;
  std::vector<std::string> words;  // folded, each once
};

// Reads the file of questions.
class QuestionReader {
 public:
  explicit QuestionReader(std::string path) : path_(std::move(path)) {}

  Result<Questions> Read() {
    KITH_ASSIGN_OR_RETURN(const auto file, MappedFile::Open(path_));
    const std::span<const std::byte> bytes = file->bytes();
    std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    while (!text.empty()) {
      const size_t end = std::min(text.find('\n'), text.size());
      ++line_;
      KITH_RETURN_IF_ERROR(AddLine(text.substr(0, end)));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    if (questions_.asked.empty()) return Wrong("no questions in the file");
    return std::move(questions_);
  }

 private:
  Status Wrong(std::string_view what) const {
    return Status::InvalidArgument(StrCat(path_, ": line ", line_, ": ", what,
                                          "; expected lines of four words, \"a b c d\", and of "
                                          "sections, \": NAME\""));
  }
  Status AddLine(std::string_view line) {
    constexpr std::string_view kBlanks = " \t\r";
    constexpr size_t kLongestWord = 4096;
    std::vector<std::string_view> tokens;
    for (size_t end = 0;;) {
      const size_t begin = line.find_first_not_of(kBlanks, end);
      if (begin == std::string_view::npos) break;
      end = std::min(line.find_first_of(kBlanks, begin), line.size());
      tokens.push_back(line.substr(begin, end - begin));
      if (tokens.back().size() > kLongestWord) return Wrong("a word of more than 4,096 bytes");
      if (tokens.size() > 4 && tokens[0] != ":") return Wrong("more than four words");
    }
    if (tokens.empty()) return Status::Ok();
    if (tokens[0].starts_with(':')) {
      const size_t name = line.find_first_not_of(kBlanks, line.find(':') + 1);
      if (name == std::string_view::npos) return Wrong("a section without a name");
      const std::string_view rest = line.substr(name);
      questions_.sections.push_back(
          {.name = std::string(rest.substr(0, rest.find_last_not_of(kBlanks) + 1)), .line = line_});
      return Status::Ok();
    }
    if (tokens.size() != 4) {
      return Wrong(
          StrCat("got ", Plural(tokens.size(), "word"), ", '", Printable(line.substr(0, 60)), "'"));
    }
    if (questions_.sections.empty()) {
      questions_.sections.push_back({.name = "all questions", .line = line_});
    }
    Question question{};
    question.section = static_cast<uint32_t>(questions_.sections.size() - 1);
    for (size_t i = 0; i < 4; ++i) question.words[i] = NumberOf(tokens[i]);
    questions_.asked.push_back(question);
    return Status::Ok();
  }
  uint32_t NumberOf(std::string_view word) {
    const auto [at, added] =
        numbers_.try_emplace(Folded(word), static_cast<uint32_t>(questions_.words.size()));
    if (added) questions_.words.push_back(at->first);
    return at->second;
  }

  std::string path_;
  uint64_t line_ = 0;
  Questions questions_;
  std::unordered_map<std::string, uint32_t> numbers_;
};

// The first row of each word, among the first n; kAbsent where there is none.
Result<std::vector<uint32_t>> FindRows(const Index& index, uint64_t n,
                                       const std::vector<std::string>& words,
                                       const ThreadPool& pool) {
  std::unordered_map<std::string_view, uint32_t> numbers;
  size_t longest = 0;
  for (uint32_t i = 0; i < words.size(); ++i) {
    numbers.emplace(words[i], i);
    longest = std::max(longest, words[i].size());
  }
  std::vector<uint32_t> rows(words.size(), kAbsent);
  for (uint64_t row = 0; row < n; ++row) {
    constexpr uint64_t kRowsAtOnce = 1 << 16;
    if (row % kRowsAtOnce == 0) KITH_RETURN_IF_ERROR(pool.CheckStop());
    const std::string_view key = index.Key(row);
    if (key.size() > longest) continue;
    const auto found = numbers.find(Folded(key));
    if (found == numbers.end() || rows[found->second] != kAbsent) continue;
    rows[found->second] = static_cast<uint32_t>(row);
  }
  return rows;
}

// The best word so far.
struct Best {
  float score = -std::numeric_limits<float>::infinity();
  uint32_t row = kAbsent;

  // Of equal scores, the smaller row's: what comes first does not depend on the threads.
  void Take(float other, uint32_t other_row) {
    if (other > score || (other == score && other_row < row)) *this = {other, other_row};
  }
};

// The most of combine(a[j], b[j]); n is a multiple of kLanes.
constexpr size_t kLanes = 16;
template <class Combine>
float MostOf(const float* a, const float* b, size_t n, const Combine& combine) {
  float most[kLanes];
  std::fill_n(most, kLanes, -std::numeric_limits<float>::infinity());
  for (size_t j = 0; j < n; j += kLanes) {
    for (size_t i = 0; i < kLanes; ++i) {
      const float x = combine(a[j + i], b[j + i]);
      most[i] = x > most[i] ? x : most[i];
    }
  }
  return *std::max_element(most, most + kLanes);
}

float Plus(float a, float b) { return a + b; }
// The product with a cosine that is brought to [0, 1].
float Times(float a, float b) { return a * (0.5F + 0.5F * b); }

class Scorer {
 public:
  // Questions that follow each other with the same first two words share half of the work.
  Scorer(std::vector<Question> questions, const std::vector<uint32_t>& rows, int threads)
      : questions_(std::move(questions)), rows_(rows), threads_(static_cast<size_t>(threads)) {
    best_add_.resize(threads_ * questions_.size());
    best_mul_.resize(threads_ * questions_.size());
    shared_.resize(threads_);
  }

  // The cosines are those of the words to a block of rows.
  void Visit(const CosineBlock& block) {
    const auto thread = static_cast<size_t>(block.thread);
    std::vector<float>& shared = shared_[thread];
    shared.resize(2 * block.stride);
    float* const sums = shared.data();
    float* const ratios = sums + block.stride;
    const size_t count = block.end - block.begin;
    const size_t padded = RoundUp(count, kLanes);
    const Question* before = nullptr;
    for (size_t q = 0; q < questions_.size(); ++q) {
      const Question& question = questions_[q];
      const float* const a = block.values + question.words[0] * block.stride;
      const float* const b = block.values + question.words[1] * block.stride;
      const float* const c = block.values + question.words[2] * block.stride;
      if (before == nullptr || before->words[0] != question.words[0] ||
          before->words[1] != question.words[1]) {
        Share(a, b, count, padded, sums, ratios);
        before = &question;
      }
      Offer<Plus>(block, question, sums, c, padded, &best_add_[thread * questions_.size() + q]);
      Offer<Times>(block, question, ratios, c, padded, &best_mul_[thread * questions_.size() + q]);
    }
  }

  Best Add(size_t question) const { return Merge(best_add_, question); }
  Best Mul(size_t question) const { return Merge(best_mul_, question); }

 private:
  // What all questions of the same a and b have in common. Behind the block there is nothing that
  // could be the best.
  static void Share(const float* a, const float* b, size_t count, size_t padded, float* sums,
                    float* ratios) {
    constexpr float kEpsilon = 0.001F;
    for (size_t j = 0; j < count; ++j) {
      sums[j] = b[j] - a[j];
      ratios[j] = (0.5F + 0.5F * b[j]) / (0.5F + 0.5F * a[j] + kEpsilon);
    }
    for (size_t j = count; j < padded; ++j) {
      sums[j] = ratios[j] = -std::numeric_limits<float>::infinity();
    }
  }

  template <float (*combine)(float, float)>
  void Offer(const CosineBlock& block, const Question& question, const float* shared,
             const float* c, size_t padded, Best* best) const {
    const float most = MostOf(shared, c, padded, [](float x, float y) { return combine(x, y); });
    if (!(most >= best->score)) return;
    for (uint64_t row = block.begin; row < block.end; ++row) {
      const float score = combine(shared[row - block.begin], c[row - block.begin]);
      if (score < best->score) continue;
      const auto* const end = question.words + 3;
      const bool own =
          std::any_of(question.words, end, [&](uint32_t word) { return rows_[word] == row; });
      if (!own) best->Take(score, static_cast<uint32_t>(row));
    }
  }

  Best Merge(const std::vector<Best>& all, size_t question) const {
    Best best;
    for (size_t thread = 0; thread < threads_; ++thread) {
      const Best& other = all[thread * questions_.size() + question];
      if (other.row != kAbsent) best.Take(other.score, other.row);
    }
    return best;
  }

  std::vector<Question> questions_;
  const std::vector<uint32_t>& rows_;  // of the words
  size_t threads_;
  std::vector<Best> best_add_;  // [threads, questions]
  std::vector<Best> best_mul_;
  std::vector<std::vector<float>> shared_;  // for each thread, of the questions under way
};

// Takes out of the questions what is not there, and numbers the words anew by those that are asked
// with; the fourth word of a question keeps its text.
struct Present {
  std::vector<Question> questions;
  std::vector<uint32_t> rows;             // of the words of the questions
  std::vector<std::string_view> answers;  // folded, for each question
};

Present TakePresent(const Questions& all, const std::vector<uint32_t>& rows,
                    std::vector<AnalogySection>* sections) {
  Present present;
  std::vector<uint32_t> numbers(all.words.size(), kAbsent);
  for (const Question& question : all.asked) {
    AnalogySection& section = (*sections)[question.section];
    ++section.asked;
    if (std::any_of(question.words, question.words + 4,
                    [&](uint32_t word) { return rows[word] == kAbsent; })) {
      continue;
    }
    ++section.seen;
    Question own = question;
    for (size_t i = 0; i < 3; ++i) {
      uint32_t& number = numbers[question.words[i]];
      if (number == kAbsent) {
        number = static_cast<uint32_t>(present.rows.size());
        present.rows.push_back(rows[question.words[i]]);
      }
      own.words[i] = number;
    }
    present.questions.push_back(own);
    present.answers.push_back(all.words[question.words[3]]);
  }
  return present;
}

Result<std::vector<AnalogySection>> Score(const Index& index, const std::string& path,
                                          const AnalogyOptions& options, ThreadPool& pool) {
  KITH_RETURN_IF_ERROR(CheckWords(index));
  KITH_ASSIGN_OR_RETURN(const Questions all, QuestionReader(path).Read());
  uint64_t n = index.info().num_vectors;
  if (options.vocabulary > 0) n = std::min(n, options.vocabulary);
  KITH_ASSIGN_OR_RETURN(const std::vector<uint32_t> rows, FindRows(index, n, all.words, pool));
  std::vector<AnalogySection> sections = all.sections;
  const Present present = TakePresent(all, rows, &sections);
  if (present.questions.empty()) return sections;
  const std::vector<uint64_t> wide(present.rows.begin(), present.rows.end());
  KITH_ASSIGN_OR_RETURN(const linalg::Matrix units, UnitVectors(index, wide));
  Scorer scorer(present.questions, present.rows, pool.size());
  KITH_RETURN_IF_ERROR(
      ForCosines(index, units, n, pool, options.progress, [&](const CosineBlock& block) {
        scorer.Visit(block);
        return Status::Ok();
      }));
  for (size_t q = 0; q < present.questions.size(); ++q) {
    AnalogySection& section = sections[present.questions[q].section];
    const auto right = [&](const Best& best) {
      return best.row != kAbsent && Folded(index.Key(best.row)) == present.answers[q];
    };
    section.right_add += right(scorer.Add(q)) ? 1 : 0;
    section.right_mul += right(scorer.Mul(q)) ? 1 : 0;
  }
  return sections;
}

}  // namespace
}  // namespace kith::learn

namespace kith {

Result<std::vector<AnalogySection>> ScoreAnalogies(const Index& index, const std::string& path,
                                                   const AnalogyOptions& options) {
  return CatchAll([&] {
    ThreadPool pool(options.threads, options.stop);
    return learn::Score(index, path, options, pool);
  });
}

}  // namespace kith
