// Growing a forest and writing it.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <numeric>

#include "base/math.h"
#include "base/rng.h"
#include "base/strings.h"
#include "forest/forest.h"
#include "search/metric_traits.h"
#include "trees/tree_insert.h"

namespace kith::forest {
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

// The rows as trees number them: those that planes are learnt from, then those held out.
std::vector<uint32_t> NumberPoints(size_t n, std::span<const uint32_t> held_out) {
  std::vector<uint32_t> points;
  points.reserve(n);
  size_t skipped = 0;
  for (uint32_t row = 0; row < n; ++row) {
    if (skipped < held_out.size() && held_out[skipped] == row) {
      ++skipped;
    } else {
      points.push_back(row);
    }
  }
  points.insert(points.end(), held_out.begin(), held_out.end());
  return points;
}

// Makes the entries of a tree, points so far, the positions that leaves hold: ascending in each.
void PlaceEntries(const std::vector<uint32_t>& positions, trees::Tree* tree) {
  uint32_t begin = 0;
  for (const uint32_t end : tree->leaf_ends) {
    for (uint32_t i = begin; i < end; ++i) tree->entries[i] = positions[tree->entries[i]];
    std::sort(tree->entries.begin() + begin, tree->entries.begin() + end);
    begin = end;
  }
}

// Appends a tree whose entries are positions; its nodes are numbered after those already there.
Status AppendTree(const trees::Tree& tree, size_t node_bytes, Grown* forest) {
  const size_t at = forest->nodes.size();
  const auto first_node = static_cast<uint32_t>(at / node_bytes);
  if (at / node_bytes + tree.nodes.size() / node_bytes >= trees::kLeafBit) {
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
    return (child & trees::kLeafBit) != 0 ? leaves[child & ~trees::kLeafBit] : child + first_node;
  };
  forest->roots.push_back(rebase(tree.root));
  forest->nodes.insert(forest->nodes.end(), tree.nodes.begin(), tree.nodes.end());
  for (size_t i = at; i < forest->nodes.size(); i += node_bytes) {
    trees::TreeNode node{};
    std::memcpy(&node, forest->nodes.data() + i, sizeof(node));
    for (uint32_t& child : node.children) child = rebase(child);
    std::memcpy(forest->nodes.data() + i, &node, sizeof(node));
  }
  forest->header.num_leaves += static_cast<uint32_t>(leaves.size());
  forest->header.num_entries += begin;
  return Status::Ok();
}

// Learns the sketch and grows the trees, whose entries are points.
Result<std::vector<trees::Tree>> GrowTrees(const MatrixView& rows, const quant::Geometry& geometry,
                                           std::span<const uint32_t> points,
                                           const GrowOptions& options, ThreadPool& pool,
                                           Grown* forest) {
  const size_t learnt = points.size() - options.held_out.size();
  KITH_ASSIGN_OR_RETURN(
      forest->sketch, quant::TrainSketch(rows, geometry, options.seed, pool, points.first(learnt)));
  const size_t sketch_dim = forest->sketch.sketch_dim;
  forest->header.sketch_dim = static_cast<uint32_t>(sketch_dim);
  KITH_ASSIGN_OR_RETURN(auto sketches,
                        quant::SketchRows(rows, geometry, forest->sketch.Map(), pool, points));
  KITH_ASSIGN_OR_RETURN(auto bytes,
                        quant::RoundSketches(sketches.data(), learnt, sketch_dim, pool));

  const uint32_t num_trees = forest->header.num_trees;
  const uint32_t held_out = static_cast<uint32_t>(options.held_out.size());
  const trees::TreeShape shape{sketch_dim,
                               std::min(forest->header.leaf_size, kMaxLeafSize - held_out)};
  std::vector<trees::Tree> trees(num_trees);
  std::atomic<uint32_t> done{0};
  KITH_RETURN_IF_ERROR(pool.For(num_trees, [&](size_t t, int thread) -> Status {
    KITH_ASSIGN_OR_RETURN(trees[t], trees::GrowTree(bytes, sketches.data(), learnt, shape,
                                                    Mix64(options.seed) + t, pool));
    trees::InsertPoints(sketches.data() + learnt * quant::SketchStride(sketch_dim), held_out,
                        sketch_dim, &trees[t]);
    const uint32_t count = ++done;
    // Only the caller's thread may call back.
    return thread == 0 ? pool.Report(options.progress, "trees", count, num_trees) : Status::Ok();
  }));
  return trees;
}

// Orders the vectors and appends all trees, each of which gives its memory back at once.
Status AppendTrees(std::vector<trees::Tree> trees, std::span<const uint32_t> points,
                   const GrowOptions& options, ThreadPool& pool, Grown* forest) {
  if (options.order != nullptr) {
    forest->order = *options.order;
  } else {
    forest->order.reserve(points.size());
    for (const uint32_t point : trees[0].entries) forest->order.push_back(points[point]);
  }
  std::vector<uint32_t> of_rows(points.size());
  for (uint32_t p = 0; p < of_rows.size(); ++p) of_rows[forest->order[p]] = p;
  std::vector<uint32_t> positions(points.size());
  for (size_t i = 0; i < points.size(); ++i) positions[i] = of_rows[points[i]];
  KITH_RETURN_IF_ERROR(
      pool.For(trees.size(), [&](size_t t, int) { PlaceEntries(positions, &trees[t]); }));
  const size_t node_bytes = trees::NodeBytes(forest->header.sketch_dim);
  size_t fine_nodes = 0;
  for (trees::Tree& tree : trees) {
    KITH_RETURN_IF_ERROR(pool.CheckStop());
    fine_nodes += tree.fine_nodes;
    KITH_RETURN_IF_ERROR(AppendTree(tree, node_bytes, forest));
    tree = {};  // gives its memory back
  }
  forest->header.fine_planes = fine_nodes > forest->roots.size() * kFineNodes ? 1 : 0;
  forest->header.num_nodes = static_cast<uint32_t>(forest->nodes.size() / node_bytes);
  return Status::Ok();
}

}  // namespace

