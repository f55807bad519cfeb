#include "annoy/annoy_index.h"

#include <algorithm>
#include <atomic>
#include <span>
#include <utility>

#include "annoy/build.h"
#include "annoy/check.h"
#include "base/edge.h"
#include "base/file.h"
#include "base/strings.h"
#include "base/thread_pool.h"
#include "simd/kernels.h"

namespace kith {

using annoy::Busy;
using annoy::Scratch;
using annoy::Snapshot;

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

std::string AnnoyIndex::absolute_path() const {
  const std::lock_guard lock(impl_->mutex);
  const bool mapped = impl_->snapshot && impl_->snapshot->file;
  return mapped ? impl_->snapshot->file->absolute_path() : "";
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
      // The file has its name and stays as it is; its items go to a new one, which takes its place
      // and no other file's, wherever the process has gone since.
      const annoy::Nodes& nodes = impl.snapshot->nodes;
      auto items = std::make_shared<annoy::ItemStore>(impl.layout);
      KITH_RETURN_IF_ERROR(items->MoveToDisk(FileTarget::Replacing(*impl.snapshot->file)));
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
                                                     bool prefault, const std::stop_token& stop) {
  auto snapshot = std::make_shared<Snapshot>();
  KITH_ASSIGN_OR_RETURN(snapshot->nodes,
                        annoy::ReadNodes(layout.metric, layout.dim, file->bytes(), file->path()));
  if (prefault) KITH_RETURN_IF_ERROR(file->Prefault(stop));
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

Status AnnoyIndex::Save(const std::string& path, bool prefault, std::stop_token stop) {
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
      KITH_RETURN_IF_ERROR(file->WriteLong(pieces.items, stop));
      KITH_RETURN_IF_ERROR(file->WriteLong(pieces.trees, stop));
      KITH_ASSIGN_OR_RETURN(auto mapped, file->Map());
      auto snapshot = std::make_shared<Snapshot>();
      snapshot->nodes = saved->nodes;
      snapshot->nodes.items = mapped->bytes().data();
      snapshot->nodes.trees = snapshot->nodes.items + pieces.items.size();
      snapshot->num_trees = saved->num_trees;
      snapshot->path = path;
      if (prefault) KITH_RETURN_IF_ERROR(mapped->Prefault(stop));
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

Status AnnoyIndex::Load(const std::string& path, bool prefault, std::stop_token stop) {
  return CatchAll([&]() -> Status {
    KITH_ASSIGN_OR_RETURN(auto file, MappedFile::Open(path));
    KITH_ASSIGN_OR_RETURN(auto snapshot,
                          ReadSnapshot(impl_->layout, std::move(file), prefault, stop));
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

Status AnnoyIndex::Verify(std::stop_token stop) const {
  return CatchAll([&]() -> Status {
    const std::shared_ptr<const Snapshot> snapshot = impl_->Current();
    if (!snapshot) return Status::Unsupported("an index that hasn't been built has no trees");
    return annoy::CheckNodes(snapshot->nodes, snapshot->path.empty() ? "index" : snapshot->path,
                             stop);
  });
}

void AnnoyIndex::SetSeed(uint64_t seed) {
  const std::lock_guard lock(impl_->mutex);
  impl_->seed = seed;
}

}  // namespace kith
