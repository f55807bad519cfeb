// Searching a forest.
#include "index/forest.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/parallel.h"
#include "base/strings.h"
#include "search/scorer.h"
#include "simd/kernels.h"

namespace kith {
namespace {

constexpr size_t kQueriesAtOnce = 64;

// Entries inspected by default, for each tree and neighbour asked for. Annoy's default is 1; most
// data then gives a recall of 0.6 to 0.8, and entries are cheap here.
constexpr size_t kDefaultEntries = 8;

// Branches taken from the queue together: their nodes' cache misses overlap, and the order of
// visits hardly changes.
constexpr size_t kBranchesAtOnce = 8;

// How many standard errors of an estimate a candidate is given the benefit of.
constexpr float kConfidence = 1.5f;

}  // namespace

// A subtree still to visit; those with the greatest priority (the smallest margin on the way,
// negative once the query is on the other side) first, ties by the smaller number.
struct Forest::Branch {
  float priority;
  uint32_t child;

  friend bool operator<(const Branch& a, const Branch& b) {
    return a.priority < b.priority || (a.priority == b.priority && a.child > b.child);
  }
};

// What one search in flight needs; reused.
struct Forest::Scratch {
  std::vector<uint8_t> stamps;  // [n], stamps[p] == epoch: position p is among the candidates
  uint8_t epoch = 0;
  std::vector<Branch> heap;
  std::vector<Branch> active;   // being descended
  std::vector<Branch> reached;  // leaves
  std::vector<uint32_t> active_nodes;
  std::vector<float> margins;
  std::vector<uint32_t> candidates;
  size_t entries = 0;
  size_t nodes_left = 0;        // that may still be visited
  AlignedBuffer<float> query;   // in the geometry
  AlignedBuffer<float> sketch;  // of the query
  CodeQuery code_query;
  std::vector<float> lower_bounds;
  std::vector<float> distances;
  TopK top;
};

Forest::~Forest() = default;

Result<std::unique_ptr<Forest>> Forest::Open(std::shared_ptr<const ContainerReader> file,
                                             const StoredVectors& vectors) {
  std::unique_ptr<Forest> f(new Forest);
  f->file_ = std::move(file);
  f->vectors_ = vectors;
  const ContainerReader& in = *f->file_;
  KITH_ASSIGN_OR_RETURN(auto header, in.Array<ForestHeader>("forest", 1));
  f->header_ = header[0];
  const ForestHeader& h = f->header_;
  const MatrixView& rows = vectors.table.rows;
  f->geometry_ = Geometry(vectors.table.metric, rows.dim, h.max_norm);
  const size_t dim = f->geometry_.dim();
  if (h.num_trees == 0 || h.num_leaves >= kLeafBit || h.num_nodes >= kLeafBit ||
      h.sketch_dim != SketchDim(dim) ||
      (h.code_bits != 0 && h.code_bits != 1 && h.code_bits != 2 && h.code_bits != 4)) {
    return in.Corrupt("forest", "its header contradicts itself");
  }
  KITH_ASSIGN_OR_RETURN(f->roots_, in.Array<uint32_t>("roots", h.num_trees));
  KITH_ASSIGN_OR_RETURN(f->leaf_ends_, in.Array<uint64_t>("leaf_ends", h.num_leaves));
  KITH_ASSIGN_OR_RETURN(f->entries_, in.Array<uint32_t>("entries", h.num_entries));
  KITH_RETURN_IF_ERROR(in.CheckSize("nodes", h.num_nodes, NodeBytes(h.sketch_dim)));
  f->nodes_ = in.Bytes("nodes");
  KITH_ASSIGN_OR_RETURN(auto mean, in.Array<float>("mean", dim));
  std::span<const float> basis;
  if (h.sketch_dim != dim) {
    KITH_ASSIGN_OR_RETURN(basis, in.Array<float>("basis", uint64_t{h.sketch_dim} * dim));
  }
  f->sketch_ = SketchMap(mean, basis, h.sketch_dim);
  if (h.code_bits != 0) {
    f->code_shape_ = {dim, static_cast<int>(h.code_bits)};
    const size_t rotated = f->code_shape_.rotated_dim();
    KITH_ASSIGN_OR_RETURN(auto signs, in.Array<uint8_t>("rotation", Rotation::SignBytes(rotated)));
    f->rotation_ = Rotation(rotated, signs);
    KITH_RETURN_IF_ERROR(in.CheckSize("codes", f->code_shape_.total_bytes(rows.rows), 1));
    f->codes_ = in.Bytes("codes");
  }
  return f;
}

const TreeNode& Forest::Node(uint32_t i) const {
  return *reinterpret_cast<const TreeNode*>(nodes_.data() + i * NodeBytes(header_.sketch_dim));
}

// Whether a child read from the file exists. Children come after their parents, so a descent ends.
bool Forest::IsChild(uint32_t parent, uint32_t child) const {
  return (child & kLeafBit) != 0 ? (child & ~kLeafBit) < header_.num_leaves
                                 : child > parent && child < header_.num_nodes;
}

Result<std::unique_ptr<Forest::Scratch>> Forest::Borrow() const {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!free_.empty()) {
      std::unique_ptr<Scratch> scratch = std::move(free_.back());
      free_.pop_back();
      return scratch;
    }
  }
  auto scratch = std::make_unique<Scratch>();
  scratch->stamps.resize(vectors_.table.rows.rows);
  KITH_ASSIGN_OR_RETURN(scratch->query, AlignedBuffer<float>::Create(sketch_.ScratchFloats()));
  KITH_ASSIGN_OR_RETURN(scratch->sketch, AlignedBuffer<float>::Create(RoundUp(
                                             NodeDims(header_.sketch_dim), simd::kQueryPadding)));
  if (!codes_.empty()) KITH_RETURN_IF_ERROR(scratch->code_query.Init(code_shape_));
  return scratch;
}

