#include "scan/length_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/math.h"
#include "base/thread_pool.h"
#include "data/convert.h"
#include "scan/group.h"
#include "search/metric_traits.h"
#include "search/scorer.h"
#include "search/top_k.h"

namespace kith::scan {
namespace {

constexpr size_t kFewRows = 4096;  // are compared sooner than sorted
constexpr size_t kFewQueries = 256;
constexpr size_t kTogether = 64;  // queries that share what is read of rows
constexpr size_t kBlockRows = 256;
// A quarter of the rows at least must be so many times shorter than the longest.
constexpr double kSpread = 3;

// The length of every row; infinity of what a damaged file may hold, so that it is never ruled out.
Result<std::vector<float>> Lengths(const MatrixView& rows, ThreadPool& pool) {
  constexpr size_t kRowsATask = 4096;
  std::vector<float> lengths(rows.rows);
  KITH_RETURN_IF_ERROR(pool.Chunks(rows.rows, kRowsATask, [&](size_t begin, size_t end, int) {
    std::vector<float> x(rows.dim);
    for (size_t i = begin; i < end; ++i) {
      data::RowToF32(rows, i, x.data());
      const auto length = static_cast<float>(std::sqrt(SquaredNorm(x.data(), rows.dim)));
      lengths[i] = std::isfinite(length) ? length : std::numeric_limits<float>::infinity();
    }
  }));
  return lengths;
}

// Rows, the longest first.
struct LongestFirst {
  std::vector<uint32_t> order;  // positions as they are stored
  std::vector<float> longest;   // of each block
  AlignedBuffer<std::byte> values;
  search::StoredVectors vectors;  // views `values`
  std::vector<uint32_t> rows;     // as users know them, of each position here
};

Status Sort(const search::StoredVectors& stored, std::span<const float> lengths, ThreadPool& pool,
            LongestFirst* out) {
  const MatrixView& rows = stored.table.rows;
  for (size_t i = 0; i < rows.rows; i += kBlockRows) out->longest.push_back(lengths[out->order[i]]);
  KITH_ASSIGN_OR_RETURN(out->values, data::GatherRows(rows, out->order, rows.stride, pool));
  for (const uint32_t position : out->order) out->rows.push_back(stored.RowAt(position));
  out->vectors = stored;
  out->vectors.table.rows.data = out->values.data();
  out->vectors.rows = out->rows.data();
  return Status::Ok();
}

// The search of some queries together.
class GroupSearch {
 public:
  GroupSearch(const LongestFirst& sorted, const search::Request& request, QueryGroup group)
      : sorted_(sorted),
        group_(std::move(group)),
        nearest_(group_.scorer.num_queries(), search::TopK(request.wanted.k)),
        distances_(group_.scorer.num_queries() * kBlockRows),
        near_(kBlockRows) {
    // What rounding may add to a product.
    const double margin = 1 + (static_cast<double>(request.queries.dim) + 16) * 1.2e-7;
    std::vector<float> q(request.queries.dim);
    for (size_t slot = 0; slot < group_.scorer.num_queries(); ++slot) {
      data::RowToF32(request.queries, group_.first_query + group_.scorer.order()[slot], q.data());
      lengths_.push_back(margin * std::sqrt(SquaredNorm(q.data(), q.size())));
    }
  }

  void Run(search::HitsBuilder* found, SearchStats* stats) {
    const size_t n = sorted_.order.size();
    for (size_t block = 0; block < sorted_.longest.size(); ++block) {
      const size_t begin = block * kBlockRows;
      const size_t compared =
          Compare(begin, std::min(n, begin + kBlockRows), sorted_.longest[block]);
      if (compared == 0) break;
      stats->distances += compared * (std::min(n, begin + kBlockRows) - begin);
    }
    for (size_t slot = 0; slot < nearest_.size(); ++slot) {
      found->at(group_.first_query + group_.scorer.order()[slot]) = nearest_[slot].Sorted();
    }
  }

