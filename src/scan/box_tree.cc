#include "scan/box_tree.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "data/convert.h"

namespace kith::scan {

class BoxTree::Builder {
 public:
  Builder(const MatrixView& points, size_t leaf_points, BoxTree* tree)
      : tree_(tree), leaf_points_(leaf_points) {
    points_.resize(points.rows * points.dim);
    for (size_t i = 0; i < points.rows; ++i) data::RowToF32(points, i, &points_[i * points.dim]);
    // Such points are never answers, and order must be one.
    for (float& x : points_) {
      if (std::isnan(x)) x = 0;
    }
    tree->order_.resize(points.rows);
    std::iota(tree->order_.begin(), tree->order_.end(), 0u);
    Build(0, static_cast<uint32_t>(points.rows));
  }

 private:
  // Makes the node of positions [begin, end) and those below it; returns its number.
  uint32_t Build(uint32_t begin, uint32_t end) {
    const auto number = static_cast<uint32_t>(tree_->nodes_.size());
    tree_->nodes_.push_back({begin, end, 0});
    const size_t widest = AddBox(begin, end);
    const auto at = tree_->order_.begin();
    if (end - begin <= leaf_points_) {
      std::sort(at + begin, at + end);
      return number;
    }
    const uint32_t middle = begin + (end - begin) / 2;
    std::nth_element(at + begin, at + middle, at + end, [&](uint32_t a, uint32_t b) {
      const float x = points_[a * tree_->dim_ + widest];
      const float y = points_[b * tree_->dim_ + widest];
      return x != y ? x < y : a < b;
    });
    Build(begin, middle);
    const uint32_t right = Build(middle, end);
    tree_->nodes_[number].right = right;
    return number;
  }

  // Appends the box of the points; returns the dimension in which it is widest.
  size_t AddBox(uint32_t begin, uint32_t end) {
    const size_t dim = tree_->dim_;
    const size_t at = tree_->boxes_.size();
    tree_->boxes_.resize(at + 2 * dim);
    float* least = &tree_->boxes_[at];
    float* most = least + dim;
    std::fill_n(least, dim, std::numeric_limits<float>::infinity());
    std::fill_n(most, dim, -std::numeric_limits<float>::infinity());
    for (uint32_t i = begin; i < end; ++i) {
      const float* point = &points_[tree_->order_[i] * dim];
      for (size_t j = 0; j < dim; ++j) {
        least[j] = std::min(least[j], point[j]);
        most[j] = std::max(most[j], point[j]);
      }
    }
    size_t widest = 0;
    for (size_t j = 1; j < dim; ++j) {
      if (most[j] - least[j] > most[widest] - least[widest]) widest = j;
    }
    return widest;
  }

  BoxTree* tree_;
  const size_t leaf_points_;
  std::vector<float> points_;  // [rows, dim]
};

BoxTree::BoxTree(const MatrixView& points, size_t leaf_points) : dim_(points.dim) {
  Builder(points, leaf_points, this);
}

float LeastDistance(const float* box, const float* other, size_t dim, bool squares) {
  double sum = 0;
  for (size_t j = 0; j < dim; ++j) {
    const double above = static_cast<double>(box[j]) - other[dim + j];
    const double below = static_cast<double>(other[j]) - box[dim + j];
    const double away = std::max({above, below, 0.0});
    sum += squares ? away * away : away;
  }
  return static_cast<float>(sum * (1 - kRounding) - kUnderflow);
}

}  // namespace kith::scan
