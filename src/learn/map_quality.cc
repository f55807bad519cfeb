// MeasureMap(): what a map keeps of the neighbours.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/edge.h"
#include "base/strings.h"
#include "kith/map.h"
#include "learn/row_blocks.h"
#include "search/scorer.h"

namespace kith {
namespace {

constexpr char kFewerSamples[] = "measure fewer samples";
constexpr size_t kRowsATask = 1024;  // compared with all samples
constexpr size_t kSlotsAtOnce = 64;

// Vectors that are read from an index, and what it takes to compare with them.
struct ReadVectors {
  AlignedBuffer<float> values;
  std::vector<float> inverse_norms;
  search::VectorTable table;

  static Result<ReadVectors> Create(const Index& index, size_t most) {
    ReadVectors read;
    KITH_ASSIGN_OR_RETURN(read.values, AlignedBuffer<float>::Create(most * index.info().dim));
    return read;
  }

  template <class RowOf>
  Status Read(const Index& index, size_t count, RowOf&& row_of, ThreadPool& pool) {
    const size_t dim = index.info().dim;
    KITH_RETURN_IF_ERROR(learn::ReadRows(index, count, row_of, false, pool, values.data()));
    table.rows = ViewOf(values.data(), count, dim);
    table.metric = index.info().metric;
    if (!learn::OnlyDirectionsCount(table.metric)) return Status::Ok();
    inverse_norms.resize(count);
    for (size_t i = 0; i < count; ++i) {
      inverse_norms[i] = search::InverseNorm(values.data() + i * dim, dim);
    }
    table.inverse_norms = inverse_norms.data();
    return Status::Ok();
  }
};

// The ranks that the nearest points on a map have among the vectors.
class Ranks {
 public:
  Ranks(const Index& index, std::span<const float> points, size_t k, size_t samples,
        ThreadPool& pool)
      : index_(index), points_(points), k_(k), pool_(pool), rows_(samples) {
    const uint64_t n = index.info().num_vectors;
    for (size_t i = 0; i < samples; ++i) rows_[i] = i * n / samples;
  }

  Status Find(const MapQualityOptions& options) {
    KITH_RETURN_IF_ERROR(FindNearPoints(options));
    KITH_ASSIGN_OR_RETURN(queries_, ReadVectors::Create(index_, rows_.size()));
    KITH_RETURN_IF_ERROR(queries_.Read(
        index_, rows_.size(), [&](size_t i) { return rows_[i]; }, pool_));
    KITH_RETURN_IF_ERROR(FindLimits());
    return CountNearer(options.progress);
  }

  // How many vectors are nearer to sample i than the point that is number j among the near ones,
  // by their vectors.
  std::vector<uint64_t> NearerThan(size_t i) const {
    std::vector<uint64_t> nearer(k_);
    uint64_t sum = 0;
    for (size_t j = 0; j < k_; ++j) nearer[j] = sum += counts_[i * k_ + j];
    return nearer;
  }

 private:
  // The k nearest points of each sample, without itself.
  Status FindNearPoints(const MapQualityOptions& options) {
    const uint64_t n = index_.info().num_vectors;
    BuildOptions build;
    build.metric = Metric::kEuclidean;
    build.paths = {ExactOptions{}};
    build.calibrate = false;
    build.threads = options.threads;
    build.stop = options.stop;
    KITH_ASSIGN_OR_RETURN(const auto flat, BuildIndexInMemory(ViewOf(points_.data(), n, 2), build));
    std::vector<float> queries;
    for (const uint64_t row : rows_) {
      queries.insert(queries.end(), {points_[2 * row], points_[2 * row + 1]});
    }
    SearchParams params;
    params.k = k_ + 1;
    params.index = IndexKind::kExact;
    params.threads = options.threads;
    params.stop = options.stop;
    SearchResult found;
    KITH_RETURN_IF_ERROR(flat->Search(ViewOf(queries.data(), rows_.size(), 2), params, &found));
    near_.resize(rows_.size() * k_);
    for (size_t i = 0; i < rows_.size(); ++i) {
      size_t count = 0;
      for (size_t j = 0; j <= k_ && count < k_; ++j) {
        const auto row = static_cast<uint64_t>(found.ids[i * found.k + j]);
        if (row != rows_[i]) near_[i * k_ + count++] = row;
      }
    }
    return Status::Ok();
  }

  // The distances of these points' vectors to the sample's, ascending.
  Status FindLimits() {
    limits_.resize(near_.size());
    return pool_.For(rows_.size(), [&](size_t i, int) -> Status {
      ThreadPool alone;
      KITH_ASSIGN_OR_RETURN(ReadVectors near, ReadVectors::Create(index_, k_));
      KITH_RETURN_IF_ERROR(near.Read(
          index_, k_, [&](size_t j) { return near_[i * k_ + j]; }, alone));
      KITH_ASSIGN_OR_RETURN(const auto scorer,
                            search::Scorer::Create(near.table, queries_.table.rows, i, i + 1));
      float* limits = limits_.data() + i * k_;
      scorer.ScoreRows(0, 1, 0, k_, limits, k_);
      std::sort(limits, limits + k_);
      return Status::Ok();
    });
  }

