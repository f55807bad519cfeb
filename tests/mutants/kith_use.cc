// Everything that a user can do with a .kith file.
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/rng.h"
#include "common/describe.h"
#include "kith/calibration.h"
#include "kith/index.h"
#include "kith/query.h"
#include "matrix.h"
#include "memory_file.h"
#include "mutants/kith_parts.h"
#include "mutants/mutant.h"

namespace kith::mutants {
namespace {

using testing::Matrix;

// Every third row passes, or none.
class SomeRows final : public RowFilter {
 public:
  SomeRows(uint64_t of, uint64_t excluded, bool absent)
      : of_(of), excluded_(excluded), absent_(absent) {}
  bool Passes(size_t query, uint64_t row) const noexcept override {
    return of_ > 0 && (row + query) % of_ == 0;
  }
  uint64_t NumExcluded(size_t) const noexcept override { return excluded_; }
  bool absent() const noexcept override { return absent_; }

 private:
  const uint64_t of_;
  const uint64_t excluded_;
  const bool absent_;
};

void CheckAnswer(const Index& index, const SearchResult& result, size_t queries, size_t asked) {
  const size_t k = std::min<size_t>(asked, index.info().num_vectors);
  Require(result.k == k && result.num_queries == queries, "an answer of another shape");
  Require(result.ids.size() == queries * k && result.distances.size() == queries * k,
          "an answer of another size");
  for (size_t i = 0; i < queries * k; ++i) {
    Require(!std::isnan(result.distances[i]), "a distance that is no number");
    Require(i % k == 0 || result.distances[i - 1] <= result.distances[i], "distances out of order");
    if (index.info().has_ids) continue;
    Require(
        result.ids[i] >= kNoId && (result.ids[i] == kNoId ||
                                   result.ids[i] < static_cast<int64_t>(index.info().num_vectors)),
        "a row that is not there");
  }
  Require(!std::isnan(result.plan.effort) && result.plan.recall >= 0 && result.plan.recall <= 1,
          "a plan that is none");
}

// Of each way in, and of the choice among them, some efforts, recalls, k and filters.
void SearchSomeWays(const Index& index, Rng* rng) {
  const IndexInfo& info = index.info();
  const uint64_t n = info.num_vectors;
  const size_t ks[] = {1, 2, 10, 100, n, n + 1, size_t{1} << 27, ~size_t{0}};
  const int64_t efforts[] = {-1,
                             0,
                             1,
                             3,
                             50,
                             static_cast<int64_t>(n),
                             int64_t{1} << 31,
                             int64_t{1} << 40,
                             int64_t{1} << 62};
  const double recalls[] = {0.1, 0.8, 0.95, 0.999, 1};
  std::vector<uint32_t> hidden;
  for (uint32_t row = 0; row < std::min<uint64_t>(n, 50); row += 2) hidden.push_back(row);
  ExcludedRows excluded;
  const std::vector<uint64_t> first = {0, 1, n - 1};
  excluded.Add(first);
  const SomeRows few(3, n / 3 * 2, false);
  const SomeRows none(0, n, false);
  const SomeRows lies(0, 0, false);
  const SomeRows absent(2, n / 2, true);
  const HiddenRows gone(hidden, n, true);
  const RowFilter* const filters[] = {&AllRows(), &AllRows(), &excluded, &few,
                                      &none,      &lies,      &absent,   &gone};
  const Matrix floats = Matrix::Random(DataType::kF32, 2, info.dim, rng->Next());
  const Matrix own = Matrix::Random(info.dtype, 2, info.dim, rng->Next());
  for (const IndexKind kind :
       {IndexKind::kAuto, IndexKind::kExact, IndexKind::kForest, IndexKind::kGraph}) {
    if (kind != IndexKind::kAuto && !info.has(kind)) continue;
    for (int i = 0; i < 3; ++i) {
      SearchParams params;
      params.k = OneOf(ks, rng);
      params.index = kind;
      params.threads = Chance(rng, 8) ? 2 : 1;
      params.filter = OneOf(filters, rng);
      if (Chance(rng, 3)) {
        params.recall = OneOf(recalls, rng);
        if (Chance(rng, 3)) params.worst = OneOf(recalls, rng);
        params.widen = Chance(rng, 3);
      } else {
        params.effort = OneOf(efforts, rng);
      }
      SearchResult result;
      const Matrix& queries = Chance(rng, 2) ? floats : own;
      const Status status = index.Search(queries.view(), params, &result);
      Require(status.code() != StatusCode::kInternal, "an internal error");
      if (status.ok()) CheckAnswer(index, result, 2, params.k);
    }
  }
  const QueryDrift drift = index.Drift();
  Require(drift.distance >= 0 && drift.distance <= 1, "a drift that is none");
}

void LookUp(const Index& index, Rng* rng) {
  const uint64_t n = index.info().num_vectors;
  std::vector<float> vector(index.info().dim);
  QueryBatch batch(index);
  for (int i = 0; i < 20; ++i) {
    const uint64_t row = rng->Next() % n;
    const std::string key(index.Key(row));
    const auto by_key = index.FindKey(key);
    Require(!by_key.ok() || (*by_key < n && index.Key(*by_key) == key), "another key's row");
    const auto by_id = index.FindId(index.Id(row));
    Require(!by_id.ok() || *by_id < n, "a row of no vector");
    index.GetVector(row, vector.data());
    const auto terms = ParseQuery(index, key);
    if (i < 2 && terms.ok()) batch.Add(*terms);
  }
  for (const std::string_view text : {"", "key 4", "absent", "+key 0 -key 1", "\xFF\x1B["}) {
    const auto terms = ParseQuery(index, text);
    Require(terms.ok() || terms.status().code() != StatusCode::kInternal, "an internal error");
  }
  for (const int64_t id : {int64_t{-1}, int64_t{0}, int64_t{7}, int64_t{1} << 62}) {
    const auto row = index.FindId(id);
    Require(!row.ok() || *row < n, "a row of no vector");
  }
  batch.AddRow(rng->Next() % n);
  SearchResult result;
  const Status status = batch.Search({.k = 5}, &result);  // fails where vectors are no numbers
  if (status.ok()) CheckAnswer(index, result, batch.size(), 5);
}

}  // namespace

float TellingFloat(Rng* rng) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  const float values[] = {0.0f,
                          -0.0f,
                          1.0f,
                          -1.0f,
                          1e-45f,
                          1e-38f,
                          1e18f,
                          -1e19f,
                          3e38f,
                          -3e38f,
                          kInf,
                          -kInf,
                          std::numeric_limits<float>::quiet_NaN(),
                          static_cast<float>(rng->Normal()),
                          static_cast<float>(rng->Below(1000))};
  return OneOf(values, rng);
}

