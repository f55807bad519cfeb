#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <mutex>
#include <span>
#include <utility>

#include "annoy/build.h"
#include "annoy/check.h"
#include "annoy/items.h"
#include "annoy/layout.h"
#include "annoy/search.h"
#include "base/edge.h"
#include "base/file.h"
#include "base/pool.h"
#include "base/strings.h"
#include "base/thread_pool.h"
#include "kith/annoy.h"
#include "simd/kernels.h"

namespace kith {

using annoy::Scratch;
using annoy::Snapshot;

namespace {

constexpr uint64_t kAnnoySeed = 1234567890987654321u;
constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();

Status Busy() {
  return Status::Unsupported("another thread is building or saving this index; wait for it");
}

// The ids of Annoy's rule: -1 is as many entries as n neighbours in each tree are.
uint64_t EntriesToRead(int64_t n, int64_t search_k, size_t num_roots) {
  if (search_k >= 0) return static_cast<uint64_t>(search_k);
  if (search_k < -1 || n < 0) return kNoLimit;
  const auto wanted = static_cast<uint64_t>(n);
  return num_roots > 0 && wanted > kNoLimit / num_roots ? kNoLimit : wanted * num_roots;
}

}  // namespace

struct AnnoyIndex::Impl {
  annoy::Layout layout;

  // Held for moments only, so that a front end may wait for it with its own locks held.
  mutable std::mutex mutex;
  std::shared_ptr<const Snapshot> snapshot;  // built or loaded, else null
  std::shared_ptr<annoy::ItemStore> items;   // null if it is loaded, or was never given one
  bool loaded = false;
  bool busy = false;      // another thread works on the items without the lock
  uint64_t unloads = 0;   // by which it notices that they are gone
  std::string disk_path;  // where items on disk will be
  uint64_t seed = kAnnoySeed;

  mutable Pool<Scratch> scratch;

  std::shared_ptr<const Snapshot> Current() const {
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
  Status Replace(std::shared_ptr<const Snapshot> read) {
    const std::lock_guard lock(mutex);
    if (busy) return Busy();
    Publish(std::move(read));
    return Status::Ok();
  }

  // REQUIRES: mutex is held.
  void Publish(std::shared_ptr<const Snapshot> read) {
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

  std::unique_ptr<Scratch> TakeScratch() const {
    std::unique_ptr<Scratch> taken = scratch.Take();
    return taken ? std::move(taken) : std::make_unique<Scratch>();
  }

  // Sets the query of a vector of floats. Errors: InvalidArgument, OutOfMemory.
  Status SetQuery(const float* vector, std::string_view what, Scratch* to) const {
    float norm = 0;
    KITH_RETURN_IF_ERROR(annoy::CheckVector(layout, vector, what, &norm));
    if (!layout.bits()) {
      return annoy::SetQuery(layout, reinterpret_cast<const std::byte*>(vector), to);
    }
    std::vector<std::byte> words(layout.vector_bytes);
    annoy::PackBits(vector, layout.dim, words.data());
    return annoy::SetQuery(layout, words.data(), to);
  }

  // Searches for the query in `with`.
  Status Find(const Snapshot* in, int64_t n, int64_t search_k, Scratch* with) const {
    with->neighbors.clear();
    if (in == nullptr) return Status::Ok();
    const uint64_t wanted = n < 0 ? kNoLimit : static_cast<uint64_t>(n);
    return annoy::Search(in->nodes, wanted, EntriesToRead(n, search_k, in->nodes.num_roots), with);
  }

  static void Copy(const Scratch& from, std::vector<int32_t>* ids, std::vector<float>* distances) {
    ids->clear();
    if (distances != nullptr) distances->clear();
    for (const annoy::Neighbor& neighbor : from.neighbors) {
      ids->push_back(neighbor.id);
      if (distances != nullptr) distances->push_back(neighbor.distance);
    }
  }
};

AnnoyIndex::AnnoyIndex(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AnnoyIndex::~AnnoyIndex() = default;

Result<std::unique_ptr<AnnoyIndex>> AnnoyIndex::Create(Metric metric, size_t dim) {
  return CatchAll([&]() -> Result<std::unique_ptr<AnnoyIndex>> {
    KITH_RETURN_IF_ERROR(simd::CheckTarget());
    if (static_cast<size_t>(metric) >= kNumMetrics) {
      return Status::InvalidArgument("No such metric");
    }
    if (dim < 1 || dim > kMaxDim) {
      return Status::InvalidArgument(StrCat("dimension ", dim, " is not between 1 and ", kMaxDim));
    }
    auto impl = std::make_unique<Impl>();
    impl->layout = annoy::MakeLayout(metric, dim);
    return std::unique_ptr<AnnoyIndex>(new AnnoyIndex(std::move(impl)));
  });
}

Metric AnnoyIndex::metric() const { return impl_->layout.metric; }
size_t AnnoyIndex::dim() const { return impl_->layout.dim; }

AnnoyState AnnoyIndex::state() const {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->loaded) return AnnoyState::kLoaded;
  return impl_->snapshot ? AnnoyState::kBuilt : AnnoyState::kItems;
}

size_t AnnoyIndex::num_items() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->NumItems();
}

size_t AnnoyIndex::num_trees() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->snapshot ? impl_->snapshot->num_trees : 0;
}

std::string AnnoyIndex::path() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->snapshot ? impl_->snapshot->path : "";
}