std::span<const std::string_view> Sections() { return kSections; }

// Whether estimating from codes first is cheaper than comparing every candidate in full: the metric
// must be one that codes estimate, and a code much smaller than a vector.
int CodeBits(DataType dtype, size_t dim, Metric metric) {
  // A dot product's codes would spend their bits on the coordinate that evens out the norms.
  const search::MetricTraits& traits = search::TraitsOf(metric);
  if (!traits.euclidean || traits.products) return 0;
  const quant::CodeShape shape{dim, quant::CodeBits(dim)};
  return RowBytes(dtype, dim) >= 4 * shape.row_bytes() ? shape.bits : 0;
}

Result<Grown> Grow(const MatrixView& rows, const GrowOptions& options, ThreadPool& pool) {
  Grown forest;
  Header& header = forest.header;
  header.num_trees =
      options.forest.num_trees != 0 ? options.forest.num_trees : DefaultTrees(rows.rows);
  header.leaf_size = options.forest.leaf_size != 0 ? options.forest.leaf_size : kDefaultLeafSize;
  if (header.leaf_size > kMaxLeafSize) {
    return Status::InvalidArgument(StrCat("leaves of ", header.leaf_size, " vectors; at most ",
                                          kMaxLeafSize, " are supported"));
  }
  if (options.held_out.size() >= kMaxLeafSize) {
    return Status::InvalidArgument(StrCat(options.held_out.size(),
                                          " vectors held out of the forest; at most ",
                                          kMaxLeafSize - 1, " are supported"));
  }
  if (search::TraitsOf(options.metric).products) {
    KITH_ASSIGN_OR_RETURN(header.max_norm, quant::LargestNorm(rows, pool));
  }
  const quant::Geometry geometry(options.metric, rows.dim, header.max_norm);
  header.code_bits = static_cast<uint32_t>(CodeBits(rows.dtype, rows.dim, options.metric));

  {
    const std::vector<uint32_t> points = NumberPoints(rows.rows, options.held_out);
    KITH_ASSIGN_OR_RETURN(auto trees, GrowTrees(rows, geometry, points, options, pool, &forest));
    KITH_RETURN_IF_ERROR(AppendTrees(std::move(trees), points, options, pool, &forest));
  }
  if (header.code_bits == 0) return forest;
  const quant::CodeShape shape{geometry.dim(), static_cast<int>(header.code_bits)};
  forest.signs = quant::Rotation::RandomSigns(shape.rotated_dim(), options.seed);
  KITH_ASSIGN_OR_RETURN(
      forest.codes,
      quant::EncodeRows(rows, forest.order, geometry, forest.sketch.mean,
                        quant::Rotation(shape.rotated_dim(), forest.signs), shape, pool));
  return forest;
}

Status Write(const Grown& forest, storage::ContainerWriter* writer) {
  const Header& header = forest.header;
  KITH_RETURN_IF_ERROR(writer->AddSection("forest", std::as_bytes(std::span(&forest.header, 1))));
  KITH_RETURN_IF_ERROR(writer->AddSection("roots", BytesOf(forest.roots)));
  KITH_RETURN_IF_ERROR(writer->AddSection(
      "nodes", forest.nodes,
      {.row_bytes = static_cast<uint32_t>(trees::NodeBytes(header.sketch_dim))}));
  KITH_RETURN_IF_ERROR(
      writer->AddSection("leaves", forest.leaves, {.row_bytes = uint32_t{kLeafUnit}}));
  KITH_RETURN_IF_ERROR(writer->AddSection("mean", BytesOf(forest.sketch.mean)));
  if (!forest.sketch.basis.empty()) {
    KITH_RETURN_IF_ERROR(writer->AddSection("basis", BytesOf(forest.sketch.basis)));
  }
  if (header.code_bits == 0) return Status::Ok();
  KITH_RETURN_IF_ERROR(writer->AddSection("rotation", BytesOf(forest.signs)));
  return writer->AddSection("codes", std::span(forest.codes.data(), forest.codes.size()));
}

}  // namespace kith::forest
