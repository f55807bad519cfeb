// Which stored vectors may be among the answers of a search.
#ifndef KITH_FILTER_H_
#define KITH_FILTER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace kith {

// May a row be in the answer? Every search asks a filter; the one that leaves out nothing,
// AllRows(), is an object like the others. Deleted, excluded and unwanted rows are all said this
// way. Implementations must be thread-safe.
class RowFilter {
 public:
  virtual ~RowFilter() = default;

  // Whether a row may be among the answers to a query. Queries are numbered as in the call of
  // Search(), rows from 0. A search calls this for each row that would enter an answer, and a
  // forest for each candidate.
  virtual bool Passes(size_t query, uint64_t row) const noexcept = 0;

  // How many rows do not pass, as far as it is known without looking at all of them. A search of a
  // graph looks as far as if it were asked for so many more neighbours. O(1).
  virtual uint64_t NumExcluded(size_t query) const noexcept = 0;

  // Whether searches are to answer as if rows that do not pass were not stored at all, and so may
  // not even be led over them: what measurements need whose queries are stored vectors.
  virtual bool absent() const noexcept { return false; }

  // Whether every row passes for every query. Asked once a search.
  virtual bool passes_all() const noexcept { return false; }

 protected:
  RowFilter() = default;
  RowFilter(const RowFilter&) = default;
  RowFilter& operator=(const RowFilter&) = default;
};

// The filter that every row passes.
const RowFilter& AllRows();

// Leaves out some rows for each query: the query itself, what a user has seen already.
class ExcludedRows final : public RowFilter {
 public:
  // Appends the rows left out for the next query, in any order. Throws std::bad_alloc, as standard
  // containers do; what was appended before is then as it was.
  void Add(std::span<const uint64_t> rows) {
    const size_t size = rows_.size();
    try {
      rows_.insert(rows_.end(), rows.begin(), rows.end());
      const auto begin = rows_.begin() + static_cast<ptrdiff_t>(size);
      std::sort(begin, rows_.end());
      rows_.erase(std::unique(begin, rows_.end()), rows_.end());
      ends_.push_back(rows_.size());
    } catch (...) {
      rows_.resize(size);
      throw;
    }
  }

  // Of a query that was added, ascending; of others, none.
  std::span<const uint64_t> Of(size_t query) const noexcept {
    if (query >= ends_.size()) return {};
    const size_t begin = query == 0 ? 0 : ends_[query - 1];
    return {rows_.data() + begin, ends_[query] - begin};
  }
  size_t num_queries() const noexcept { return ends_.size(); }

  bool Passes(size_t query, uint64_t row) const noexcept override {
    const std::span<const uint64_t> rows = Of(query);
    return !std::binary_search(rows.begin(), rows.end(), row);
  }
  uint64_t NumExcluded(size_t query) const noexcept override { return Of(query).size(); }
  bool passes_all() const noexcept override { return rows_.empty(); }

 private:
  std::vector<uint64_t> rows_;
  std::vector<size_t> ends_;
};

// Leaves out the same rows for all queries.
class HiddenRows final : public RowFilter {
 public:
  // `absent`: see RowFilter::absent(). `rows` may be in any order; those from num_rows on do not
  // count. Throws std::bad_alloc.
  HiddenRows(std::span<const uint32_t> rows, uint64_t num_rows, bool absent)
      : bits_((num_rows + 63) / 64), absent_(absent) {
    for (const uint32_t row : rows) {
      if (row >= num_rows || !Passes(0, row)) continue;
      bits_[row / 64] |= uint64_t{1} << (row % 64);
      ++count_;
    }
  }

  bool Passes(size_t /*query*/, uint64_t row) const noexcept override {
    return (bits_[row / 64] >> (row % 64) & 1) == 0;
  }
  uint64_t NumExcluded(size_t /*query*/) const noexcept override { return count_; }
  bool absent() const noexcept override { return absent_; }
  bool passes_all() const noexcept override { return count_ == 0; }

 private:
  std::vector<uint64_t> bits_;
  uint64_t count_ = 0;
  bool absent_ = false;
};

// A filter for some of its queries, those from `first` on.
class QueriesFrom final : public RowFilter {
 public:
  // `filter` must outlive it.
  QueriesFrom(const RowFilter& filter, size_t first) : filter_(filter), first_(first) {}

  bool Passes(size_t query, uint64_t row) const noexcept override {
    return filter_.Passes(first_ + query, row);
  }
  uint64_t NumExcluded(size_t query) const noexcept override {
    return filter_.NumExcluded(first_ + query);
  }
  bool absent() const noexcept override { return filter_.absent(); }
  bool passes_all() const noexcept override { return filter_.passes_all(); }

 private:
  const RowFilter& filter_;
  size_t first_;
};

}  // namespace kith

#endif  // KITH_FILTER_H_
