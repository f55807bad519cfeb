#include "queries.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <sstream>
#include <utility>

#include "base/strings.h"
#include "terminal.h"

namespace kith::cli {
namespace {

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
char Upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

std::vector<std::string> OtherCases(const std::string& word) {
  std::string lower = word;
  std::string upper = word;
  std::transform(word.begin(), word.end(), lower.begin(), Lower);
  std::transform(word.begin(), word.end(), upper.begin(), Upper);
  std::string title = lower;
  if (!title.empty()) title[0] = Upper(title[0]);
  return {lower, title, upper};
}

// Every text one letter away: two swapped, one left out, changed or added.
std::vector<std::string> OneLetterAway(const std::string& word) {
  static constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz";
  std::vector<std::string> texts;
  for (size_t i = 0; i <= word.size(); ++i) {
    const std::string head = word.substr(0, i);
    const std::string tail = word.substr(i);
    if (tail.size() > 1) texts.push_back(head + tail[1] + tail[0] + tail.substr(2));
    if (!tail.empty()) texts.push_back(head + tail.substr(1));
    for (const char letter : kLetters) {
      if (!tail.empty()) texts.push_back(head + letter + tail.substr(1));
      texts.push_back(head + letter + tail);
    }
  }
  return texts;
}

// The key that was probably meant: the earliest row, for files of words are sorted by frequency.
std::optional<std::string> NearestKey(const Index& index, const std::string& word) {
  constexpr size_t kLongestWord = 100;
  if (word.size() > kLongestWord) return std::nullopt;
  for (const auto& candidates : {OtherCases(word), OneLetterAway(OtherCases(word)[0])}) {
    std::optional<std::string> best;
    uint64_t best_row = 0;
    for (const std::string& candidate : candidates) {
      const Result<uint64_t> row = index.FindKey(candidate);
      if (!row.ok() || (best && *row >= best_row)) continue;
      best = candidate;
      best_row = *row;
    }
    if (best) return best;
  }
  return std::nullopt;
}

Status UnknownKey(const Index& index, const std::string& word) {
  std::string message = StrCat("no key '", Printable(word), "' in ", index.info().path);
  if (const auto meant = NearestKey(index, word)) {
    message += StrCat("; did you mean '", *meant, "'?");
  } else {
    const uint64_t shown = std::min<uint64_t>(3, index.info().num_vectors);
    message += StrCat("; its ", FormatCount(index.info().num_vectors), " keys are such as");
    for (uint64_t i = 0; i < shown; ++i) {
      message += StrCat(i == 0 ? " '" : ", '", Printable(index.Key(i)), "'");
    }
  }
  return Status::NotFound(std::move(message));
}

Status CheckHasKeys(const IndexInfo& info) {
  if (info.has_keys) return Status::Ok();
  return Status::InvalidArgument(
      StrCat(info.path, " has no keys; build it with --keys, or search with --id or --vector"));
}

// Adds the vector, scaled to unit length if asked, to the sum.
void Accumulate(const std::vector<float>& vector, bool normalise, std::vector<double>* sum) {
  double scale = 1;
  if (normalise) {
    double squares = 0;
    for (const float x : vector) squares += static_cast<double>(x) * x;
    scale = squares > 0 ? 1 / std::sqrt(squares) : 0;
  }
  for (size_t i = 0; i < vector.size(); ++i) (*sum)[i] += vector[i] * scale;
}

}  // namespace

Result<Queries> QueriesFromFile(const std::string& path, const Index& index,
                                const Progress& progress) {
  ReadOptions read;
  read.part = DatasetPart::kQueries;
  read.progress = progress;
  KITH_ASSIGN_OR_RETURN(Dataset dataset, LoadVectors(path, read));
  const IndexInfo& info = index.info();
  KITH_RETURN_IF_ERROR(CheckSameDim(path, dataset.vectors.dim, info.path, info.dim));
  Queries queries;
  queries.vectors = dataset.vectors;
  queries.owner = std::move(dataset.owner);
  queries.notes.resize(dataset.vectors.rows);
  for (size_t i = 0; i < queries.notes.size(); ++i) {
    queries.notes[i].label = i;
    queries.notes[i].title = StrCat("query ", i);
    if (!dataset.keys.empty()) queries.notes[i].title += StrCat(" (", dataset.keys[i], ")");
  }
  return queries;
}

Status QueryBuilder::AddId(int64_t id) {
  const Result<uint64_t> row = index_.FindId(id);
  if (row.ok()) {
    AddRows({*row}, {id, StrCat("id ", id), {}});
    return Status::Ok();
  }
  if (row.status().code() != StatusCode::kNotFound) return row.status();
  const IndexInfo& info = index_.info();
  return Status::NotFound(StrCat(
      "no id ", id, " in ", info.path, "; its ids are ",
      info.has_ids ? "those given when it was built" : StrCat("0 to ", info.num_vectors - 1)));
}

Status QueryBuilder::FindRows(const std::string& text, std::vector<uint64_t>* rows) const {
  const auto find = [&](const std::string& key, bool* found) {
    const Result<uint64_t> row = index_.FindKey(key);
    *found = row.ok();
    if (row.ok()) rows->push_back(*row);
    return row.ok() || row.status().code() == StatusCode::kNotFound ? Status::Ok() : row.status();
  };
  bool found = false;
  KITH_RETURN_IF_ERROR(find(text, &found));
  if (found) return Status::Ok();
  std::istringstream words(text);
  size_t count = 0;
  for (std::string word; words >> word; ++count) {
    KITH_RETURN_IF_ERROR(find(word, &found));
    if (!found) return UnknownKey(index_, word);
  }
  return count > 0 ? Status::Ok() : UnknownKey(index_, text);
}

Status QueryBuilder::AddKeys(const std::vector<std::string>& texts) {
  KITH_RETURN_IF_ERROR(CheckHasKeys(index_.info()));
  std::vector<uint64_t> rows;
  std::string all;
  for (const std::string& text : texts) {
    KITH_RETURN_IF_ERROR(FindRows(text, &rows));
    all += (all.empty() ? "" : " ") + text;
  }
  AddRows(rows, {all, StrCat("\"", Printable(all), "\""), {}});
  return Status::Ok();
}

void QueryBuilder::AddRows(const std::vector<uint64_t>& rows, Query note) {
  const IndexInfo& info = index_.info();
  std::vector<float> vector(info.dim);
  if (rows.size() == 1) {
    index_.GetVector(rows[0], vector.data());
  } else {
    const bool angular = info.metric == Metric::kAngular;
    std::vector<double> sum(info.dim, 0.0);
    for (const uint64_t row : rows) {
      index_.GetVector(row, vector.data());
      Accumulate(vector, angular, &sum);
    }
    const double share = angular ? 1 : 1 / static_cast<double>(rows.size());
    for (size_t i = 0; i < info.dim; ++i) vector[i] = static_cast<float>(sum[i] * share);
  }
  for (const uint64_t row : rows) note.excluded.push_back(index_.Id(row));
  std::sort(note.excluded.begin(), note.excluded.end());
  note.excluded.erase(std::unique(note.excluded.begin(), note.excluded.end()), note.excluded.end());
  values_.insert(values_.end(), vector.begin(), vector.end());
  notes_.push_back(std::move(note));
}

Status QueryBuilder::AddVector(std::string_view text) {
  const IndexInfo& info = index_.info();
  const size_t before = values_.size();
  const auto fail = [&](std::string message) {
    values_.resize(before);
    return Status::InvalidArgument(std::move(message));
  };
  const auto separates = [](char c) { return c == ',' || c == ' ' || c == '\t' || c == ';'; };
  const char* p = text.data();
  const char* const end = p + text.size();
  for (;;) {
    while (p != end && separates(*p)) ++p;
    if (p == end) break;
    const char* const token_end = std::find_if(p, end, separates);
    float value = 0;
    const auto [stop, error] = std::from_chars(*p == '+' ? p + 1 : p, token_end, value);
    if (error != std::errc() || stop != token_end || !std::isfinite(value)) {
      return fail(StrCat("value ", values_.size() - before + 1, " of the vector is '",
                         Printable({p, static_cast<size_t>(token_end - p)}),
                         "', expected a finite number"));
    }
    values_.push_back(value);
    p = token_end;
  }
  if (const size_t count = values_.size() - before; count != info.dim) {
    return fail(StrCat("the vector has ", Plural(count, "value"), ", but ", info.path, " has ",
                       Plural(info.dim, "dimension"), "; give ", info.dim));
  }
  const std::string label(text);
  constexpr size_t kLongestTitle = 60;
  notes_.push_back({label,
                    text.size() <= kLongestTitle
                        ? Printable(text)
                        : StrCat(Printable(text.substr(0, kLongestTitle)), "..."),
                    {}});
  return Status::Ok();
}

Status QueryBuilder::AddLine(const std::string& line, uint64_t line_number) {
  const Status status = index_.info().has_keys ? AddKeys({line}) : AddVector(line);
  if (status.ok()) return status;
  return Status(status.code(), StrCat("line ", line_number, ": ", status.message()));
}

Queries QueryBuilder::Take() {
  auto owner = std::make_shared<std::vector<float>>(std::exchange(values_, {}));
  Queries queries;
  queries.notes = std::exchange(notes_, {});
  queries.vectors = ViewOf(owner->data(), queries.notes.size(), index_.info().dim);
  queries.owner = std::move(owner);
  return queries;
}

}  // namespace kith::cli
