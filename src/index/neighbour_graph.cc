// MakeNeighbourGraph: the neighbours of all stored vectors.
#include "kith/neighbour_graph.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/edge.h"
#include "base/strings.h"
#include "data/convert.h"
#include "data/npz.h"
#include "index/index_file.h"
#include "index/joined_neighbours.h"
#include "index/neighbour_edges.h"
#include "paths/registry.h"
#include "scan/path.h"
#include "search/metric_traits.h"
#include "search/scorer.h"

namespace kith::index {
namespace {

using search::Candidate;
using search::Hits;

constexpr char kFewer[] = "ask for fewer neighbours";
constexpr size_t kRowsAtOnce = 16384;  // whose answers are kept until they are copied

// Stored vectors as queries.
MatrixView Positions(const search::StoredVectors& vectors, size_t begin, size_t end) {
  MatrixView part = vectors.table.rows;
  part.data = part.row(begin);
  part.rows = end - begin;
  return part;
}

// Without the row itself, or without the farthest of k + 1 rows at its distance.
void CopyOthers(std::span<const Candidate> found, uint32_t self, size_t k,
                std::vector<Candidate>* others) {
  others->clear();
  for (const Candidate& c : found) {
    if (c.row != self && others->size() < k) others->push_back(c);
  }
}

// Finds the neighbours of stored vectors by one path.
class NeighbourFinder {
 public:
  NeighbourFinder(const search::StoredVectors& vectors, size_t k, ThreadPool& pool)
      : vectors_(vectors), k_(k), pool_(pool) {}

  Status Search(const search::AccessPath& path, double effort, size_t begin, size_t end, Hits* hits,
                SearchStats* stats) const {
    return path.Search({.queries = Positions(vectors_, begin, end),
                        .wanted = search::Wanted::Nearest(k_ + 1),
                        .pool = &pool_,
                        .effort = effort,
                        .first_position = begin},
                       hits, stats);
  }

  // Finds the truth about some rows.
  Status Measure(const search::AccessPath& exact) {
    positions_ = SomePositions(vectors_.table.rows.rows);
    MatrixView some = vectors_.table.rows;
    KITH_ASSIGN_OR_RETURN(const AlignedBuffer<std::byte> rows,
                          data::GatherRows(some, positions_, some.stride, pool_));
    some.data = rows.data();
    some.rows = positions_.size();
    Hits hits;
    SearchStats stats;
    KITH_RETURN_IF_ERROR(
        exact.Search({.queries = some, .wanted = search::Wanted::Nearest(k_ + 1), .pool = &pool_},
                     &hits, &stats));
    std::vector<Candidate> others;
    for (size_t i = 0; i < positions_.size(); ++i) {
      CopyOthers(hits.of(i), vectors_.RowAt(positions_[i]), k_, &others);
      // A damaged file may have rows that no distance can be told to.
      limits_.push_back(others.empty() ? 0 : others.back().distance);
    }
    return Status::Ok();
  }

  // The mean share of the true neighbours that are found, less its standard error, and the mean.
  Result<std::pair<double, double>> Recall(const search::AccessPath& path, double effort) const {
    // Each alone to the path, many at a time to the threads.
    std::vector<Hits> found(positions_.size());
    KITH_RETURN_IF_ERROR(pool_.For(positions_.size(), [&](size_t i, int) -> Status {
      SearchStats stats;
      return Search(path, effort, positions_[i], positions_[i] + size_t{1}, &found[i], &stats);
    }));
    ShareFound shares(k_);
    std::vector<Candidate> others;
    for (size_t i = 0; i < positions_.size(); ++i) {
      CopyOthers(found[i].of(0), vectors_.RowAt(positions_[i]), k_, &others);
      shares.Add(others, limits_[i]);
    }
    return std::pair{shares.mean() - shares.error(), shares.mean()};
  }