 private:
  // Whether a row as long as that may be near enough to the query.
  bool Reaches(size_t slot, float length) const {
    return !(lengths_[slot] * length < -static_cast<double>(nearest_[slot].threshold()));
  }

  // Compares rows with the queries that they may be near to. Returns the number of these.
  size_t Compare(size_t begin, size_t end, float longest) {
    const search::Scorer& scorer = group_.scorer;
    size_t compared = 0;
    for (size_t slot = 0; slot < scorer.num_queries();) {
      if (!Reaches(slot, longest)) {
        ++slot;
        continue;
      }
      // A tile never mixes float and integer queries.
      const size_t limit = slot < scorer.num_float() ? scorer.num_float() : scorer.num_queries();
      size_t last = slot + 1;
      while (last < limit && Reaches(last, longest)) ++last;
      scorer.ScoreRowsRaw(slot, last, begin, end, distances_.data(), kBlockRows);
      for (size_t i = slot; i < last; ++i)
        Offer(i, begin, end, &distances_[(i - slot) * kBlockRows]);
      compared += last - slot;
      slot = last;
    }
    return compared;
  }

  void Offer(size_t slot, size_t begin, size_t end, float* distances) {
    const size_t count = group_.scorer.FindNear(
        slot, begin, end - begin, nearest_[slot].threshold(), distances, near_.data());
    for (size_t i = 0; i < count; ++i) {
      group_.Offer(slot, distances[near_[i]], begin + near_[i], &nearest_[slot]);
    }
  }

  const LongestFirst& sorted_;
  QueryGroup group_;
  std::vector<search::TopK> nearest_;  // of each slot
  std::vector<double> lengths_;        // of each slot, with the margin
  std::vector<float> distances_;
  std::vector<uint32_t> near_;
};

}  // namespace

bool LengthsMayPay(const search::StoredVectors& vectors, const search::Request& request) {
  const MatrixView& rows = vectors.table.rows;
  return search::TraitsOf(vectors.table.metric).products && !request.wanted.within_radius() &&
         rows.rows >= kFewRows && request.queries.rows >= kFewQueries &&
         request.wanted.k <= rows.rows / 16;
}

Status LengthSearch(const search::StoredVectors& vectors, const search::Request& request,
                    bool* found, search::Hits* hits, SearchStats* stats) {
  ThreadPool& pool = *request.pool;
  const size_t n = vectors.table.rows.rows;
  KITH_ASSIGN_OR_RETURN(const std::vector<float> lengths, Lengths(vectors.table.rows, pool));
  LongestFirst sorted;
  sorted.order.resize(n);
  std::iota(sorted.order.begin(), sorted.order.end(), 0u);
  std::sort(sorted.order.begin(), sorted.order.end(), [&](uint32_t a, uint32_t b) {
    return lengths[a] != lengths[b] ? lengths[a] > lengths[b] : a < b;
  });
  *found = kSpread * lengths[sorted.order[n / 4]] <= lengths[sorted.order[request.wanted.k]];
  if (!*found) return Status::Ok();
  KITH_RETURN_IF_ERROR(Sort(vectors, lengths, pool, &sorted));
  const MatrixView& queries = request.queries;
  search::HitsBuilder builder(queries.rows);
  std::vector<SearchStats> counted((queries.rows + kTogether - 1) / kTogether);
  const auto search = [&](size_t begin, size_t end, int /*thread*/) -> Status {
    KITH_ASSIGN_OR_RETURN(search::Scorer scorer,
                          search::Scorer::Create(sorted.vectors.table, queries, begin, end));
    QueryGroup group{&sorted.vectors, std::move(scorer), std::nullopt,
                     request.filter->passes_all() ? nullptr : request.filter, begin};
    GroupSearch(sorted, request, std::move(group)).Run(&builder, &counted[begin / kTogether]);
    return Status::Ok();
  };
  KITH_RETURN_IF_ERROR(pool.Chunks(queries.rows, kTogether, search));
  for (const SearchStats& part : counted) *stats += part;
  *hits = builder.Take();
  return Status::Ok();
}

}  // namespace kith::scan
