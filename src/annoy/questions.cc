// What is asked of an AnnoyIndex: its items, and their neighbours.
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <mutex>
#include <utility>

#include "annoy/annoy_index.h"
#include "annoy/check.h"
#include "base/edge.h"
#include "base/strings.h"
#include "base/thread_pool.h"

namespace kith {

using annoy::Scratch;
using annoy::Snapshot;

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
      if (status.ok())
        status = impl_->Find(snapshot.get(), n, search_k, ThreadPool(), scratch.get());
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
    if (status.ok()) status = impl_->Find(snapshot.get(), n, search_k, ThreadPool(), scratch.get());
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
        KITH_RETURN_IF_ERROR(impl_->SetQuery(queries + i * layout.dim, "", scratch.get()));
        KITH_RETURN_IF_ERROR(
            impl_->Find(snapshot.get(), static_cast<int64_t>(n), search_k, pool, scratch.get()));
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

}  // namespace kith
