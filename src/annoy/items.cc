#include "annoy/items.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>
#include <utility>

#include "base/math.h"
#include "base/strings.h"

namespace kith::annoy {
namespace {

void FillNode(const Layout& layout, const float* vector, float squared_norm, std::byte* node) {
  std::memset(node, 0, layout.vector);
  WriteValue<int32_t>(node, 1);
  if (layout.norm != kNoField) WriteValue(node + layout.norm, squared_norm);
  if (layout.bits()) {
    PackBits(vector, layout.dim, node + layout.vector);
  } else {
    std::memcpy(node + layout.vector, vector, layout.vector_bytes);
  }
}

// Calls fn(first node, count) for the nodes of a file, a chunk in memory at a time, and writes them
// back if fn changed them.
template <class Fn>
Status ForChunks(AtomicFile* file, size_t num_nodes, size_t node_size, bool write, Fn fn) {
  const size_t chunk = std::max<size_t>(1, (size_t{1} << 20) / node_size);
  std::vector<std::byte> nodes(std::min(chunk, num_nodes) * node_size);
  for (size_t begin = 0; begin < num_nodes; begin += chunk) {
    const size_t count = std::min(chunk, num_nodes - begin);
    const std::span<std::byte> bytes(nodes.data(), count * node_size);
    KITH_RETURN_IF_ERROR(file->Read(begin * node_size, bytes));
    fn(bytes.data(), count);
    if (write) KITH_RETURN_IF_ERROR(file->WriteAt(begin * node_size, bytes));
  }
  return Status::Ok();
}

}  // namespace

Status CheckVector(const Layout& layout, const float* vector, std::string_view what,
                   float* squared_norm) {
  const double norm = SquaredNorm(vector, layout.dim);
  if (!std::isfinite(norm)) {
    for (size_t i = 0; i < layout.dim; ++i) {
      if (!std::isfinite(vector[i])) {
        return Status::InvalidArgument(
            StrCat(what, " is ", std::isnan(vector[i]) ? "NaN" : "infinite", " in coordinate ", i,
                   "; only finite numbers can be compared"));
      }
    }
  }
  const bool squares = !layout.bits() && layout.metric != Metric::kManhattan;
  if (squares && norm > std::numeric_limits<float>::max()) {
    return Status::InvalidArgument(
        StrCat(what, " is so long that its square is beyond 32-bit numbers; scale all vectors"));
  }
  *squared_norm = static_cast<float>(std::min<double>(norm, std::numeric_limits<float>::max()));
  return Status::Ok();
}

Status ItemStore::MakeRoom(size_t num_items) {
  const uint64_t bytes = uint64_t{num_items} * layout_.node_size;
  if (file_ != nullptr) {
    Status status = bytes > file_->position() ? file_->Extend(bytes) : Status::Ok();
    if (status.ok()) return status;
    return Status(status.code(), StrCat(status.message(), "; item ", num_items,
                                        " needs room for all ids below it: number items from 0"));
  }
  if (bytes <= memory_.capacity()) return Status::Ok();
  Status status = memory_.Reserve(bytes);
  if (status.ok()) return status;
  return Status::OutOfMemory(StrCat("item ", num_items - 1, " needs room for all ids up to it, ",
                                    num_items, " of ", layout_.node_size,
                                    " bytes: ", status.message(),
                                    "; number items from 0, or use on_disk_build"));
}

Status ItemStore::Put(size_t id, const float* vector) {
  float norm = 0;
  // The message is made when it is needed: this is called for every item.
  if (Status status = CheckVector(layout_, vector, "", &norm); !status.ok()) {
    return CheckVector(layout_, vector, StrCat("item ", id), &norm);
  }
  mapped_.reset();
  if (file_ == nullptr) {
    KITH_RETURN_IF_ERROR(MakeRoom(id + 1));
    FillNode(layout_, vector, norm, memory_.data() + id * layout_.node_size);
  } else {
    node_.resize(layout_.node_size);
    FillNode(layout_, vector, norm, node_.data());
    const uint64_t at = uint64_t{id} * layout_.node_size;
    if (at > file_->position()) KITH_RETURN_IF_ERROR(MakeRoom(id));
    KITH_RETURN_IF_ERROR(at == file_->position() ? file_->Write(node_) : file_->WriteAt(at, node_));
  }
  num_items_ = std::max(num_items_, id + 1);
  return Status::Ok();
}

Status ItemStore::Get(size_t id, std::byte* node) {
  const size_t at = id * layout_.node_size;
  if (file_ != nullptr) return file_->Read(at, {node, layout_.node_size});
  std::memcpy(node, memory_.data() + at, layout_.node_size);
  return Status::Ok();
}

Status ItemStore::Append(const std::byte* nodes, size_t count) {
  if (count == 0) return Status::Ok();
  mapped_.reset();
  const size_t bytes = count * layout_.node_size;
  if (file_ != nullptr) {
    KITH_RETURN_IF_ERROR(file_->Write({nodes, bytes}));
  } else {
    KITH_RETURN_IF_ERROR(MakeRoom(num_items_ + count));
    std::memcpy(memory_.data() + num_items_ * layout_.node_size, nodes, bytes);
  }
  num_items_ += count;
  return Status::Ok();
}

Status ItemStore::MoveToDisk(const FileTarget& target) {
  KITH_ASSIGN_OR_RETURN(auto file, AtomicFile::Create(target));
  if (num_items_ > 0) {
    if (file_ != nullptr) {
      KITH_RETURN_IF_ERROR(ForChunks(file_.get(), num_items_, layout_.node_size, false,
                                     [&](const std::byte* nodes, size_t count) {
                                       // AtomicFile keeps the first error for what follows.
                                       (void)file->Write({nodes, count * layout_.node_size});
                                     }));
    }
    KITH_RETURN_IF_ERROR(
        file->Write({memory_.data(), file_ != nullptr ? 0 : num_items_ * layout_.node_size}));
  }
  file_ = std::move(file);
  memory_ = {};
  mapped_.reset();
  return Status::Ok();
}

// All vectors of dot get a further coordinate that makes them as long as the longest (Bachrach et
// al., "Speeding up the Xbox recommender system", RecSys 2014): the nearest by angle to a query
// without it are then those of the largest product.
Status ItemStore::SetFactors() {
  float longest = 0;
  const auto each = [&](std::byte* nodes, size_t count, auto&& fn) {
    for (size_t i = 0; i < count; ++i) {
      std::byte* const node = nodes + i * layout_.node_size;
      if (ReadInt(node) != 1) continue;
      // Vectors in a node are aligned for floats: the node's size and offsets are multiples of 4.
      fn(node, static_cast<float>(SquaredNorm(reinterpret_cast<const float*>(node + layout_.vector),
                                              layout_.dim)));
    }
  };
  const auto find = [&](std::byte* nodes, size_t count) {
    each(nodes, count, [&](std::byte*, float norm) { longest = std::max(longest, norm); });
  };
  const auto set = [&](std::byte* nodes, size_t count) {
    each(nodes, count, [&](std::byte* node, float norm) {
      WriteValue(node + layout_.factor, std::sqrt(std::max(0.0f, longest - norm)));
    });
  };
  if (file_ == nullptr) {
    find(memory_.data(), num_items_);
    set(memory_.data(), num_items_);
    return Status::Ok();
  }
  KITH_RETURN_IF_ERROR(ForChunks(file_.get(), num_items_, layout_.node_size, false, find));
  return ForChunks(file_.get(), num_items_, layout_.node_size, true, set);
}

Status ItemStore::Finish() {
  if (layout_.factor != kNoField) KITH_RETURN_IF_ERROR(SetFactors());
  if (file_ == nullptr) return Status::Ok();
  KITH_ASSIGN_OR_RETURN(mapped_, file_->Map());
  return Status::Ok();
}

}  // namespace kith::annoy