Outcome UseKith(const std::string& bytes, uint64_t seed) {
  static testing::MemoryFile file;
  file.Write(bytes);
  Rng rng(seed, 77);
  Outcome outcome;
  OpenOptions options;
  options.huge_pages = Chance(&rng, 16);
  options.prefault = Chance(&rng, 16);
  const auto index = OpenIndex(file.path(), options);
  const Status verified = VerifyIndex(file.path());
  outcome.sound = verified.ok();
  outcome.fault = verified.message();
  Require(index.ok() || !verified.ok(), "sound, but can't be opened");
  Require(verified.code() != StatusCode::kInternal, "an internal error");
  if (!index.ok()) {
    Require(index.status().code() != StatusCode::kInternal, "an internal error");
    Require(index.status().message().find('\n') == std::string::npos, "a message of two lines");
    return outcome;
  }
  outcome.opened = true;
  Require(!apps::InfoJson((*index)->info()).empty(), "no information");
  (void)apps::BuiltWithText((*index)->info());
  SearchSomeWays(**index, &rng);
  LookUp(**index, &rng);
  if (Chance(&rng, 32)) {
    const Matrix queries = Matrix::Random(DataType::kF32, 32, (*index)->info().dim, rng.Next());
    const auto calibrated = CalibrateInMemory(**index, queries.view(), {.ks = {1}, .threads = 1});
    Require(calibrated.ok() || calibrated.status().code() != StatusCode::kInternal,
            "an internal error");
  }
  return outcome;
}

}  // namespace kith::mutants
