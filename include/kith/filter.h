// Which stored vectors may be among the answers of a search.
#ifndef KITH_FILTER_H_
#define KITH_FILTER_H_

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace kith {

class RowSet;

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

  // A set that holds every row that passes for a query, and few others; nullptr: none is at hand.
  // A search of few rows goes through them instead of through all vectors. It lives as long as the
  // filter, and is the same object for queries that share it. O(1).
  virtual const RowSet* within(size_t /*query*/) const noexcept { return nullptr; }

 protected:
  RowFilter() = default;
  RowFilter(const RowFilter&) = default;
  RowFilter& operator=(const RowFilter&) = default;
};

// The filter that every row passes.
const RowFilter& AllRows();

// A set of rows, which as a filter lets these pass for all queries: a bit for each row, so n / 8
// bytes. Sets of the same number of rows are combined by &=, |= and Invert(). Functions that
// allocate throw std::bad_alloc, as standard containers do. Reading is thread-safe.
class RowSet final : public RowFilter {
 public:
  // No row of `num_rows`, or all of them.
  explicit RowSet(uint64_t num_rows = 0, bool all = false)
      : num_rows_(num_rows), words_((num_rows + 63) / 64, all ? ~uint64_t{0} : 0) {
    if (all) ClearTail();
    count_ = all ? num_rows : 0;
  }
  // The rows in any order, several times if need be. Those from num_rows on do not count.
  static RowSet Of(std::span<const uint64_t> rows, uint64_t num_rows) {
    RowSet set(num_rows);
    for (const uint64_t row : rows) set.Add(row);
    return set;
  }
  // Rows [begin, end), as far as there are such.
  static RowSet Range(uint64_t begin, uint64_t end, uint64_t num_rows) {
    RowSet set(num_rows);
    for (uint64_t row = begin; row < std::min(end, num_rows); ++row) set.Add(row);
    return set;
  }
  // Those for which predicate(row) is true.
  template <class Predicate>
  static RowSet Where(uint64_t num_rows, Predicate predicate) {
    RowSet set(num_rows);
    for (uint64_t row = 0; row < num_rows; ++row) {
      if (predicate(row)) set.Add(row);
    }
    return set;
  }
  // Bits as they are: row r is bit r % 64, counted from the lowest, of word r / 64. Bits from
  // num_rows on do not count, and words that are not there are zero.
  static RowSet FromWords(std::vector<uint64_t> words, uint64_t num_rows) {
    RowSet set;
    set.num_rows_ = num_rows;
    set.words_ = std::move(words);
    set.words_.resize((num_rows + 63) / 64);
    set.ClearTail();
    set.Recount();
    return set;
  }

  uint64_t num_rows() const noexcept { return num_rows_; }
  uint64_t count() const noexcept { return count_; }
  bool Contains(uint64_t row) const noexcept {
    return row < num_rows_ && (words_[row / 64] >> (row % 64) & 1) != 0;
  }
  // As FromWords() takes them.
  std::span<const uint64_t> words() const noexcept { return words_; }

