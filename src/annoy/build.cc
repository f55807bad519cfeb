#include "annoy/build.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "annoy/grow.h"
#include "base/strings.h"

namespace kith::annoy {
namespace {

// Takes trees as they are done, in any order, and puts them one behind the other in their order.
class Forest {
 public:
  Forest(const Layout& layout, ItemStore* store) : layout_(layout), store_(store) {}

  // Thread-safe.
  Status Add(size_t number, Tree tree) {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() <= number) waiting_.resize(number + 1);
    waiting_[number] = std::move(tree);
    while (status_.ok() && num_trees_ < waiting_.size() && waiting_[num_trees_].count > 0) {
      // Freed when it is written.
      Tree next = std::exchange(waiting_[num_trees_], {});
      status_ = Append(&next);
    }
    return status_;
  }

  // Without a number of trees, they end when there are as many nodes of trees as items.
  void StopAt(size_t nodes) { stop_at_ = nodes; }
  bool full() const { return grown_ >= stop_at_; }

  Status AddRoots() {
    const std::lock_guard lock(mutex_);
    return Write(roots_, num_trees_);
  }

  size_t num_trees() const { return num_trees_; }
  size_t grown() const { return grown_; }          // nodes of trees
  size_t num_nodes() const { return num_nodes_; }  // written, roots among them
  GrowingMemory& memory() { return memory_; }

 private:
  Status Append(Tree* tree) {
    if (full()) {
      waiting_.clear();
      return Status::Ok();
    }
    const size_t num_items = store_->num_items();
    NumberTree(layout_, num_items, num_items + num_nodes_, tree);
    const std::byte* const root = tree->nodes.data() + (tree->count - 1) * layout_.node_size;
    roots_.insert(roots_.end(), root, root + layout_.node_size);
    ++num_trees_;
    grown_ += tree->count;
    // Where all trees are one node, only their copies at the end count: one more, or the only item,
    // tells where these begin (check.cc), and the number of trees is right when a file is read.
    if (tree->count == 1 && (num_trees_ > 1 || num_items == 1)) return Status::Ok();
    return Write(tree->nodes, tree->count);
  }

  Status Write(std::span<const std::byte> nodes, size_t count) {
    if (store_->num_items() + num_nodes_ + count > kMaxNodes) {
      return Status::InvalidArgument(
          StrCat(num_trees_, " trees over ", store_->num_items(),
                 " items take more nodes than a file can number; build fewer"));
    }
    if (store_->file() != nullptr) {
      KITH_RETURN_IF_ERROR(store_->file()->Write(nodes));
    } else {
      const size_t at = num_nodes_ * layout_.node_size;
      KITH_RETURN_IF_ERROR(memory_.Reserve(at + nodes.size()));
      if (!nodes.empty()) std::memcpy(memory_.data() + at, nodes.data(), nodes.size());
    }
    num_nodes_ += count;
    return Status::Ok();
  }

  const Layout& layout_;
  ItemStore* const store_;
  std::mutex mutex_;
  std::vector<Tree> waiting_;  // by number; those with nodes are done
  std::vector<std::byte> roots_;
  size_t num_trees_ = 0;
  size_t grown_ = 0;
  size_t num_nodes_ = 0;
  size_t stop_at_ = ~size_t{0};
  GrowingMemory memory_;
  Status status_;
};

// Grows trees [begin, end) of a forest.
class Gang {
 public:
  Gang(const Layout& layout, const ItemStore& store, const std::vector<uint32_t>& present,
       const ForestOptions& options, ThreadPool& pool)
      : layout_(layout),
        nodes_(store.nodes()),
        num_items_(store.num_items()),
        present_(present),
        options_(options),
        pool_(pool),
        growers_(pool.size()) {}

  Status Grow(size_t begin, size_t end, Forest* forest) {
    total_ = end;
    done_ = begin;
    return pool_.For(end - begin, [&](size_t task, int thread) {
      return GrowOne(begin + task, thread, forest);
    });
  }

