// A graph over any store: the one place where the rest of kith meets what a store is.
#ifndef KITH_GRAPH_GRAPH_OF_H_
#define KITH_GRAPH_GRAPH_OF_H_

#include <algorithm>
#include <atomic>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/huge_buffer.h"
#include "base/pool.h"
#include "base/strings.h"
#include "graph/graph.h"
#include "graph/store.h"
#include "graph/walk.h"

namespace kith::graph {

// A store that may be in a file.
template <class Store>
concept FileStore = NodeStore<Store> &&
    requires(const Store& store, Store* mutable_store, const storage::ContainerReader& in,
             const Header& header, const Outline& outline, const search::VectorTable& vectors,
             const Verification& check, const std::byte* bytes, uint32_t node) {
  { Store::kLayout } -> std::convertible_to<GraphLayout>;
  // The section that links lie in.
  { Store::kSection } -> std::convertible_to<std::string_view>;
  // The neighbours of a node, [degree] of them, kNoNode where there are fewer.
  { store.Links(node) } -> std::same_as<const uint32_t*>;
  // The header and outline were checked for what all layouts have. Errors: Corruption.
  { Store::Open(in, header, outline, vectors) } -> std::same_as<Result<Store>>;
  // Checks all that walks rely on but links, which name nodes. Errors: Corruption, OutOfMemory,
  // InvalidArgument (cancelled).
  { store.Verify(in, vectors, check) } -> std::same_as<Status>;
  // All that walks read beside the vectors, and the same somewhere else.
  { store.bytes() } -> std::same_as<std::span<const std::byte>>;
  {mutable_store->set_bytes(bytes)};
  // What one visit reads of these.
  { store.node_bytes() } -> std::same_as<size_t>;
};

template <FileStore Store>
class GraphOf final : public Graph {
 public:
  GraphOf(const Header& header, const RowsOfNodes& rows, Store store,
          std::shared_ptr<const storage::ContainerReader> file)
      : Graph(header, rows, store.outline(), std::move(file)), store_(std::move(store)) {}

  GraphLayout layout() const override { return Store::kLayout; }
  size_t node_bytes() const override { return store_.node_bytes(); }
  const uint32_t* LinksOf(uint32_t node) const override { return store_.Links(node); }
  double VisitNs() const override {
    const auto bytes = static_cast<double>(node_bytes());
    if constexpr (!Store::kMeetsWithDistance) return 150 + 0.19 * bytes;
    // More than half of the neighbours were met before.
    const auto& rows = store_.table().rows;
    const auto row = static_cast<double>(RowBytes(rows.dtype, rows.dim));
    return 100 + 0.4 * static_cast<double>(outline().degree) * (25 + 0.06 * row);
  }

  Status UseHugePages() override {
    KITH_ASSIGN_OR_RETURN(huge_, HugeBuffer::CopyOf(store_.bytes()));
    store_.set_bytes(huge_.data());
    return Status::Ok();
  }

 private:
  struct Scratch {
    std::vector<Walk<Store>> walks;
    std::vector<float> query;
    std::vector<search::Candidate> found;
    std::vector<uint32_t> ids;
    std::vector<float> distances;
  };

  Result<std::unique_ptr<Scratch>> Borrow(size_t walks) const {
    std::unique_ptr<Scratch> scratch = scratch_.Take();
    if (scratch == nullptr) {
      scratch = std::make_unique<Scratch>();
      scratch->query.resize(store_.table().rows.dim);
    }
    while (scratch->walks.size() < walks) {
      scratch->walks.emplace_back();
      KITH_RETURN_IF_ERROR(scratch->walks.back().Init(store_));
    }
    return scratch;
  }

  // Replaces distances to rounded vectors by true ones.
  void CompareInFull(const Batch& batch, size_t slot, Scratch* scratch, SearchStats* stats) const {
    std::vector<search::Candidate>& found = scratch->found;
    const size_t count = found.size();
    scratch->ids.resize(count);
    scratch->distances.resize(count);
    for (size_t i = 0; i < count; ++i) scratch->ids[i] = found[i].row;
    batch.scorer()->ScoreIds(slot, scratch->ids.data(), count, scratch->distances.data());
    for (size_t i = 0; i < count; ++i) found[i].distance = scratch->distances[i];
    // Damaged files may hold vectors that no distance can be told of, which would make sorting
    // undefined.
    std::erase_if(found, [](const search::Candidate& c) { return std::isnan(c.distance); });
    stats->distances += count;
    stats->bytes += count * RowBytes(store_.table().rows.dtype, store_.table().rows.dim);
  }

