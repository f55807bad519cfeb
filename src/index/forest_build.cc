// Growing a forest and writing it.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <numeric>

#include "base/math.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "base/strings.h"
#include "index/forest.h"

namespace kith {
namespace {

constexpr std::string_view kSections[] = {"forest", "roots", "nodes",    "leaves",
                                          "mean",   "basis", "rotation", "codes"};

template <class T>
std::span<const std::byte> BytesOf(const std::vector<T>& v) {
  return std::as_bytes(std::span(v));
}

// Leaves of some tens of points: smaller ones make more nodes to visit, larger ones more
// candidates.
constexpr uint32_t kDefaultLeafSize = 56;

// Planes finer than bytes of a query can tell, a tree, before queries are not rounded for them.
constexpr size_t kFineNodes = 8;

// Makes the entries of a tree, rows so far, the positions that leaves hold: ascending in each.
void PlaceEntries(const std::vector<uint32_t>& positions, Tree* tree) {
  uint32_t begin = 0;
  for (const uint32_t end : tree->leaf_ends) {
    for (uint32_t i = begin; i < end; ++i) tree->entries[i] = positions[tree->entries[i]];
    std::sort(tree->entries.begin() + begin, tree->entries.begin() + end);
    begin = end;
  }
}

// Appends a tree whose entries are positions; its nodes are numbered after those already there.
Status AppendTree(const Tree& tree, size_t node_bytes, GrownForest* forest) {
  const size_t at = forest->nodes.size();
  const auto first_node = static_cast<uint32_t>(at / node_bytes);
  if (at / node_bytes + tree.nodes.size() / node_bytes >= kLeafBit) {
    return Status::InvalidArgument(
        "the forest is too large: more than 2^31 nodes; use fewer trees");
  }
  std::vector<uint32_t> leaves(tree.leaf_ends.size());  // as children
  uint32_t begin = 0;
  for (size_t leaf = 0; leaf < leaves.size(); ++leaf) {
    const uint32_t end = tree.leaf_ends[leaf];
    KITH_ASSIGN_OR_RETURN(
        leaves[leaf],
        AppendLeaf(std::span(tree.entries).subspan(begin, end - begin), &forest->leaves));
    begin = end;
  }
  const auto rebase = [&](uint32_t child) {
    return (child & kLeafBit) != 0 ? leaves[child & ~kLeafBit] : child + first_node;
  };
  forest->roots.push_back(rebase(tree.root));
  forest->nodes.insert(forest->nodes.end(), tree.nodes.begin(), tree.nodes.end());
  for (size_t i = at; i < forest->nodes.size(); i += node_bytes) {
    TreeNode node{};
    std::memcpy(&node, forest->nodes.data() + i, sizeof(node));
    for (uint32_t& child : node.children) child = rebase(child);
    std::memcpy(forest->nodes.data() + i, &node, sizeof(node));
  }
  forest->header.num_leaves += static_cast<uint32_t>(leaves.size());
  forest->header.num_entries += begin;
  return Status::Ok();
}

}  // namespace

std::span<const std::string_view> ForestSections() { return kSections; }

// Whether estimating from codes first is cheaper than comparing every candidate in full: the metric
// must be one that codes estimate, and a code much smaller than a vector.
int ForestCodeBits(DataType dtype, size_t dim, Metric metric) {
  // A dot product's codes would spend their bits on the coordinate that evens out the norms.
  if (metric != Metric::kEuclidean && metric != Metric::kAngular) return 0;
  const CodeShape shape{dim, CodeBits(dim)};
  return RowBytes(dtype, dim) >= 4 * shape.row_bytes() ? shape.bits : 0;
}

Result<GrownForest> GrowForest(const MatrixView& rows, const GrowOptions& options) {
  GrownForest forest;
  const int threads = ResolveThreads(options.threads);
  forest.header.num_trees =
      options.forest.num_trees != 0 ? options.forest.num_trees : DefaultTrees(rows.rows);
  forest.header.leaf_size =
      options.forest.leaf_size != 0 ? options.forest.leaf_size : kDefaultLeafSize;
  if (forest.header.leaf_size > kMaxLeafSize) {
    return Status::InvalidArgument(StrCat("leaves of ", forest.header.leaf_size,
                                          " vectors; at most ", kMaxLeafSize, " are supported"));
  }
  if (options.metric == Metric::kDot) forest.header.max_norm = LargestNorm(rows, threads);
  forest.geometry = Geometry(options.metric, rows.dim, forest.header.max_norm);
  forest.header.code_bits =
      static_cast<uint32_t>(ForestCodeBits(rows.dtype, rows.dim, options.metric));

  KITH_ASSIGN_OR_RETURN(forest.sketch, TrainSketch(rows, forest.geometry, options.seed, threads));
  forest.header.sketch_dim = static_cast<uint32_t>(forest.sketch.sketch_dim);
  KITH_ASSIGN_OR_RETURN(auto sketches,
                        SketchRows(rows, forest.geometry, forest.sketch.Map(), threads));
  KITH_ASSIGN_OR_RETURN(
      auto bytes, RoundSketches(sketches.data(), rows.rows, forest.sketch.sketch_dim, threads));

  const uint32_t num_trees = forest.header.num_trees;
  const TreeShape shape{forest.sketch.sketch_dim, forest.header.leaf_size};
  std::vector<Result<Tree>> trees(num_trees, Status::Internal("tree not grown"));
  std::atomic<uint32_t> done{0};
  std::atomic<bool> cancelled{false};
  ParallelFor(num_trees, threads, [&](size_t t, int thread) {
    if (cancelled) return;
    trees[t] = GrowTree(bytes, sketches.data(), rows.rows, shape, Mix64(options.seed) + t);
    const uint32_t count = ++done;
    // Only the caller's thread may call back.
    if (thread == 0 && options.progress && !options.progress("trees", count, num_trees)) {
      cancelled = true;
    }
  });
  if (cancelled) return Status::InvalidArgument("cancelled");
  sketches = {};
  bytes = {};

  for (const Result<Tree>& tree : trees) KITH_RETURN_IF_ERROR(tree.status());
  forest.order = options.order != nullptr ? *options.order : trees[0]->entries;
  std::vector<uint32_t> positions(rows.rows);
  for (uint32_t p = 0; p < forest.order.size(); ++p) positions[forest.order[p]] = p;
  ParallelFor(num_trees, threads,
              [&](size_t t, int /*thread*/) { PlaceEntries(positions, &*trees[t]); });
  size_t fine_nodes = 0;
  for (Result<Tree>& tree : trees) {
    fine_nodes += tree->fine_nodes;
    KITH_RETURN_IF_ERROR(AppendTree(*tree, NodeBytes(shape.sketch_dim), &forest));
    tree = Status::Internal("its memory was given back");
  }
  forest.header.fine_planes = fine_nodes > forest.roots.size() * kFineNodes ? 1 : 0;
  forest.header.num_nodes =
      static_cast<uint32_t>(forest.nodes.size() / NodeBytes(shape.sketch_dim));
  return forest;
}

Status WriteForest(const GrownForest& forest, const MatrixView& rows, const GrowOptions& options,
                   ContainerWriter* writer) {
  const ForestHeader& header = forest.header;
  KITH_RETURN_IF_ERROR(writer->AddSection("forest", std::as_bytes(std::span(&forest.header, 1))));
  KITH_RETURN_IF_ERROR(writer->AddSection("roots", BytesOf(forest.roots)));
  KITH_RETURN_IF_ERROR(writer->AddSection(
      "nodes", forest.nodes, {.row_bytes = static_cast<uint32_t>(NodeBytes(header.sketch_dim))}));
  KITH_RETURN_IF_ERROR(
      writer->AddSection("leaves", forest.leaves, {.row_bytes = uint32_t{kLeafUnit}}));
  KITH_RETURN_IF_ERROR(writer->AddSection("mean", BytesOf(forest.sketch.mean)));
  if (!forest.sketch.basis.empty()) {
    KITH_RETURN_IF_ERROR(writer->AddSection("basis", BytesOf(forest.sketch.basis)));
  }
  if (header.code_bits == 0) return Status::Ok();
  const CodeShape shape{forest.geometry.dim(), static_cast<int>(header.code_bits)};
  const std::vector<uint8_t> signs = Rotation::RandomSigns(shape.rotated_dim(), options.seed);
  KITH_RETURN_IF_ERROR(writer->AddSection("rotation", BytesOf(signs)));
  KITH_ASSIGN_OR_RETURN(auto codes,
                        EncodeRows(rows, forest.order, forest.geometry, forest.sketch.mean,
                                   Rotation(shape.rotated_dim(), signs), shape, options.threads));
  return writer->AddSection("codes", std::span(codes.data(), codes.size()));
}

}  // namespace kith
