#include "graph/link.h"

#include <algorithm>
#include <utility>

#include "base/sort.h"
#include "search/metric_traits.h"
#include "search/top_k.h"

namespace kith::graph {
namespace {

constexpr size_t kNodesAtOnce = 256;

// Chooses among the candidates of one node. Scratch; one for each thread.
class Pruner {
 public:
  Pruner(const Space& space, const LinkOptions& options) {
    space_ = &space;
    most_ = options.candidates;
    // Kernels give squared distances but for L1 and Hamming, the latter a squared distance of bits.
    factor_ = search::TraitsOf(space.table().metric).squared ? options.alpha * options.alpha
                                                             : options.alpha;
  }

  // Leaves in `ids` those kept, nearest first, at most `degree`, and in `spare` those passed over
  // that are the nearest, as many as complete the degree. Copies in rounding (distance 0) come
  // last.
  void Prune(uint32_t node, size_t degree, std::vector<uint32_t>* ids,
             std::vector<uint32_t>* spare) {
    Sort(node, ids);
    const size_t count = sorted_.size();
    passed_.assign(count, kPassed);
    left_.resize(count);
    for (size_t i = 0; i < count; ++i) left_[i] = {sorted_[i].row, static_cast<uint32_t>(i)};
    ids->clear();
    while (!left_.empty() && ids->size() < degree) {
      const auto [row, place] = left_.front();
      ids->push_back(row);
      passed_[place] = kKept;
      rows_.clear();
      for (size_t j = 1; j < left_.size(); ++j) rows_.push_back(left_[j].row);
      space_->ToNodes(row, rows_.data(), rows_.size(), distances_.data());
      // One that is where the node is stands for all others there, and for nothing else.
      const bool copy = sorted_[place].distance == 0;
      size_t kept = 0;
      for (size_t j = 1; j < left_.size(); ++j) {
        const float distance = sorted_[left_[j].place].distance;
        const bool passed = copy ? distance == 0 : factor_ * distances_[j - 1] <= distance;
        left_[kept] = left_[j];
        kept += passed ? 0 : 1;
      }
      left_.resize(kept);
    }
    spare->clear();
    for (const bool copies : {false, true}) {
      for (size_t i = 0; i < count && ids->size() + spare->size() < degree; ++i) {
        if (passed_[i] != kKept && (sorted_[i].distance == 0) == copies) {
          spare->push_back(sorted_[i].row);
        }
      }
    }
  }

 private:
  static constexpr uint8_t kPassed = 0;
  static constexpr uint8_t kKept = 1;

  // The distinct candidates but the node itself, the nearest of them, in order.
  void Sort(uint32_t node, std::vector<uint32_t>* ids) {
    std::sort(ids->begin(), ids->end());
    ids->erase(std::unique(ids->begin(), ids->end()), ids->end());
    ids->erase(std::remove(ids->begin(), ids->end(), node), ids->end());
    distances_.resize(ids->size());
    space_->ToNodes(node, ids->data(), ids->size(), distances_.data());
    sorted_.resize(ids->size());
    for (size_t i = 0; i < ids->size(); ++i) sorted_[i] = {distances_[i], (*ids)[i]};
    const size_t kept = std::min(most_, sorted_.size());
    std::partial_sort(sorted_.begin(), sorted_.begin() + static_cast<ptrdiff_t>(kept),
                      sorted_.end());
    sorted_.resize(kept);
  }

  const Space* space_ = nullptr;
  size_t most_ = 0;
  float factor_ = 1;
  // A candidate that nothing kept so far stands for.
  struct Left {
    uint32_t row;
    uint32_t place;  // in sorted_
  };

  std::vector<float> distances_;
  std::vector<Left> left_;
  std::vector<uint32_t> rows_;
  std::vector<uint8_t> passed_;
  std::vector<search::Candidate> sorted_;
};

// The sources of the edges into each node, ascending.
struct Reverse {
  std::vector<uint64_t> begins;
  std::vector<uint32_t> sources;

