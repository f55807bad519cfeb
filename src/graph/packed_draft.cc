#include "graph/packed_draft.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "data/convert.h"
#include "graph/graph_of.h"
#include "graph/stores.h"
#include "quant/edge_code.h"
#include "search/metric_traits.h"

namespace kith::graph {
namespace {

constexpr size_t kNodesAtOnce = 256;

}  // namespace

NodeShape PackedShape(size_t dim, DataType dtype, size_t degree, int code_bits) {
  const int bits = code_bits != 0 ? code_bits : quant::EdgeBits(dim);
  return NodeShape(dtype, dim, {quant::Rotation::PaddedDim(dim), bits, degree},
                   RoundsOwnVector(dtype, dim));
}

Result<std::unique_ptr<PackedDraft>> PackedDraft::Create(const MatrixView& rows,
                                                         std::span<const uint32_t> nodes,
                                                         const Options& options, ThreadPool& pool) {
  std::unique_ptr<PackedDraft> draft(new PackedDraft);
  const bool rounded = RoundsOwnVector(rows.dtype, rows.dim);
  const NodeShape shape = PackedShape(rows.dim, rows.dtype, options.degree, options.code_bits);
  const quant::Geometry geometry = CodeGeometry(options.metric, rows.dim);
  draft->num_nodes_ = nodes.size();
  draft->signs_ = options.signs.empty() ? SignsOf(geometry, options.seed) : options.signs;
  KITH_ASSIGN_OR_RETURN(draft->nodes_,
                        AlignedBuffer<std::byte>::Create(nodes.size() * shape.bytes));
  KITH_ASSIGN_OR_RETURN(draft->rotated_,
                        AlignedBuffer<float>::Create(nodes.size() * shape.edges.dim));
  search::VectorTable table;
  table.metric = options.metric;
  table.rows = {nullptr, nodes.size(), rows.dim, 0, rows.dtype};
  if (search::TraitsOf(options.metric).unit_length() && !rounded) {
    draft->inverse_norms_.resize(nodes.size());
    table.inverse_norms = draft->inverse_norms_.data();
  }
  const Outline outline{0, options.degree, {}, options.metric, options.max_norm};
  draft->store_ = PackedStore(outline, shape, draft->nodes_.data(), rounded, table,
                              MakeFrame(geometry, options.mean, draft->signs_));
  KITH_RETURN_IF_ERROR(draft->FillNodes(rows, nodes, pool));
  return draft;
}

// Everything in nodes that does not change with the edges.
Status PackedDraft::FillNodes(const MatrixView& rows, std::span<const uint32_t> nodes,
                              ThreadPool& pool) {
  const size_t dim = store_.shape().edges.dim;
  return pool.Chunks(nodes.size(), kNodesAtOnce, [&](size_t begin, size_t end, int) {
    std::vector<float> x(rows.dim);
    for (size_t node = begin; node < end; ++node) {
      const uint32_t row = nodes[node];
      float* rotated = rotated_.data() + node * dim;
      store_.frame().Map(rows, row, rotated);
      if (store_.rounded()) {
        const OwnFactors own = RoundOwn(rotated, dim, reinterpret_cast<int8_t*>(Record(node)));
        std::memcpy(Record(node) + store_.shape().factors, &own, sizeof(own));
        continue;
      }
      std::memcpy(Record(node), rows.row(row), RowBytes(rows.dtype, rows.dim));
      if (inverse_norms_.empty()) continue;
      data::RowToF32(rows, row, x.data());
      inverse_norms_[node] = search::InverseNorm(x.data(), rows.dim);
    }
  });
}

MatrixView PackedDraft::rotated() const {
  const size_t dim = store_.shape().edges.dim;
  return {reinterpret_cast<const std::byte*>(rotated_.data()), num_nodes_, dim, dim * sizeof(float),
          DataType::kF32};
}

Status PackedDraft::Show(const Edges& edges, ThreadPool& pool) {
  const LinkTable& table = edges.table;
  const NodeShape& shape = store_.shape();
  const size_t dim = shape.edges.dim;
  const size_t shown = store_.outline().num_nodes;
  const quant::EdgeEncoder encoder(shape.edges, MeasureOf(store_.outline().metric));
  KITH_RETURN_IF_ERROR(pool.Chunks(table.size(), kNodesAtOnce, [&](size_t begin, size_t end, int) {
    std::vector<const float*> neighbours(table.degree);
    for (size_t node = begin; node < end; ++node) {
      const auto links = table.Of(node);
      std::byte* record = Record(node);
      auto* to = reinterpret_cast<uint32_t*>(record + shape.links);
      const bool same = node < shown && std::equal(links.begin(), links.end(), to) &&
                        (links.size() == table.degree || to[links.size()] == kNoNode);
      if (same) continue;
      for (size_t i = 0; i < links.size(); ++i) neighbours[i] = rotated_.data() + links[i] * dim;
      encoder.Encode(rotated_.data() + node * dim, neighbours.data(), links.size(),
                     record + shape.codes, reinterpret_cast<uint16_t*>(record + shape.weights),
                     reinterpret_cast<uint16_t*>(record + shape.offsets));
      std::fill(to, to + table.degree, kNoNode);
      std::copy(links.begin(), links.end(), to);
    }
  }));
  Outline outline = store_.outline();
  outline.num_nodes = static_cast<uint32_t>(table.size());
  outline.entries = edges.entries.nodes;
  outline.shell_entries = edges.entries.of_shells;
  store_.set_outline(outline);
  return Status::Ok();
}

void PackedDraft::SetReach(float reach) {
  Outline outline = store_.outline();
  outline.reach = reach;
  store_.set_outline(outline);
}

Result<std::unique_ptr<NodeSearches>> PackedDraft::Searches(const NodeQueries& queries,
                                                            const Terms& terms,
                                                            const ThreadPool& pool) const {
  return NodeSearchesOf<PackedStore>::Create(store_, rotated(), queries, terms, pool);
}

void PackedDraft::Describe(Header* header) const {
  header->layout = static_cast<uint32_t>(PackedStore::kLayout);
  header->code_bits = static_cast<uint32_t>(store_.shape().edges.bits);
  header->own_bytes = store_.rounded() ? 1 : 0;
}

std::unique_ptr<Graph> PackedDraft::Open(const Header& header, const RowsOfNodes& rows) const {
  search::VectorTable vectors = rows.vectors.table;
  vectors.rows.rows = store_.outline().num_nodes;
  return std::make_unique<GraphOf<PackedStore>>(
      header, rows,
      PackedStore(store_.outline(), store_.shape(), nodes_.data(), store_.rounded(), vectors,
                  store_.frame()),
      nullptr);
}

Status PackedDraft::Write(storage::ContainerWriter* writer) const {
  KITH_RETURN_IF_ERROR(
      writer->AddSection(kNodesSection, {nodes_.data(), num_nodes_ * store_.shape().bytes},
                         {.row_bytes = static_cast<uint32_t>(store_.shape().bytes)}));
  const std::vector<float>& mean = store_.frame().mean;
  if (!mean.empty()) {
    KITH_RETURN_IF_ERROR(writer->AddSection(kMeanSection, std::as_bytes(std::span(mean))));
  }
  return writer->AddSection(kSignsSection, std::as_bytes(std::span(signs_)));
}

}  // namespace kith::graph
