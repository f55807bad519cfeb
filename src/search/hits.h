// What a search found, of one query or many, of k neighbours or of as many as there are.
#ifndef KITH_SEARCH_HITS_H_
#define KITH_SEARCH_HITS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "search/top_k.h"

namespace kith::search {

// Flat, one query after the other: query q has found[offsets[q]] to found[offsets[q + 1]], nearest
// first, with internal distances and rows as users know them. One type for the k nearest and for
// all within a radius; ids and user distances are made of it once, at the library's edge.
struct Hits {
  std::vector<uint64_t> offsets{0};  // [num_queries() + 1]
  std::vector<Candidate> found;

  size_t num_queries() const { return offsets.size() - 1; }
  std::span<const Candidate> of(size_t query) const {
    return {found.data() + offsets[query],
            static_cast<size_t>(offsets[query + 1] - offsets[query])};
  }
};

// Hits of queries that threads finish in any order. at() of different queries may be written by
// different threads at the same time.
class HitsBuilder {
 public:
  explicit HitsBuilder(size_t num_queries) : lists_(num_queries) {}

  // What a query found, nearest first; to be filled.
  std::vector<Candidate>& at(size_t query) { return lists_[query]; }

  // Puts all one after the other. Nothing may be filled in any more.
  Hits Take() {
    Hits hits;
    hits.offsets.reserve(lists_.size() + 1);
    size_t total = 0;
    for (const std::vector<Candidate>& list : lists_) hits.offsets.push_back(total += list.size());
    if (lists_.size() == 1) {
      hits.found = std::move(lists_[0]);
      return hits;
    }
    hits.found.reserve(total);
    for (std::vector<Candidate>& list : lists_) {
      hits.found.insert(hits.found.end(), list.begin(), list.end());
      list = {};  // so that all are not there twice
    }
    return hits;
  }

 private:
  std::vector<std::vector<Candidate>> lists_;
};

}  // namespace kith::search

#endif  // KITH_SEARCH_HITS_H_
