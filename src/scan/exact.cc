#include "scan/exact.h"

#include <algorithm>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/thread_pool.h"
#include "scan/box_search.h"
#include "scan/coded_scan.h"
#include "scan/group.h"
#include "scan/length_search.h"
#include "scan/matches.h"
#include "search/top_k.h"
#include "search/within.h"
#include "simd/kernels.h"

namespace kith::scan {
namespace {

constexpr size_t kBlockBytes = 128 << 10;   // rows that stay in the second-level cache
constexpr size_t kGroupBytes = 2 << 20;     // queries that share one pass over the rows
constexpr size_t kTileDistances = 1 << 16;  // of a group's queries and a block's rows
constexpr size_t kKeptBytes = 256 << 20;    // neighbours found so far, of all groups at work
constexpr size_t kRowsTogether = 64;        // the kernels' own blocks

// Many, as they share the reading of the rows and their layout; fewer where what all of them keep
// would take much memory.
size_t QueriesAtOnce(const search::VectorTable& table, size_t kept, int threads) {
  const size_t parts = 16 * static_cast<size_t>(threads);
  const size_t most = kKeptBytes / (std::max<size_t>(kept, 1) * sizeof(search::Candidate) * parts);
  const size_t few = std::min<size_t>(kGroupBytes / (table.rows.dim * sizeof(float)), 256);
  return std::clamp<size_t>(most, 1, std::max<size_t>(few, 16));
}

size_t BlockRows(const search::VectorTable& table, size_t num_queries) {
  const size_t rows = std::min(kBlockBytes / std::max<size_t>(table.rows.stride, 1),
                               kTileDistances / std::max<size_t>(num_queries, 1));
  return std::clamp<size_t>(rows / kRowsTogether * kRowsTogether, kRowsTogether, 1024);
}

// Few queries: the threads share the rows, in several parts each, as some run later than others.
// Many: each takes its own queries. A part is worth more than handing it over. Over codes, each
// part begins without a threshold, so there are no more than threads.
size_t NumSegments(const search::VectorTable& table, size_t group, size_t groups, int threads,
                   bool coded) {
  const size_t parts = (coded ? 1 : 4) * static_cast<size_t>(threads);
  if (threads == 1 || groups == 0 || groups >= parts) return 1;
  constexpr size_t kPartBytes = 1 << 20;  // of rows, times the queries that meet them
  const size_t most = table.rows.rows * table.rows.stride * group / kPartBytes + 1;
  return std::min({(parts + groups - 1) / groups, most, table.rows.rows / kRowsTogether + 1});
}

struct Scratch {
  std::vector<float> distances;
  std::vector<uint32_t> near;
};

// Compares all queries of the group with rows [begin, end), unless an end is asked for meanwhile.
// Returns the number of distances.
template <class Collector>
uint64_t ScanRows(const QueryGroup& group, size_t begin, size_t end, const ThreadPool& pool,
                  Scratch* scratch, Collector* collectors) {
  const search::Scorer& scorer = group.scorer;
  const size_t block = BlockRows(group.vectors->table, scorer.num_queries());
  scratch->distances.resize(scorer.num_queries() * block);
  scratch->near.resize(block);
  float* distances = scratch->distances.data();
  for (size_t first = begin; first < end && !pool.stopped(); first += block) {
    const size_t last = std::min(end, first + block);
    // A tile never mixes float and integer queries.
    const size_t num_float = scorer.num_float();
    if (num_float > 0) scorer.ScoreRowsRaw(0, num_float, first, last, distances, block);
    if (num_float < scorer.num_queries()) {
      scorer.ScoreRowsRaw(num_float, scorer.num_queries(), first, last,
                          distances + num_float * block, block);
    }
    for (size_t slot = 0; slot < scorer.num_queries(); ++slot) {
      float* d = distances + slot * block;
      const size_t count = scorer.FindNear(slot, first, last - first, collectors[slot].threshold(),
                                           d, scratch->near.data());
      for (size_t i = 0; i < count; ++i) {
        const uint32_t near = scratch->near[i];
        group.Offer(slot, d[near], first + near, &collectors[slot]);
      }
    }
  }
  return static_cast<uint64_t>(end - begin) * scorer.num_queries();
}

// Segments hold whole blocks of codes.
size_t SegmentBegin(size_t rows, size_t segment, size_t segments) {
  return segment == segments ? rows
                             : rows * segment / segments / simd::kScreenRows * simd::kScreenRows;
}

// The scan of one request, a bounded number of groups of queries at a time. Collector: TopK or
// Within; `empty` is one that holds nothing.
template <class Collector>
class Scan {
 public:
  Scan(const search::StoredVectors& vectors, const quant::BoundedCodes& codes,
       const search::Request& request, Collector empty, size_t kept)
      : vectors_(vectors),
        codes_(codes),
        request_(request),
        pool_(*request.pool),
        empty_(std::move(empty)),
        kept_(kept),
        coded_(std::is_same_v<Collector, search::TopK> &&
               ScansCodes(codes, vectors.table.rows.rows, kept)),
        group_(QueriesAtOnce(vectors.table, kept, pool_.size())),
        groups_((request.queries.rows + group_ - 1) / group_),
        segments_(NumSegments(vectors.table, std::min(request.queries.rows, group_), groups_,
                              pool_.size(), coded_)),
        parts_(coded_ ? segments_ : static_cast<size_t>(pool_.size())) {}

