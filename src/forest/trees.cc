#include "forest/trees.h"

#include <cmath>

#include "base/strings.h"

namespace kith::forest {
namespace {

template <class T>
void Append(T value, std::vector<std::byte>* out) {
  const auto* bytes = reinterpret_cast<const std::byte*>(&value);
  out->insert(out->end(), bytes, bytes + sizeof(value));
}

}  // namespace

Result<uint32_t> AppendLeaf(std::span<const uint32_t> positions, std::vector<std::byte>* leaves) {
  const size_t unit = leaves->size() / kLeafUnit;
  if (unit >= trees::kLeafBit) {
    return Status::InvalidArgument(
        "the forest is too large: its leaves exceed 16 GiB; use fewer trees");
  }
  Append(positions.front(), leaves);
  Append(static_cast<uint16_t>(positions.size()), leaves);
  for (size_t i = 1; i < positions.size(); ++i) {
    const uint32_t delta = positions[i] - positions[i - 1];
    Append(static_cast<uint16_t>(std::min<uint32_t>(delta, kLongDelta)), leaves);
    if (delta >= kLongDelta) Append(delta, leaves);
  }
  leaves->resize(RoundUp(leaves->size(), kLeafUnit));
  return static_cast<uint32_t>(unit) | trees::kLeafBit;
}

Trees::Trees(const Header& header, std::span<const uint32_t> roots,
             std::span<const std::byte> nodes, std::span<const std::byte> leaves,
             uint64_t num_vectors)
    : roots_(roots),
      nodes_(nodes),
      leaves_(leaves),
      node_bytes_(trees::NodeBytes(header.sketch_dim)),
      num_nodes_(header.num_nodes),
      num_units_(static_cast<uint32_t>(leaves.size() / kLeafUnit)),
      num_vectors_(static_cast<uint32_t>(num_vectors)),
      num_leaves_(header.num_leaves),
      num_entries_(header.num_entries) {}

Result<Trees> Trees::Open(const storage::ContainerReader& in, const Header& header,
                          uint64_t num_vectors) {
  KITH_ASSIGN_OR_RETURN(auto roots, in.Array<uint32_t>("roots", header.num_trees));
  KITH_RETURN_IF_ERROR(
      in.CheckSize("nodes", header.num_nodes, trees::NodeBytes(header.sketch_dim)));
  const auto leaves = in.Bytes("leaves");
  const size_t units = leaves.size() / kLeafUnit;
  KITH_RETURN_IF_ERROR(in.CheckSize("leaves", units, kLeafUnit));
  if (units > trees::kLeafBit) return in.Corrupt("leaves", "it is larger than children can name");
  return Trees(header, roots, in.Bytes("nodes"), leaves, num_vectors);
}

Status Trees::VerifyLeaf(const storage::ContainerReader& in, uint32_t leaf, std::vector<bool>* seen,
                         uint64_t* entries) const {
  uint32_t count = 0;
  bool twice = false;
  ForEach(leaf, [&](uint32_t position) {
    twice = twice || (*seen)[position];
    (*seen)[position] = true;
    ++count;
  });
  *entries += count;
  if (!twice && count > 0 && count == LeafSize(leaf)) return Status::Ok();
  return in.Corrupt("leaves", StrCat("the leaf at ", size_t{leaf & ~trees::kLeafBit} * kLeafUnit,
                                     " is empty, repeats a vector or names one that is not there"));
}

// Ends soon whatever the tree says: no tree has an entry twice, and no two have the same node.
Status Trees::VerifyTree(const storage::ContainerReader& in, uint32_t tree, std::vector<bool>* seen,
                         Met* met, const ThreadPool& pool) const {
  seen->assign(num_vectors_, false);
  if (!Exists(kNoParent, roots_[tree])) {
    return in.Corrupt("roots", StrCat("tree ", tree, " has an impossible root"));
  }
  std::vector<uint32_t> open = {roots_[tree]};
  uint64_t entries = 0;
  while (!open.empty()) {
    KITH_RETURN_IF_ERROR(pool.CheckStop());
    const uint32_t child = open.back();
    open.pop_back();
    if ((child & trees::kLeafBit) != 0) {
      KITH_RETURN_IF_ERROR(VerifyLeaf(in, child, seen, &entries));
      if (met->leaves[child & ~trees::kLeafBit].exchange(true)) {
        return in.Corrupt("leaves", StrCat("tree ", tree, " shares a leaf"));
      }
      ++met->num_leaves;
      continue;
    }
    const trees::TreeNode& node = Node(child);
    ++met->num_nodes;
    if (met->nodes[child].exchange(true) || !Exists(child, node.children[0]) ||
        !Exists(child, node.children[1]) || !std::isfinite(node.threshold) ||
        !std::isfinite(node.scale)) {
      return in.Corrupt("nodes", StrCat("node ", child, " has an impossible child or plane"));
    }
    open.push_back(node.children[1]);
    open.push_back(node.children[0]);
  }
  if (entries == num_vectors_) return Status::Ok();
  return in.Corrupt(
      "leaves", StrCat("tree ", tree, " holds ", entries, " vectors, ", num_vectors_, " expected"));
}

Status Trees::Verify(const storage::ContainerReader& in, const Header& header,
                     const Verification& check) const {
  const Status wrong = in.Corrupt("forest", "its counts are not those of its trees");
  // All entries lie somewhere, which bounds what looking at all trees takes.
  if (header.num_entries != uint64_t{num_vectors_} * header.num_trees ||
      header.num_entries > MostEntries()) {
    return wrong;
  }
  const auto threads = static_cast<size_t>(check.pool->size());
  std::vector<std::vector<bool>> seen(threads);
  Met met{std::vector<std::atomic<bool>>(num_nodes_), std::vector<std::atomic<bool>>(num_units_)};
  const auto verify = [&](size_t tree, size_t /*end*/, int thread) {
    return VerifyTree(in, static_cast<uint32_t>(tree), &seen[thread], &met, *check.pool);
  };
  KITH_RETURN_IF_ERROR(check.Chunks("trees", roots_.size(), 1, verify));
  return met.num_nodes == header.num_nodes && met.num_leaves == header.num_leaves ? Status::Ok()
                                                                                  : wrong;
}

}  // namespace kith::forest
