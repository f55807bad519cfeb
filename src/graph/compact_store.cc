#include "graph/compact_store.h"

namespace kith::graph {

CompactStore::CompactStore(const Outline& outline, const uint32_t* links,
                           const search::VectorTable& vectors)
    : outline_(outline),
      links_(links),
      table_(vectors),
      row_bytes_(RowBytes(vectors.rows.dtype, vectors.rows.dim)) {}

Result<CompactStore> CompactStore::Open(const storage::ContainerReader& in, const Header& header,
                                        const Outline& outline,
                                        const search::VectorTable& vectors) {
  KITH_ASSIGN_OR_RETURN(
      const auto links,
      in.Array<uint32_t>(kLinksSection, uint64_t{header.num_nodes} * header.degree));
  return CompactStore(outline, links.data(), vectors);
}

Result<CompactStore::Query> CompactStore::NewQuery() const {
  Query query;
  query.met.resize(outline_.degree);
  KITH_ASSIGN_OR_RETURN(query.distances, AlignedBuffer<float>::Create(outline_.degree));
  return query;
}

void CompactStore::Expand(uint32_t node, Query* query, Frontier* frontier,
                          SearchStats* stats) const {
  const uint32_t* links = Links(node);
  uint32_t* met = query->met.data();
  float* distances = query->distances.data();
  size_t count = 0;
  for (size_t i = 0; i < outline_.degree; ++i) {
    if (frontier->Meet(links[i])) met[count++] = links[i];
  }
  Distances(*query, met, count, distances);
  stats->distances += count;
  stats->bytes += outline_.degree * sizeof(uint32_t) + count * row_bytes_;
  const float limit = frontier->limit();
  for (size_t i = 0; i < count; ++i) {
    frontier->Found(distances[i], met[i]);
    const float key = frontier->Key(distances[i]);
    if (key <= frontier->Reach() && key < limit) frontier->Offer(key, met[i]);
  }
  frontier->Enter();
}

}  // namespace kith::graph