 private:
  const search::StoredVectors& vectors_;
  const size_t k_;
  ThreadPool& pool_;
  std::vector<uint32_t> positions_;
  std::vector<float> limits_;  // the distance of the k-th true neighbour of each
};

struct Way {
  const search::AccessPath* path = nullptr;
  IndexKind kind = IndexKind::kExact;
  double effort = 0;
  double recall = 1;
};

// The least effort that reaches a recall, with its standard error to spare, and costs less than
// `most_ns` a row; nothing if there is none. Efforts grow by a fifth from one step to the next, and
// the last step is divided as its recalls are.
Result<std::optional<Way>> LeastEffort(const NeighbourFinder& finder, const search::PathType& type,
                                       const search::AccessPath& path, size_t k, size_t n,
                                       double recall, double most_ns) {
  constexpr double kStep = 1.2;
  const search::EffortScale& efforts = *type.efforts();
  const double least = std::max(1.0, static_cast<double>(k + 1) / 4);
  double below = 0;
  double recall_below = 0;
  for (double effort = least;; effort = std::min(kStep * effort, static_cast<double>(n))) {
    if (efforts.QueryNs(effort) > most_ns) return std::optional<Way>();
    KITH_ASSIGN_OR_RETURN(const auto measured, finder.Recall(path, effort));
    if (measured.first < recall) {
      if (effort >= static_cast<double>(n)) return std::optional<Way>();
      below = effort;
      recall_below = measured.first;
      continue;
    }
    Way way{&path, type.kind(), effort, measured.second};
    if (below == 0) return std::optional(way);
    const double part = (recall - recall_below) / (measured.first - recall_below);
    const double between = below + (effort - below) * part;
    KITH_ASSIGN_OR_RETURN(const auto tried, finder.Recall(path, between));
    if (tried.first >= recall) way = {&path, type.kind(), between, tried.second};
    return std::optional(way);
  }
}

Status CheckOptions(const IndexInfo& info, const NeighbourGraphOptions& options) {
  KITH_RETURN_IF_ERROR(CheckWanted(options));
  if (options.index == IndexKind::kAuto || info.has(options.index)) return Status::Ok();
  return Status::InvalidArgument(StrCat(info.path, " has no ", IndexKindName(options.index),
                                        "; leave the way in open, or build one"));
}

// Puts the row itself among its neighbours, in order.
Status AddSelf(const search::StoredVectors& vectors, size_t position,
               std::span<const Candidate> found, std::vector<Candidate>* others) {
  const uint32_t row = vectors.RowAt(static_cast<uint32_t>(position));
  Candidate self{0, row};
  const auto at =
      std::find_if(found.begin(), found.end(), [row](const Candidate& c) { return c.row == row; });
  if (at != found.end()) {
    self = *at;
  } else {  // behind its copies, or, of products, behind longer vectors
    const MatrixView query = Positions(vectors, position, position + 1);
    KITH_ASSIGN_OR_RETURN(const auto scorer, search::Scorer::Create(vectors.table, query, 0, 1));
    scorer.ScoreRows(0, 1, position, position + 1, &self.distance, 1);
  }
  others->insert(std::upper_bound(others->begin(), others->end(), self), self);
  return Status::Ok();
}

Status FindAll(const NeighbourFinder& finder, const Way& way, const search::StoredVectors& vectors,
               size_t k, const NeighbourGraphOptions& options, ThreadPool& pool, Edges* edges,
               SearchStats* stats) {
  const size_t n = vectors.table.rows.rows;
  for (size_t begin = 0; begin < n; begin += kRowsAtOnce) {
    KITH_RETURN_IF_ERROR(pool.Report(options.progress, "neighbours", begin, n));
    const size_t end = std::min(n, begin + kRowsAtOnce);
    Hits hits;
    KITH_RETURN_IF_ERROR(finder.Search(*way.path, way.effort, begin, end, &hits, stats));
    constexpr size_t kRowsATask = 512;
    const auto copy = [&](size_t first, size_t last, int) -> Status {
      std::vector<Candidate> others;
      for (size_t i = first; i < last; ++i) {
        const uint32_t row = vectors.RowAt(static_cast<uint32_t>(begin + i));
        CopyOthers(hits.of(i), row, k, &others);
        if (options.with_self) {
          KITH_RETURN_IF_ERROR(AddSelf(vectors, begin + i, hits.of(i), &others));
        }
        edges->Put(row, others);
      }
      return Status::Ok();
    };
    KITH_RETURN_IF_ERROR(pool.Chunks(end - begin, kRowsATask, copy));
  }
  return pool.Report(options.progress, "neighbours", n, n);
}

// What is to be built of vectors for the graph of their neighbours; nothing: whatever suits them.
// `hard`: joins did not find enough of them.
std::vector<PathSpec> PathsFor(const MatrixView& vectors, const NeighbourGraphOptions& options,
                               bool hard) {
  // What building an index and walking it takes of a row, of 400,224 descriptors of photos and of
  // 100,000 Gaussians of 64 dimensions.
  constexpr double kIndexNs = 50e3;
  constexpr double kHardNs = 200e3;
  if (const search::PathType* asked = paths::TypeOf(options.index)) return {asked->DefaultSpec()};
  const auto n = static_cast<double>(vectors.rows);
  const double exact_ns =
      scan::QueryNs(n, n * static_cast<double>(RowBytes(vectors.dtype, vectors.dim)), kRowsAtOnce);
  if (options.recall == 1 || exact_ns <= (hard ? kHardNs : kIndexNs)) return {ExactOptions{}};
  return {};
}

}  // namespace

Result<NeighbourGraph> IndexFile::Neighbours(const NeighbourGraphOptions& options) const {
  ThreadPool pool(options.threads, options.stop);
  KITH_RETURN_IF_ERROR(CheckOptions(info_, options));
  const size_t n = info_.num_vectors;
  const size_t k = std::min(options.k, n - 1);
  NeighbourFinder finder(vectors_, k, pool);
  Way way{&PathOf(IndexKind::kExact), IndexKind::kExact};
  const bool exact = options.index == IndexKind::kExact;
  const bool any = options.index == IndexKind::kAuto;
  if (!exact && !(any && options.recall == 1) && info_.has_approximate() && k > 0) {
    KITH_RETURN_IF_ERROR(pool.Report(options.progress, "measure", 0, 1));
    KITH_RETURN_IF_ERROR(finder.Measure(*way.path));
    const double exact_ns = scan::QueryNs(
        static_cast<double>(n), static_cast<double>(n * vectors_.table.rows.stride), kRowsAtOnce);
    bool reached = false;
    for (const search::PathType* type : paths::Approximate()) {
      if (!info_.has(type->kind()) || (!any && type->kind() != options.index)) continue;
      KITH_ASSIGN_OR_RETURN(const auto least,
                            LeastEffort(finder, *type, PathOf(type->kind()), k, n, options.recall,
                                        any ? exact_ns : std::numeric_limits<double>::infinity()));
      if (!least) continue;
      way = *least;
      reached = true;
      break;
    }
    if (!any && !reached) {
      return Status::InvalidArgument(StrCat("the ", IndexKindName(options.index), " of ",
                                            info_.path, " does not reach recall ", options.recall,
                                            "; leave the way in open, which takes exact search"));
    }
    KITH_RETURN_IF_ERROR(pool.Report(options.progress, "measure", 1, 1));
  }
  NeighbourGraph graph;
  graph.index = way.kind;
  graph.effort = way.effort;
  graph.recall = way.recall;
  Edges edges(n, k + (options.with_self ? 1 : 0));
  KITH_RETURN_IF_ERROR(FindAll(finder, way, vectors_, k, options, pool, &edges, &graph.stats));
  edges.WriteTo(info_.metric, &graph);
  return graph;
}

}  // namespace kith::index

