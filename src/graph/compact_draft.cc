#include "graph/compact_draft.h"

#include <utility>

#include "data/convert.h"
#include "graph/graph_of.h"
#include "graph/stores.h"
#include "search/metric_traits.h"
#include "search/stored_vectors.h"

namespace kith::graph {
Result<std::unique_ptr<CompactDraft>> CompactDraft::Create(const MatrixView& rows,
                                                           std::span<const uint32_t> nodes,
                                                           Metric metric, float max_norm,
                                                           size_t degree, const Space& space,
                                                           ThreadPool& pool) {
  std::unique_ptr<CompactDraft> draft(new CompactDraft);
  search::VectorTable table = space.table();
  if (search::TraitsOf(metric).products) {
    // The edges that queries of products need are found by searches as those: in the space, where
    // all vectors have one length, long ones would be met by nobody.
    const size_t stride = search::RowStride(rows.dtype, rows.dim);
    KITH_ASSIGN_OR_RETURN(draft->rows_, data::GatherRows(rows, nodes, stride, pool));
    table.rows = {draft->rows_.data(), nodes.size(), rows.dim, stride, rows.dtype};
    table.padded_bytes = stride;
    table.metric = metric;
  }
  draft->built_on_ = table;
  draft->store_ = CompactStore({0, degree, {}, table.metric, max_norm}, nullptr, table);
  return draft;
}

std::unique_ptr<CompactDraft> CompactDraft::Over(const search::VectorTable& nodes, size_t degree,
                                                 float max_norm) {
  std::unique_ptr<CompactDraft> draft(new CompactDraft);
  draft->built_on_ = nodes;
  draft->store_ = CompactStore({0, degree, {}, nodes.metric, max_norm}, nullptr, nodes);
  return draft;
}

Status CompactDraft::Show(const Edges& edges, ThreadPool& /*pool*/) {
  Outline outline = store_.outline();
  outline.num_nodes = static_cast<uint32_t>(edges.table.size());
  outline.entries = edges.entries.nodes;
  outline.shell_entries = edges.entries.of_shells;
  store_.set_outline(outline);
  store_.set_links(edges.table.links.data());
  return Status::Ok();
}

void CompactDraft::Compare(const search::VectorTable* stored) {
  const search::VectorTable& table = stored != nullptr ? *stored : built_on_;
  Outline outline = store_.outline();
  outline.metric = table.metric;
  store_ = CompactStore(outline, store_.Links(0), table);
}

void CompactDraft::SetReach(float reach) {
  Outline outline = store_.outline();
  outline.reach = reach;
  store_.set_outline(outline);
}

Result<std::unique_ptr<NodeSearches>> CompactDraft::Searches(const NodeQueries& queries,
                                                             const Terms& terms,
                                                             const ThreadPool& pool) const {
  return NodeSearchesOf<CompactStore>::Create(store_, {}, queries, terms, pool);
}

void CompactDraft::Describe(Header* header) const {
  header->layout = static_cast<uint32_t>(CompactStore::kLayout);
  header->code_bits = 0;
  header->own_bytes = 0;
}

std::unique_ptr<Graph> CompactDraft::Open(const Header& header, const RowsOfNodes& rows) const {
  Outline outline = store_.outline();
  outline.metric = rows.vectors.table.metric;
  search::VectorTable vectors = rows.vectors.table;
  vectors.rows.rows = outline.num_nodes;
  return std::make_unique<GraphOf<CompactStore>>(
      header, rows, CompactStore(outline, store_.Links(0), vectors), nullptr);
}

Status CompactDraft::Write(storage::ContainerWriter* writer) const {
  return writer->AddSection(kLinksSection, store_.bytes(),
                            {.row_bytes = static_cast<uint32_t>(store_.node_bytes())});
}

}  // namespace kith::graph