Status AnnoyIndex::AddItem(int64_t id, const float* vector) {
  return CatchAll([&]() -> Status {
    Impl& impl = *impl_;
    const std::lock_guard lock(impl.mutex);
    if (id < 0) return Status::NotFound("Item index can not be negative");
    if (static_cast<uint64_t>(id) >= annoy::kMaxNodes) {
      return Status::InvalidArgument(
          StrCat("item ", id, ": ids are smaller than ", annoy::kMaxNodes, " in Annoy's files"));
    }
    if (impl.busy) return Busy();
    if (impl.loaded) return Status::Unsupported("You can't add an item to a loaded index");
    if (impl.snapshot) {
      return Status::Unsupported("You can't add an item to a built index; unbuild it first");
    }
    if (impl.Items()->leased()) {
      // Searches begun before Unbuild() still read these items: the new ones are others.
      auto copy = std::make_shared<annoy::ItemStore>(impl.layout);
      KITH_RETURN_IF_ERROR(copy->Append(impl.items->nodes(), impl.items->num_items()));
      impl.items = std::move(copy);
    }
    return impl.items->Put(static_cast<size_t>(id), vector);
  });
}

Status AnnoyIndex::OnDiskBuild(const std::string& path) {
  return CatchAll([&]() -> Status {
    Impl& impl = *impl_;
    const std::lock_guard lock(impl.mutex);
    if (impl.busy) return Busy();
    if (impl.loaded) return Status::Unsupported("You can't build a loaded index");
    if (impl.snapshot) return Status::Unsupported("You can't build a built index");
    if (impl.Items()->leased()) {
      return Status::Unsupported("a search of this index is going on; wait for it");
    }
    KITH_RETURN_IF_ERROR(impl.items->MoveToDisk(path));
    impl.disk_path = path;
    return Status::Ok();
  });
}

Status AnnoyIndex::Build(int num_trees, int threads, const Progress& progress,
                         std::stop_token stop) {
  return CatchAll([&]() -> Status {
    Impl& impl = *impl_;
    annoy::ForestOptions options{num_trees, 0, &progress};
    std::shared_ptr<annoy::ItemStore> items;
    std::string path;
    uint64_t unloads = 0;
    {
      const std::lock_guard lock(impl.mutex);
      if (impl.busy) return Busy();
      if (impl.loaded) return Status::Unsupported("You can't build a loaded index");
      if (impl.snapshot) return Status::Unsupported("You can't build a built index");
      if (num_trees < -1) {
        return Status::InvalidArgument(StrCat(num_trees, " trees; give a number, or -1"));
      }
      items = impl.Items();
      path = impl.disk_path;
      impl.busy = true;
      unloads = impl.unloads;
      options.seed = impl.seed;
    }
    // Whatever goes wrong, nobody is busy afterwards.
    auto built = AtEdge({}, "build fewer trees, or with fewer threads", [&] {
      ThreadPool pool(std::max(threads, 0), std::move(stop));
      return annoy::BuildForest(impl.layout, items, path, options, pool);
    });
    const std::lock_guard lock(impl.mutex);
    const bool still_there = impl.Finish(unloads);
    KITH_RETURN_IF_ERROR(built.status());
    if (!still_there) return Status::Unsupported("the index was unloaded while it was built");
    impl.snapshot = std::move(*built);
    return Status::Ok();
  });
}

