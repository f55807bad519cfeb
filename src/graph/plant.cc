#include "graph/plant.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/aligned_buffer.h"
#include "base/rng.h"
#include "data/convert.h"
#include "data/copies.h"
#include "quant/sketch.h"
#include "search/access_path.h"

namespace kith::graph {
namespace {

// The distinct rows, ascending.
struct Distinct {
  std::vector<uint32_t> linked;
  std::vector<uint32_t> held_out;
};

Distinct DistinctRows(const std::vector<uint32_t>& first, std::span<const uint32_t> held_out,
                      std::span<const uint8_t> shells) {
  constexpr size_t kSmallShell = 1024;
  std::array<size_t, kMaxShells> sizes{};
  for (const uint8_t shell : shells) ++sizes[shell];
  std::vector<bool> single(first.size(), true);
  for (uint32_t row = 0; row < first.size(); ++row) {
    if (first[row] != row) single[first[row]] = false;
  }
  Distinct distinct;
  for (uint32_t row = 0; row < first.size(); ++row) {
    if (first[row] != row) continue;
    const bool small = !shells.empty() && sizes[shells[row]] < kSmallShell;
    const bool held =
        single[row] && !small && std::binary_search(held_out.begin(), held_out.end(), row);
    (held ? distinct.held_out : distinct.linked).push_back(row);
  }
  return distinct;
}

// Trees over some of the rows, in which no leaf has rows of two shells: those of each shell's
// trees, one shell behind the other. Entries are positions in `some`.
Result<std::vector<trees::Tree>> GrowTrees(const MatrixView& rows,
                                           const std::vector<uint32_t>& some,
                                           std::span<const uint8_t> shells,
                                           const quant::Geometry& geometry, uint64_t seed,
                                           ThreadPool& pool) {
  if (shells.empty()) {
    KITH_ASSIGN_OR_RETURN(const TreeGrower grower,
                          TreeGrower::Create(rows, some, geometry, seed, pool));
    return grower.Grow(0, kTrees, pool);
  }
  std::vector<trees::Tree> all(kTrees);
  for (size_t shell = 0; shell < kMaxShells; ++shell) {
    std::vector<uint32_t> members;
    std::vector<uint32_t> places;
    for (uint32_t i = 0; i < some.size(); ++i) {
      if (shells[some[i]] != shell) continue;
      members.push_back(some[i]);
      places.push_back(i);
    }
    if (members.empty()) continue;
    KITH_ASSIGN_OR_RETURN(const TreeGrower grower,
                          TreeGrower::Create(rows, members, geometry, seed, pool));
    KITH_ASSIGN_OR_RETURN(const std::vector<trees::Tree> trees, grower.Grow(0, kTrees, pool));
    for (size_t t = 0; t < kTrees; ++t) {
      const auto before = static_cast<uint32_t>(all[t].entries.size());
      for (const uint32_t entry : trees[t].entries) all[t].entries.push_back(places[entry]);
      for (const uint32_t end : trees[t].leaf_ends) all[t].leaf_ends.push_back(before + end);
    }
  }
  return all;
}

}  // namespace

Result<TreeGrower> TreeGrower::Create(const MatrixView& rows, std::span<const uint32_t> some,
                                      const quant::Geometry& geometry, uint64_t seed,
                                      ThreadPool& pool) {
  MatrixView own = rows;
  AlignedBuffer<std::byte> gathered;
  if (some.size() < rows.rows) {
    const size_t stride = RowBytes(rows.dtype, rows.dim);
    KITH_ASSIGN_OR_RETURN(gathered, data::GatherRows(rows, some, stride, pool));
    own = {gathered.data(), some.size(), rows.dim, stride, rows.dtype};
  }
  TreeGrower grower;
  grower.size_ = some.size();
  grower.seed_ = seed;
  KITH_ASSIGN_OR_RETURN(const quant::TrainedSketch sketch,
                        quant::TrainSketch(own, geometry, seed, pool));
  grower.sketch_dim_ = sketch.sketch_dim;
  KITH_ASSIGN_OR_RETURN(grower.sketches_, quant::SketchRows(own, geometry, sketch.Map(), pool));
  KITH_ASSIGN_OR_RETURN(grower.bytes_, quant::RoundSketches(grower.sketches_.data(), grower.size_,
                                                            sketch.sketch_dim, pool));
  return grower;
}

Result<std::vector<trees::Tree>> TreeGrower::Grow(size_t first, size_t count,
                                                  ThreadPool& pool) const {
  std::vector<trees::Tree> trees(count);
  KITH_RETURN_IF_ERROR(pool.For(count, [&](size_t t, int) -> Status {
    KITH_ASSIGN_OR_RETURN(trees[t],
                          trees::GrowTree(bytes_, sketches_.data(), size_, {sketch_dim_, kLeafSize},
                                          Mix64(seed_) + first + t, pool));
    return Status::Ok();
  }));
  return trees;
}

std::vector<uint32_t> NumberByLeaves(std::span<trees::Tree> trees) {
  std::vector<uint32_t> nodes(trees[0].entries.size());
  for (uint32_t node = 0; node < nodes.size(); ++node) nodes[trees[0].entries[node]] = node;
  for (trees::Tree& tree : trees) Renumber(nodes, &tree);
  return nodes;
}

void Renumber(const std::vector<uint32_t>& nodes, trees::Tree* tree) {
  tree->nodes = {};
  for (uint32_t& entry : tree->entries) entry = nodes[entry];
}

void PlaceCopies(const std::vector<uint32_t>& first, Planted* planted) {
  const size_t n = planted->num_nodes;
  const size_t all = planted->num_all;
  if (all == first.size()) return;
  std::vector<uint32_t>& order = planted->order;
  std::vector<uint32_t>& copies = planted->copies;
  std::vector<uint32_t> node_of(first.size());
  for (uint32_t node = 0; node < n; ++node) node_of[order[node]] = node;
  copies.assign(all + 1, 0);
  for (uint32_t row = 0; row < first.size(); ++row) {
    if (first[row] != row) ++copies[node_of[first[row]] + 1];
  }
  for (size_t i = 0; i < all; ++i) copies[i + 1] += copies[i];
  std::vector<uint32_t> at(copies.begin(), copies.end() - 1);
  order.resize(first.size());
  for (uint32_t row = 0; row < first.size(); ++row) {
    if (first[row] != row) order[all + at[node_of[first[row]]]++] = row;
  }
}

Result<Planted> Plant(const MatrixView& rows, const quant::Geometry& geometry,
                      std::span<const uint32_t> held_out, std::span<const uint8_t> shells,
                      uint64_t seed, ThreadPool& pool) {
  KITH_ASSIGN_OR_RETURN(const std::vector<uint32_t> first, data::FindCopies(rows, pool));
  const Distinct distinct = DistinctRows(first, held_out, shells);
  Planted planted;
  planted.num_nodes = distinct.linked.size();
  planted.num_all = planted.num_nodes + distinct.held_out.size();
  KITH_ASSIGN_OR_RETURN(planted.trees,
                        GrowTrees(rows, distinct.linked, shells, geometry, seed, pool));
  KITH_RETURN_IF_ERROR(pool.CheckStop());
  const std::vector<uint32_t> nodes = NumberByLeaves(planted.trees);
  planted.order.resize(nodes.size());
  for (size_t i = 0; i < nodes.size(); ++i) planted.order[nodes[i]] = distinct.linked[i];
  // In the order in which they will be inserted.
  planted.order.insert(planted.order.end(), distinct.held_out.begin(), distinct.held_out.end());
  if (!shells.empty()) {
    for (const uint32_t row : planted.order) planted.shells.push_back(shells[row]);
  }
  PlaceCopies(first, &planted);
  return planted;
}

}  // namespace kith::graph
