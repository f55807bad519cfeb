// The items of an index that is not built yet.
#ifndef KITH_ANNOY_ITEMS_H_
#define KITH_ANNOY_ITEMS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "annoy/layout.h"
#include "base/file.h"
#include "base/growing_memory.h"
#include "kith/status.h"

namespace kith::annoy {

// InvalidArgument for a NaN or infinity, and for a vector whose squared length is beyond float
// where the metric needs it; `what` begins the message. *squared_norm: its squared length.
Status CheckVector(const Layout& layout, const float* vector, std::string_view what,
                   float* squared_norm);

// Nodes of items in memory, or in a temporary file that becomes the index's. Not thread-safe, but
// for Lease.
class ItemStore {
 public:
  explicit ItemStore(const Layout& layout) : layout_(layout) {}

  // Errors: as AnnoyIndex::AddItem. REQUIRES: id < kMaxNodes.
  Status Put(size_t id, const float* vector);
  // Copies the node of an item. REQUIRES: id < num_items(). Errors: IoError.
  Status Get(size_t id, std::byte* node);
  // Takes nodes [count] as they are, after those there are. Errors: OutOfMemory, IoError.
  Status Append(const std::byte* nodes, size_t count);
  // From now on in a temporary file. Errors: as AtomicFile.
  Status MoveToDisk(const FileTarget& target);
  // Completes the nodes, whose fields may depend on all items, and makes them readable in nodes().
  // Until the next Put() or Append(). Errors: IoError, OutOfMemory.
  Status Finish();

  size_t num_items() const { return num_items_; }
  const std::byte* nodes() const { return mapped_ ? mapped_->bytes().data() : memory_.data(); }
  // Where the trees of an index on disk follow; null in memory.
  AtomicFile* file() { return file_.get(); }

  // Held by those who read nodes() while others may want to change them.
  class Lease {
   public:
    explicit Lease(std::shared_ptr<const ItemStore> store) : store_(std::move(store)) {
      store_->readers_.fetch_add(1, std::memory_order_relaxed);
    }
    ~Lease() { store_->readers_.fetch_sub(1, std::memory_order_release); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

   private:
    std::shared_ptr<const ItemStore> store_;
  };
  bool leased() const { return readers_.load(std::memory_order_acquire) > 0; }

 private:
  Status MakeRoom(size_t num_items);
  Status SetFactors();

  const Layout layout_;
  size_t num_items_ = 0;
  GrowingMemory memory_;
  std::unique_ptr<AtomicFile> file_;
  std::shared_ptr<const MappedFile> mapped_;
  std::vector<std::byte> node_;  // one on its way to the file
  mutable std::atomic<int> readers_{0};
};

}  // namespace kith::annoy

#endif  // KITH_ANNOY_ITEMS_H_
