// Annoy's search of its trees, node for node in the same order.
#ifndef KITH_ANNOY_SEARCH_H_
#define KITH_ANNOY_SEARCH_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "annoy/layout.h"
#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "kith/status.h"

namespace kith::annoy {

// A vector and its distance, as the user sees it.
struct Neighbor {
  float distance;
  int32_t id;
};

// What one search after the other uses in a thread; grows as needed.
struct Scratch {
  std::vector<uint64_t> branches;    // a heap
  std::vector<uint64_t> met;         // a bit for each item, all zero between searches
  std::vector<uint32_t> candidates;  // items met, each once
  std::vector<float> scores;
  std::vector<uint64_t> order;
  std::vector<Neighbor> neighbors;
  AlignedBuffer<std::byte> query;  // padded for the kernels
  float query_norm = 0;            // angular: squared length
};

// Takes a query's vector, vector_bytes of any alignment. Errors: OutOfMemory.
Status SetQuery(const Layout& layout, const std::byte* vector, Scratch* scratch);

// Leaves the at most n nearest of the items found in scratch->neighbors, in order. Stops when
// leaves with search_k entries have been met. Nothing in the nodes is trusted: what points outside
// is left out, and no more nodes are visited than there are. A task of the pool, which ends it
// early. Errors: OutOfMemory, InvalidArgument (cancelled).
Status Search(const Nodes& nodes, uint64_t n, uint64_t search_k, const ThreadPool& pool,
              Scratch* scratch);

// The distance of two items, given as nodes, as the user sees it. Errors: OutOfMemory.
Result<float> ItemDistance(const Layout& layout, const std::byte* item_i, const std::byte* item_j,
                           Scratch* scratch);

}  // namespace kith::annoy

#endif  // KITH_ANNOY_SEARCH_H_