  Status SearchSome(const Asked& asked, size_t begin, size_t end, const ThreadPool& pool,
                    search::HitsBuilder* found, SearchStats* stats) const override {
    const size_t in_flight = std::min(kWalksAtOnce, end - begin);
    KITH_ASSIGN_OR_RETURN(std::unique_ptr<Scratch> scratch, Borrow(in_flight));
    KITH_ASSIGN_OR_RETURN(const Batch batch,
                          Batch::Create(&store_.table(), asked.queries, begin, end));
    std::vector<size_t> walked;
    std::vector<size_t> compared;  // with all of their sets
    for (size_t slot = 0; slot < batch.size(); ++slot) {
      (ComparesSet(asked, batch.query(slot)) ? compared : walked).push_back(slot);
    }
    const auto start = [&](Walk<Store>* walk, size_t i) {
      const size_t slot = walked[i];
      const size_t query = batch.query(slot);
      const Terms terms = TermsOf(asked, query, scratch->query.data());
      const ShellRange shells{0, store_.outline().NumShells()};
      if (const std::optional<uint32_t> own = OwnNode(asked, query)) {
        walk->StartAt(*own, batch, slot, terms, FilterOf(asked, query), shells, stats);
      } else {
        walk->Start(batch, slot, terms, FilterOf(asked, query), shells, stats);
      }
    };
    const auto finish = [&](Walk<Store>* walk, size_t i) {
      const size_t slot = walked[i];
      if (walk->gave_up()) return compared.push_back(slot);
      scratch->found = walk->found().Sorted();
      if (store_.rounded()) CompareInFull(batch, slot, scratch.get(), stats);
      const size_t query = batch.query(slot);
      ToRows(asked, query, scratch->found, &found->at(query));
    };
    KITH_RETURN_IF_ERROR(
        RunWalks(std::span(scratch->walks), in_flight, walked.size(), pool, start, finish, stats));
    if (!compared.empty()) {
      std::sort(compared.begin(), compared.end());
      KITH_RETURN_IF_ERROR(CompareSets(asked, batch, compared, pool, found, stats));
    }
    scratch_.Give(std::move(scratch));
    return Status::Ok();
  }

  Status VerifyStore(const Verification& check) const override {
    KITH_RETURN_IF_ERROR(VerifyLinks(check));
    return store_.Verify(*file(), rows().vectors.table, check);
  }

  // That links name nodes, and lead to every node from the entries.
  Status VerifyLinks(const Verification& check) const {
    constexpr size_t kNodesAtOnce = 4096;
    const uint32_t n = outline().num_nodes;
    const auto named = [&](size_t begin, size_t end, int /*thread*/) -> Status {
      for (size_t node = begin; node < end; ++node) {
        KITH_RETURN_IF_ERROR(
            BadLink(Store::kSection, node, store_.Links(static_cast<uint32_t>(node))));
      }
      return Status::Ok();
    };
    KITH_RETURN_IF_ERROR(check.Chunks("links", n, kNodesAtOnce, named));
    // From level to level: which nodes are reached does not depend on who comes first.
    std::vector<std::atomic<bool>> reached(n);
    std::vector<uint32_t> level(outline().entries.begin(), outline().entries.end());
    for (const uint32_t entry : level) reached[entry] = true;
    std::vector<std::vector<uint32_t>> next(static_cast<size_t>(check.pool->size()));
    while (!level.empty()) {
      const auto follow = [&](size_t begin, size_t end, int thread) {
        for (size_t i = begin; i < end; ++i) {
          const uint32_t* links = store_.Links(level[i]);
          for (size_t j = 0; j < outline().degree && links[j] != kNoNode; ++j) {
            if (!reached[links[j]].exchange(true)) next[thread].push_back(links[j]);
          }
        }
      };
      KITH_RETURN_IF_ERROR(check.pool->CheckStop());
      if (level.size() <= kNodesAtOnce) {
        follow(0, level.size(), 0);  // long chains have many levels of few nodes
      } else {
        KITH_RETURN_IF_ERROR(check.pool->Chunks(level.size(), kNodesAtOnce, follow));
      }
      level.clear();
      for (std::vector<uint32_t>& part : next) {
        level.insert(level.end(), part.begin(), part.end());
        part.clear();
      }
    }
    const auto lost = std::find(reached.begin(), reached.end(), false);
    return lost == reached.end()
               ? Status::Ok()
               : Unreached(Store::kSection, static_cast<size_t>(lost - reached.begin()));
  }

  Store store_;
  HugeBuffer huge_;
  mutable Pool<Scratch> scratch_;
};

}  // namespace kith::graph

#endif  // KITH_GRAPH_GRAPH_OF_H_
