#include "graph/connect.h"

#include <algorithm>
#include <span>
#include <utility>

#include "graph/layout.h"
#include "graph/terms.h"

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

Status ConnectNodes(size_t max_entries, const ThreadPool& pool, Edges* edges) {
  const LinkTable& table = edges->table;
  Entries& entries = edges->entries;
  Outline outline;
  outline.entries = entries.nodes;
  outline.shell_entries = entries.of_shells;
  // The entries that lie spread, ascending: a search begins at one of them only.
  std::vector<uint32_t> spread;
  Reacher reacher(&edges->table);
  for (size_t shell = 0; shell < outline.NumShells(); ++shell) {
    const std::span<const uint32_t> of_shell = outline.EntriesOf(shell);
    for (size_t i = 0; i < of_shell.size(); ++i) {
      if (i < kSpreadEntries) spread.push_back(of_shell[i]);
      // These a search always begins at.
      const bool begun_at = i == 0 || i >= kSpreadEntries;
      if (!begun_at || reacher.reached(of_shell[i])) continue;
      if (!reacher.From(of_shell[i], pool)) return Cancelled();
    }
  }
  std::sort(spread.begin(), spread.end());
  for (uint32_t node = 0; node < table.size(); ++node) {
    if (reacher.reached(node)) continue;
    bool attached = false;
    for (const uint32_t near : table.Of(node)) {
      if (reacher.reached(near) && reacher.Attach(near, node)) {
        attached = true;
        break;
      }
    }
    const bool known = std::binary_search(spread.begin(), spread.end(), node);
    const size_t shell = edges->ShellOf(node);
    if (!attached && !known && entries.nodes.size() < max_entries) {
      entries.Add(shell, node);
      attached = true;
    }
    // Nodes lie in an order that keeps near ones together: the nearest before it that has room.
    // Every node before it is reached by now.
    for (uint32_t before = node; !attached && before-- > 0;) {
      attached = edges->ShellOf(before) == shell && reacher.Attach(before, node);
    }
    if (!attached && !known) entries.Add(shell, node);
    if (!reacher.From(node, pool)) return Cancelled();
  }
  return Status::Ok();
}

Result<Edges> Connected(Edges edges, const ThreadPool& pool) {
  KITH_RETURN_IF_ERROR(ConnectNodes(kMaxEntries, pool, &edges));
  return edges;
}

}  // namespace kith::graph
