// A compact graph while it is built: the edges themselves, over vectors that walks compare.
#ifndef KITH_GRAPH_COMPACT_DRAFT_H_
#define KITH_GRAPH_COMPACT_DRAFT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "graph/compact_store.h"
#include "graph/draft.h"
#include "graph/space.h"

namespace kith::graph {

class CompactDraft final : public Draft {
 public:
  // `nodes`: node -> row, as in the space, which must outlive it. Errors: OutOfMemory.
  static Result<std::unique_ptr<CompactDraft>> Create(const MatrixView& rows,
                                                      std::span<const uint32_t> nodes,
                                                      Metric metric, float max_norm, size_t degree,
                                                      const Space& space, ThreadPool& pool);

  // Over vectors that are compared as they are, node i at row i, which must outlive it.
  static std::unique_ptr<CompactDraft> Over(const search::VectorTable& nodes, size_t degree,
                                            float max_norm);

  Status Show(const Edges& edges, ThreadPool& pool) override;
  const Outline& outline() const override { return store_.outline(); }
  void Compare(const search::VectorTable* stored) override;
  void SetReach(float reach) override;
  Result<std::unique_ptr<NodeSearches>> Searches(const NodeQueries& queries, const Terms& terms,
                                                 const ThreadPool& pool) const override;
  void Describe(Header* header) const override;
  std::unique_ptr<Graph> Open(const Header& header, const RowsOfNodes& rows) const override;
  Status Write(storage::ContainerWriter* writer) const override;

 private:
  CompactDraft() = default;

  AlignedBuffer<std::byte> rows_;  // of the nodes, where walks do not compare those of the space
  search::VectorTable built_on_;   // these, or those of the space
  CompactStore store_;
};

}  // namespace kith::graph

#endif  // KITH_GRAPH_COMPACT_DRAFT_H_