  std::span<const uint32_t> Of(size_t node) const {
    return {sources.data() + begins[node], sources.data() + begins[node + 1]};
  }

  Status Fill(const LinkTable& table, const ThreadPool& pool) {
    begins.resize(table.size() + 1);
    for (size_t node = 0; node < table.size(); ++node) {
      if (node % kNodesAtOnce == 0) KITH_RETURN_IF_ERROR(pool.CheckStop());
      for (const uint32_t to : table.Of(node)) ++begins[to + 1];
    }
    for (size_t i = 0; i < table.size(); ++i) begins[i + 1] += begins[i];
    sources.resize(begins.back());
    std::vector<uint64_t> at(begins.begin(), begins.end() - 1);
    for (size_t node = 0; node < table.size(); ++node) {
      if (node % kNodesAtOnce == 0) KITH_RETURN_IF_ERROR(pool.CheckStop());
      for (const uint32_t to : table.Of(node)) sources[at[to]++] = static_cast<uint32_t>(node);
    }
    return Status::Ok();
  }
};

// Appends the sources that are not links already.
void AddSources(std::span<const uint32_t> sources, std::vector<uint32_t>* links) {
  const size_t own = links->size();
  for (const uint32_t source : sources) {
    const auto own_end = links->begin() + static_cast<ptrdiff_t>(own);
    if (std::find(links->begin(), own_end, source) == own_end) links->push_back(source);
  }
}

void Set(LinkTable* table, size_t node, const std::vector<uint32_t>& links) {
  const size_t count = std::min(links.size(), table->degree);
  std::copy_n(links.begin(), count,
              table->links.begin() + static_cast<ptrdiff_t>(node * table->degree));
  table->counts[node] = static_cast<uint32_t>(count);
}

}  // namespace

Result<ChosenEdges> ChooseEdges(const Space& space, const LinkOptions& options, ThreadPool& pool,
                                size_t num_nodes, size_t degree, const CandidatesFn& produce) {
  std::vector<Pruner> pruners(pool.size(), Pruner(space, options));
  ChosenEdges chosen{LinkTable(num_nodes, degree), LinkTable(num_nodes, degree)};
  const auto choose = [&](size_t begin, size_t end, int thread) {
    std::vector<uint32_t> spare;
    return produce(begin, end, thread, [&](uint32_t node, std::vector<uint32_t>* candidates) {
      pruners[thread].Prune(node, degree, candidates, &spare);
      Set(&chosen.kept, node, *candidates);
      Set(&chosen.spares, node, spare);
    });
  };
  KITH_RETURN_IF_ERROR(pool.Chunks(num_nodes, kNodesAtOnce, choose));
  return chosen;
}

Result<LinkTable> AddReverse(const Space& space, const LinkOptions& options, ThreadPool& pool,
                             ChosenEdges chosen) {
  // Each node's edges become what they will be in the place of those that were kept, which only the
  // node itself looks at.
  LinkTable& table = chosen.kept;
  const size_t degree = table.degree;
  std::vector<Pruner> pruners(pool.size(), Pruner(space, options));
  Reverse reverse;
  KITH_RETURN_IF_ERROR(reverse.Fill(table, pool));
  const auto add = [&](size_t begin, size_t end, int thread) {
    std::vector<uint32_t> links;
    std::vector<uint32_t> spare;
    for (size_t node = begin; node < end; ++node) {
      links.assign(table.Of(node).begin(), table.Of(node).end());
      AddSources(reverse.Of(node), &links);
      if (links.size() > degree) {
        pruners[thread].Prune(static_cast<uint32_t>(node), degree, &links, &spare);
        links.insert(links.end(), spare.begin(), spare.end());
      } else {
        for (const uint32_t id : chosen.spares.Of(node)) {
          if (links.size() == degree) break;
          if (std::find(links.begin(), links.end(), id) == links.end()) links.push_back(id);
        }
      }
      Set(&table, node, links);
    }
  };
  KITH_RETURN_IF_ERROR(pool.Chunks(table.size(), kNodesAtOnce, add));
  return std::move(table);
}

Result<LinkTable> LinkNodes(const Space& space, const LinkOptions& options, ThreadPool& pool,
                            size_t num_nodes, size_t degree, const CandidatesFn& produce) {
  KITH_ASSIGN_OR_RETURN(ChosenEdges chosen,
                        ChooseEdges(space, options, pool, num_nodes, degree, produce));
  return AddReverse(space, options, pool, std::move(chosen));
}

Status InsertNodes(const Space& space, const LinkOptions& options, ThreadPool& pool, size_t first,
                   const CandidatesFn& produce, LinkTable* table) {
  const size_t count = table->size() - first;
  const size_t degree = table->degree;
  std::vector<Pruner> pruners(pool.size(), Pruner(space, options));
  // Walks may read the table until all are done.
  std::vector<std::vector<uint32_t>> kept(count);
  std::vector<std::vector<uint32_t>> spares(count);
  KITH_RETURN_IF_ERROR(pool.Chunks(count, kNodesAtOnce, [&](size_t begin, size_t end, int thread) {
    const auto take = [&](uint32_t node, std::vector<uint32_t>* ids) {
      pruners[thread].Prune(node, degree, ids, &spares[node - first]);
      kept[node - first] = *ids;
    };
    return produce(first + begin, first + end, thread, take);
  }));
  for (size_t i = 0; i < count; ++i) {
    spares[i].insert(spares[i].begin(), kept[i].begin(), kept[i].end());
    Set(table, first + i, spares[i]);
  }
  // Those there were before have not searched for the new ones: so they are offered as the reverse
  // not only of what a new one kept, but of all its edges.
  std::vector<std::pair<uint32_t, uint32_t>> edges;  // from, to
  for (size_t i = 0; i < count; ++i) {
    const auto node = static_cast<uint32_t>(first + i);
    for (const uint32_t to : table->Of(node)) edges.emplace_back(to, node);
  }
  KITH_RETURN_IF_ERROR(SortInPieces(std::span(edges), pool));
  std::vector<size_t> begins;  // of the edges of one node each
  for (size_t i = 0; i < edges.size(); ++i) {
    if (i == 0 || edges[i].first != edges[i - 1].first) begins.push_back(i);
  }
  begins.push_back(edges.size());
  return pool.Chunks(begins.size() - 1, kNodesAtOnce, [&](size_t begin, size_t end, int thread) {
    std::vector<uint32_t> links;
    std::vector<uint32_t> sources;
    std::vector<uint32_t> spare;
    for (size_t i = begin; i < end; ++i) {
      const uint32_t node = edges[begins[i]].first;
      links.assign(table->Of(node).begin(), table->Of(node).end());
      sources.clear();
      for (size_t e = begins[i]; e < begins[i + 1]; ++e) {
        sources.push_back(edges[e].second);
      }
      AddSources(sources, &links);
      if (links.size() > degree) {
        pruners[thread].Prune(node, degree, &links, &spare);
        links.insert(links.end(), spare.begin(), spare.end());
      }
      Set(table, node, links);
    }
  });
}

Result<LinkTable> LinkCandidates(const Space& space, CandidateLists lists, size_t degree,
                                 ThreadPool& pool) {
  const auto produce = [&](size_t begin, size_t end, int /*thread*/, const auto& take) {
    std::vector<uint32_t> ids;
    for (size_t node = begin; node < end; ++node) {
      ids.clear();
      for (const uint32_t near : lists.Of(node)) {
        if (near != kNoNode) ids.push_back(near);
      }
      take(static_cast<uint32_t>(node), &ids);
    }
    return Status::Ok();
  };
  KITH_ASSIGN_OR_RETURN(ChosenEdges chosen,
                        ChooseEdges(space, {}, pool, lists.size(), degree, produce));
  lists = {};  // which are larger than what follows
  return AddReverse(space, {}, pool, std::move(chosen));
}

}  // namespace kith::graph
