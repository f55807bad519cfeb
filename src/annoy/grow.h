// Grows trees as Annoy's searches want them.
#ifndef KITH_ANNOY_GROW_H_
#define KITH_ANNOY_GROW_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "annoy/layout.h"
#include "annoy/plane.h"
#include "base/rng.h"
#include "kith/status.h"

namespace kith::annoy {

// A tree's nodes, the root first and each before those below it. Children that are nodes of the
// tree are numbered from num_items on.
struct Tree {
  std::vector<std::byte> nodes;
  size_t count = 0;
};

// Grows one tree after the other over the same items. Not thread-safe.
class Grower {
 public:
  // `nodes` [num_items] and `present`, the numbers of those that are no holes, ascending, must
  // outlive it. Errors: OutOfMemory.
  static Result<Grower> Create(const Layout& layout, const std::byte* nodes, size_t num_items,
                               const std::vector<uint32_t>* present);

  // The tree of a seed and a number. `check` is asked now and then; its error ends it.
  // Errors: OutOfMemory.
  Status Grow(uint64_t seed, uint64_t number, const std::function<Status()>& check, Tree* tree);

 private:
  struct Range {
    size_t begin;
    size_t end;
    size_t parent;  // in the tree
    size_t side;    // which child of it
  };

  explicit Grower(Splitter splitter) : splitter_(std::move(splitter)) {}
  std::byte* AddNode(const Range& range, size_t descendants, Tree* tree);
  void AddLeaf(const Range& range, Tree* tree);
  size_t Split(std::span<uint32_t> ids, Rng* rng);
  size_t Divide(std::span<uint32_t> ids, Rng* rng);
  size_t DivideAtRandom(std::span<uint32_t> ids, Rng* rng);

  Layout layout_;
  const std::byte* nodes_ = nullptr;
  size_t num_items_ = 0;
  const std::vector<uint32_t>* present_ = nullptr;
  Splitter splitter_;
  std::vector<uint32_t> ids_;
  std::vector<uint32_t> right_;
  std::vector<float> margins_;
  std::vector<Range> pending_;
};

// Turns a grown tree into the nodes of a file: the last first, so that children come before their
// parents and the root is the last, as Annoy has them. `first`: the number the first of them gets.
void NumberTree(const Layout& layout, size_t num_items, size_t first, Tree* tree);

}  // namespace kith::annoy

#endif  // KITH_ANNOY_GROW_H_