void Forest::Return(std::unique_ptr<Scratch> scratch) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  free_.push_back(std::move(scratch));
}

// Descends from s->active level by level, all branches side by side, so that the nodes' cache
// misses overlap. Leaves reached go to s->reached, branches not taken to the end of s->heap.
void Forest::Descend(Scratch* s, SearchStats* stats) const {
  const size_t node_bytes = NodeBytes(header_.sketch_dim);
  const simd::IdsFn dots =
      simd::GetKernels()
          .f32[static_cast<size_t>(DataType::kI8)][static_cast<size_t>(simd::Op::kDot)]
          .ids;
  s->reached.clear();
  while (!s->active.empty()) {
    s->active_nodes.clear();
    for (const Branch& branch : s->active) {
      if ((branch.child & kLeafBit) != 0) {
        s->reached.push_back(branch);
      } else {
        s->active[s->active_nodes.size()] = branch;
        s->active_nodes.push_back(branch.child);
      }
    }
    const size_t count = s->active_nodes.size();
    if (s->nodes_left < count) return s->active.clear();
    s->nodes_left -= count;
    s->active.resize(count);
    s->margins.resize(count);
    dots(reinterpret_cast<const std::byte*>(s->sketch.data()), nodes_.data() + sizeof(TreeNode),
         node_bytes, s->active_nodes.data(), count, node_bytes - sizeof(TreeNode),
         s->margins.data());
    stats->nodes += count;
    size_t kept = 0;
    for (const Branch& branch : s->active) {
      const TreeNode& node = Node(branch.child);
      const float margin = node.scale * s->margins[&branch - s->active.data()] - node.threshold;
      const uint32_t near = margin < 0 ? node.left : node.right;
      const uint32_t far = margin < 0 ? node.right : node.left;
      const float distance = std::abs(margin);
      const float priority = branch.priority;
      const uint32_t parent = branch.child;
      if (IsChild(parent, far)) s->heap.push_back({std::min(priority, -distance), far});
      if (IsChild(parent, near)) s->active[kept++] = {std::min(priority, distance), near};
    }
    s->active.resize(kept);
  }
}

// Adds a leaf's entries to the candidates, each position once.
void Forest::Collect(uint32_t leaf, Scratch* s, SearchStats* stats) const {
  const uint64_t begin = leaf == 0 ? 0 : leaf_ends_[leaf - 1];
  const uint64_t end = std::min<uint64_t>(leaf_ends_[leaf], entries_.size());
  if (begin >= end) return;
  const size_t n = s->stamps.size();
  const size_t old = s->candidates.size();
  s->candidates.resize(old + (end - begin));
  uint32_t* out = s->candidates.data() + old;
  for (uint64_t i = begin; i < end; ++i) {
    const uint32_t position = entries_[i];
    if (position >= n) continue;
    *out = position;
    out += s->stamps[position] != s->epoch ? 1 : 0;
    s->stamps[position] = s->epoch;
  }
  s->candidates.resize(out - s->candidates.data());
  s->entries += end - begin;
  stats->entries += end - begin;
}

