// Grows the trees of an index, in memory or behind its items on disk.
#ifndef KITH_ANNOY_BUILD_H_
#define KITH_ANNOY_BUILD_H_

#include <cstdint>
#include <memory>
#include <string>

#include "annoy/items.h"
#include "annoy/layout.h"
#include "base/aligned_buffer.h"
#include "base/file.h"
#include "base/growing_memory.h"
#include "base/thread_pool.h"
#include "kith/status.h"
#include "kith/types.h"

namespace kith::annoy {

// An index that can be searched, and what holds its bytes. Immutable.
struct Snapshot {
  Nodes nodes;
  size_t num_trees = 0;
  std::string path;  // of the file it is mapped from, if any
  std::shared_ptr<const MappedFile> file;
  AlignedBuffer<std::byte> bytes;
  GrowingMemory trees;
  std::unique_ptr<ItemStore::Lease> items;
};

struct ForestOptions {
  int num_trees = -1;
  uint64_t seed = 0;
  const Progress* progress = nullptr;
};

// Errors: as AnnoyIndex::Build. If `store` is on disk, its file gets its name.
Result<std::shared_ptr<const Snapshot>> BuildForest(const Layout& layout,
                                                    const std::shared_ptr<ItemStore>& store,
                                                    const std::string& path,
                                                    const ForestOptions& options, ThreadPool& pool);

}  // namespace kith::annoy

#endif  // KITH_ANNOY_BUILD_H_
