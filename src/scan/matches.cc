#include "scan/matches.h"

#include <optional>
#include <utility>

#include "search/top_k.h"
#include "search/within.h"

namespace kith::scan {
namespace {

constexpr size_t kQueriesAtOnce = 32;  // of a group, which share the rows that are read
constexpr size_t kRowsOfPart = 8192;   // worth handing to another thread

// Queries that share a set of rows.
struct Run {
  size_t begin = 0;
  size_t end = 0;
  const RowSet* set = nullptr;
};

std::vector<Run> RunsOf(const search::Request& request) {
  std::vector<Run> runs;
  for (size_t q = 0; q < request.queries.rows; ++q) {
    const RowSet* set = request.filter->within(q);
    if (runs.empty() || runs.back().set != set) runs.push_back({q, q, set});
    runs.back().end = q + 1;
  }
  return runs;
}

// Collector: TopK or Within; `empty` is one that holds nothing.
template <class Collector>
class MatchScan {
 public:
  MatchScan(const search::StoredVectors& vectors, const search::Request& request, Collector empty)
      : vectors_(vectors),
        request_(request),
        pool_(*request.pool),
        empty_(std::move(empty)),
        found_(request.queries.rows) {}

  Status Search(search::Hits* hits, SearchStats* stats) {
    const std::vector<Run> runs = RunsOf(request_);
    // Many sets of a query or few each: a set is a task. Else the threads share each.
    if (runs.size() >= 2 * static_cast<size_t>(pool_.size())) {
      std::vector<SearchStats> counted(runs.size());
      KITH_RETURN_IF_ERROR(pool_.For(
          runs.size(), [&](size_t i, int /*thread*/) { return SearchRun(runs[i], &counted[i]); }));
      for (const SearchStats& part : counted) *stats += part;
    } else {
      for (const Run& run : runs) KITH_RETURN_IF_ERROR(SearchRun(run, stats));
    }
    KITH_RETURN_IF_ERROR(pool_.CheckStop());
    *hits = found_.Take();
    return Status::Ok();
  }

 private:
  Status SearchRun(const Run& run, SearchStats* stats) {
    // Sorting takes about as long as four queries gain by it.
    constexpr size_t kSorted = 4;
    const std::vector<uint32_t> positions =
        PositionsOf(vectors_, *run.set, run.end - run.begin >= kSorted);
    const size_t groups = (run.end - run.begin + kQueriesAtOnce - 1) / kQueriesAtOnce;
    const size_t threads = static_cast<size_t>(pool_.size());
    const size_t parts =
        groups >= threads ? 1 : std::clamp<size_t>(positions.size() / kRowsOfPart, 1, 4 * threads);
    std::vector<std::optional<search::Scorer>> prepared(groups);
    for (size_t g = 0; g < groups; ++g) {
      const size_t begin = run.begin + g * kQueriesAtOnce;
      KITH_ASSIGN_OR_RETURN(prepared[g],
                            search::Scorer::Create(vectors_.table, request_.queries, begin,
                                                   std::min(run.end, begin + kQueriesAtOnce)));
    }
    std::vector<std::vector<Collector>> collectors(groups * parts);
    KITH_RETURN_IF_ERROR(pool_.For(groups * parts, [&](size_t task, int /*thread*/) {
      const size_t part = task % parts;
      const size_t begin = positions.size() * part / parts;
      const size_t end = positions.size() * (part + 1) / parts;
      Compare(*prepared[task / parts], run.begin + task / parts * kQueriesAtOnce,
              std::span(positions).subspan(begin, end - begin), &collectors[task]);
    }));
    stats->distances += positions.size() * (run.end - run.begin);
    for (size_t g = 0; g < groups; ++g) {
      const search::Scorer& scorer = *prepared[g];
      for (size_t slot = 0; slot < scorer.num_queries(); ++slot) {
        Collector all = empty_;
        for (size_t part = 0; part < parts; ++part) all.Merge(collectors[g * parts + part][slot]);
        found_.at(run.begin + g * kQueriesAtOnce + scorer.order()[slot]) = all.Sorted();
      }
    }
    return Status::Ok();
  }

