#include "kith/query.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/nearest_name.h"
#include "base/strings.h"
#include "base/thread_pool.h"
#include "index/keys.h"
#include "search/metric_traits.h"

namespace kith {
namespace {

constexpr std::string_view kWhiteSpace = " \t\n\v\f\r";

Status UnknownKey(const Index& index, std::string_view word) {
  const IndexInfo& info = index.info();
  std::string message = StrCat("no key '", Printable(word), "' in ", info.path);
  const Result<std::vector<std::string>> meant = NearestKeys(index, word, 1);
  if (meant.ok() && !meant->empty()) {
    message += DidYouMean(*meant);
  } else {
    message += StrCat("; its ", FormatCount(info.num_vectors), " keys are such as");
    for (uint64_t i = 0; i < std::min<uint64_t>(3, info.num_vectors); ++i) {
      message += StrCat(i == 0 ? " '" : ", '", Printable(index.Key(i)), "'");
    }
  }
  return Status::NotFound(std::move(message));
}

// A word's sign, if it has one before something.
double SignOf(std::string_view word) {
  if (word.size() < 2 || (word[0] != '+' && word[0] != '-')) return 0;
  return word[0] == '-' ? -1 : 1;
}

// A key, or a key behind a sign: nothing if it is neither. Errors: Corruption.
Result<std::optional<QueryTerm>> FindTerm(const Index& index, std::string_view word) {
  const double sign = SignOf(word);
  // A key may itself begin with a sign.
  for (const bool signed_word : {false, true}) {
    if (signed_word && sign == 0) break;
    const Result<uint64_t> row = index.FindKey(word.substr(signed_word ? 1 : 0));
    if (row.ok()) return std::optional(QueryTerm{*row, signed_word ? sign : 1});
    if (row.status().code() != StatusCode::kNotFound) return row.status();
  }
  return std::optional<QueryTerm>();
}

Status AddTerm(const Index& index, std::string_view word, std::vector<QueryTerm>* terms) {
  KITH_ASSIGN_OR_RETURN(const std::optional<QueryTerm> term, FindTerm(index, word));
  if (!term) return UnknownKey(index, word.substr(SignOf(word) == 0 ? 0 : 1));
  terms->push_back(*term);
  return Status::Ok();
}

Result<std::vector<QueryTerm>> NotEmpty(std::vector<QueryTerm> terms) {
  if (!terms.empty()) return terms;
  return Status::InvalidArgument("the query is empty; give at least one key");
}

Result<std::vector<QueryTerm>> Parse(const Index& index, std::string_view text) {
  KITH_RETURN_IF_ERROR(index::CheckHasKeys(index));
  KITH_ASSIGN_OR_RETURN(const std::optional<QueryTerm> whole, FindTerm(index, text));
  if (whole) return std::vector{*whole};
  std::vector<QueryTerm> terms;
  for (size_t end = 0;;) {
    const size_t begin = text.find_first_not_of(kWhiteSpace, end);
    if (begin == std::string_view::npos) break;
    end = std::min(text.find_first_of(kWhiteSpace, begin), text.size());
    KITH_RETURN_IF_ERROR(AddTerm(index, text.substr(begin, end - begin), &terms));
  }
  return NotEmpty(std::move(terms));
}

}  // namespace

Result<std::vector<QueryTerm>> ParseQuery(const Index& index, std::string_view text) {
  return CatchAll([&] { return Parse(index, text); });
}

Result<std::vector<QueryTerm>> ParseQueryWords(const Index& index,
                                               std::span<const std::string> words) {
  return CatchAll([&]() -> Result<std::vector<QueryTerm>> {
    KITH_RETURN_IF_ERROR(index::CheckHasKeys(index));
    std::vector<QueryTerm> terms;
    for (const std::string& word : words) KITH_RETURN_IF_ERROR(AddTerm(index, word, &terms));
    return NotEmpty(std::move(terms));
  });
}

std::vector<float> QueryBatch::SumOf(std::span<const QueryTerm> terms,
                                     std::span<const VectorTerm> vectors) const {
  const size_t dim = index_->info().dim;
  const bool angular = search::TraitsOf(index_->info().metric).unit_length();
  std::vector<float> vector(dim);
  std::vector<double> sum(dim, 0.0);
  double weights = 0;
  const auto add = [&](std::span<const float> values, double weight) {
    double scale = weight;
    if (angular) {
      double squares = 0;
      for (const float x : values) squares += static_cast<double>(x) * x;
      scale = squares > 0 ? weight / std::sqrt(squares) : 0;
    }
    for (size_t i = 0; i < dim; ++i) sum[i] += values[i] * scale;
    weights += weight;
  };
  for (const QueryTerm& term : terms) {
    index_->GetVector(term.row, vector.data());
    add(vector, term.weight);
  }
  for (const VectorTerm& term : vectors) add(term.vector, term.weight);
  const double share = angular || weights <= 0 ? 1 : 1 / weights;
  for (size_t i = 0; i < dim; ++i) vector[i] = static_cast<float>(sum[i] * share);
  return vector;
}

// All of the query or nothing.
void QueryBatch::Append(std::span<const float> vector, std::span<const uint64_t> excluded,
                        bool by_key) {
  const size_t values = values_.size();
  const size_t queries = size();
  try {
    values_.insert(values_.end(), vector.begin(), vector.end());
    by_key_.push_back(by_key);
    excluded_.Add(excluded);
  } catch (...) {
    values_.resize(values);
    by_key_.resize(queries);
    throw;
  }
}

void QueryBatch::Add(std::span<const QueryTerm> terms, std::span<const VectorTerm> vectors) {
  std::vector<uint64_t> rows;
  rows.reserve(terms.size());
  for (const QueryTerm& term : terms) rows.push_back(term.row);
  const bool by_key = index_->info().has_keys;
  // A single one as it is: the same query, without what scaling rounds.
  if (vectors.empty() && terms.size() == 1 && terms[0].weight == 1) {
    std::vector<float> vector(index_->info().dim);
    index_->GetVector(rows[0], vector.data());
    Append(vector, rows, by_key);
  } else if (terms.empty() && vectors.size() == 1 && vectors[0].weight == 1) {
    Append(vectors[0].vector, rows, by_key);
  } else {
    Append(SumOf(terms, vectors), rows, by_key);
  }
}

void QueryBatch::AddRow(uint64_t row) {
  std::vector<float> vector(index_->info().dim);
  index_->GetVector(row, vector.data());
  Append(vector, {&row, 1}, false);
}

void QueryBatch::AddVector(std::span<const float> vector) { Append(vector, {}, false); }

MatrixView QueryBatch::vectors() const {
  return ViewOf(values_.data(), size(), index_->info().dim);
}

Result<std::vector<size_t>> QueryBatch::FindShared(const SearchResult& result) const {
  std::vector<size_t> shared;
  for (size_t query = 0; query < size(); ++query) {
    if (!by_key_[query]) continue;
    const std::span<const uint64_t> own = excluded_.Of(query);
    for (size_t place = query * result.k; place < (query + 1) * result.k; ++place) {
      if (result.ids[place] == kNoId) break;
      KITH_ASSIGN_OR_RETURN(const uint64_t row, index_->FindId(result.ids[place]));
      const std::string_view key = index_->Key(row);
      if (std::none_of(own.begin(), own.end(), [&](uint64_t r) { return index_->Key(r) == key; })) {
        continue;
      }
      shared.push_back(query);
      break;
    }
  }
  return shared;
}

ExcludedRows QueryBatch::WithSharedKeys(std::span<const size_t> queries) const {
  std::unordered_map<std::string_view, std::vector<uint64_t>> rows_of;
  for (const size_t query : queries) {
    for (const uint64_t row : excluded_.Of(query)) rows_of[index_->Key(row)];
  }
  for (uint64_t row = 0; row < index_->info().num_vectors; ++row) {
    const auto found = rows_of.find(index_->Key(row));
    if (found != rows_of.end()) found->second.push_back(row);
  }
  ExcludedRows excluded;
  for (const size_t query : queries) {
    std::vector<uint64_t> rows;
    for (const uint64_t row : excluded_.Of(query)) {
      const std::vector<uint64_t>& same = rows_of[index_->Key(row)];
      rows.insert(rows.end(), same.begin(), same.end());
    }
    excluded.Add(rows);
  }
  return excluded;
}

Status QueryBatch::SearchAgain(std::span<const size_t> queries, const SearchParams& params,
                               SearchResult* result) const {
  const size_t dim = index_->info().dim;
  std::vector<float> values;
  for (const size_t query : queries) {
    const auto vector = values_.begin() + static_cast<ptrdiff_t>(query * dim);
    values.insert(values.end(), vector, vector + static_cast<ptrdiff_t>(dim));
  }
  const ExcludedRows excluded = WithSharedKeys(queries);
  const ChosenQueries asked(*params.filter, queries);
  const BothPass both(excluded, asked);
  SearchParams own = params;
  own.filter = params.filter->passes_all() ? static_cast<const RowFilter*>(&excluded) : &both;
  SearchResult again;
  KITH_RETURN_IF_ERROR(index_->Search(ViewOf(values.data(), queries.size(), dim), own, &again));
  result->drifted |= again.drifted;

  if (result->plans.empty()) result->plans.assign(size(), result->plan);
  for (size_t i = 0; i < queries.size(); ++i) {
    const auto from = static_cast<ptrdiff_t>(i * again.k);
    const auto to = static_cast<ptrdiff_t>(queries[i] * result->k);
    const auto k = static_cast<ptrdiff_t>(result->k);
    std::copy_n(again.ids.begin() + from, k, result->ids.begin() + to);
    std::copy_n(again.distances.begin() + from, k, result->distances.begin() + to);
    result->plans[queries[i]] = again.plan_of(i);
  }
  result->plan = result->plans[0];
  result->stats += again.stats;
  return Status::Ok();
}

Status QueryBatch::Search(const SearchParams& params, SearchResult* result) const {
  return CatchAll([&]() -> Status {
    const BothPass both(excluded_, *params.filter);
    SearchParams own = params;
    own.filter = params.filter->passes_all() ? static_cast<const RowFilter*>(&excluded_) : &both;
    KITH_RETURN_IF_ERROR(index_->Search(vectors(), own, result));
    KITH_ASSIGN_OR_RETURN(const std::vector<size_t> shared, FindShared(*result));
    return shared.empty() ? Status::Ok() : SearchAgain(shared, params, result);
  });
}

}  // namespace kith
