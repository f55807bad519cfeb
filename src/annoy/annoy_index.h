// What an AnnoyIndex holds.
#ifndef KITH_ANNOY_ANNOY_INDEX_H_
#define KITH_ANNOY_ANNOY_INDEX_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "annoy/build.h"
#include "annoy/items.h"
#include "annoy/layout.h"
#include "annoy/search.h"
#include "base/pool.h"
#include "kith/annoy.h"

namespace kith::annoy {

inline constexpr uint64_t kSeed = 1234567890987654321u;  // Annoy's own
inline constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();

inline Status Busy() {
  return Status::Unsupported("another thread is building or saving this index; wait for it");
}

// How many entries a search reads, by Annoy's rule: -1 is as many as n neighbours in each tree are.
inline uint64_t EntriesToRead(int64_t n, int64_t search_k, size_t num_roots) {
  if (search_k >= 0) return static_cast<uint64_t>(search_k);
  if (search_k < -1 || n < 0) return kNoLimit;
  const auto wanted = static_cast<uint64_t>(n);
  return num_roots > 0 && wanted > kNoLimit / num_roots ? kNoLimit : wanted * num_roots;
}

}  // namespace kith::annoy

namespace kith {

struct AnnoyIndex::Impl {
  annoy::Layout layout;

  // Held for moments only, so that a front end may wait for it with its own locks held.
  mutable std::mutex mutex;
  std::shared_ptr<const annoy::Snapshot> snapshot;  // built or loaded, else null
  std::shared_ptr<annoy::ItemStore> items;          // null if it is loaded, or was never given one
  bool loaded = false;
  bool busy = false;      // another thread works on the items without the lock
  uint64_t unloads = 0;   // by which it notices that they are gone
  std::string disk_path;  // where items on disk will be
  uint64_t seed = annoy::kSeed;

  mutable Pool<annoy::Scratch> scratch;

  std::shared_ptr<const annoy::Snapshot> Current() const {
    const std::lock_guard lock(mutex);
    return snapshot;
  }

  void Reset() {
    snapshot.reset();
    items.reset();
    loaded = false;
    disk_path.clear();
  }

  // REQUIRES: mutex is held; not loaded.
  const std::shared_ptr<annoy::ItemStore>& Items() {
    if (!items) items = std::make_shared<annoy::ItemStore>(layout);
    return items;
  }

  // Ends a time of being busy, begun after `unloads_then`. False if Unload() has ended it already.
  // REQUIRES: mutex is held.
  bool Finish(uint64_t unloads_then) {
    if (unloads != unloads_then) return false;
    busy = false;
    return true;
  }

  // Replaces all there is by what was read from a file.
  Status Replace(std::shared_ptr<const annoy::Snapshot> read) {
    const std::lock_guard lock(mutex);
    if (busy) return annoy::Busy();
    Publish(std::move(read));
    return Status::Ok();
  }

  // REQUIRES: mutex is held.
  void Publish(std::shared_ptr<const annoy::Snapshot> read) {
    snapshot = std::move(read);
    items.reset();
    disk_path.clear();
    loaded = true;
  }

  size_t NumItems() const {
    return snapshot ? snapshot->nodes.num_items : items ? items->num_items() : 0;
  }

  // Annoy's messages.
  Status CheckId(int64_t id) const {
    if (id < 0) return Status::NotFound("Item index can not be negative");
    if (static_cast<uint64_t>(id) >= NumItems()) {
      return Status::NotFound("Item index larger than the largest item index");
    }
    return Status::Ok();
  }

  // Copies an item's node. Errors: NotFound, IoError. REQUIRES: mutex is held.
  Status CopyNode(int64_t id, std::byte* node) const {
    KITH_RETURN_IF_ERROR(CheckId(id));
    const auto i = static_cast<size_t>(id);
    if (!snapshot) return items->Get(i, node);
    // The nodes of a file may be larger, with what is theirs alone before the vector.
    const std::byte* const from = snapshot->nodes.node(i);
    std::memcpy(node, from, layout.vector);
    std::memcpy(node + layout.vector, from + snapshot->nodes.layout.vector, layout.vector_bytes);
    return Status::Ok();
  }

  std::unique_ptr<annoy::Scratch> TakeScratch() const {
    std::unique_ptr<annoy::Scratch> taken = scratch.Take();
    return taken ? std::move(taken) : std::make_unique<annoy::Scratch>();
  }

  // Sets the query of a vector of floats. Errors: InvalidArgument, OutOfMemory.
  Status SetQuery(const float* vector, std::string_view what, annoy::Scratch* to) const {
    float norm = 0;
    KITH_RETURN_IF_ERROR(annoy::CheckVector(layout, vector, what, &norm));
    if (!layout.bits()) {
      return annoy::SetQuery(layout, reinterpret_cast<const std::byte*>(vector), to);
    }
    std::vector<std::byte> words(layout.vector_bytes);
    annoy::PackBits(vector, layout.dim, words.data());
    return annoy::SetQuery(layout, words.data(), to);
  }

  // Searches for the query in `with`, as a task of the pool.
  Status Find(const annoy::Snapshot* in, int64_t n, int64_t search_k, const ThreadPool& pool,
              annoy::Scratch* with) const {
    with->neighbors.clear();
    if (in == nullptr) return Status::Ok();
    const uint64_t wanted = n < 0 ? annoy::kNoLimit : static_cast<uint64_t>(n);
    return annoy::Search(in->nodes, wanted, annoy::EntriesToRead(n, search_k, in->nodes.num_roots),
                         pool, with);
  }

  static void Copy(const annoy::Scratch& from, std::vector<int32_t>* ids,
                   std::vector<float>* distances) {
    ids->clear();
    if (distances != nullptr) distances->clear();
    for (const annoy::Neighbor& neighbor : from.neighbors) {
      ids->push_back(neighbor.id);
      if (distances != nullptr) distances->push_back(neighbor.distance);
    }
  }
};

}  // namespace kith

#endif  // KITH_ANNOY_ANNOY_INDEX_H_
