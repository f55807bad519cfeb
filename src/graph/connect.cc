#include "graph/connect.h"

#include <algorithm>
#include <span>
#include <utility>

#include "graph/layout.h"

namespace kith::graph {
namespace {

// Reaches nodes from the entries, remembering which edges that took.
class Reacher {
 public:
  explicit Reacher(LinkTable* table)
      : table_(table), reached_(table->size()), needed_(table->links.size()) {}

  bool reached(uint32_t node) const { return reached_[node]; }

  // False if the pool ends it.
  bool From(uint32_t start, const ThreadPool& pool) {
    reached_[start] = true;
    open_.push_back(start);
    while (!open_.empty()) {
      if (pool.stopped()) return false;
      const uint32_t node = open_.back();
      open_.pop_back();
      const size_t first = node * table_->degree;
      for (size_t i = first; i < first + table_->counts[node]; ++i) {
        const uint32_t to = table_->links[i];
        if (reached_[to]) continue;
        reached_[to] = true;
        needed_[i] = true;
        open_.push_back(to);
      }
    }
    return true;
  }

  // Puts an edge to `to` where `from` has room or an edge that no path needs, the last such: it was
  // the least useful. False if there is none.
  bool Attach(uint32_t from, uint32_t to) {
    const size_t first = from * table_->degree;
    uint32_t& count = table_->counts[from];
    size_t slot = first + count;
    if (count < table_->degree) {
      ++count;
    } else {
      do {
        if (slot == first) return false;
        --slot;
      } while (needed_[slot]);
    }
    table_->links[slot] = to;
    needed_[slot] = true;
    return true;
  }

 private:
  LinkTable* table_;
  std::vector<bool> reached_;
  std::vector<bool> needed_;
  std::vector<uint32_t> open_;
};

}  // namespace

Status ConnectNodes(size_t max_entries, const ThreadPool& pool, LinkTable* table,
                    std::vector<uint32_t>* entries) {
  const size_t n = table->size();
  Reacher reacher(table);
  // These a search always begins at.
  for (size_t i = 0; i < entries->size(); ++i) {
    const bool begun_at = i == 0 || i >= kSpreadEntries;
    if (!begun_at || reacher.reached((*entries)[i])) continue;
    if (!reacher.From((*entries)[i], pool)) return Cancelled();
  }
  for (uint32_t node = 0; node < n; ++node) {
    if (reacher.reached(node)) continue;
    bool attached = false;
    for (const uint32_t near : table->Of(node)) {
      if (reacher.reached(near) && reacher.Attach(near, node)) {
        attached = true;
        break;
      }
    }
    const auto spread =
        entries->begin() + static_cast<ptrdiff_t>(std::min(entries->size(), kSpreadEntries));
    const bool known = std::find(entries->begin(), spread, node) != spread;
    if (!attached && !known && entries->size() < max_entries) {
      entries->push_back(node);
      attached = true;
    }
    // Nodes lie in an order that keeps near ones together: the nearest before it that has room.
    // Every node before it is reached by now.
    for (uint32_t before = node; !attached && before-- > 0;) {
      attached = reacher.Attach(before, node);
    }
    if (!attached && !known) entries->push_back(node);
    if (!reacher.From(node, pool)) return Cancelled();
  }
  return Status::Ok();
}

Result<Edges> Connected(LinkTable table, std::vector<uint32_t> entries, const ThreadPool& pool) {
  KITH_RETURN_IF_ERROR(ConnectNodes(kMaxEntries, pool, &table, &entries));
  return Edges{std::move(table), std::move(entries)};
}

}  // namespace kith::graph
