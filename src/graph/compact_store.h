// The compact store: a node is the list of its neighbours. A visit computes the distances of those
// that were not met before, so that every node's is known when it is met.
#ifndef KITH_GRAPH_COMPACT_STORE_H_
#define KITH_GRAPH_COMPACT_STORE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/prefetch.h"
#include "base/verification.h"
#include "graph/batch.h"
#include "graph/frontier.h"
#include "graph/layout.h"
#include "graph/terms.h"
#include "kith/index.h"
#include "kith/status.h"
#include "search/scorer.h"
#include "storage/container.h"

namespace kith::graph {

// Immutable and thread-safe but for the setters.
class CompactStore {
 public:
  static constexpr GraphLayout kLayout = GraphLayout::kCompact;
  static constexpr std::string_view kSection = kLinksSection;
  static constexpr bool kMeetsWithDistance = true;

  struct Query {
    const search::Scorer* scorer = nullptr;
    size_t slot = 0;
    std::vector<uint32_t> met;       // [degree]
    AlignedBuffer<float> distances;  // [degree]
  };

  CompactStore() = default;
  // A view of links [outline.num_nodes, outline.degree] and of the nodes' vectors.
  CompactStore(const Outline& outline, const uint32_t* links, const search::VectorTable& vectors);

  // A graph in a file. Errors: Corruption.
  static Result<CompactStore> Open(const storage::ContainerReader& in, const Header& header,
                                   const Outline& outline, const search::VectorTable& vectors);
  // There is nothing to check but links, which every graph has checked.
  static Status Verify(const storage::ContainerReader& /*in*/,
                       const search::VectorTable& /*vectors*/, const Verification& /*check*/) {
    return Status::Ok();
  }

  const Outline& outline() const { return outline_; }
  const search::VectorTable& table() const { return table_; }
  static bool rounded() { return false; }
  size_t row_bytes() const { return row_bytes_; }

  // While a graph is built, it gets more nodes and other entries; its degree stays.
  void set_outline(const Outline& outline) { outline_ = outline; }
  void set_links(const uint32_t* links) { links_ = links; }

  // All that walks read beside the vectors, and the same somewhere else.
  std::span<const std::byte> bytes() const {
    return std::as_bytes(std::span(links_, outline_.num_nodes * outline_.degree));
  }
  void set_bytes(const std::byte* links) { links_ = reinterpret_cast<const uint32_t*>(links); }
  size_t node_bytes() const { return outline_.degree * sizeof(uint32_t); }

  Result<Query> NewQuery() const;
  static void Take(const Batch& batch, size_t slot, Query* query) {
    query->scorer = batch.scorer();
    query->slot = slot;
  }
  static void Distances(const Query& query, const uint32_t* nodes, size_t count, float* out) {
    query.scorer->ScoreIds(query.slot, nodes, count, out);
  }
  void Expand(uint32_t node, Query* query, Frontier* frontier, SearchStats* stats) const;
  void Prefetch(uint32_t node) const {
    PrefetchLines(reinterpret_cast<const std::byte*>(Links(node)),
                  outline_.degree * sizeof(uint32_t));
  }
  const uint32_t* Links(uint32_t node) const { return links_ + size_t{node} * outline_.degree; }

 private:
  Outline outline_;
  const uint32_t* links_ = nullptr;
  search::VectorTable table_;
  size_t row_bytes_ = 0;
};

}  // namespace kith::graph

#endif  // KITH_GRAPH_COMPACT_STORE_H_