Status AnnoyIndex::Unbuild() {
  return CatchAll([&]() -> Status {
    Impl& impl = *impl_;
    const std::lock_guard lock(impl.mutex);
    if (impl.busy) return Busy();
    if (impl.loaded) return Status::Unsupported("You can't unbuild a loaded index");
    if (!impl.snapshot) return Status::Ok();
    if (!impl.disk_path.empty()) {
      // The file has its name and stays as it is; its items go to a new one.
      const annoy::Nodes& nodes = impl.snapshot->nodes;
      auto items = std::make_shared<annoy::ItemStore>(impl.layout);
      KITH_RETURN_IF_ERROR(items->MoveToDisk(impl.disk_path));
      KITH_RETURN_IF_ERROR(items->Append(nodes.items, nodes.num_items));
      impl.items = std::move(items);
    }
    impl.snapshot.reset();
    return Status::Ok();
  });
}

namespace {

Result<std::shared_ptr<const Snapshot>> ReadSnapshot(const annoy::Layout& layout,
                                                     std::shared_ptr<const MappedFile> file,
                                                     bool prefault) {
  auto snapshot = std::make_shared<Snapshot>();
  KITH_ASSIGN_OR_RETURN(snapshot->nodes,
                        annoy::ReadNodes(layout.metric, layout.dim, file->bytes(), file->path()));
  if (prefault) file->Prefault();
  snapshot->num_trees = snapshot->nodes.num_roots;
  snapshot->path = file->path();
  snapshot->file = std::move(file);
  return std::shared_ptr<const Snapshot>(std::move(snapshot));
}

// The two pieces of what a file holds.
struct Pieces {
  std::span<const std::byte> items;
  std::span<const std::byte> trees;
};

Pieces PiecesOf(const annoy::Nodes& nodes) {
  const size_t size = nodes.layout.node_size;
  return {{nodes.items, nodes.num_items * size},
          {nodes.trees, (nodes.num_nodes - nodes.num_items) * size}};
}

Status NotBuilt() { return Status::Unsupported("You can't save an index that hasn't been built"); }

}  // namespace

Status AnnoyIndex::Save(const std::string& path, bool prefault) {
  return CatchAll([&]() -> Status {
    Impl& impl = *impl_;
    std::shared_ptr<const Snapshot> saved;
    uint64_t unloads = 0;
    {
      const std::lock_guard lock(impl.mutex);
      if (impl.busy) return Busy();
      if (!impl.snapshot) return NotBuilt();
      saved = impl.snapshot;
      unloads = impl.unloads;
      impl.busy = true;
    }
    const auto write = [&]() -> Result<std::shared_ptr<const Snapshot>> {
      if (saved->nodes.num_nodes == 0) {
        return Status::IoError(StrCat(path, ": Size of file is zero; there is nothing to save"));
      }
      KITH_ASSIGN_OR_RETURN(const auto file, AtomicFile::Create(path));
      const Pieces pieces = PiecesOf(saved->nodes);
      KITH_RETURN_IF_ERROR(file->Write(pieces.items));
      KITH_RETURN_IF_ERROR(file->Write(pieces.trees));
      KITH_ASSIGN_OR_RETURN(auto mapped, file->Map());
      auto snapshot = std::make_shared<Snapshot>();
      snapshot->nodes = saved->nodes;
      snapshot->nodes.items = mapped->bytes().data();
      snapshot->nodes.trees = snapshot->nodes.items + pieces.items.size();
      snapshot->num_trees = saved->num_trees;
      snapshot->path = path;
      if (prefault) mapped->Prefault();
      snapshot->file = std::move(mapped);
      // Last of all: nothing may go wrong once the file is there.
      KITH_RETURN_IF_ERROR(file->Commit());
      return std::shared_ptr<const Snapshot>(std::move(snapshot));
    };
    auto written = CatchAll(write);
    const std::lock_guard lock(impl.mutex);
    const bool still_there = impl.Finish(unloads);
    KITH_RETURN_IF_ERROR(written.status());
    if (still_there) impl.Publish(std::move(*written));
    return Status::Ok();
  });
}

Status AnnoyIndex::Load(const std::string& path, bool prefault) {
  return CatchAll([&]() -> Status {
    KITH_ASSIGN_OR_RETURN(auto file, MappedFile::Open(path));
    KITH_ASSIGN_OR_RETURN(auto snapshot, ReadSnapshot(impl_->layout, std::move(file), prefault));
    return impl_->Replace(std::move(snapshot));
  });
}

Status AnnoyIndex::ToBytes(std::string* bytes) const {
  return AtEdge({}, "save to a file instead", [&]() -> Status {
    const std::shared_ptr<const Snapshot> snapshot = impl_->Current();
    if (!snapshot) return NotBuilt();
    const Pieces pieces = PiecesOf(snapshot->nodes);
    bytes->clear();
    bytes->reserve(pieces.items.size() + pieces.trees.size());
    for (const std::span<const std::byte> piece : {pieces.items, pieces.trees}) {
      bytes->append(reinterpret_cast<const char*>(piece.data()), piece.size());
    }
    return Status::Ok();
  });
}

