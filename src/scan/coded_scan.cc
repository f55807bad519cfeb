#include "scan/coded_scan.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <vector>

namespace kith::scan {
namespace {

constexpr size_t kFirstRows = 64;
constexpr size_t kMostRows = 1024;
constexpr size_t kRowsInWord = 64;
constexpr size_t kBlocksInWord = kRowsInWord / simd::kScreenRows;

// One query on its way through the rows.
class QueryScan {
 public:
  QueryScan(const QueryGroup& group, size_t slot, search::TopK* top)
      : group_(&group), slot_(slot), top_(top) {}

  // What screens the next rows.
  void Prepare(simd::ScreenQuery* prepared) {
    if (prepared->code != nullptr && top_->threshold() == threshold_) return;
    threshold_ = top_->threshold();
    *prepared = group_->coded->Prepared(slot_, threshold_);
  }

  // Notes which of the rows [first, last) their codes have not ruled out, and prefetches them.
  // `passing` has whole words of kRowsInWord bits.
  void Collect(const uint16_t* passing, size_t first, size_t last) {
    for (size_t at = first; at < last; at += kRowsInWord, passing += kBlocksInWord) {
      uint64_t bits = 0;
      std::memcpy(&bits, passing, sizeof(bits));
      for (; bits != 0; bits &= bits - 1) {
        const size_t position = at + static_cast<size_t>(std::countr_zero(bits));
        if (position >= last) break;  // what pads the last block, or none of these rows' blocks
        if (pending_.size() < kPrefetched) Prefetch(position);
        pending_.push_back(static_cast<uint32_t>(position));
      }
    }
  }

  // Compares in full what was noted.
  void Finish(std::vector<float>* distances) {
    if (pending_.empty()) return;
    distances->resize(pending_.size());
    group_->scorer.ScoreIds(slot_, pending_.data(), pending_.size(), distances->data());
    for (size_t i = 0; i < pending_.size(); ++i) {
      group_->Offer(slot_, (*distances)[i], pending_[i], top_);
    }
    compared_ += pending_.size();
    pending_.clear();
  }

  uint64_t compared() const { return compared_; }

 private:
  static constexpr size_t kPrefetched = 32;
  static constexpr size_t kPrefetchedBytes = 1024;

  void Prefetch(size_t position) const {
    const std::byte* row = group_->vectors->table.rows.row(position);
    const size_t bytes = std::min(group_->vectors->table.rows.stride, kPrefetchedBytes);
    for (size_t at = 0; at < bytes; at += kCacheLine) __builtin_prefetch(row + at);
  }

  const QueryGroup* group_;
  size_t slot_;
  search::TopK* top_;
  float threshold_ = 0;            // of what was prepared
  std::vector<uint32_t> pending_;  // positions
  uint64_t compared_ = 0;
};

// Whether far more rows are compared in full than the k (1 + ln(rows / k)) to be expected: the
// bounds are wide, or every row is nearer than those before.
bool TooManyPass(const std::vector<QueryScan>& scans, size_t k, size_t rows) {
  uint64_t compared = 0;
  for (const QueryScan& scan : scans) compared += scan.compared();
  return compared > scans.size() * (rows / 8 + 5 * k + kFirstRows);
}

}  // namespace

bool ScansCodes(const quant::BoundedCodes& codes, size_t rows, size_t k) {
  // Every doubling of the rows seen brings about k that must be compared in full.
  constexpr size_t kRowsForEach = 64;
  return !codes.empty() && k <= rows / kRowsForEach;
}

CodesScanned ScanCodes(const QueryGroup& group, const quant::BoundedCodes& codes, size_t k,
                       size_t begin, size_t end, const ThreadPool& pool, search::TopK* top) {
  const size_t dim = codes.dim;
  const size_t queries = group.scorer.num_queries();
  std::vector<QueryScan> scans;
  scans.reserve(queries);
  for (size_t slot = 0; slot < queries; ++slot) scans.emplace_back(group, slot, top + slot);
  std::vector<simd::ScreenQuery> prepared(queries);
  constexpr size_t kMostBlocks = kMostRows / simd::kScreenRows;
  std::vector<uint16_t> passing(queries * kMostBlocks);
  std::vector<float> distances;
  size_t first = begin;
  while (first < end && !pool.stopped() && !TooManyPass(scans, k, first - begin)) {
    // While few rows are known, thresholds fall fast: few rows are screened at once, and those that
    // pass are compared before the next. Later, they are compared when the next have been screened,
    // so that their cache misses overlap it.
    const size_t count = std::clamp(first - begin, kFirstRows, kMostRows);
    const size_t last = std::min(end, first + count);
    for (size_t slot = 0; slot < scans.size(); ++slot) {
      if (count < kMostRows) scans[slot].Finish(&distances);
      scans[slot].Prepare(&prepared[slot]);
    }
    simd::GetKernels().screen(
        prepared.data(), prepared.size(),
        codes.blocks.data() + first / simd::kScreenRows * quant::BoundedCodes::BlockBytes(dim),
        quant::BoundedCodes::NumBlocks(last - first), quant::BoundedCodes::Groups(dim),
        passing.data(), kMostBlocks);
    for (size_t slot = 0; slot < scans.size(); ++slot) {
      scans[slot].Finish(&distances);
      scans[slot].Collect(passing.data() + slot * kMostBlocks, first, last);
    }
    first = last;
  }
  CodesScanned scanned{first, 0};
  for (QueryScan& scan : scans) {
    scan.Finish(&distances);
    scanned.compared += scan.compared();
  }
  return scanned;
}

}  // namespace kith::scan
