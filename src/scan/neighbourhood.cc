#include "scan/neighbourhood.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "search/nearest_buffer.h"

namespace kith::scan {
double Neighbourhood::Radius(float distance) const {
  const double most = distance * (1 + kRounding) + kUnderflow;
  return rows_.squares ? std::sqrt(most) : most;
}

float Neighbourhood::DistanceWithin(double radius) const {
  const double distance = rows_.squares ? radius * radius : radius;
  return static_cast<float>(distance * (1 + kRounding) + kUnderflow);
}

double Neighbourhood::Between(const float* a, const float* b) const {
  double sum = 0;
  for (size_t j = 0; j < rows_.tree.dim(); ++j) {
    const double away = std::abs(static_cast<double>(a[j]) - b[j]);
    sum += rows_.squares ? away * away : away;
  }
  return rows_.squares ? std::sqrt(sum) : sum;
}

bool Neighbourhood::Search(const search::Scorer& scorer, const float* points, const float* box,
                           const std::vector<search::Candidate>& first,
                           std::vector<std::vector<search::Candidate>>* found, SearchStats* stats) {
  const size_t dim = rows_.tree.dim();
  const size_t queries = scorer.num_queries();
  if (first.size() < k_) return false;
  double widest = 0;
  for (size_t i = 1; i < queries; ++i) widest = std::max(widest, Between(points, points + i * dim));

  // Twice as many rows as one query compares are worth sharing, and not many times as many.
  const size_t most = 8 * (k_ + 2 * SortedRows::kLeafRows);
  leaves_.clear();
  candidates_.clear();
  const float too_far = DistanceWithin(Radius(first.back().distance) + widest);
  rows_.WalkLeaves(box, too_far, stats, [&](const BoxTree::Node& leaf) {
    leaves_.push_back(leaf);
    for (uint32_t at = leaf.begin; at < leaf.end; ++at) candidates_.push_back(rows_.RowAt(at));
    // No box is nearer than that: the walk ends.
    return candidates_.size() > most ? -std::numeric_limits<float>::infinity() : too_far;
  });
  if (candidates_.size() > most) return false;

  const size_t count = candidates_.size();
  distances_.resize(queries * count);
  near_.resize(count);
  size_t column = 0;
  const size_t num_float = scorer.num_float();
  for (const BoxTree::Node& leaf : leaves_) {
    float* const out = distances_.data() + column;
    // A tile never mixes float and integer queries.
    if (num_float > 0) scorer.ScoreRows(0, num_float, leaf.begin, leaf.end, out, count);
    if (num_float < queries) {
      scorer.ScoreRows(num_float, queries, leaf.begin, leaf.end, out + num_float * count, count);
    }
    column += leaf.end - leaf.begin;
  }
  stats->distances += queries * count;

  radii_.assign(1, Radius(first.back().distance));
  for (size_t slot = 1; slot < queries; ++slot) {
    double radius = std::numeric_limits<double>::infinity();
    for (size_t i = 0; i < slot; ++i) {
      radius = std::min(radius, radii_[i] + Between(points + slot * dim, points + i * dim));
    }
    search::NearestBuffer nearest(k_, DistanceWithin(radius));
    float* const distances = distances_.data() + slot * count;
    const size_t near =
        scorer.FindNear(slot, 0, count, nearest.threshold(), distances, near_.data());
    for (size_t i = 0; i < near; ++i) nearest.Offer(distances[near_[i]], candidates_[near_[i]]);
    (*found)[slot] = nearest.Sorted();
    radii_.push_back(Radius((*found)[slot].back().distance));
  }
  return true;
}

}  // namespace kith::scan
