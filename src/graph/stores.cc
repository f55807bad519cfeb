#include "graph/stores.h"

#include <utility>

#include "graph/graph_of.h"

namespace kith::graph {
namespace {

template <FileStore Store>
Result<std::unique_ptr<Graph>> Open(const Header& header, const Outline& outline,
                                    const RowsOfNodes& rows,
                                    std::shared_ptr<const storage::ContainerReader> file) {
  search::VectorTable vectors = rows.vectors.table;
  vectors.rows.rows = outline.num_nodes;
  KITH_ASSIGN_OR_RETURN(Store store, Store::Open(*file, header, outline, vectors));
  return std::unique_ptr<Graph>(
      new GraphOf<Store>(header, rows, std::move(store), std::move(file)));
}

constexpr struct {
  GraphLayout layout;
  OpenFn open;
} kStores[] = {
    {PackedStore::kLayout, Open<PackedStore>},
    {CompactStore::kLayout, Open<CompactStore>},
};

}  // namespace

template class Walk<PackedStore>;
template class Walk<CompactStore>;

OpenFn OpenerOf(uint32_t layout) {
  for (const auto& store : kStores) {
    if (static_cast<uint32_t>(store.layout) == layout) return store.open;
  }
  return nullptr;
}

}  // namespace kith::graph