namespace kith {
namespace {

// Edges and their reverses, by the row they lead from, in order; each neighbour once or twice.
std::vector<std::vector<search::Candidate>> BothWays(const NeighbourGraph& graph) {
  std::vector<uint32_t> counts(graph.num_rows, 0);
  for (const uint32_t to : graph.neighbours) ++counts[to];
  std::vector<std::vector<search::Candidate>> rows(graph.num_rows);
  for (uint64_t row = 0; row < graph.num_rows; ++row) {
    rows[row].reserve(counts[row] + graph.of(row).size());
  }
  for (uint64_t row = 0; row < graph.num_rows; ++row) {
    for (uint64_t i = graph.offsets[row]; i < graph.offsets[row + 1]; ++i) {
      const uint32_t to = graph.neighbours[i];
      rows[row].push_back({graph.distances[i], to});
      if (to != row) rows[to].push_back({graph.distances[i], static_cast<uint32_t>(row)});
    }
  }
  return rows;
}

// Leaves each neighbour once: all, or those that were there twice. Of two distances that rounding
// made differ, the smaller one.
void Settle(uint64_t self, EdgesKept kept, std::vector<search::Candidate>* row) {
  std::sort(row->begin(), row->end(), [](const auto& a, const auto& b) {
    return a.row != b.row ? a.row < b.row : a.distance < b.distance;
  });
  size_t count = 0;
  for (size_t i = 0; i < row->size();) {
    const bool twice = i + 1 < row->size() && (*row)[i + 1].row == (*row)[i].row;
    const bool wanted = kept == EdgesKept::kEither || twice || (*row)[i].row == self;
    if (wanted) (*row)[count++] = (*row)[i];
    i += twice ? 2 : 1;
  }
  row->resize(count);
  std::sort(row->begin(), row->end());
}

}  // namespace

Result<NeighbourGraph> Symmetrized(const NeighbourGraph& graph, EdgesKept edges, int threads,
                                   std::stop_token stop) {
  return AtEdge({}, index::kFewer, [&]() -> Result<NeighbourGraph> {
    if (edges == EdgesKept::kDirected) return graph;
    ThreadPool pool(threads, std::move(stop));
    std::vector<std::vector<search::Candidate>> rows = BothWays(graph);
    constexpr size_t kRowsATask = 1024;
    KITH_RETURN_IF_ERROR(pool.Chunks(rows.size(), kRowsATask, [&](size_t begin, size_t end, int) {
      for (size_t row = begin; row < end; ++row) Settle(row, edges, &rows[row]);
      return Status::Ok();
    }));
    NeighbourGraph out{.num_rows = graph.num_rows,
                       .offsets = {0},
                       .neighbours = {},
                       .distances = {},
                       .joined = graph.joined,
                       .index = graph.index,
                       .effort = graph.effort,
                       .recall = graph.recall,
                       .stats = graph.stats};
    out.offsets.reserve(rows.size() + 1);
    for (std::vector<search::Candidate>& row : rows) {
      out.offsets.push_back(out.offsets.back() + row.size());
      for (const search::Candidate& c : row) {
        out.neighbours.push_back(c.row);
        out.distances.push_back(c.distance);
      }
      row = {};
    }
    return out;
  });
}

Status WriteNeighbourGraph(const std::string& path, const NeighbourGraph& graph) {
  return AtEdge(path, index::kFewer, [&]() -> Status {
    const std::string format = "csr";
    const uint64_t edges[1] = {graph.neighbours.size()};
    const uint64_t ends[1] = {graph.offsets.size()};
    const int64_t shape[2] = {static_cast<int64_t>(graph.num_rows),
                              static_cast<int64_t>(graph.num_rows)};
    const uint64_t two[1] = {2};
    KITH_ASSIGN_OR_RETURN(data::NpzWriter npz, data::NpzWriter::Create(path));
    // Both of one type, as SciPy wants them; that of offsets, which may be beyond 2^31.
    const std::vector<int64_t> wide(graph.neighbours.begin(), graph.neighbours.end());
    KITH_RETURN_IF_ERROR(npz.Add("indices", "<i8", edges, std::as_bytes(std::span(wide))));
    KITH_RETURN_IF_ERROR(npz.Add("indptr", "<i8", ends, std::as_bytes(std::span(graph.offsets))));
    KITH_RETURN_IF_ERROR(npz.Add("format", "|S3", {}, std::as_bytes(std::span(format))));
    KITH_RETURN_IF_ERROR(npz.Add("shape", "<i8", two, std::as_bytes(std::span(shape))));
    KITH_RETURN_IF_ERROR(npz.Add("data", "<f4", edges, std::as_bytes(std::span(graph.distances))));
    return npz.Commit();
  });
}

Result<NeighbourGraph> MakeNeighbourGraph(const MatrixView& vectors, Metric metric,
                                          const NeighbourGraphOptions& options) {
  return AtEdge({}, index::kFewer, [&]() -> Result<NeighbourGraph> {
    KITH_RETURN_IF_ERROR(index::CheckWanted(options));
    bool hard = false;
    if (options.index == IndexKind::kAuto) {
      ThreadPool pool(options.threads, options.stop);
      KITH_ASSIGN_OR_RETURN(std::optional<NeighbourGraph> joined,
                            index::JoinedNeighbours(vectors, metric, options, pool, &hard));
      if (joined.has_value()) {
        if (options.edges == EdgesKept::kDirected) return *std::move(joined);
        return Symmetrized(*joined, options.edges, options.threads, options.stop);
      }
    }
    BuildOptions build;
    build.metric = metric;
    build.paths = index::PathsFor(vectors, options, hard);
    build.calibrate = false;
    build.seed = options.seed;
    build.threads = options.threads;
    build.progress = options.progress;
    build.stop = options.stop;
    KITH_ASSIGN_OR_RETURN(const std::unique_ptr<Index> index, BuildIndexInMemory(vectors, build));
    return MakeNeighbourGraph(*index, options);
  });
}

Result<NeighbourGraph> MakeNeighbourGraph(const Index& index,
                                          const NeighbourGraphOptions& options) {
  return AtEdge(index.info().path, index::kFewer, [&]() -> Result<NeighbourGraph> {
    KITH_ASSIGN_OR_RETURN(NeighbourGraph graph, index.Neighbours(options));
    if (options.edges == EdgesKept::kDirected) return graph;
    return Symmetrized(graph, options.edges, options.threads, options.stop);
  });
}

}  // namespace kith
