// The stores that graphs in files have: one line each, here and in stores.cc.
#ifndef KITH_GRAPH_STORES_H_
#define KITH_GRAPH_STORES_H_

#include <cstdint>
#include <memory>

#include "graph/compact_store.h"
#include "graph/graph.h"
#include "graph/packed_store.h"
#include "graph/walk.h"

namespace kith::graph {

extern template class Walk<PackedStore>;
extern template class Walk<CompactStore>;

// Opens a graph whose header, entries and copies were checked. Errors: Corruption.
using OpenFn = Result<std::unique_ptr<Graph>> (*)(
    const Header& header, const Outline& outline, const RowsOfNodes& rows,
    std::shared_ptr<const storage::ContainerReader> file);

// nullptr: there is no such layout.
OpenFn OpenerOf(uint32_t layout);

}  // namespace kith::graph

#endif  // KITH_GRAPH_STORES_H_
