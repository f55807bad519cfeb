// What the nodes of a graph are and how they are numbered: distinct vectors, in the order of a
// tree.
#ifndef KITH_GRAPH_PLANT_H_
#define KITH_GRAPH_PLANT_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "graph/edges.h"
#include "kith/status.h"
#include "kith/types.h"
#include "quant/geometry.h"
#include "quant/sketch.h"
#include "trees/rp_tree.h"

namespace kith::graph {

// Each tree's leaves are groups within which all pairs are compared. The searches that follow make
// up for neighbours that no leaf has together: more trees changed little (docs/graph.md).
inline constexpr uint32_t kTrees = 5;
inline constexpr uint32_t kLeafSize = 128;

// What trees over the same vectors have in common: their sketches, of which any number of trees are
// grown. Thread-safe once created.
class TreeGrower {
 public:
  // Over rows some[0], some[1], ..., ascending. Errors: those of the pool's loops.
  static Result<TreeGrower> Create(const MatrixView& rows, std::span<const uint32_t> some,
                                   const quant::Geometry& geometry, uint64_t seed,
                                   ThreadPool& pool);

  // Trees first, first + 1, ... of those that the seed stands for; entries are positions in `some`.
  // Errors: those of the pool's loops.
  Result<std::vector<trees::Tree>> Grow(size_t first, size_t count, ThreadPool& pool) const;

 private:
  size_t size_ = 0;
  size_t sketch_dim_ = 0;
  uint64_t seed_ = 0;
  AlignedBuffer<float> sketches_;
  quant::ByteSketches bytes_;
};

// Numbers the points of trees in the order of the first one's leaves, in all of them. Returns point
// -> node.
std::vector<uint32_t> NumberByLeaves(std::span<trees::Tree> trees);
// Makes the points in a tree's leaves the nodes that they are, and drops its planes.
void Renumber(const std::vector<uint32_t>& nodes, trees::Tree* tree);

struct Planted {
  size_t num_nodes = 0;  // to be linked with each other
  size_t num_all = 0;    // and those held out, which follow
  // Position -> row: the nodes, then the copies of each in turn.
  std::vector<uint32_t> order;
  std::vector<uint32_t> copies;    // [num_all + 1], as in the file; empty if there are none
  std::vector<trees::Tree> trees;  // over the nodes to be linked; entries are nodes
  ShellsOfNodes shells;            // of all nodes; empty where all are in one

  std::span<const uint32_t> nodes() const { return std::span(order).first(num_all); }
};

// Appends the copies of each of the first num_all rows in `order`, in the order of their rows,
// behind all of these, and counts them in `copies`. `first`: the first copy of every row.
void PlaceCopies(const std::vector<uint32_t>& first, Planted* planted);

// Collapses copies, grows trees over the distinct rows that are not held out and numbers nodes in
// the order of the first tree's leaves, so that near ones share pages. Held-out rows that have
// copies are linked with the others. `shells`, the shell of each row (of rows with copies: of the
// first), makes trees that part them; empty where all rows are in one. Those held out of a small
// shell are linked, too, for it might be left without any. The result does not depend on the
// threads. Errors: those of the pool's loops.
Result<Planted> Plant(const MatrixView& rows, const quant::Geometry& geometry,
                      std::span<const uint32_t> held_out, std::span<const uint8_t> shells,
                      uint64_t seed, ThreadPool& pool);

}  // namespace kith::graph

#endif  // KITH_GRAPH_PLANT_H_
