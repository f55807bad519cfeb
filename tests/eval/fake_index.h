// An index in memory whose answers are plain enough to predict.
#ifndef KITH_TESTS_EVAL_FAKE_INDEX_H_
#define KITH_TESTS_EVAL_FAKE_INDEX_H_

#include <algorithm>
#include <limits>
#include <memory>
#include <numeric>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "data/convert.h"
#include "kith/eval.h"
#include "kith/index.h"
#include "kith/neighbour_graph.h"
#include "paths.h"

namespace kith {

// Points 0, 1, ..., 63 on a line.
inline std::vector<float> Line() {
  std::vector<float> rows(64);
  std::iota(rows.begin(), rows.end(), 0.0f);
  return rows;
}

// Exact search is a loop over all rows; the "forest" and the "graph" look only at the first
// `effort` rows.
class FakeIndex : public Index {
 public:
  // rows [n, dim], row-major.
  FakeIndex(Metric metric, size_t dim, std::vector<float> rows)
      : dim_(dim), rows_(std::move(rows)) {
    info_.path = "fake.kith";
    info_.num_vectors = rows_.size() / dim;
    info_.dim = dim;
    info_.metric = metric;
    set_paths(false, true);
  }

  IndexInfo& mutable_info() { return info_; }
  // What there is beside exact search.
  void set_paths(bool graph, bool forest, uint64_t trees = 1) {
    info_.paths = testing::MadeUpPaths(graph, forest);
    if (forest) info_.paths.back().properties.push_back({.name = "trees", .number = trees});
  }
  // External ids are row numbers plus this.
  void set_first_id(int64_t first_id) { first_id_ = first_id; }
  // Added to every distance returned, as rounding would.
  void set_error(float error) { error_ = error; }
  // Every place of a result repeats the nearest neighbour.
  void set_repeat(bool repeat) { repeat_ = repeat; }

  // What Plan() still reaches.
  void set_most_recall(double recall) { most_recall_ = recall; }

  // Where each search leaves the index it was of.
  void set_journal(std::vector<const FakeIndex*>* journal) { journal_ = journal; }

  struct Call {
    size_t queries;
    int threads;
  };
  const std::vector<Call>& calls() const { return calls_; }

  const IndexInfo& info() const override { return info_; }

  Status Search(const MatrixView& queries, const SearchParams& params,
                SearchResult* result) const override {
    calls_.push_back({queries.rows, params.threads});
    if (journal_ != nullptr) journal_->push_back(this);
    const size_t n = info_.num_vectors;
    *result = SearchResult{};
    KITH_ASSIGN_OR_RETURN(result->plan, Plan(params, queries.rows));
    const size_t seen = params.index == IndexKind::kExact
                            ? n
                            : std::min<size_t>(n, static_cast<size_t>(result->plan.effort));
    result->num_queries = queries.rows;
    result->k = params.k;
    std::vector<float> query(dim_);
    for (size_t q = 0; q < queries.rows; ++q) {
      data::RowToF32(queries, q, query.data());
      std::vector<std::pair<float, int64_t>> all;
      for (size_t i = 0; i < seen; ++i) {
        const double d = PreciseDistance(info_.metric, query.data(), &rows_[i * dim_], dim_);
        all.emplace_back(static_cast<float>(d) + error_, static_cast<int64_t>(i));
      }
      std::sort(all.begin(), all.end());
      all.resize(std::max(all.size(), params.k),
                 {std::numeric_limits<float>::infinity(), kNoId - first_id_});
      for (size_t j = 0; j < params.k; ++j) {
        result->distances.push_back(all[repeat_ ? 0 : j].first);
        result->ids.push_back(all[repeat_ ? 0 : j].second + first_id_);
      }
    }
    result->stats.distances = seen * queries.rows;
    result->stats.entries = 2 * seen * queries.rows;
    result->stats.nodes = 3 * queries.rows;
    result->stats.codes = 4 * queries.rows;
    result->stats.bytes = 5 * queries.rows;
    return Status::Ok();
  }

  // A recall takes that share of the rows, and half a row.
  Result<SearchPlan> Plan(const SearchParams& params, size_t /*num_queries*/) const override {
    if (params.recall > most_recall_) {
      return Status(StatusCode::kInvalidArgument,
                    StrCat("recall ", params.recall, " is out of reach"), Remedy::kSearchExactly);
    }
    if (params.recall > 0) {
      return SearchPlan{params.index, params.recall * static_cast<double>(info_.num_vectors) + 0.5,
                        params.recall};
    }
    return SearchPlan{params.index, static_cast<double>(params.effort), 0};
  }
  QueryDrift Drift() const override { return {}; }

  Result<uint64_t> FindKey(std::string_view key) const override {
    return Status::NotFound(StrCat("no key ", key));
  }
  Result<uint64_t> FindId(int64_t id) const override {
    if (id < first_id_ || static_cast<uint64_t>(id - first_id_) >= info_.num_vectors) {
      return Status::NotFound(StrCat("no id ", id));
    }
    return static_cast<uint64_t>(id - first_id_);
  }
  std::string_view Key(uint64_t) const override { return {}; }
  int64_t Id(uint64_t row) const override { return static_cast<int64_t>(row) + first_id_; }
  void GetVector(uint64_t row, float* out) const override {
    std::copy_n(&rows_[row * dim_], dim_, out);
  }
  std::span<const std::byte> Bytes() const override { return {}; }
  Status Verify(const VerifyOptions&) const override { return Status::Ok(); }
  Result<std::unique_ptr<Index>> Calibrated(const MatrixView&,
                                            const CalibrateOptions&) const override {
    return Status::Unsupported("nothing to calibrate");
  }
  Result<NeighbourGraph> Neighbours(const NeighbourGraphOptions&) const override {
    return Status::Unsupported("no neighbours");
  }
  Result<std::unique_ptr<Index>> CalibrateFile(const MatrixView&,
                                               const CalibrateOptions&) const override {
    return Status::Unsupported("nothing to calibrate");
  }

 private:
  size_t dim_;
  std::vector<float> rows_;
  int64_t first_id_ = 0;
  float error_ = 0;
  bool repeat_ = false;
  double most_recall_ = 1;
  std::vector<const FakeIndex*>* journal_ = nullptr;
  IndexInfo info_;
  mutable std::vector<Call> calls_;
};

}  // namespace kith

#endif  // KITH_TESTS_EVAL_FAKE_INDEX_H_