  // Of the queries from `first` on.
  void Compare(const search::Scorer& scorer, size_t first, std::span<const uint32_t> positions,
               std::vector<Collector>* collectors) const {
    collectors->assign(scorer.num_queries(), empty_);
    std::vector<float> distances(kMatchesAtOnce);
    for (size_t begin = 0; begin < positions.size() && !pool_.stopped(); begin += kMatchesAtOnce) {
      const auto block =
          positions.subspan(begin, std::min(kMatchesAtOnce, positions.size() - begin));
      for (size_t slot = 0; slot < scorer.num_queries(); ++slot) {
        OfferMatches(scorer, slot, vectors_, block, *request_.filter, first + scorer.order()[slot],
                     distances.data(), &(*collectors)[slot]);
      }
    }
  }

  const search::StoredVectors& vectors_;
  const search::Request& request_;
  ThreadPool& pool_;
  const Collector empty_;
  search::HitsBuilder found_;
};

}  // namespace

std::vector<uint32_t> PositionsOf(const search::StoredVectors& vectors, const RowSet& set,
                                  bool sorted) {
  // From so many on, a pass over the bits in the order of the positions is the cheapest.
  constexpr uint64_t kLarge = 24;
  const auto n = static_cast<uint32_t>(vectors.table.rows.rows);
  std::vector<uint32_t> positions;
  positions.reserve(static_cast<size_t>(std::min<uint64_t>(n, set.count())));
  if (vectors.rows == nullptr) {
    set.Each([&](uint64_t row) {
      if (row < n) positions.push_back(static_cast<uint32_t>(row));
    });
  } else if (vectors.slots == nullptr || set.count() > n / kLarge) {
    for (uint32_t position = 0; position < n; ++position) {
      if (set.Contains(vectors.RowAt(position))) positions.push_back(position);
    }
  } else {
    set.Each([&](uint64_t row) {
      // A damaged file may name positions that are not there, or not those of their rows.
      if (row >= n || vectors.slots[row] >= n) return;
      if (set.Contains(vectors.RowAt(vectors.slots[row]))) positions.push_back(vectors.slots[row]);
    });
    if (sorted) std::sort(positions.begin(), positions.end());
  }
  return positions;
}

double MatchesNs(double rows, double row_bytes, size_t num_queries) {
  // Reading a row waits for memory; comparing with it again does not. Of 534,825 vectors of 1,024
  // bytes, 5,300 took 54 ns each and 53,000 as much, here and there in memory; 520 that stayed in
  // the cache 27 ns.
  constexpr double kRow = 5;
  constexpr double kByte = 0.02;
  constexpr double kRead = 10;
  constexpr double kReadByte = 0.015;
  const double shared = std::min<double>(static_cast<double>(num_queries), kQueriesAtOnce);
  return 2000 + rows * (kRow + kByte * row_bytes + (kRead + kReadByte * row_bytes) / shared);
}

bool MatchesPay(const search::StoredVectors& vectors, const search::Request& request) {
  if (request.queries.rows == 0) return false;
  uint64_t most = 0;
  for (size_t q = 0; q < request.queries.rows; ++q) {
    const RowSet* set = request.filter->within(q);
    if (set == nullptr) return false;
    most = std::max(most, set->count());
  }
  // Rows one after the other are read at several times the speed of those here and there.
  return most <= vectors.table.rows.rows / 4;
}

Status MatchSearch(const search::StoredVectors& vectors, const search::Request& request,
                   search::Hits* hits, SearchStats* stats) {
  if (request.wanted.within_radius()) {
    return MatchScan(vectors, request, search::Within(request.wanted.radius)).Search(hits, stats);
  }
  const size_t kept = std::min(request.wanted.k, vectors.table.rows.rows);
  return MatchScan(vectors, request, search::TopK(kept)).Search(hits, stats);
}

}  // namespace kith::scan