// Asks for the first entries of leaves that will be read soon.
void Forest::PrefetchLeaves(const Branch* branches, size_t count) const {
  for (size_t i = 0; i < count; ++i) {
    __builtin_prefetch(leaf_ends_.data() + (branches[i].child & ~kLeafBit));
  }
  for (size_t i = 0; i < count; ++i) {
    const uint32_t leaf = branches[i].child & ~kLeafBit;
    const uint64_t begin =
        leaf == 0 ? 0 : std::min<uint64_t>(leaf_ends_[leaf - 1], entries_.size());
    const auto* p = reinterpret_cast<const char*>(entries_.data() + begin);
    for (int line = 0; line < 4; ++line) __builtin_prefetch(p + line * kCacheLine);
  }
}

void Forest::GatherCandidates(size_t search_k, Scratch* s, SearchStats* stats) const {
  if (++s->epoch == 0) {
    std::fill(s->stamps.begin(), s->stamps.end(), uint8_t{0});
    s->epoch = 1;
  }
  s->heap.clear();
  s->candidates.clear();
  s->entries = 0;
  // A sound forest has each node and entry once; a damaged one must not make the search endless.
  s->nodes_left = header_.num_nodes;
  search_k = std::min(search_k, entries_.size());
  s->active.clear();
  for (const uint32_t root : roots_) {
    const bool leaf = (root & kLeafBit) != 0;
    if ((leaf ? root & ~kLeafBit : root) < (leaf ? header_.num_leaves : header_.num_nodes)) {
      s->active.push_back({std::numeric_limits<float>::infinity(), root});
    }
  }
  Descend(s, stats);
  // Every tree's own leaf comes before any branch on the other side of a plane.
  std::make_heap(s->reached.begin(), s->reached.end());
  std::sort_heap(s->reached.begin(), s->reached.end());
  std::reverse(s->reached.begin(), s->reached.end());
  bool heap_made = false;
  while (true) {
    PrefetchLeaves(s->reached.data(), s->reached.size());
    for (const Branch& branch : s->reached) {
      if (s->entries >= search_k) return;
      Collect(branch.child & ~kLeafBit, s, stats);
    }
    if (s->entries >= search_k || s->heap.empty()) return;
    if (!heap_made) std::make_heap(s->heap.begin(), s->heap.end());
    heap_made = true;
    s->active.clear();
    while (s->active.size() < kBranchesAtOnce && !s->heap.empty()) {
      std::pop_heap(s->heap.begin(), s->heap.end());
      s->active.push_back(s->heap.back());
      s->heap.pop_back();
    }
    const size_t before = s->heap.size();
    Descend(s, stats);
    for (size_t i = before + 1; i <= s->heap.size(); ++i) {
      std::push_heap(s->heap.begin(), s->heap.begin() + static_cast<ptrdiff_t>(i));
    }
  }
}

// Keeps the candidates that may be among the k nearest, judging by their codes: those whose
// estimate, given the benefit of its error, is below the k-th smallest estimate without that
// benefit.
void Forest::Shortlist(size_t k, Scratch* s, SearchStats* stats) const {
  const size_t count = s->candidates.size();
  stats->codes += count;
  s->lower_bounds.resize(count);
  s->top.Reset(k);
  float estimates[CodeQuery::kMaxBlock];
  float errors[CodeQuery::kMaxBlock];
  for (size_t begin = 0; begin < count; begin += CodeQuery::kMaxBlock) {
    const size_t block = std::min(CodeQuery::kMaxBlock, count - begin);
    s->code_query.Estimate(codes_, s->candidates.data() + begin, block, estimates, errors);
    float threshold = s->top.threshold();
    for (size_t i = 0; i < block; ++i) {
      s->lower_bounds[begin + i] = estimates[i] - kConfidence * errors[i];
      const float upper = estimates[i] + kConfidence * errors[i];
      if (upper < threshold) {
        s->top.Offer(upper, s->candidates[begin + i]);
        threshold = s->top.threshold();
      }
    }
  }
  const float bound = s->top.threshold();
  size_t kept = 0;
  for (size_t i = 0; i < count; ++i) {
    s->candidates[kept] = s->candidates[i];
    kept += s->lower_bounds[i] <= bound ? 1 : 0;
  }
  s->candidates.resize(kept);
}