  Status Run(search::Hits* hits, SearchStats* stats) {
    search::HitsBuilder found(request_.queries.rows);
    const size_t at_once = static_cast<size_t>(pool_.size()) * 4;
    for (size_t start = 0; start < groups_; start += at_once) {
      KITH_RETURN_IF_ERROR(RunSome(start, std::min(at_once, groups_ - start), &found, stats));
    }
    *hits = found.Take();
    return Status::Ok();
  }

 private:
  Result<QueryGroup> Prepare(size_t begin, size_t end) const {
    KITH_ASSIGN_OR_RETURN(search::Scorer scorer,
                          search::Scorer::Create(vectors_.table, request_.queries, begin, end));
    QueryGroup group{&vectors_, std::move(scorer), std::nullopt,
                     request_.filter->passes_all() ? nullptr : request_.filter, begin};
    if (coded_) {
      KITH_ASSIGN_OR_RETURN(
          group.coded,
          quant::BoundedQueries::Create(codes_, request_.queries, begin, group.scorer.order()));
    }
    return group;
  }

  Status RunSome(size_t start, size_t count, search::HitsBuilder* found, SearchStats* stats) {
    std::vector<QueryGroup> prepared;
    for (size_t g = start; g < start + count; ++g) {
      KITH_ASSIGN_OR_RETURN(QueryGroup next,
                            Prepare(g * group_, std::min(request_.queries.rows, (g + 1) * group_)));
      prepared.push_back(std::move(next));
    }
    // One collector for each group, part and query. Without codes, parts are threads: what these
    // hold together does not depend on which segments each took, though what codes rule out would.
    std::vector<std::vector<Collector>> collectors(count * parts_);
    std::vector<SearchStats> counted(count * segments_);
    std::vector<Scratch> scratch(pool_.size());
    KITH_RETURN_IF_ERROR(pool_.For(count * segments_, [&](size_t task, int thread) {
      const size_t part = coded_ ? task % segments_ : static_cast<size_t>(thread);
      ScanSegment(prepared[task / segments_], task % segments_, &scratch[thread],
                  &collectors[task / segments_ * parts_ + part], &counted[task]);
    }));
    // Tasks that were at work when an end was asked for have left out rows.
    KITH_RETURN_IF_ERROR(pool_.CheckStop());
    for (const SearchStats& part : counted) *stats += part;
    for (size_t g = 0; g < count; ++g) {
      const search::Scorer& scorer = prepared[g].scorer;
      for (size_t slot = 0; slot < scorer.num_queries(); ++slot) {
        KITH_RETURN_IF_ERROR(pool_.CheckStop());
        Collector all = empty_;
        for (size_t part = 0; part < parts_; ++part) {
          const std::vector<Collector>& of_part = collectors[g * parts_ + part];
          if (!of_part.empty()) all.Merge(of_part[slot]);
        }
        found->at((start + g) * group_ + scorer.order()[slot]) = all.Sorted();
      }
    }
    return Status::Ok();
  }

  void ScanSegment(const QueryGroup& group, size_t segment, Scratch* scratch,
                   std::vector<Collector>* collectors, SearchStats* stats) const {
    if (collectors->empty()) collectors->assign(group.scorer.num_queries(), empty_);
    const size_t n = vectors_.table.rows.rows;
    const size_t begin = SegmentBegin(n, segment, segments_);
    const size_t end = SegmentBegin(n, segment + 1, segments_);
    size_t left = begin;
    if constexpr (std::is_same_v<Collector, search::TopK>) {
      if (coded_) {
        const CodesScanned scanned =
            ScanCodes(group, codes_, kept_, begin, end, pool_, collectors->data());
        stats->codes += (scanned.end - begin) * group.scorer.num_queries();
        stats->distances += scanned.compared;
        left = scanned.end;
      }
    }
    stats->distances += ScanRows(group, left, end, pool_, scratch, collectors->data());
  }

  const search::StoredVectors& vectors_;
  const quant::BoundedCodes& codes_;
  const search::Request& request_;
  ThreadPool& pool_;
  const Collector empty_;
  const size_t kept_;
  const bool coded_;
  const size_t group_;  // queries of one
  const size_t groups_;
  const size_t segments_;
  const size_t parts_;
};

}  // namespace

Status ExactSearch(const search::StoredVectors& vectors, const quant::BoundedCodes& codes,
                   const search::Request& request, search::Hits* hits, SearchStats* stats) {
  if (MatchesPay(vectors, request)) return MatchSearch(vectors, request, hits, stats);
  if (BoxesPay(vectors, request)) return BoxSearch(vectors, request, hits, stats);
  if (LengthsMayPay(vectors, request)) {
    bool found = false;
    KITH_RETURN_IF_ERROR(LengthSearch(vectors, request, &found, hits, stats));
    if (found) return Status::Ok();
  }
  if (request.wanted.within_radius()) {
    // Nobody knows how many there are: as if the nearest few were wanted.
    constexpr size_t kLikely = 128;
    return Scan(vectors, codes, request, search::Within(request.wanted.radius), kLikely)
        .Run(hits, stats);
  }
  const size_t kept = std::min(request.wanted.k, vectors.table.rows.rows);
  return Scan(vectors, codes, request, search::TopK(kept), kept).Run(hits, stats);
}

}  // namespace kith::scan
