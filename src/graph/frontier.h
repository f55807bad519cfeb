// What a walk knows while it is under way, whatever it walks over.
#ifndef KITH_GRAPH_FRONTIER_H_
#define KITH_GRAPH_FRONTIER_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "graph/rows.h"
#include "graph/terms.h"
#include "search/beam.h"
#include "search/top_k.h"

namespace kith::graph {

// The nodes met, the beam of those to be visited, and what was found. A store's Expand() calls what
// comes first below. Reusable; not thread-safe.
class Frontier {
 public:
  // The order of the beam, of a distance.
  float Key(float distance) const { return terms_.scale * distance + terms_.shift; }

  // The key from which on nothing is worth a visit, however far the walk may come to go.
  float Reach() const { return ReachOf(terms_.most.stretch); }

  // Whether no node is left that is worth a visit now.
  bool AtEnd(size_t next) const {
    return next >= std::min(beam_.size(), extent_.width) ||
           beam_.estimate(next) > ReachOf(extent_.stretch);
  }

  // How far the k-th nearest found is, comparable between queries.
  float Far() const {
    const float kth = nearest_.threshold();
    return std::isinf(kth) ? kth : Key(kth) * terms_.need.per_length;
  }
  const Terms& terms() const { return terms_; }
  // From here on the walk goes as far as this, or as it went so far.
  void GoTo(const Extent& extent) { extent_ = extent; }

  // Keys from here on do not enter the beam.
  float limit() const { return beam_.limit(); }

  // Whether a neighbour is there and is met for the first time. A damaged file may name nodes that
  // are not there.
  bool Meet(uint32_t node) {
    return node < num_nodes_ && seen_.Insert(node) && (!skips_ || filter_.Passes(node));
  }

  // A node's distance is known now.
  void Found(float distance, uint32_t node) {
    if (collects_) {
      distances_.push_back(distance);
      if (distance > found().threshold() || !filter_.Passes(node)) return;
      ++num_matching_;
    } else if (filters_ && !Counts(distance, node)) {
      return;
    }
    nearest_.Offer(distance, node);
    if (shortlists_) shortlist_.Offer(distance, node);
  }

  // Of a walk that collects a set: how many nodes were found that are no farther than the k-th that
  // passes; where there are not yet so many, how many it is likely to be. Cost: O(nodes found).
  double RankOfKth() const {
    const double total = static_cast<double>(distances_.size());
    const size_t wanted = terms_.collecting.wanted;
    if (num_matching_ < wanted) {
      // One more of each, so that none yet does not mean that there are none.
      return (total + 1) * static_cast<double>(wanted) / static_cast<double>(num_matching_ + 1);
    }
    const float kth = nearest_.threshold();
    if (std::isinf(kth)) return total;  // fewer pass than k
    return static_cast<double>(std::count_if(distances_.begin(), distances_.end(),
                                             [&](float distance) { return distance <= kth; }));
  }
  // Whether as many are found of the set as are wanted.
  bool HasAllWanted() const { return num_matching_ >= terms_.collecting.wanted; }
  bool collects() const { return collects_; }
  size_t width() const { return extent_.width; }

  // A node that was met may be worth a visit. REQUIRES: the key is not NaN.
  void Offer(float key, uint32_t node) { beam_.Offer(key, node); }
  // Takes in what was offered.
  void Enter() { beam_.Enter(); }

  // Forgets the nodes to be visited, but not what was met and found.
  void EmptyBeam() { beam_.Reset(terms_.most.width); }

  // Forgets everything. `shortlists`: whether distances are to rounded vectors.
  void Reset(const Terms& terms, uint32_t num_nodes, bool shortlists, const NodeFilter& filter) {
    terms_ = terms;
    extent_ = terms.need.efforts != nullptr ? terms.need.first : terms.most;
    if (terms.collecting.ladder != nullptr) extent_.width = terms.collecting.first_width;
    num_nodes_ = num_nodes;
    shortlists_ = shortlists;
    filter_ = filter;
    skips_ = filter.filter != nullptr && filter.filter->absent();
    filters_ = filter.filter != nullptr && !skips_;
    excluded_left_ = terms.excluded;
    collects_ = terms.collecting.ladder != nullptr;
    num_matching_ = 0;
    distances_.clear();
    beam_.Reset(terms.most.width);
    seen_.Reset();
    nearest_.Reset(terms.k);
    if (shortlists) shortlist_.Reset(terms.shortlist);
  }

  search::Beam& beam() { return beam_; }
  // The k nearest, by the distances that Found() was given.
  search::TopK& nearest() { return nearest_; }
  // What the answer is taken from: of rounded vectors more than k, for rounding may change their
  // order.
  search::TopK& found() { return shortlists_ ? shortlist_ : nearest_; }

 private:
  float ReachOf(float stretch) const {
    const float kth = nearest_.threshold();
    if (std::max(kth, stretch) == std::numeric_limits<float>::infinity()) {
      return std::numeric_limits<float>::infinity();
    }
    return stretch * Key(kth);
  }

  // Whether a node is taken for one of those wanted. As many that do not pass are as were allowed
  // for: so a walk that leaves out a few rows is the one of a search for a few neighbours more.
  bool Counts(float distance, uint32_t node) {
    if (distance > found().threshold() || filter_.Passes(node)) return true;
    if (excluded_left_ == 0) return false;
    --excluded_left_;
    return true;
  }

  Terms terms_;
  Extent extent_;
  uint32_t num_nodes_ = 0;
  bool shortlists_ = false;
  bool skips_ = false;     // nodes that do not pass are walked past
  bool filters_ = false;   // nodes that do not pass are led over
  bool collects_ = false;  // the nodes of a set, as far as its ladder says
  size_t excluded_left_ = 0;
  size_t num_matching_ = 0;       // nodes that passed, of those that would enter
  std::vector<float> distances_;  // of all nodes found, while it collects
  NodeFilter filter_;
  search::Beam beam_;
  search::SeenSet seen_;
  search::TopK nearest_;
  search::TopK shortlist_;
};

}  // namespace kith::graph

#endif  // KITH_GRAPH_FRONTIER_H_
