#include "index/exact.h"

#include <algorithm>
#include <limits>
#include <new>

#include "base/parallel.h"
#include "base/strings.h"

namespace kith {
namespace {

constexpr size_t kBlockBytes = 128 << 10;   // rows that stay in the second-level cache
constexpr size_t kGroupBytes = 2 << 20;     // queries that share one pass over the rows
constexpr size_t kBestBytes = 16 << 20;     // what they keep
constexpr size_t kTileDistances = 1 << 16;  // of a group's queries and a block's rows
constexpr size_t kRowsTogether = 64;        // the kernels' own blocks

// Many, as they share the reading of the rows and their layout.
size_t QueriesAtOnce(const VectorTable& table, size_t k) {
  const size_t fit = std::min(kGroupBytes / (table.rows.dim * sizeof(float)),
                              kBestBytes / (std::max<size_t>(k, 1) * sizeof(Candidate)));
  return std::clamp<size_t>(fit, 16, 256);
}

size_t BlockRows(const VectorTable& table, size_t num_queries) {
  const size_t rows = std::min(kBlockBytes / std::max<size_t>(table.rows.stride, 1),
                               kTileDistances / std::max<size_t>(num_queries, 1));
  return std::clamp<size_t>(rows / kRowsTogether * kRowsTogether, kRowsTogether, 1024);
}

// The threads share groups of queries and, where there are few groups, the rows: in several parts
// each, as some run later than others. A part is worth more than handing it over.
size_t NumSegments(const VectorTable& table, size_t group, size_t num_groups, int threads) {
  if (threads == 1 || num_groups == 0) return 1;
  constexpr size_t kPartBytes = 1 << 20;  // of rows, times the queries that meet them
  const size_t most = table.rows.rows * table.rows.stride * group / kPartBytes + 1;
  return std::min({(4 * static_cast<size_t>(threads) + num_groups - 1) / num_groups, most,
                   table.rows.rows / kRowsTogether + 1});
}

struct ScanScratch {
  std::vector<float> distances;
  std::vector<uint32_t> near;
};

// Compares all queries of the scorer with rows [begin, end).
void ScanRows(const StoredVectors& vectors, const Scorer& scorer, size_t begin, size_t end,
              ScanScratch* scratch, TopK* top) {
  const size_t block = BlockRows(vectors.table, scorer.num_queries());
  scratch->distances.resize(scorer.num_queries() * block);
  scratch->near.resize(block);
  float* distances = scratch->distances.data();
  for (size_t first = begin; first < end; first += block) {
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
}

}  // namespace

Status ExactSearch(const StoredVectors& vectors, const MatrixView& queries, size_t k, int threads,
                   std::vector<std::vector<Candidate>>* nearest, SearchStats* stats) {
  const size_t n = vectors.table.rows.rows;
  const size_t kept = std::min(k, n);
  threads = ResolveThreads(threads);
  const size_t group = QueriesAtOnce(vectors.table, kept);
  const size_t groups = (queries.rows + group - 1) / group;
  const size_t at_once = std::min(groups, static_cast<size_t>(threads) * 2);
  const size_t segments =
      NumSegments(vectors.table, std::min(queries.rows, group), at_once, threads);
  std::vector<Scorer> scorers;
  nearest->assign(queries.rows, {});
  for (size_t start = 0; start < groups; start += at_once) {
    const size_t count = std::min(at_once, groups - start);
    // One for each group, thread and query: what they hold together does not depend on which thread
    // took which part.
    std::vector<std::vector<TopK>> tops(count * static_cast<size_t>(threads));
    std::vector<ScanScratch> scratch(threads);
    scorers.clear();
    for (size_t g = 0; g < count; ++g) {
      const size_t first = (start + g) * group;
      KITH_ASSIGN_OR_RETURN(Scorer scorer, Scorer::Create(vectors.table, queries, first,
                                                          std::min(queries.rows, first + group)));
      scorers.push_back(std::move(scorer));
    }
    ParallelFor(count * segments, threads, [&](size_t task, int thread) {
      const Scorer& scorer = scorers[task / segments];
      const size_t segment = task % segments;
      std::vector<TopK>& top =
          tops[task / segments * static_cast<size_t>(threads) + static_cast<size_t>(thread)];
      if (top.empty()) top.assign(scorer.num_queries(), TopK(kept));
      ScanRows(vectors, scorer, n * segment / segments, n * (segment + 1) / segments,
               &scratch[thread], top.data());
    });
    for (size_t g = 0; g < count; ++g) {
      const Scorer& scorer = scorers[g];
      for (size_t slot = 0; slot < scorer.num_queries(); ++slot) {
        TopK top(kept);
        for (size_t t = 0; t < static_cast<size_t>(threads); ++t) {
          const std::vector<TopK>& part = tops[g * static_cast<size_t>(threads) + t];
          if (!part.empty()) top.Merge(part[slot]);
        }
        (*nearest)[(start + g) * group + scorer.order()[slot]] = top.Sorted();
      }
    }
  }
  stats->distances += static_cast<uint64_t>(n) * queries.rows;
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
