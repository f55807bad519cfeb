// FindDuplicates: pairs within a distance, and what they connect.
#include "kith/duplicates.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "base/edge.h"
#include "base/strings.h"
#include "kith/neighbour_graph.h"
#include "learn/neighbours.h"
#include "search/metric_traits.h"

namespace kith::learn {
namespace {

constexpr size_t kNeighbours = 16;  // of each vector, looked at first
constexpr size_t kMore = 4;         // times as many of those whose neighbours are all duplicates

bool InOrder(const DuplicatePair& x, const DuplicatePair& y) {
  if (x.distance != y.distance) return x.distance < y.distance;
  return x.a != y.a ? x.a < y.a : x.b < y.b;
}

// Finds the pairs of all rows.
class PairFinder {
 public:
  PairFinder(const Index& index, const DuplicateOptions& options)
      : index_(index), options_(options), limit_(static_cast<float>(options.within)) {}

  Status Find(Duplicates* out) {
    NeighbourGraphOptions nearest;
    nearest.k = kNeighbours;
    nearest.recall = options_.recall;
    nearest.index = options_.index;
    nearest.threads = options_.threads;
    nearest.progress = options_.progress;
    nearest.stop = options_.stop;
    KITH_ASSIGN_OR_RETURN(const NeighbourGraph graph, MakeNeighbourGraph(index_, nearest));
    out->index = graph.index;
    out->recall = graph.recall;
    std::vector<uint64_t> open;
    for (uint64_t row = 0; row < graph.num_rows; ++row) {
      const auto begin = static_cast<size_t>(graph.offsets[row]);
      const std::span<const uint32_t> rows = graph.of(row);
      const std::span distances(graph.distances.data() + begin, rows.size());
      if (rows.size() == kNeighbours && distances.back() <= limit_) {
        open.push_back(row);  // there may be more of them
        continue;
      }
      for (size_t i = 0; i < rows.size() && distances[i] <= limit_; ++i) {
        Add(row, rows[i], distances[i]);
      }
    }
    for (size_t k = kNeighbours * kMore; !open.empty(); k *= kMore) {
      KITH_RETURN_IF_ERROR(SearchMore(graph, k, &open));
    }
    out->pairs = TakePairs();
    return Status::Ok();
  }

 private:
  void Add(uint64_t row, uint64_t other, float distance) {
    pairs_.push_back({std::min(row, other), std::max(row, other), distance});
  }

  // Each pair once. Of two distances that rounding made differ, the smaller one.
  std::vector<DuplicatePair> TakePairs() {
    std::sort(pairs_.begin(), pairs_.end(), [](const auto& x, const auto& y) {
      if (x.a != y.a) return x.a < y.a;
      return x.b != y.b ? x.b < y.b : x.distance < y.distance;
    });
    const auto same = [](const auto& x, const auto& y) { return x.a == y.a && x.b == y.b; };
    pairs_.erase(std::unique(pairs_.begin(), pairs_.end(), same), pairs_.end());
    std::sort(pairs_.begin(), pairs_.end(), InOrder);
    return std::move(pairs_);
  }

