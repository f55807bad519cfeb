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

// Each tree's leaves are groups within which all pairs are compared.
inline constexpr uint32_t kLeafSize = 128;
// The most trees that a build has at a time.
inline constexpr size_t kTreesAtOnce = 8;

// Grows trees over the nodes to be linked, and numbers these in the order of the first one's
// leaves, so that near ones share pages. Any number of trees can be grown, for all have the
// sketches of the vectors in common, which take up to 560 bytes a node. Immutable.
class Grove {
 public:
  Grove() = default;
  // Over rows some[0], some[1], ..., ascending. `shells`, the shell of every row, makes trees that
  // part them, so that no leaf has nodes of two; empty where all rows are in one. Errors: those of
  // the pool's loops.
  static Result<Grove> Create(const MatrixView& rows, std::span<const uint32_t> some,
                              std::span<const uint8_t> shells, const quant::Geometry& geometry,
                              uint64_t seed, ThreadPool& pool);

  // Position in `some` -> node.
  const std::vector<uint32_t>& numbers() const { return numbers_; }
  // Trees first, first + 1, ... of those that the seed stands for, without their planes; entries
  // are nodes. The result does not depend on the threads. Errors: those of the pool's loops.
  Result<std::vector<trees::Tree>> Grow(size_t first, size_t count, ThreadPool& pool) const;

 private:
  struct Shell {
    std::vector<uint32_t> places;  // of its points, in `some`; empty where all are of one shell
    size_t size = 0;
    size_t sketch_dim = 0;
    AlignedBuffer<float> sketches;
    quant::ByteSketches bytes;
  };
  static Result<Shell> Sketch(const MatrixView& rows, std::span<const uint32_t> members,
                              const quant::Geometry& geometry, uint64_t seed, ThreadPool& pool);
  Result<trees::Tree> GrowOne(size_t number, ThreadPool& pool) const;

  uint64_t seed_ = 0;
  std::vector<Shell> shells_;
  std::vector<uint32_t> numbers_;
  trees::Tree first_;  // which every build wants after the numbers
};

struct Planted {
  size_t num_nodes = 0;  // to be linked with each other
  size_t num_all = 0;    // and those held out, which follow
  // Position -> row: the nodes, then the copies of each in turn.
  std::vector<uint32_t> order;
  std::vector<uint32_t> copies;  // [num_all + 1], as in the file; empty if there are none
  Grove grove;                   // of the nodes to be linked
  ShellsOfNodes shells;          // of all nodes; empty where all are in one

  std::span<const uint32_t> nodes() const { return std::span(order).first(num_all); }
};

// Appends the copies of each of the first num_all rows in `order`, in the order of their rows,
// behind all of these, and counts them in `copies`. `first`: the first copy of every row.
void PlaceCopies(const std::vector<uint32_t>& first, Planted* planted);

// Collapses copies and makes a grove over the distinct rows that are not held out. Held-out rows
// that have copies are linked with the others. `shells`: the shell of each row (of rows with
// copies: of the first); empty where all rows are in one. Those held out of a small shell are
// linked, too, for it might be left without any. The result does not depend on the threads. Errors:
// those of the pool's loops.
Result<Planted> Plant(const MatrixView& rows, const quant::Geometry& geometry,
                      std::span<const uint32_t> held_out, std::span<const uint8_t> shells,
                      uint64_t seed, ThreadPool& pool);

}  // namespace kith::graph

#endif  // KITH_GRAPH_PLANT_H_
