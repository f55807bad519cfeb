#include "index/exact.h"

#include <algorithm>
#include <limits>
#include <new>
#include <numeric>

#include "base/parallel.h"
#include "base/strings.h"
#include "index/coded_scan.h"

namespace kith {
namespace {

constexpr size_t kQueriesAtOnce = 64;      // share one pass over the rows
constexpr size_t kQueriesInTile = 16;      // share one block of distances
constexpr size_t kBlockBytes = 128 << 10;  // rows that stay in the second-level cache

size_t BlockRows(const VectorTable& table) {
  return std::clamp<size_t>(kBlockBytes / std::max<size_t>(table.rows.stride, 1), 8, 1024);
}

// Segments of the rows hold whole blocks of codes.
size_t SegmentBegin(size_t rows, size_t segment, size_t segments) {
  return segment == segments ? rows
                             : rows * segment / segments / simd::kScreenRows * simd::kScreenRows;
}

// Compares all queries of the scorer with rows [begin, end). Returns the number of distances.
uint64_t ScanRows(const StoredVectors& vectors, const Scorer& scorer, size_t begin, size_t end,
                  std::vector<float>* scratch, TopK* top) {
  const size_t block = BlockRows(vectors.table);
  scratch->resize(kQueriesInTile * block);
  float* distances = scratch->data();
  for (size_t first = begin; first < end; first += block) {
    const size_t last = std::min(end, first + block);
    for (size_t slot = 0; slot < scorer.num_queries();) {
      // A tile never mixes float and integer queries.
      const size_t limit = slot < scorer.num_float() ? scorer.num_float() : scorer.num_queries();
      const size_t slot_end = std::min(limit, slot + kQueriesInTile);
      scorer.ScoreRows(slot, slot_end, first, last, distances, block);
      for (size_t s = slot; s < slot_end; ++s) {
        const float* d = distances + (s - slot) * block;
        float threshold = top[s].threshold();
        for (size_t i = 0; i < last - first; ++i) {
          if (d[i] <= threshold) {
            top[s].Offer(d[i], vectors.RowAt(static_cast<uint32_t>(first + i)));
            threshold = top[s].threshold();
          }
        }
      }
      slot = slot_end;
    }
  }
  return static_cast<uint64_t>(end - begin) * scorer.num_queries();
}

}  // namespace

Status ExactSearch(const StoredVectors& vectors, const MatrixView& queries, size_t k, int threads,
                   std::vector<std::vector<Candidate>>* nearest, SearchStats* stats) {
  const size_t n = vectors.table.rows.rows;
  const size_t kept = std::min(k, n);
  threads = ResolveThreads(threads);
  // Few queries: the threads share the rows. Many: each takes its own queries.
  const size_t groups = (queries.rows + kQueriesAtOnce - 1) / kQueriesAtOnce;
  const size_t segments =
      groups >= 2 * static_cast<size_t>(threads) ? 1 : std::min<size_t>(threads, n / 1024 + 1);
  const bool coded = ScansCodes(vectors, kept);
  std::vector<Scorer> scorers;
  std::vector<BoundedQueries> coded_queries;
  nearest->assign(queries.rows, {});
  const size_t at_once = static_cast<size_t>(threads) * 4;
  for (size_t start = 0; start < groups; start += at_once) {
    const size_t count = std::min(at_once, groups - start);
    std::vector<std::vector<TopK>> tops(count * segments);
    std::vector<uint64_t> compared(count * segments);
    std::vector<std::vector<float>> scratch(threads);
    scorers.clear();
    coded_queries.clear();
    for (size_t g = 0; g < count; ++g) {
      const size_t first = (start + g) * kQueriesAtOnce;
      KITH_ASSIGN_OR_RETURN(Scorer scorer,
                            Scorer::Create(vectors.table, queries, first,
                                           std::min(queries.rows, first + kQueriesAtOnce)));
      if (coded) {
        KITH_ASSIGN_OR_RETURN(
            BoundedQueries prepared,
            BoundedQueries::Create(vectors.codes, queries, first, scorer.order()));
        coded_queries.push_back(std::move(prepared));
      }
      scorers.push_back(std::move(scorer));
    }
    ParallelFor(count * segments, threads, [&](size_t task, int thread) {
      const Scorer& scorer = scorers[task / segments];
      const size_t segment = task % segments;
      tops[task].assign(scorer.num_queries(), TopK(kept));
      const size_t begin = SegmentBegin(n, segment, segments);
      const size_t end = SegmentBegin(n, segment + 1, segments);
      compared[task] =
          coded ? ScanCodes(vectors, scorer, coded_queries[task / segments], begin, end,
                            tops[task].data())
                : ScanRows(vectors, scorer, begin, end, &scratch[thread], tops[task].data());
    });
    stats->distances += std::accumulate(compared.begin(), compared.end(), uint64_t{0});
    for (size_t g = 0; g < count; ++g) {
      const Scorer& scorer = scorers[g];
      for (size_t slot = 0; slot < scorer.num_queries(); ++slot) {
        TopK& top = tops[g * segments][slot];
        for (size_t s = 1; s < segments; ++s) top.Merge(tops[g * segments + s][slot]);
        (*nearest)[(start + g) * kQueriesAtOnce + scorer.order()[slot]] = top.Sorted();
      }
    }
  }
  if (coded) stats->codes += static_cast<uint64_t>(n) * queries.rows;
  return Status::Ok();
}

Status AllocateNeighbours(size_t num_queries, size_t k, std::vector<int64_t>* ids,
                          std::vector<float>* distances) {
  constexpr uint64_t kMostPlaces = uint64_t{1} << 40;
  const auto message = [&] {
    return StrCat("k = ", k, " for ", num_queries, " queries does not fit memory; ask for fewer");
  };
  if (k > kMostPlaces / std::max<uint64_t>(num_queries, 1)) {
    return Status::InvalidArgument(message());
  }
  try {
    ids->assign(num_queries * k, kNoId);
    distances->assign(num_queries * k, std::numeric_limits<float>::infinity());
  } catch (const std::bad_alloc&) {
    return Status::OutOfMemory(message());
  }
  return Status::Ok();
}

}  // namespace kith
