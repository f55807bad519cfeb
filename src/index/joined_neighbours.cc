#include "index/joined_neighbours.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "data/convert.h"
#include "data/copies.h"
#include "graph/candidates.h"
#include "graph/frame.h"
#include "graph/layout.h"
#include "graph/local_join.h"
#include "graph/plant.h"
#include "graph/space.h"
#include "index/neighbour_edges.h"
#include "index/own_rows.h"
#include "quant/geometry.h"
#include "scan/exact.h"
#include "search/lengths.h"
#include "search/metric_traits.h"
#include "search/scorer.h"
#include "search/stored_vectors.h"
#include "simd/kernels.h"

namespace kith::index {
namespace {

using search::Candidate;

// Of fewer distinct vectors, exact search takes no longer.
constexpr size_t kFewest = 16384;
constexpr size_t kMostNeighbours = 128;

constexpr size_t kTreesAtOnce = 4;
constexpr size_t kFewestEdges = 15;

// A join finds half of what is missing, or more. So trees are grown before the first one until no
// more than this many times what may be missing in the end is.
constexpr double kMissingBeforeJoins = 2.2;
// Trees that leave more than this share of what was missing before them tell little that is new.
constexpr double kMostLeftByTrees = 0.92;
// After a join that leaves no more than this, another one of its edges follows.
constexpr double kMostLeftByJoin = 0.75;
// Between joins that leave more, so many trees are grown, which is cheaper than a join with more
// edges.
constexpr size_t kTreesBetweenJoins = 2 * kTreesAtOnce;

// Pairs that the leaves of trees compare, and those that exact search does, in the time of one in a
// join, which meets them here and there in memory. Work is counted in these, of a row: joins may
// take half as much as exact search.
constexpr double kPairsInLeaves = 4;
constexpr double kPairsInScan = 20;
double MostWork(size_t n) { return 512 + static_cast<double>(n) / kPairsInScan / 2; }

class Joiner {
 public:
  Joiner(const MatrixView& rows, Metric metric, const float* inverse_norms,
         const NeighbourGraphOptions& options, ThreadPool& pool)
      : vectors_{{rows, metric, inverse_norms, 0}, nullptr},
        options_(options),
        k_(std::min(options.k, rows.rows - 1)),
        pool_(pool) {}

  // Collapses copies and grows the first tree, which numbers the nodes. Whether there are enough
  // of these; all else REQUIRES that.
  Result<bool> Plant();

  // Whether the recall is reached.
  Result<bool> Find() {
    KITH_RETURN_IF_ERROR(FindTruth());
    KITH_RETURN_IF_ERROR(StartLists());
    KITH_ASSIGN_OR_RETURN(const bool reached, Join());
    space_ = {};
    return reached;
  }

  // REQUIRES: the recall is reached. Nothing if a row has fewer neighbours than it should.
  Result<std::optional<NeighbourGraph>> Take();

 private:
  struct Scratch;

  const MatrixView& rows() const { return vectors_.table.rows; }
  std::span<const uint32_t> nodes() const {
    return std::span(planted_.order).first(planted_.num_nodes);
  }
  double Missing() const { return 1 - recall_; }
  bool Reached() const { return recall_ - error_ >= options_.recall; }

  Status MakeLists(bool as_floats);
  Status FindTruth();
  Status StartLists();
  Status JoinLeaves(const std::vector<trees::Tree>& trees);
  Result<bool> GrowTrees(size_t count);
  Result<bool> Join();
  Status Measure();
  template <class Fn>
  Status Settle(std::span<const uint32_t> nodes, Scratch* scratch, const Fn& take) const;
  void Gather(size_t slot, uint32_t node, const search::Scorer& scorer, Scratch* scratch) const;
  void Others(uint32_t row, bool with_self, Scratch* scratch) const;

  const search::StoredVectors vectors_;
  const NeighbourGraphOptions& options_;
  const size_t k_;
  ThreadPool& pool_;