  void Add(uint64_t row) noexcept {
    if (row >= num_rows_ || Contains(row)) return;
    words_[row / 64] |= uint64_t{1} << (row % 64);
    ++count_;
  }
  void Remove(uint64_t row) noexcept {
    if (!Contains(row)) return;
    words_[row / 64] &= ~(uint64_t{1} << (row % 64));
    --count_;
  }
  // REQUIRES of both: other.num_rows() == num_rows().
  RowSet& operator&=(const RowSet& other) noexcept {
    for (size_t i = 0; i < words_.size(); ++i) words_[i] &= other.words_[i];
    return Recount();
  }
  RowSet& operator|=(const RowSet& other) noexcept {
    for (size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
    return Recount();
  }
  // The rows that were not in it.
  RowSet& Invert() noexcept {
    for (uint64_t& word : words_) word = ~word;
    ClearTail();
    count_ = num_rows_ - count_;
    return *this;
  }

  // Calls fn(row) for each, ascending.
  template <class Fn>
  void Each(Fn fn) const {
    for (size_t i = 0; i < words_.size(); ++i) {
      for (uint64_t bits = words_[i]; bits != 0; bits &= bits - 1) {
        fn(uint64_t{64} * i + static_cast<uint64_t>(std::countr_zero(bits)));
      }
    }
  }

  bool Passes(size_t /*query*/, uint64_t row) const noexcept override { return Contains(row); }
  uint64_t NumExcluded(size_t /*query*/) const noexcept override { return num_rows_ - count_; }
  bool passes_all() const noexcept override { return count_ == num_rows_; }
  const RowSet* within(size_t /*query*/) const noexcept override { return this; }

 private:
  void ClearTail() noexcept {
    if (num_rows_ % 64 != 0) words_.back() &= (uint64_t{1} << (num_rows_ % 64)) - 1;
  }
  RowSet& Recount() noexcept {
    count_ = 0;
    for (const uint64_t word : words_) count_ += static_cast<uint64_t>(std::popcount(word));
    return *this;
  }

  uint64_t num_rows_ = 0;
  uint64_t count_ = 0;
  std::vector<uint64_t> words_;
};

// A set of its own for each query. Queries beyond them find nothing.
class RowSets final : public RowFilter {
 public:
  // REQUIRES: all are of the same number of rows, which is num_rows.
  RowSets(std::vector<RowSet> sets, uint64_t num_rows) : sets_(std::move(sets)), none_(num_rows) {}

  bool Passes(size_t query, uint64_t row) const noexcept override {
    return Of(query).Contains(row);
  }
  uint64_t NumExcluded(size_t query) const noexcept override { return Of(query).NumExcluded(0); }
  const RowSet* within(size_t query) const noexcept override { return &Of(query); }

 private:
  const RowSet& Of(size_t query) const noexcept {
    return query < sets_.size() ? sets_[query] : none_;
  }

  std::vector<RowSet> sets_;
  RowSet none_;
};

// Lets pass what two filters let pass, which must outlive it.
class BothPass final : public RowFilter {
 public:
  BothPass(const RowFilter& a, const RowFilter& b) : a_(a), b_(b) {}

  bool Passes(size_t query, uint64_t row) const noexcept override {
    return a_.Passes(query, row) && b_.Passes(query, row);
  }
  // At most, as both may leave out the same rows.
  uint64_t NumExcluded(size_t query) const noexcept override {
    return a_.NumExcluded(query) + b_.NumExcluded(query);
  }
  bool absent() const noexcept override { return a_.absent() || b_.absent(); }
  bool passes_all() const noexcept override { return a_.passes_all() && b_.passes_all(); }
  const RowSet* within(size_t query) const noexcept override {
    const RowSet* a = a_.within(query);
    const RowSet* b = b_.within(query);
    if (a == nullptr || b == nullptr) return a == nullptr ? b : a;
    return b->count() < a->count() ? b : a;
  }

 private:
  const RowFilter& a_;
  const RowFilter& b_;
};

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
  const RowSet* within(size_t query) const noexcept override {
    return filter_.within(first_ + query);
  }

 private:
  const RowFilter& filter_;
  size_t first_;
};

// A filter for some of its queries, in any order.
class ChosenQueries final : public RowFilter {
 public:
  // Query q is queries[q] of `filter`; both must outlive it.
  ChosenQueries(const RowFilter& filter, std::span<const size_t> queries)
      : filter_(filter), queries_(queries) {}

  bool Passes(size_t query, uint64_t row) const noexcept override {
    return filter_.Passes(queries_[query], row);
  }
  uint64_t NumExcluded(size_t query) const noexcept override {
    return filter_.NumExcluded(queries_[query]);
  }
  bool absent() const noexcept override { return filter_.absent(); }
  bool passes_all() const noexcept override { return filter_.passes_all(); }
  const RowSet* within(size_t query) const noexcept override {
    return filter_.within(queries_[query]);
  }

 private:
  const RowFilter& filter_;
  std::span<const size_t> queries_;
};

}  // namespace kith

#endif  // KITH_FILTER_H_
