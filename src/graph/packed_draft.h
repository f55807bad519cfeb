// A packed graph while it is built: the records of its nodes, and what these are made from.
#ifndef KITH_GRAPH_PACKED_DRAFT_H_
#define KITH_GRAPH_PACKED_DRAFT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "graph/draft.h"
#include "graph/packed_store.h"
#include "kith/index.h"

namespace kith::graph {

// `code_bits`: 0 for those that search fastest.
NodeShape PackedShape(size_t dim, DataType dtype, size_t degree, int code_bits);

// Everything that only the packed layout needs is here, and goes when the draft does.
class PackedDraft final : public Draft {
 public:
  struct Options {
    Metric metric = Metric::kEuclidean;
    float max_norm = 0;
    size_t degree = 0;
    int code_bits = 0;        // 0: by dimension
    std::vector<float> mean;  // of the rows in CodeGeometry(), which codes are centred on; not dot
    uint64_t seed = 0;
    std::vector<uint8_t> signs;  // of the rotation; empty: those that the seed stands for
  };

  // `nodes`: node -> row. Errors: those of the pool's loops.
  static Result<std::unique_ptr<PackedDraft>> Create(const MatrixView& rows,
                                                     std::span<const uint32_t> nodes,
                                                     const Options& options, ThreadPool& pool);
  // Encodes the edges of nodes that are new or whose edges are others now.
  Status Show(const Edges& edges, ThreadPool& pool) override;
  const Outline& outline() const override { return store_.outline(); }
  void SetReach(float reach) override;
  Result<std::unique_ptr<NodeSearches>> Searches(const NodeQueries& queries, const Terms& terms,
                                                 const ThreadPool& pool) const override;
  void Seal() override { rotated_ = {}; }
  void Describe(Header* header) const override;
  std::unique_ptr<Graph> Open(const Header& header, const RowsOfNodes& rows) const override;
  Status Write(storage::ContainerWriter* writer) const override;

  const PackedStore& store() const { return store_; }
  // f32 [nodes, dim]: the nodes' vectors in the coordinates of the codes.
  MatrixView rotated() const;

 private:
  PackedDraft() = default;
  Status FillNodes(const MatrixView& rows, std::span<const uint32_t> nodes, ThreadPool& pool);
  std::byte* Record(size_t node) { return nodes_.data() + node * store_.shape().bytes; }

  size_t num_nodes_ = 0;  // of records
  AlignedBuffer<std::byte> nodes_;
  AlignedBuffer<float> rotated_;
  std::vector<float> inverse_norms_;  // angular
  std::vector<uint8_t> signs_;
  PackedStore store_;
};

}  // namespace kith::graph

#endif  // KITH_GRAPH_PACKED_DRAFT_H_
