#include "scan/exact.h"

#include <algorithm>
#include <limits>
#include <new>
#include <numeric>
#include <optional>

#include "base/strings.h"
#include "scan/coded_scan.h"
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

struct ScanScratch {
  std::vector<float> distances;
  std::vector<uint32_t> near;
};

// Compares all queries of the scorer with rows [begin, end). Returns the number of distances. Stops
// early where the pool does.
uint64_t ScanRows(const search::StoredVectors& vectors, const search::Scorer& scorer, size_t begin,
                  size_t end, const ThreadPool& pool, ScanScratch* scratch, search::TopK* top) {
  const size_t block = BlockRows(vectors.table, scorer.num_queries());
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
      const size_t count = scorer.FindNear(slot, first, last - first, top[slot].threshold(), d,
                                           scratch->near.data());
      for (size_t i = 0; i < count; ++i) {
        const uint32_t near = scratch->near[i];
        if (d[near] > top[slot].threshold()) continue;
        top[slot].Offer(d[near], vectors.RowAt(static_cast<uint32_t>(first) + near));
      }
    }
  }
  return static_cast<uint64_t>(end - begin) * scorer.num_queries();
}

// Queries that pass the rows together, ready to be compared with their codes, if those are used,
// and with themselves.
struct QueryGroup {
  search::Scorer scorer;
  std::optional<quant::BoundedQueries> coded;
};

Result<QueryGroup> PrepareGroup(const search::StoredVectors& vectors,
                                const quant::BoundedCodes* codes, const MatrixView& queries,
                                size_t begin, size_t end) {
  KITH_ASSIGN_OR_RETURN(search::Scorer scorer,
                        search::Scorer::Create(vectors.table, queries, begin, end));
  QueryGroup group{std::move(scorer), std::nullopt};
  if (codes != nullptr) {
    KITH_ASSIGN_OR_RETURN(
        group.coded, quant::BoundedQueries::Create(*codes, queries, begin, group.scorer.order()));
  }
  return group;
}

// Segments hold whole blocks of codes.
size_t SegmentBegin(size_t rows, size_t segment, size_t segments) {
  return segment == segments ? rows
                             : rows * segment / segments / simd::kScreenRows * simd::kScreenRows;
}

}  // namespace

Status ExactSearch(const search::StoredVectors& vectors, const quant::BoundedCodes& codes,
                   const MatrixView& queries, size_t k, ThreadPool& pool,
                   std::vector<std::vector<search::Candidate>>* nearest, SearchStats* stats) {
  const size_t n = vectors.table.rows.rows;
  const size_t kept = std::min(k, n);
  const int threads = pool.size();
  const size_t group = QueriesAtOnce(vectors.table, kept, threads);
  const size_t groups = (queries.rows + group - 1) / group;
  const bool coded = ScansCodes(codes, n, kept);
  const size_t segments =
      NumSegments(vectors.table, std::min(queries.rows, group), groups, threads, coded);
  // One top-k for each group, part and query. Without codes, parts are threads: what these hold
  // together does not depend on which segments each took, though what codes rule out would.
  const size_t parts = coded ? segments : static_cast<size_t>(threads);
  std::vector<QueryGroup> prepared;
  nearest->assign(queries.rows, {});
  const size_t at_once = static_cast<size_t>(threads) * 4;
  for (size_t start = 0; start < groups; start += at_once) {
    const size_t count = std::min(at_once, groups - start);
    std::vector<std::vector<search::TopK>> tops(count * parts);
    std::vector<uint64_t> compared(count * segments);
    std::vector<uint64_t> by_codes(count * segments);
    std::vector<ScanScratch> scratch(threads);
    prepared.clear();
    for (size_t g = start; g < start + count; ++g) {
      KITH_ASSIGN_OR_RETURN(QueryGroup next,
                            PrepareGroup(vectors, coded ? &codes : nullptr, queries, g * group,
                                         std::min(queries.rows, (g + 1) * group)));
      prepared.push_back(std::move(next));
    }
    KITH_RETURN_IF_ERROR(pool.For(count * segments, [&](size_t task, int thread) {
      const QueryGroup& own = prepared[task / segments];
      const size_t segment = task % segments;
      const size_t part = coded ? segment : static_cast<size_t>(thread);
      std::vector<search::TopK>& top = tops[task / segments * parts + part];
      if (top.empty()) top.assign(own.scorer.num_queries(), search::TopK(kept));
      const size_t begin = SegmentBegin(n, segment, segments);
      const size_t end = SegmentBegin(n, segment + 1, segments);
      CodesScanned scanned{begin, 0};
      if (coded) {
        scanned =
            ScanCodes(vectors, codes, own.scorer, *own.coded, kept, begin, end, pool, top.data());
        by_codes[task] = (scanned.end - begin) * own.scorer.num_queries();
      }
      compared[task] = scanned.compared + ScanRows(vectors, own.scorer, scanned.end, end, pool,
                                                   &scratch[thread], top.data());
      return pool.CheckStop();
    }));
    stats->distances += std::accumulate(compared.begin(), compared.end(), uint64_t{0});
    stats->codes += std::accumulate(by_codes.begin(), by_codes.end(), uint64_t{0});
    for (size_t g = 0; g < count; ++g) {
      const search::Scorer& scorer = prepared[g].scorer;
      for (size_t slot = 0; slot < scorer.num_queries(); ++slot) {
        KITH_RETURN_IF_ERROR(pool.CheckStop());
        search::TopK top(kept);
        for (size_t part = 0; part < parts; ++part) {
          const std::vector<search::TopK>& tops_of_part = tops[g * parts + part];
          if (!tops_of_part.empty()) top.Merge(tops_of_part[slot]);
        }
        (*nearest)[(start + g) * group + scorer.order()[slot]] = top.Sorted();
      }
    }
  }
  return Status::Ok();
}

}  // namespace kith::scan