  Status CountNearer(const Progress& progress) {
    const uint64_t n = index_.info().num_vectors;
    const auto threads = static_cast<size_t>(pool_.size());
    std::vector<std::vector<uint64_t>> counts(threads);
    // As many rows as all threads compare at the same time, so that progress is told in between.
    const size_t at_once = kRowsATask * threads * 4;
    KITH_ASSIGN_OR_RETURN(ReadVectors rows,
                          ReadVectors::Create(index_, std::min<uint64_t>(n, at_once)));
    for (uint64_t begin = 0; begin < n; begin += at_once) {
      KITH_RETURN_IF_ERROR(pool_.Report(progress, "quality", begin, n));
      const size_t count = std::min<uint64_t>(n - begin, at_once);
      KITH_RETURN_IF_ERROR(rows.Read(
          index_, count, [&](size_t i) { return begin + i; }, pool_));
      KITH_ASSIGN_OR_RETURN(
          const auto scorer,
          search::Scorer::Create(rows.table, queries_.table.rows, 0, rows_.size()));
      KITH_RETURN_IF_ERROR(
          pool_.Chunks(count, kRowsATask, [&](size_t first, size_t last, int thread) {
            std::vector<uint64_t>& own = counts[static_cast<size_t>(thread)];
            own.resize(near_.size());
            CountBlock(scorer, begin, first, last, &own);
          }));
    }
    counts_.assign(near_.size(), 0);
    for (const std::vector<uint64_t>& own : counts) {
      for (size_t i = 0; i < own.size(); ++i) counts_[i] += own[i];
    }
    return pool_.Report(progress, "quality", n, n);
  }

  // Rows [first, last) of the table, which begins at row `begin`.
  void CountBlock(const search::Scorer& scorer, uint64_t begin, size_t first, size_t last,
                  std::vector<uint64_t>* counts) const {
    std::vector<float> distances(kSlotsAtOnce * kRowsATask);
    for (size_t slot = 0; slot < rows_.size(); slot += kSlotsAtOnce) {
      const size_t end = std::min(rows_.size(), slot + kSlotsAtOnce);
      scorer.ScoreRows(slot, end, first, last, distances.data(), kRowsATask);
      for (size_t s = slot; s < end; ++s) {
        const size_t i = scorer.order()[s];
        const float* limits = limits_.data() + i * k_;
        const float* row = distances.data() + (s - slot) * kRowsATask;
        for (size_t r = 0; r < last - first; ++r) {
          if (!(row[r] < limits[k_ - 1]) || begin + first + r == rows_[i]) continue;
          const float* above = std::upper_bound(limits, limits + k_, row[r]);
          ++(*counts)[i * k_ + static_cast<size_t>(above - limits)];
        }
      }
    }
  }

  const Index& index_;
  const std::span<const float> points_;
  const size_t k_;
  ThreadPool& pool_;
  std::vector<uint64_t> rows_;    // the samples
  std::vector<uint64_t> near_;    // [samples, k] rows of the nearest points
  ReadVectors queries_;           // the samples' vectors
  std::vector<float> limits_;     // [samples, k] of their vectors, ascending
  std::vector<uint64_t> counts_;  // [samples, k] vectors below a limit and not below the one before
};

Status CheckPoints(const Index& index, std::span<const float> points) {
  const uint64_t n = index.info().num_vectors;
  if (points.size() != 2 * n) {
    return Status::InvalidArgument(StrCat("the map has ", points.size() / 2, " points; ",
                                          index.info().path, " has ", Plural(n, "vector")));
  }
  const auto at =
      std::find_if(points.begin(), points.end(), [](float x) { return !std::isfinite(x); });
  if (at == points.end()) return Status::Ok();
  return Status::InvalidArgument(
      StrCat("point ", (at - points.begin()) / 2, " of the map is not finite"));
}

}  // namespace

Result<MapQuality> MeasureMap(const Index& index, std::span<const float> points,
                              const MapQualityOptions& options) {
  return AtEdge(index.info().path, kFewerSamples, [&]() -> Result<MapQuality> {
    KITH_RETURN_IF_ERROR(CheckPoints(index, points));
    const uint64_t n = index.info().num_vectors;
    if (n < 4) {
      return Status::InvalidArgument(
          StrCat(index.info().path, " has ", Plural(n, "vector"),
                 "; what a map keeps of neighbours takes at least 4 to be told"));
    }
    if (options.k == 0 || options.samples == 0) {
      return Status::InvalidArgument("k and samples of a map's quality must be at least 1");
    }
    MapQuality quality;
    quality.k = std::min<uint64_t>(options.k, (n - 1) / 2);
    quality.samples = std::min<uint64_t>(options.samples, n);
    ThreadPool pool(options.threads, options.stop);
    Ranks ranks(index, points, quality.k, quality.samples, pool);
    KITH_RETURN_IF_ERROR(ranks.Find(options));
    uint64_t lost = 0;
    uint64_t kept = 0;
    for (size_t i = 0; i < quality.samples; ++i) {
      for (const uint64_t nearer : ranks.NearerThan(i)) {
        // The rank is one more than those that are nearer.
        kept += nearer < quality.k ? 1 : 0;
        lost += nearer < quality.k ? 0 : nearer + 1 - quality.k;
      }
    }
    const auto k = static_cast<double>(quality.k);
    const double all = static_cast<double>(quality.samples) * k;
    quality.trustworthiness =
        1 - 2 * static_cast<double>(lost) / (all * (2 * static_cast<double>(n) - 3 * k - 1));
    quality.preservation = static_cast<double>(kept) / all;
    return quality;
  });
}

}  // namespace kith