 private:
  Status GrowOne(size_t number, int thread, Forest* forest) {
    std::optional<Grower>& grower = growers_[thread];
    if (!grower) {
      KITH_ASSIGN_OR_RETURN(grower, Grower::Create(layout_, nodes_, num_items_, &present_));
    }
    // Reports come from the calling thread, which is number 0.
    const auto check = [&] {
      if (thread != 0) return pool_.CheckStop();
      return pool_.Report(*options_.progress, "trees", done_.load(std::memory_order_relaxed),
                          total_);
    };
    Tree tree;
    KITH_RETURN_IF_ERROR(check());
    KITH_RETURN_IF_ERROR(grower->Grow(options_.seed, number, check, &tree));
    done_.fetch_add(1, std::memory_order_relaxed);
    return forest->Add(number, std::move(tree));
  }

  const Layout& layout_;
  const std::byte* const nodes_;
  const size_t num_items_;
  const std::vector<uint32_t>& present_;
  const ForestOptions& options_;
  ThreadPool& pool_;
  std::vector<std::optional<Grower>> growers_;  // of each thread
  std::atomic<size_t> done_{0};
  size_t total_ = 0;
};

Status GrowForest(Gang* gang, int num_trees, size_t num_items, Forest* forest) {
  if (num_trees >= 0) return gang->Grow(0, static_cast<size_t>(num_trees), forest);
  forest->StopAt(num_items);
  // How many it will be shows by the first; which of them stay depends on their sizes alone.
  for (size_t grown = 0; !forest->full();) {
    size_t more = 1;
    if (forest->num_trees() > 0) {
      const size_t mean = std::max<size_t>(1, forest->grown() / forest->num_trees());
      more = std::max<size_t>(1, (num_items - forest->grown()) / mean);
    }
    KITH_RETURN_IF_ERROR(gang->Grow(grown, grown + more, forest));
    grown += more;
  }
  return Status::Ok();
}

Result<std::shared_ptr<const Snapshot>> Build(const Layout& layout,
                                              const std::shared_ptr<ItemStore>& store,
                                              const std::string& path, const ForestOptions& options,
                                              ThreadPool& pool) {
  KITH_RETURN_IF_ERROR(store->Finish());
  const size_t num_items = store->num_items();
  auto snapshot = std::make_shared<Snapshot>();
  Forest forest(layout, store.get());
  std::vector<uint32_t> present;
  for (size_t i = 0; i < num_items; ++i) {
    if (ReadInt(store->nodes() + i * layout.node_size) == 1) {
      present.push_back(static_cast<uint32_t>(i));
    }
  }
  Gang gang(layout, *store, present, options, pool);
  KITH_RETURN_IF_ERROR(GrowForest(&gang, options.num_trees, num_items, &forest));
  KITH_RETURN_IF_ERROR(forest.AddRoots());
  KITH_RETURN_IF_ERROR(
      pool.Report(*options.progress, "trees", forest.num_trees(), forest.num_trees()));
  Nodes& nodes = snapshot->nodes;
  nodes.layout = layout;
  nodes.num_items = num_items;
  nodes.num_nodes = num_items + forest.num_nodes();
  nodes.num_roots = forest.num_trees();
  snapshot->num_trees = forest.num_trees();
  if (AtomicFile* const file = store->file(); file != nullptr) {
    KITH_ASSIGN_OR_RETURN(snapshot->file, file->Map());
    snapshot->path = path;
    nodes.items = snapshot->file->bytes().data();
    nodes.trees = nodes.items + num_items * layout.node_size;
    // Last of all: nothing may go wrong once the file is there.
    KITH_RETURN_IF_ERROR(file->Commit());
  } else {
    snapshot->trees = std::move(forest.memory());
    snapshot->items = std::make_unique<ItemStore::Lease>(store);
    nodes.items = store->nodes();
    nodes.trees = snapshot->trees.data();
  }
  return std::shared_ptr<const Snapshot>(std::move(snapshot));
}

}  // namespace

Result<std::shared_ptr<const Snapshot>> BuildForest(const Layout& layout,
                                                    const std::shared_ptr<ItemStore>& store,
                                                    const std::string& path,
                                                    const ForestOptions& options,
                                                    ThreadPool& pool) {
  AtomicFile* const file = store->file();
  const uint64_t items_end = file == nullptr ? 0 : file->position();
  auto built = CatchAll([&] { return Build(layout, store, path, options, pool); });
  // The items are as before: trees that follow them are in the way of the next ones. The file keeps
  // an error of cutting them off.
  if (!built.ok() && file != nullptr) {
    static_cast<void>(CatchAll([&] { return file->Truncate(items_end); }));
  }
  return built;
}

}  // namespace kith::annoy