Status AnnoyIndex::FromBytes(std::string bytes) {
  return CatchAll([&]() -> Status {
    auto snapshot = std::make_shared<Snapshot>();
    KITH_ASSIGN_OR_RETURN(snapshot->bytes, AlignedBuffer<std::byte>::Create(bytes.size()));
    if (!bytes.empty()) std::memcpy(snapshot->bytes.data(), bytes.data(), bytes.size());
    KITH_ASSIGN_OR_RETURN(
        snapshot->nodes,
        annoy::ReadNodes(metric(), dim(), {snapshot->bytes.data(), bytes.size()}, "bytes"));
    snapshot->num_trees = snapshot->nodes.num_roots;
    return impl_->Replace(std::move(snapshot));
  });
}

void AnnoyIndex::Unload() {
  // Freed after the lock is given back.
  std::shared_ptr<const Snapshot> old;
  std::shared_ptr<annoy::ItemStore> old_items;
  const std::lock_guard lock(impl_->mutex);
  ++impl_->unloads;
  impl_->busy = false;
  old = std::move(impl_->snapshot);
  old_items = std::move(impl_->items);
  impl_->Reset();
}

Status AnnoyIndex::Verify() const {
  return CatchAll([&]() -> Status {
    const std::shared_ptr<const Snapshot> snapshot = impl_->Current();
    if (!snapshot) return Status::Unsupported("an index that hasn't been built has no trees");
    return annoy::CheckNodes(snapshot->nodes, snapshot->path.empty() ? "index" : snapshot->path);
  });
}

void AnnoyIndex::SetSeed(uint64_t seed) {
  const std::lock_guard lock(impl_->mutex);
  impl_->seed = seed;
}

bool AnnoyIndex::HasItem(int64_t id) const {
  bool has = false;
  const Status found = CatchAll([&]() -> Status {
    std::vector<std::byte> node(impl_->layout.node_size);
    const std::lock_guard lock(impl_->mutex);
    KITH_RETURN_IF_ERROR(impl_->CopyNode(id, node.data()));
    has = annoy::ReadInt(node.data()) == 1;
    return Status::Ok();
  });
  return found.ok() && has;
}

Status AnnoyIndex::GetItem(int64_t id, float* out) const {
  return CatchAll([&]() -> Status {
    const annoy::Layout& layout = impl_->layout;
    std::vector<std::byte> node(layout.node_size);
    {
      const std::lock_guard lock(impl_->mutex);
      KITH_RETURN_IF_ERROR(impl_->CopyNode(id, node.data()));
    }
    if (layout.bits()) {
      annoy::UnpackBits(node.data() + layout.vector, layout.dim, out);
    } else {
      std::memcpy(out, node.data() + layout.vector, layout.vector_bytes);
    }
    return Status::Ok();
  });
}

Status AnnoyIndex::Distance(int64_t i, int64_t j, float* distance) const {
  return CatchAll([&]() -> Status {
    const annoy::Layout& layout = impl_->layout;
    std::vector<std::byte> nodes(2 * layout.node_size);
    {
      const std::lock_guard lock(impl_->mutex);
      KITH_RETURN_IF_ERROR(impl_->CopyNode(i, nodes.data()));
      KITH_RETURN_IF_ERROR(impl_->CopyNode(j, nodes.data() + layout.node_size));
    }
    std::unique_ptr<Scratch> scratch = impl_->TakeScratch();
    auto result =
        annoy::ItemDistance(layout, nodes.data(), nodes.data() + layout.node_size, scratch.get());
    impl_->scratch.Give(std::move(scratch));
    KITH_RETURN_IF_ERROR(result.status());
    *distance = *result;
    return Status::Ok();
  });
}

Status AnnoyIndex::SearchByItem(int64_t id, int64_t n, int64_t search_k, std::vector<int32_t>* ids,
                                std::vector<float>* distances) const {
  return CatchAll([&]() -> Status {
    const annoy::Layout& layout = impl_->layout;
    std::shared_ptr<const Snapshot> snapshot;
    {
      const std::lock_guard lock(impl_->mutex);
      KITH_RETURN_IF_ERROR(impl_->CheckId(id));
      snapshot = impl_->snapshot;
    }
    std::unique_ptr<Scratch> scratch = impl_->TakeScratch();
    Status status;
    scratch->neighbors.clear();
    if (snapshot) {
      status = annoy::SetQuery(
          layout, snapshot->nodes.node(static_cast<size_t>(id)) + snapshot->nodes.layout.vector,
          scratch.get());
      if (status.ok()) status = impl_->Find(snapshot.get(), n, search_k, scratch.get());
    }
    if (status.ok()) Impl::Copy(*scratch, ids, distances);
    impl_->scratch.Give(std::move(scratch));
    return status;
  });
}

