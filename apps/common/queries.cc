#include "common/queries.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "common/read_vectors.h"
#include "common/text.h"
#include "kith/dataset.h"
#include "kith/reduce.h"

namespace kith::apps {
namespace {

// Numbers with commas, semicolons, blanks or tabs between.
Result<std::vector<float>> ParseVector(std::string_view text) {
  constexpr std::string_view kSeparators = ", \t;";
  std::vector<float> values;
  while (!text.empty()) {
    const size_t begin = std::min(text.find_first_not_of(kSeparators), text.size());
    const size_t end = std::min(text.find_first_of(kSeparators, begin), text.size());
    const std::string_view token = text.substr(begin, end - begin);
    text.remove_prefix(end);
    if (token.empty()) break;
    const char* const first = token.data() + (token[0] == '+' ? 1 : 0);
    float value = 0;
    const auto [stop, error] = std::from_chars(first, token.data() + token.size(), value);
    if (error != std::errc() || stop != token.data() + token.size() || !std::isfinite(value)) {
      return Status::InvalidArgument(StrCat("value ", values.size() + 1, " of the vector is '",
                                            Printable(token), "', expected a finite number"));
    }
    values.push_back(value);
  }
  return values;
}

}  // namespace

Result<Queries> Queries::FromFile(const std::string& path, const std::string& set,
                                  const Index& index, const Progress& progress) {
  ReadOptions read;
  read.dataset = set;
  read.progress = progress;
  KITH_ASSIGN_OR_RETURN(Dataset dataset, LoadQueries(path, read));
  const IndexInfo& info = index.info();
  KITH_RETURN_IF_ERROR(CheckQueryDim(path, dataset.vectors.dim, info));
  Queries queries(index);
  queries.vectors_ = dataset.vectors;
  queries.owner_ = std::move(dataset.owner);
  queries.notes_.resize(dataset.vectors.rows);
  for (size_t i = 0; i < queries.notes_.size(); ++i) {
    queries.notes_[i].label = i;
    queries.notes_[i].title = StrCat("query ", i);
    if (!dataset.keys.empty())
      queries.notes_[i].title += StrCat(" (", Escaped(dataset.keys[i]), ")");
  }
  return queries;
}

Status Queries::AddId(int64_t id) {
  const Result<uint64_t> row = index_->FindId(id);
  if (row.ok()) {
    batch_.AddRow(*row);
    notes_.push_back({id, StrCat("id ", id)});
    return Status::Ok();
  }
  if (row.status().code() != StatusCode::kNotFound) return row.status();
  const IndexInfo& info = index_->info();
  return Status::NotFound(StrCat(
      "no id ", id, " in ", info.path, "; its ids are ",
      info.has_ids ? "those given when it was built" : StrCat("0 to ", info.num_vectors - 1)));
}

Status Queries::AddKeys(const std::vector<std::string>& texts) {
  std::vector<QueryTerm> terms;
  std::string all;
  for (const std::string& text : texts) {
    KITH_ASSIGN_OR_RETURN(const std::vector<QueryTerm> some, ParseQuery(*index_, text));
    terms.insert(terms.end(), some.begin(), some.end());
    all += (all.empty() ? "" : " ") + text;
  }
  batch_.Add(terms);
  notes_.push_back({all, StrCat("\"", Escaped(all), "\"")});
  return Status::Ok();
}

Status Queries::AddWords(const WordQuery& query, const std::string& text) {
  KITH_RETURN_IF_ERROR(kith::AddWords(query, &batch_));
  std::string title;
  const auto add = [&](std::string_view word, double weight) {
    const double size = std::abs(weight);
    const char* const sign = weight < 0 ? "- " : title.empty() ? "" : "+ ";
    title +=
        StrCat(title.empty() ? "" : " ", sign, size == 1 ? "" : StrCat(size, "*"), Printable(word));
  };
  for (const QueryTerm& term : query.terms) add(index_->Key(term.row), term.weight);
  for (const SubwordTerm& term : query.subwords) add(term.word.word, term.weight);
  notes_.push_back({text, std::move(title)});
  return Status::Ok();
}

Status Queries::AddVector(std::string_view text) {
  KITH_ASSIGN_OR_RETURN(std::vector<float> values, ParseVector(text));
  constexpr size_t kLongestTitle = 60;
  return AddValues(
      std::move(values),
      {std::string(text), text.size() <= kLongestTitle
                              ? Printable(text)
                              : StrCat(Printable(text.substr(0, kLongestTitle)), "...")});
}

Status Queries::AddValues(std::vector<float> values, const Query& note) {
  const IndexInfo& info = index_->info();
  if (index_->reducer() != nullptr && values.size() == info.source_dim) {
    std::vector<float> reduced(info.dim);
    KITH_RETURN_IF_ERROR(
        index_->reducer()->Transform(ViewOf(values.data(), 1, values.size()), reduced.data(), 1));
    values = std::move(reduced);
  }
  if (values.size() != info.dim) {
    const size_t wanted = info.source_dim > 0 ? info.source_dim : info.dim;
    return Status::InvalidArgument(StrCat("the vector has ", Plural(values.size(), "value"),
                                          ", but ", info.path, " has ", Plural(wanted, "dimension"),
                                          "; give ", wanted));
  }
  batch_.AddVector(values);
  notes_.push_back(note);
  return Status::Ok();
}

Status Queries::AddLine(const std::string& line, uint64_t line_number) {
  const Status status = index_->info().has_keys ? AddKeys({line}) : AddVector(line);
  if (status.ok()) return status;
  return Status(status.code(), StrCat("line ", line_number, ": ", status.message()));
}

Status Queries::Search(const SearchParams& params, SearchResult* result) const {
  if (candidates_ > 0) {
    return SearchReranked(*index_, originals_, vectors_, params, candidates_, result);
  }
  return owner_ != nullptr ? index_->Search(vectors_, params, result)
                           : batch_.Search(params, result);
}

}  // namespace kith::apps