void Forest::SearchOne(const Scorer& scorer, size_t slot, const MatrixView& queries, size_t query,
                       size_t k, size_t search_k, Scratch* s, std::vector<Candidate>* nearest,
                       SearchStats* stats) const {
  geometry_.Query(queries, query, s->query.data());
  if (!codes_.empty()) s->code_query.Prepare(s->query.data(), sketch_.mean(), rotation_);
  sketch_.Project(s->query.data(), s->sketch.data());
  GatherCandidates(search_k, s, stats);
  if (!codes_.empty()) Shortlist(k, s, stats);

  const size_t count = s->candidates.size();
  s->distances.resize(count);
  scorer.ScoreIds(slot, s->candidates.data(), count, s->distances.data());
  stats->distances += count;
  s->top.Reset(k);
  for (size_t i = 0; i < count; ++i) {
    if (s->distances[i] <= s->top.threshold()) {
      s->top.Offer(s->distances[i], vectors_.RowAt(s->candidates[i]));
    }
  }
  *nearest = s->top.Sorted();
}

Status Forest::Search(const MatrixView& queries, size_t k, int64_t search_k, int threads,
                      std::vector<std::vector<Candidate>>* nearest, SearchStats* stats) const {
  const size_t n = vectors_.table.rows.rows;
  const size_t kept = std::min(k, n);
  const size_t effort = search_k >= 0 ? static_cast<size_t>(search_k)
                                      : kDefaultEntries * kept * size_t{header_.num_trees};
  threads = ResolveThreads(threads);
  nearest->assign(queries.rows, {});
  std::vector<SearchStats> parts(threads);
  std::vector<Status> statuses(threads);
  ParallelChunks(queries.rows, kQueriesAtOnce, threads, [&](size_t begin, size_t end, int thread) {
    const auto run = [&]() -> Status {
      KITH_ASSIGN_OR_RETURN(std::unique_ptr<Scratch> scratch, Borrow());
      KITH_ASSIGN_OR_RETURN(Scorer scorer, Scorer::Create(vectors_.table, queries, begin, end));
      for (size_t slot = 0; slot < scorer.num_queries(); ++slot) {
        const size_t query = begin + scorer.order()[slot];
        SearchOne(scorer, slot, queries, query, kept, effort, scratch.get(), &(*nearest)[query],
                  &parts[thread]);
      }
      Return(std::move(scratch));
      return Status::Ok();
    };
    if (Status status = run(); !status.ok()) statuses[thread] = std::move(status);
  });
  for (int t = 0; t < threads; ++t) {
    KITH_RETURN_IF_ERROR(statuses[t]);
    *stats += parts[t];
  }
  return Status::Ok();
}

Status Forest::Verify() const {
  for (uint32_t i = 0; i < header_.num_nodes; ++i) {
    const TreeNode& node = Node(i);
    if (!IsChild(i, node.left) || !IsChild(i, node.right) || !std::isfinite(node.threshold) ||
        !std::isfinite(node.scale)) {
      return file_->Corrupt("nodes", StrCat("node ", i, " has an impossible child or plane"));
    }
  }
  for (size_t leaf = 0; leaf < leaf_ends_.size(); ++leaf) {
    const uint64_t begin = leaf == 0 ? 0 : leaf_ends_[leaf - 1];
    if (leaf_ends_[leaf] < begin || leaf_ends_[leaf] > entries_.size()) {
      return file_->Corrupt("leaf_ends",
                            StrCat("leaf ", leaf, " ends at ", leaf_ends_[leaf], ", after ", begin,
                                   " and within ", entries_.size(), " expected"));
    }
  }
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i] >= vectors_.table.rows.rows) {
      return file_->Corrupt("entries", StrCat("entry ", i, " is ", entries_[i], ", below ",
                                              vectors_.table.rows.rows, " expected"));
    }
  }
  return Status::Ok();
}

}  // namespace kith