  graph::Planted planted_;
  std::vector<uint32_t> node_of_;  // [rows]
  graph::Grove grove_;
  size_t num_trees_ = kTreesAtOnce;
  graph::Space space_;
  graph::CandidateLists lists_;
  double work_ = 0;  // of a row

  std::vector<uint32_t> measured_;  // rows
  std::vector<float> limits_;       // the distance of the k-th true neighbour of each
  double recall_ = 0;
  double error_ = 0;
};

// Of one thread. What is known of a node is of all its rows.
struct Joiner::Scratch {
  std::vector<uint32_t> near;  // nodes, then the first row of each
  std::vector<float> distances;
  std::vector<Candidate> found;   // of the node, its own rows among them
  std::vector<Candidate> others;  // of a row
  float to_self = 0;              // how far rows of the node are from each other
};

Result<bool> Joiner::Plant() {
  KITH_RETURN_IF_ERROR(pool_.Report(options_.progress, "trees", 0, 1));
  KITH_ASSIGN_OR_RETURN(const std::vector<uint32_t> first, data::FindCopies(rows(), pool_));
  std::vector<uint32_t> distinct;
  for (uint32_t row = 0; row < first.size(); ++row) {
    if (first[row] == row) distinct.push_back(row);
  }
  if (distinct.size() < kFewest) return false;
  const quant::Geometry geometry(vectors_.table.metric, rows().dim, 0);
  KITH_ASSIGN_OR_RETURN(grove_,
                        graph::Grove::Create(rows(), distinct, {}, geometry, options_.seed, pool_));
  planted_.num_nodes = planted_.num_all = distinct.size();
  planted_.order.resize(distinct.size());
  for (size_t i = 0; i < distinct.size(); ++i) planted_.order[grove_.numbers()[i]] = distinct[i];
  graph::PlaceCopies(first, &planted_);
  node_of_.resize(first.size());
  for (uint32_t node = 0; node < planted_.num_nodes; ++node) node_of_[planted_.order[node]] = node;
  for (uint32_t row = 0; row < first.size(); ++row) node_of_[row] = node_of_[first[row]];
  return true;
}

// Searches some rows exactly.
Status Joiner::FindTruth() {
  KITH_RETURN_IF_ERROR(pool_.Report(options_.progress, "measure", 0, 1));
  measured_ = SomePositions(rows().rows);
  MatrixView some = rows();
  KITH_ASSIGN_OR_RETURN(const AlignedBuffer<std::byte> gathered,
                        data::GatherRows(some, measured_, some.stride, pool_));
  some.data = gathered.data();
  some.rows = measured_.size();
  search::Hits hits;
  SearchStats stats;
  KITH_RETURN_IF_ERROR(scan::ExactSearch(
      vectors_, {}, {.queries = some, .wanted = search::Wanted::Nearest(k_ + 1), .pool = &pool_},
      &hits, &stats));
  for (size_t i = 0; i < measured_.size(); ++i) {
    size_t others = 0;
    float limit = 0;
    for (const Candidate& c : hits.of(i)) {
      if (c.row != measured_[i] && others++ < k_) limit = c.distance;
    }
    limits_.push_back(limit);
  }
  return pool_.Report(options_.progress, "measure", 1, 1);
}

// The space that nodes are compared in and what the leaves of the first trees tell of it.
Status Joiner::MakeLists(bool as_floats) {
  const quant::Geometry geometry(vectors_.table.metric, rows().dim, 0);
  const graph::Frame frame = graph::MakeFrame(geometry, graph::MeanOf(rows(), geometry),
                                              graph::SignsOf(geometry, options_.seed));
  KITH_ASSIGN_OR_RETURN(space_, graph::Space::Create(rows(), vectors_.table.metric, nodes(), frame,
                                                     as_floats, pool_));
  // What rounding confuses is put in order in the end.
  const size_t spare = space_.rounded() ? k_ / 2 + 8 : 1;
  KITH_ASSIGN_OR_RETURN(lists_, graph::CandidateLists::Create(
                                    nodes().size(), std::max(k_, kFewestEdges) + spare, pool_));
  KITH_ASSIGN_OR_RETURN(const std::vector<trees::Tree> trees, grove_.Grow(0, kTreesAtOnce, pool_));
  return JoinLeaves(trees);
}

// Compares what is in the leaves of more trees. Whether they told much that was not known.
Result<bool> Joiner::GrowTrees(size_t count) {
  const double before = Missing();
  for (size_t grown = 0; grown < count; grown += kTreesAtOnce) {
    KITH_RETURN_IF_ERROR(pool_.Report(options_.progress, "trees", num_trees_, num_trees_ + 1));
    KITH_ASSIGN_OR_RETURN(const std::vector<trees::Tree> more,
                          grove_.Grow(num_trees_, kTreesAtOnce, pool_));
    KITH_RETURN_IF_ERROR(JoinLeaves(more));
    num_trees_ += kTreesAtOnce;
  }
  KITH_RETURN_IF_ERROR(Measure());
  // As if it were kTreesAtOnce.
  const double parts = static_cast<double>(count) / static_cast<double>(kTreesAtOnce);
  return Missing() <= std::pow(kMostLeftByTrees, parts) * before;
}

Status Joiner::JoinLeaves(const std::vector<trees::Tree>& trees) {
  for (const trees::Tree& tree : trees) {
    KITH_RETURN_IF_ERROR(lists_.JoinLeaves(space_, tree, graph::kLeafSize, pool_));
    work_ += graph::kLeafSize / kPairsInLeaves;
  }
  return Status::Ok();
}

// The first lists, of trees alone.
Status Joiner::StartLists() {
  KITH_RETURN_IF_ERROR(MakeLists(false));
  if (space_.rounded() && lists_.FinerThanBytes(space_.table().rows.dim) > graph::kMostTooFine) {
    KITH_RETURN_IF_ERROR(MakeLists(true));
  }
  KITH_RETURN_IF_ERROR(Measure());
  const double enough = kMissingBeforeJoins * (1 - options_.recall);
  bool new_ones = true;
  while (new_ones && Missing() > enough && work_ <= MostWork(nodes().size())) {
    KITH_ASSIGN_OR_RETURN(new_ones, GrowTrees(kTreesAtOnce));
  }
  return Status::Ok();
}

// Joins the lists until the recall is reached; where joins tell little more, grows trees, and where
// these do not either, takes more edges. Whether it is.
Result<bool> Joiner::Join() {
  // Where so much is missing and trees are of no more use, joins of any width do not find enough:
  // of 100,000 Gaussians of 64 dimensions, 0.84 in more than twice the time of exact search.
  constexpr double kHopeless = 0.5;
  // What is compared in a join of so many edges, of all pairs of them.
  constexpr double kDifferent = 0.7;
  graph::LocalJoin join;
  size_t edges = std::min(std::max(k_, kFewestEdges), graph::LocalJoin::kMostEdges);
  size_t reverse = edges / 5;
  const double most = MostWork(nodes().size());
  for (uint64_t round = 0; !Reached(); ++round) {
    KITH_RETURN_IF_ERROR(pool_.Report(options_.progress, "joins", round, round + 1));
    if (work_ > most) return false;
    const double before = Missing();
    KITH_ASSIGN_OR_RETURN(const uint64_t compared,
                          join.Round(space_, {edges, reverse}, pool_, &lists_));
    work_ += static_cast<double>(compared) / static_cast<double>(nodes().size());
    KITH_RETURN_IF_ERROR(Measure());
    if (Reached() || Missing() <= kMostLeftByJoin * before) continue;
    KITH_ASSIGN_OR_RETURN(const bool new_ones, GrowTrees(kTreesBetweenJoins));
    if (new_ones || Reached()) continue;
    if (Missing() > kHopeless) return false;
    // Without work left for more edges, trees and joins of these go on.
    const size_t more = std::min(2 * edges, graph::LocalJoin::kMostEdges);
    const size_t more_reverse = more / 2;
    const auto of_node = static_cast<double>(more + more_reverse);
    if (more == edges || work_ + kDifferent * of_node * of_node > most) continue;
    edges = more;
    reverse = more_reverse;
    KITH_ASSIGN_OR_RETURN(lists_, lists_.Widened(edges, pool_));
  }
  return true;
}

// Writes the rows near a node, with their distances, nearest first; of its own rows and of those of
// each other node, as many as any row can have as neighbours.
void Joiner::Gather(size_t slot, uint32_t node, const search::Scorer& scorer,
                    Scratch* scratch) const {
  const std::vector<uint32_t>& copies = planted_.copies;
  scratch->near.assign(1, node);
  for (const uint32_t other : lists_.Of(node)) {
    if (other != graph::kNoNode) scratch->near.push_back(other);
  }
  std::vector<uint32_t> first(scratch->near.size());
  for (size_t i = 0; i < first.size(); ++i) first[i] = planted_.order[scratch->near[i]];
  scratch->distances.resize(first.size());
  scorer.ScoreIds(slot, first.data(), first.size(), scratch->distances.data());
  scratch->to_self = scratch->distances[0];
  scratch->found.clear();
  for (size_t i = 0; i < first.size(); ++i) {
    scratch->found.push_back({scratch->distances[i], first[i]});
    if (copies.empty()) continue;
    const uint32_t* at = planted_.order.data() + planted_.num_all + copies[scratch->near[i]];
    const size_t count = copies[scratch->near[i] + 1] - copies[scratch->near[i]];
    for (size_t c = 0; c < std::min(count, k_); ++c) {
      scratch->found.push_back({scratch->distances[i], at[c]});
    }
  }
  std::sort(scratch->found.begin(), scratch->found.end());
}

// Of what is near a node, the nearest of one of its rows.
void Joiner::Others(uint32_t row, bool with_self, Scratch* scratch) const {
  std::vector<Candidate>& others = scratch->others;
  others.clear();
  for (const Candidate& c : scratch->found) {
    if (others.size() == k_) break;
    if (c.row != row) others.push_back(c);
  }
  if (!with_self) return;
  const Candidate self{scratch->to_self, row};
  others.insert(std::upper_bound(others.begin(), others.end(), self), self);
}

// Compares some nodes with those in their lists as searches do, and calls take(node, scratch) for
// each.
template <class Fn>
Status Joiner::Settle(std::span<const uint32_t> some, Scratch* scratch, const Fn& take) const {
  std::vector<uint32_t> first;
  first.reserve(some.size());
  for (const uint32_t node : some) first.push_back(planted_.order[node]);
  MatrixView queries = rows();
  KITH_ASSIGN_OR_RETURN(const AlignedBuffer<std::byte> gathered,
                        data::GatherRows(queries, first, queries.stride, pool_));
  queries.data = gathered.data();
  queries.rows = first.size();
  KITH_ASSIGN_OR_RETURN(const search::Scorer scorer,
                        search::Scorer::Create(vectors_.table, queries, 0, queries.rows));
  for (size_t slot = 0; slot < some.size(); ++slot) {
    const size_t i = scorer.order()[slot];
    Gather(slot, some[i], scorer, scratch);
    take(some[i], i, scratch);
  }
  return Status::Ok();
}

// Compares what is found of some rows with the truth.
Status Joiner::Measure() {
  constexpr size_t kRowsATask = 64;
  std::vector<std::vector<Candidate>> found(measured_.size());
  KITH_RETURN_IF_ERROR(
      pool_.Chunks(measured_.size(), kRowsATask, [&](size_t begin, size_t end, int) -> Status {
        Scratch scratch;
        std::vector<uint32_t> some;
        for (size_t i = begin; i < end; ++i) some.push_back(node_of_[measured_[i]]);
        return Settle(some, &scratch, [&](uint32_t /*node*/, size_t i, Scratch* s) {
          Others(measured_[begin + i], false, s);
          found[begin + i] = s->others;
        });
      }));
  ShareFound shares(k_);
  for (size_t i = 0; i < found.size(); ++i) shares.Add(found[i], limits_[i]);
  recall_ = shares.mean();
  error_ = shares.error();
  return Status::Ok();
}

Result<std::optional<NeighbourGraph>> Joiner::Take() {
  const size_t n = rows().rows;
  Edges edges(n, k_ + (options_.with_self ? 1 : 0));
  std::atomic<bool> short_of = false;
  const auto settle = [&](size_t begin, size_t end, int) -> Status {
    Scratch scratch;
    std::vector<uint32_t> some;
    for (size_t node = begin; node < end; ++node) some.push_back(static_cast<uint32_t>(node));
    return Settle(some, &scratch, [&](uint32_t node, size_t, Scratch* s) {
      const auto put = [&](uint32_t row) {
        Others(row, options_.with_self, s);
        if (s->others.size() < k_) short_of = true;
        edges.Put(row, s->others);
      };
      put(planted_.order[node]);
      if (planted_.copies.empty()) return;
      const uint32_t* copies = planted_.order.data() + planted_.num_all;
      for (size_t c = planted_.copies[node]; c < planted_.copies[node + 1]; ++c) put(copies[c]);
    });
  };
  constexpr size_t kNodesATask = 512;
  constexpr size_t kNodesAtOnce = 64 * kNodesATask;
  const size_t all = planted_.num_nodes;
  for (size_t begin = 0; begin < all; begin += kNodesAtOnce) {
    KITH_RETURN_IF_ERROR(pool_.Report(options_.progress, "neighbours", begin, all));
    const size_t count = std::min(kNodesAtOnce, all - begin);
    KITH_RETURN_IF_ERROR(pool_.Chunks(count, kNodesATask, [&](size_t from, size_t to, int thread) {
      return settle(begin + from, begin + to, thread);
    }));
  }
  if (short_of) return std::optional<NeighbourGraph>();
  NeighbourGraph graph;
  graph.joined = true;
  graph.index = IndexKind::kAuto;
  graph.recall = recall_;
  graph.stats.distances = static_cast<uint64_t>(work_ * static_cast<double>(all));
  edges.WriteTo(vectors_.table.metric, &graph);
  KITH_RETURN_IF_ERROR(pool_.Report(options_.progress, "neighbours", all, all));
  return std::optional(std::move(graph));
}

}  // namespace

Result<std::optional<NeighbourGraph>> JoinedNeighbours(const MatrixView& vectors, Metric metric,
                                                       const NeighbourGraphOptions& options,
                                                       ThreadPool& pool, bool* hard) {
  const bool suits = !search::TraitsOf(metric).products && vectors.rows >= kFewest &&
                     options.k <= kMostNeighbours && options.recall < 1;
  if (!suits) return std::optional<NeighbourGraph>();
  KITH_RETURN_IF_ERROR(simd::CheckTarget());
  KITH_RETURN_IF_ERROR(CheckVectors(vectors, pool));
  KITH_ASSIGN_OR_RETURN(const OwnRows own, ToOwnRows(vectors, std::nullopt, pool));
  KITH_ASSIGN_OR_RETURN(const std::vector<float> norms, search::InverseNorms(own.rows, pool));
  KITH_RETURN_IF_ERROR(search::CheckLengths(norms, metric));
  const float* inverse_norms = search::TraitsOf(metric).unit_length() ? norms.data() : nullptr;
  Joiner joiner(own.rows, metric, inverse_norms, options, pool);
  KITH_ASSIGN_OR_RETURN(const bool enough, joiner.Plant());
  if (!enough) return std::optional<NeighbourGraph>();
  KITH_ASSIGN_OR_RETURN(const bool reached, joiner.Find());
  *hard = !reached;
  return reached ? joiner.Take() : std::optional<NeighbourGraph>();
}

}  // namespace kith::index