Status AnnoyIndex::SearchByVector(const float* vector, int64_t n, int64_t search_k,
                                  std::vector<int32_t>* ids, std::vector<float>* distances) const {
  return CatchAll([&]() -> Status {
    const std::shared_ptr<const Snapshot> snapshot = impl_->Current();
    std::unique_ptr<Scratch> scratch = impl_->TakeScratch();
    Status status = impl_->SetQuery(vector, "the vector", scratch.get());
    if (status.ok()) status = impl_->Find(snapshot.get(), n, search_k, scratch.get());
    if (status.ok()) Impl::Copy(*scratch, ids, distances);
    impl_->scratch.Give(std::move(scratch));
    return status;
  });
}

Status AnnoyIndex::SearchBatch(const float* queries, size_t num_queries, size_t n, int64_t search_k,
                               int threads, int64_t* ids, float* distances,
                               std::stop_token stop) const {
  return AtEdge({}, "search for fewer queries or neighbours at a time", [&]() -> Status {
    const annoy::Layout& layout = impl_->layout;
    if (n > static_cast<size_t>(std::numeric_limits<int32_t>::max())) {
      return Status::InvalidArgument(StrCat(n, " neighbours; at most 2^31 - 1"));
    }
    for (size_t i = 0; i < num_queries; ++i) {
      float norm = 0;
      if (!annoy::CheckVector(layout, queries + i * layout.dim, "", &norm).ok()) {
        return annoy::CheckVector(layout, queries + i * layout.dim, StrCat("query ", i), &norm);
      }
    }
    const std::shared_ptr<const Snapshot> snapshot = impl_->Current();
    const float none = layout.metric == Metric::kDot ? -HUGE_VALF : HUGE_VALF;
    constexpr size_t kChunk = 16;
    ThreadPool pool(std::max(threads, 0), std::move(stop));
    return pool.Chunks(num_queries, kChunk, [&](size_t begin, size_t end, int) -> Status {
      std::unique_ptr<Scratch> scratch = impl_->TakeScratch();
      for (size_t i = begin; i < end; ++i) {
        KITH_RETURN_IF_ERROR(pool.CheckStop());
        KITH_RETURN_IF_ERROR(impl_->SetQuery(queries + i * layout.dim, "", scratch.get()));
        KITH_RETURN_IF_ERROR(
            impl_->Find(snapshot.get(), static_cast<int64_t>(n), search_k, scratch.get()));
        for (size_t j = 0; j < n; ++j) {
          const bool found = j < scratch->neighbors.size();
          ids[i * n + j] = found ? scratch->neighbors[j].id : kNoId;
          if (distances != nullptr) {
            distances[i * n + j] = found ? scratch->neighbors[j].distance : none;
          }
        }
      }
      impl_->scratch.Give(std::move(scratch));
      return Status::Ok();
    });
  });
}

Result<std::vector<AnnoyShape>> GuessAnnoyShapes(const std::string& path) {
  return CatchAll([&]() -> Result<std::vector<AnnoyShape>> {
    KITH_ASSIGN_OR_RETURN(const auto file, MappedFile::Open(path));
    std::vector<AnnoyShape> shapes;
    for (const Metric metric : {Metric::kAngular, Metric::kEuclidean, Metric::kManhattan,
                                Metric::kDot, Metric::kHamming}) {
      size_t words = 0;  // of the last shape found
      for (size_t dim = 1; dim <= kMaxDim; ++dim) {
        const bool bits = metric == Metric::kHamming;
        if (bits && (dim + 63) / 64 == words) continue;
        if (!annoy::MayFit(metric, dim, file->bytes().size())) continue;
        // A single node tells too little: every item is a file of its own without a tree.
        const auto nodes = annoy::ReadNodes(metric, dim, file->bytes(), path);
        if (!nodes.ok() || nodes->num_nodes < 2) continue;
        shapes.push_back({metric, dim});
        words = bits ? (dim + 63) / 64 : 0;
      }
    }
    return shapes;
  });
}

}  // namespace kith
