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

// Drops a tree's planes and makes the points in its leaves others.
void Renumber(const std::vector<uint32_t>& numbers, trees::Tree* tree) {
  tree->nodes = {};
  for (uint32_t& entry : tree->entries) entry = numbers[entry];
}

}  // namespace

Result<Grove::Shell> Grove::Sketch(const MatrixView& rows, std::span<const uint32_t> members,
                                   const quant::Geometry& geometry, uint64_t seed,
                                   ThreadPool& pool) {
  MatrixView own = rows;
  AlignedBuffer<std::byte> gathered;
  if (members.size() < rows.rows) {
    const size_t stride = RowBytes(rows.dtype, rows.dim);
    KITH_ASSIGN_OR_RETURN(gathered, data::GatherRows(rows, members, stride, pool));
    own = {gathered.data(), members.size(), rows.dim, stride, rows.dtype};
  }
  KITH_ASSIGN_OR_RETURN(const quant::TrainedSketch sketch,
                        quant::TrainSketch(own, geometry, seed, pool));
  Shell shell;
  shell.size = members.size();
  shell.sketch_dim = sketch.sketch_dim;
  KITH_ASSIGN_OR_RETURN(shell.sketches, quant::SketchRows(own, geometry, sketch.Map(), pool));
  KITH_ASSIGN_OR_RETURN(shell.bytes, quant::RoundSketches(shell.sketches.data(), shell.size,
                                                          sketch.sketch_dim, pool));
  return shell;
}

Result<Grove> Grove::Create(const MatrixView& rows, std::span<const uint32_t> some,
                            std::span<const uint8_t> shells, const quant::Geometry& geometry,
                            uint64_t seed, ThreadPool& pool) {
  Grove grove;
  grove.seed_ = Mix64(seed);
  for (size_t shell = 0; shell < kMaxShells; ++shell) {
    std::vector<uint32_t> members;
    std::vector<uint32_t> places;
    for (uint32_t i = 0; !shells.empty() && i < some.size(); ++i) {
      if (shells[some[i]] != shell) continue;
      members.push_back(some[i]);
      places.push_back(i);
    }
    if (!shells.empty() && members.empty()) continue;
    KITH_ASSIGN_OR_RETURN(Shell made,
                          Sketch(rows, shells.empty() ? some : std::span<const uint32_t>(members),
                                 geometry, seed, pool));
    made.places = std::move(places);
    grove.shells_.push_back(std::move(made));
    if (shells.empty()) break;
  }
  KITH_ASSIGN_OR_RETURN(grove.first_, grove.GrowOne(0, pool));
  grove.numbers_.resize(some.size());
  for (uint32_t node = 0; node < some.size(); ++node) {
    grove.numbers_[grove.first_.entries[node]] = node;
  }
  Renumber(grove.numbers_, &grove.first_);
  return grove;
}

// The trees of all shells, one behind the other; entries are positions.
Result<trees::Tree> Grove::GrowOne(size_t number, ThreadPool& pool) const {
  trees::Tree all;
  for (const Shell& shell : shells_) {
    KITH_ASSIGN_OR_RETURN(trees::Tree tree,
                          trees::GrowTree(shell.bytes, shell.sketches.data(), shell.size,
                                          {shell.sketch_dim, kLeafSize}, seed_ + number, pool));
    if (shell.places.empty()) return tree;
    const auto before = static_cast<uint32_t>(all.entries.size());
    for (const uint32_t entry : tree.entries) all.entries.push_back(shell.places[entry]);
    for (const uint32_t end : tree.leaf_ends) all.leaf_ends.push_back(before + end);
  }
  return all;
}

Result<std::vector<trees::Tree>> Grove::Grow(size_t first, size_t count, ThreadPool& pool) const {
  std::vector<trees::Tree> trees(count);
  KITH_RETURN_IF_ERROR(pool.For(count, [&](size_t t, int) -> Status {
    if (first + t == 0) {
      trees[t] = first_;
      return Status::Ok();
    }
    KITH_ASSIGN_OR_RETURN(trees[t], GrowOne(first + t, pool));
    Renumber(numbers_, &trees[t]);
    return Status::Ok();
  }));
  return trees;
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
  KITH_ASSIGN_OR_RETURN(planted.grove,
                        Grove::Create(rows, distinct.linked, shells, geometry, seed, pool));
  KITH_RETURN_IF_ERROR(pool.CheckStop());
  const std::vector<uint32_t>& nodes = planted.grove.numbers();
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