  // Looks at the k nearest of these rows; leaves those of which that was not enough.
  Status SearchMore(const NeighbourGraph& graph, size_t k, std::vector<uint64_t>* open) {
    const IndexInfo& info = index_.info();
    SearchParams params;
    // The row itself is among them, but perhaps behind its copies.
    params.k = static_cast<size_t>(std::min<uint64_t>(k + 1, info.num_vectors));
    params.index = graph.index;
    if (graph.index != IndexKind::kExact) {
      params.effort = static_cast<int64_t>(std::ceil(graph.effort)) *
                      static_cast<int64_t>(params.k / kNeighbours + 1);
    }
    params.threads = options_.threads;
    params.stop = options_.stop;
    params.watched = false;
    const bool all = params.k == info.num_vectors;
    // So many rows at a time that their neighbours need little memory.
    const size_t at_once = std::clamp<size_t>((size_t{1} << 22) / params.k, 16, 4096);
    std::vector<uint64_t> still_open;
    std::vector<float> vectors;
    for (size_t begin = 0; begin < open->size(); begin += at_once) {
      const std::span rows =
          std::span(*open).subspan(begin, std::min(at_once, open->size() - begin));
      vectors.resize(rows.size() * info.dim);
      for (size_t i = 0; i < rows.size(); ++i) {
        index_.GetVector(rows[i], vectors.data() + i * info.dim);
      }
      std::vector<std::vector<DuplicatePair>> found(rows.size());
      std::vector<char> enough(rows.size());
      KITH_RETURN_IF_ERROR(ForEachNeighbours(
          index_, ViewOf(vectors.data(), rows.size(), info.dim), params, options_.progress, begin,
          open->size(), nullptr, [&](size_t i, std::span<const Voter> near, int) {
            enough[i] = all || near.empty() || !(near.back().distance <= limit_);
            for (const Voter& other : near) {
              if (!enough[i] || !(other.distance <= limit_)) break;
              if (other.row != rows[i]) found[i].push_back({rows[i], other.row, other.distance});
            }
            return Status::Ok();
          }));
      for (size_t i = 0; i < rows.size(); ++i) {
        if (!enough[i]) still_open.push_back(rows[i]);
        for (const DuplicatePair& pair : found[i]) Add(pair.a, pair.b, pair.distance);
      }
    }
    *open = std::move(still_open);
    return Status::Ok();
  }

  const Index& index_;
  const DuplicateOptions& options_;
  const float limit_;
  std::vector<DuplicatePair> pairs_;
};

// What pairs connect: each row points to one of its group, and at last to the smallest.
class Groups {
 public:
  explicit Groups(uint64_t num_rows) : parents_(num_rows) {
    std::iota(parents_.begin(), parents_.end(), uint64_t{0});
  }

  void Join(uint64_t a, uint64_t b) {
    a = RootOf(a);
    b = RootOf(b);
    parents_[std::max(a, b)] = std::min(a, b);
  }

  std::vector<std::vector<uint64_t>> Take() {
    constexpr uint64_t kNone = ~uint64_t{0};
    std::vector<uint64_t> places(parents_.size(), kNone);
    std::vector<std::vector<uint64_t>> groups;
    for (uint64_t row = 0; row < parents_.size(); ++row) {
      const uint64_t root = RootOf(row);
      if (root == row) continue;  // the others of its group come later
      if (places[root] == kNone) {
        places[root] = groups.size();
        groups.push_back({root});
      }
      groups[places[root]].push_back(row);
    }
    std::sort(groups.begin(), groups.end(),
              [](const auto& x, const auto& y) { return x.front() < y.front(); });
    return groups;
  }

 private:
  uint64_t RootOf(uint64_t row) {
    while (parents_[row] != row) row = parents_[row] = parents_[parents_[row]];
    return row;
  }

  std::vector<uint64_t> parents_;
};

}  // namespace
}  // namespace kith::learn

namespace kith {

Result<Duplicates> FindDuplicates(const Index& index, const DuplicateOptions& options) {
  return AtEdge("", "ask for a smaller distance", [&]() -> Result<Duplicates> {
    if (!std::isfinite(options.within)) {
      return Status::InvalidArgument(
          StrCat("the distance of duplicates is ", options.within, "; it must be a finite number"));
    }
    const Metric metric = index.info().metric;
    if (options.within < 0 && !search::TraitsOf(metric).products) {
      return Status::InvalidArgument(StrCat("the distance of duplicates is ", options.within,
                                            "; no distance of ", MetricName(metric),
                                            " is below 0"));
    }
    Duplicates found;
    KITH_RETURN_IF_ERROR(learn::PairFinder(index, options).Find(&found));
    learn::Groups groups(index.info().num_vectors);
    for (const DuplicatePair& pair : found.pairs) groups.Join(pair.a, pair.b);
    found.groups = groups.Take();
    return found;
  });
}

}  // namespace kith
