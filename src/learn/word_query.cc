// ParseWords and what is asked with it.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/nearest_name.h"
#include "base/spelling.h"
#include "base/strings.h"
#include "base/thread_pool.h"
#include "index/keys.h"
#include "kith/words.h"
#include "learn/words.h"
#include "search/metric_traits.h"

namespace kith::learn {
namespace {

constexpr std::string_view kWhiteSpace = " \t\n\v\f\r";
constexpr size_t kLongestPhrase = 5;  // words
constexpr size_t kSpellings = 3;      // that are named of an unknown word

std::vector<std::string_view> Split(std::string_view text) {
  std::vector<std::string_view> tokens;
  for (size_t end = 0;;) {
    const size_t begin = text.find_first_not_of(kWhiteSpace, end);
    if (begin == std::string_view::npos) return tokens;
    end = std::min(text.find_first_of(kWhiteSpace, begin), text.size());
    tokens.push_back(text.substr(begin, end - begin));
  }
}

// A token without its sign and its weight.
struct Token {
  std::string_view word;
  double weight = 1;
  bool plain = true;  // it had neither
};

Token ReadToken(std::string_view text) {
  Token token{text};
  if (text.size() > 1 && (text[0] == '+' || text[0] == '-')) {
    token = {text.substr(1), text[0] == '-' ? -1.0 : 1.0, false};
  }
  const size_t star = token.word.find('*');
  if (star == std::string_view::npos || star + 1 == token.word.size()) return token;
  double factor = 0;
  const char* const end = token.word.data() + star;
  const auto [stop, error] = std::from_chars(token.word.data(), end, factor);
  if (error != std::errc() || stop != end || !std::isfinite(factor)) return token;
  return {token.word.substr(star + 1), token.weight * factor, false};
}

bool IsSign(std::string_view token) { return token == "+" || token == "-"; }

// As typed, small, Capital and CAPITAL: of each word of a phrase.
enum class Case { kTyped, kSmall, kCapital, kCapitals };
constexpr std::array kCases = {Case::kTyped, Case::kSmall, Case::kCapital, Case::kCapitals};

void AppendInCase(std::string_view word, Case letters, std::string* out) {
  for (size_t i = 0; i < word.size(); ++i) {
    const bool capital = letters == Case::kCapitals || (letters == Case::kCapital && i == 0);
    *out += letters == Case::kTyped ? word[i] : capital ? UpperAscii(word[i]) : LowerAscii(word[i]);
  }
}

class Parser {
 public:
  Parser(const Index& index, int threads, const Subwords* subwords)
      : index_(index), threads_(threads), subwords_(subwords) {}

  Result<WordQuery> Parse(std::string_view text);

 private:
  // The row of a key; nothing if it is none. Errors: Corruption.
  Result<std::optional<uint64_t>> Find(std::string_view key) const {
    const Result<uint64_t> row = index_.FindKey(key);
    if (row.ok()) return std::optional(*row);
    if (row.status().code() != StatusCode::kNotFound) return row.status();
    return std::optional<uint64_t>();
  }
  // Words that are one key, joined, in any of the cases.
  Result<std::optional<uint64_t>> FindJoined(std::span<const std::string_view> words) const;
  // Appends the words from tokens[at] on that make the next term, and returns their number.
  Result<size_t> Take(std::span<const std::string_view> tokens, WordQuery* query) const;
  Status AddWord(const Token& token, WordQuery* query) const;
  // A word that is no key, by its subwords if these make a vector of it.
  Status AddUnknown(const Token& token, UnknownWord unknown, WordQuery* query) const;

  const Index& index_;
  const int threads_;
  const Subwords* const subwords_;
};

Result<std::optional<uint64_t>> Parser::FindJoined(std::span<const std::string_view> words) const {
  const std::string_view separators = words.size() == 1 ? "_" : "_ -";
  for (const char separator : separators) {
    for (const Case letters : kCases) {
      std::string key;
      for (const std::string_view word : words) {
        if (!key.empty()) key += separator;
        AppendInCase(word, letters, &key);
      }
      KITH_ASSIGN_OR_RETURN(const std::optional<uint64_t> row, Find(key));
      if (row) return row;
    }
  }
  return std::optional<uint64_t>();
}

Status Parser::AddWord(const Token& token, WordQuery* query) const {
  KITH_ASSIGN_OR_RETURN(std::optional<uint64_t> row, FindJoined(std::span(&token.word, 1)));
  if (!row) {
    KITH_ASSIGN_OR_RETURN(std::vector<std::string> nearest,
                          NearestKeys(index_, token.word, kSpellings, threads_));
    const bool same = !nearest.empty() && SpellingPattern(token.word).Distance(nearest[0], 0) == 0;
    if (!same) {
      return AddUnknown(token, {std::string(token.word), std::move(nearest)}, query);
    }
    KITH_ASSIGN_OR_RETURN(row, Find(nearest[0]));
  }
  if (row) query->terms.push_back({*row, token.weight});
  return Status::Ok();
}

Status Parser::AddUnknown(const Token& token, UnknownWord unknown, WordQuery* query) const {
  Result<std::vector<float>> vector =
      subwords_ == nullptr ? Status::NotFound("") : subwords_->VectorOf(unknown.word);
  if (!vector.ok()) {
    if (vector.status().code() != StatusCode::kNotFound) return vector.status();
    query->unknown.push_back(std::move(unknown));
    return Status::Ok();
  }
  const IndexInfo& info = index_.info();
  if (vector->size() != info.dim) {
    return Status::InvalidArgument(StrCat(subwords_->path(), " makes vectors of ",
                                          Plural(vector->size(), "dimension"), ", but ", info.path,
                                          " has ", info.dim, "; ask one that was made of it"));
  }
  query->subwords.push_back({std::move(unknown), *std::move(vector), token.weight});
  return Status::Ok();
}

Result<size_t> Parser::Take(std::span<const std::string_view> tokens, WordQuery* query) const {
  const bool alone = IsSign(tokens[0]) && tokens.size() > 1;
  const size_t first = alone ? 1 : 0;
  if (!alone) {
    KITH_ASSIGN_OR_RETURN(const std::optional<uint64_t> row, Find(tokens[0]));
    // What is a key with its sign is that key, but it may yet begin a phrase.
    if (row && !ReadToken(tokens[0]).plain) {
      query->terms.push_back({*row, 1});
      return size_t{1};
    }
  }
  Token token = ReadToken(tokens[first]);
  if (alone && tokens[0] == "-") token.weight = -token.weight;

  std::vector<std::string_view> words{token.word};
  for (size_t next = first + 1; next < tokens.size() && words.size() < kLongestPhrase; ++next) {
    if (IsSign(tokens[next]) || !ReadToken(tokens[next]).plain) break;
    words.push_back(tokens[next]);
  }
  for (size_t count = words.size(); count > 1; --count) {
    KITH_ASSIGN_OR_RETURN(const std::optional<uint64_t> row,
                          FindJoined(std::span(words).first(count)));
    if (!row) continue;
    query->terms.push_back({*row, token.weight});
    return first + count;
  }
  KITH_RETURN_IF_ERROR(AddWord(token, query));
  return first + 1;
}

Result<WordQuery> Parser::Parse(std::string_view text) {
  KITH_RETURN_IF_ERROR(CheckWords(index_));
  WordQuery query;
  for (const size_t signs : {0, 1}) {
    if (signs == 1 && (text.size() < 2 || (text[0] != '+' && text[0] != '-'))) break;
    KITH_ASSIGN_OR_RETURN(const std::optional<uint64_t> row, Find(text.substr(signs)));
    if (!row) continue;
    query.terms.push_back({*row, signs == 1 && text[0] == '-' ? -1.0 : 1.0});
    return query;
  }
  const std::vector<std::string_view> tokens = Split(text);
  if (tokens.empty()) return Status::InvalidArgument("the query is empty; give at least one word");
  for (size_t at = 0; at < tokens.size();) {
    KITH_ASSIGN_OR_RETURN(const size_t taken, Take(std::span(tokens).subspan(at), &query));
    at += taken;
  }
  return query;
}

// Whether a sum of so many vectors of length 1 is nothing but what rounding left of it.
bool IsNothing(std::span<const float> sum, size_t terms) {
  double squares = 0;
  for (const float x : sum) squares += static_cast<double>(x) * x;
  constexpr double kRounding = 1e-12;
  return squares <= (terms > 1 ? kRounding : 0);
}

}  // namespace

Status CheckWords(const Index& index) {
  KITH_RETURN_IF_ERROR(index::CheckHasKeys(index));
  const IndexInfo& info = index.info();
  if (search::TraitsOf(info.metric).unit_length()) return Status::Ok();
  return Status::InvalidArgument(StrCat(info.path, " is of the metric ", MetricName(info.metric),
                                        ", but words are compared by their cosines; build it ",
                                        "anew with the metric angular"));
}

}  // namespace kith::learn

namespace kith {

Result<WordQuery> ParseWords(const Index& index, std::string_view text, int threads,
                             const Subwords* subwords) {
  return CatchAll([&] { return learn::Parser(index, threads, subwords).Parse(text); });
}

std::string UnknownWordText(const UnknownWord& unknown) {
  return StrCat("no word '", Printable(unknown.word), "'", DidYouMean(unknown.nearest));
}

std::string SubwordText(const SubwordTerm& term) {
  return StrCat("no word '", Printable(term.word.word), "', so its subwords are asked for",
                DidYouMean(term.word.nearest));
}

Result<uint64_t> FindWord(const Index& index, std::string_view text, int threads) {
  return CatchAll([&]() -> Result<uint64_t> {
    KITH_ASSIGN_OR_RETURN(const WordQuery query, ParseWords(index, text, threads));
    if (!query.unknown.empty()) {
      return Status::NotFound(
          StrCat(UnknownWordText(query.unknown[0]), " (in ", index.info().path, ")"));
    }
    if (query.terms.size() == 1 && query.terms[0].weight == 1) return query.terms[0].row;
    return Status::InvalidArgument(
        StrCat("'", Printable(text), "' is more than one word; give a single one"));
  });
}

Status AddWords(const WordQuery& query, QueryBatch* batch) {
  return CatchAll([&]() -> Status {
    if (query.terms.empty() && query.subwords.empty()) {
      return Status::NotFound(query.unknown.empty() ? "the query is empty; give at least one word"
                                                    : UnknownWordText(query.unknown[0]));
    }
    std::vector<VectorTerm> vectors;
    for (const SubwordTerm& term : query.subwords) vectors.push_back({term.vector, term.weight});
    QueryBatch alone(batch->index());
    alone.Add(query.terms, vectors);
    const MatrixView sum = alone.vectors();
    const auto* const values = reinterpret_cast<const float*>(sum.data);
    if (learn::IsNothing({values, sum.dim}, query.terms.size() + vectors.size())) {
      return Status::InvalidArgument(
          "the vectors of the query's words sum up to zero, to which nothing is near; leave out "
          "one");
    }
    batch->Add(query.terms, vectors);
    return Status::Ok();
  });
}

}  // namespace kith
