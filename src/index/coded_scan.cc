#include "index/coded_scan.h"

#include <algorithm>
#include <span>

#include "base/parallel.h"
#include "base/strings.h"

namespace kith {
namespace {

constexpr size_t kQueriesInTile = 16;
constexpr size_t kFirstBlock = 64;         // rows
constexpr size_t kBlockBytes = 128 << 10;  // codes that stay in the second-level cache

constexpr std::string_view kMean = kScanSections[0];
constexpr std::string_view kCodes = kScanSections[1];
constexpr std::string_view kBounds = kScanSections[2];

// One query on its way through the rows.
class QueryScan {
 public:
  QueryScan(const StoredVectors& vectors, const Scorer& scorer, const BoundedQueries& queries,
            size_t slot, TopK* top)
      : vectors_(vectors), scorer_(scorer), queries_(queries), slot_(slot), top_(top) {}

  // Compares what the last block left, then notes which rows of this one its codes do not rule out,
  // and prefetches them: they are compared when the next block's codes have been read.
  void Block(const float* dots, size_t first, size_t last, ScanScratch* scratch) {
    Finish(scratch);
    if (!screened_ || top_->threshold() != threshold_) {
      screened_ = true;
      threshold_ = top_->threshold();
      terms_ = queries_.Terms(slot_, threshold_);
    }
    scratch->positions.resize(last - first);
    const size_t count = simd::GetKernels().screen(
        dots, vectors_.codes.bounds.data() + first * sizeof(CodeBound), last - first, terms_,
        static_cast<uint32_t>(first), scratch->positions.data());
    pending_.assign(scratch->positions.begin(), scratch->positions.begin() + count);
    for (size_t i = 0; i < std::min(count, kPrefetched); ++i) {
      const std::byte* row = vectors_.table.rows.row(pending_[i]);
      const size_t bytes = std::min(vectors_.table.rows.stride, kPrefetchedBytes);
      for (size_t at = 0; at < bytes; at += kCacheLine) __builtin_prefetch(row + at);
    }
  }

  void Finish(ScanScratch* scratch) {
    if (pending_.empty()) return;
    scratch->full.resize(pending_.size());
    scorer_.ScoreIds(slot_, pending_.data(), pending_.size(), scratch->full.data());
    for (size_t i = 0; i < pending_.size(); ++i) {
      if (scratch->full[i] <= top_->threshold()) {
        top_->Offer(scratch->full[i], vectors_.RowAt(pending_[i]));
      }
    }
    compared_ += pending_.size();
    pending_.clear();
  }

  uint64_t compared() const { return compared_; }

 private:
  static constexpr size_t kPrefetched = 32;
  static constexpr size_t kPrefetchedBytes = 1024;

  const StoredVectors& vectors_;
  const Scorer& scorer_;
  const BoundedQueries& queries_;
  size_t slot_;
  TopK* top_;
  bool screened_ = false;
  float threshold_ = 0;  // of terms_
  simd::ScreenTerms terms_{};
  std::vector<uint32_t> pending_;  // positions
  uint64_t compared_ = 0;
};

}  // namespace

Status WriteScanCodes(const MatrixView& rows, std::span<const uint32_t> order, Metric metric,
                      int threads, ContainerWriter* writer) {
  KITH_ASSIGN_OR_RETURN(const EncodedRows encoded, EncodeBounded(rows, order, metric, threads));
  KITH_RETURN_IF_ERROR(writer->AddSection(kMean, std::as_bytes(std::span(encoded.mean))));
  KITH_RETURN_IF_ERROR(
      writer->AddSection(kCodes, std::span(encoded.codes.data(), encoded.codes.size()),
                         {.row_bytes = static_cast<uint32_t>(BoundedCodes::Stride(rows.dim))}));
  return writer->AddSection(kBounds, std::as_bytes(std::span(encoded.bounds)),
                            {.row_bytes = sizeof(CodeBound)});
}

Result<BoundedCodes> OpenScanCodes(const ContainerReader& file) {
  const FileHeader& header = file.header();
  BoundedCodes codes;
  codes.metric = static_cast<Metric>(header.metric);
  codes.dim = header.dim;
  codes.stride = BoundedCodes::Stride(header.dim);
  if (!HasBoundedCodes(codes.metric, static_cast<DataType>(header.dtype))) {
    return file.Corrupt(kCodes, "vectors of this type and metric have none");
  }
  KITH_ASSIGN_OR_RETURN(codes.mean, file.Array<float>(kMean, header.dim));
  KITH_RETURN_IF_ERROR(file.CheckSize(kCodes, header.num_vectors, codes.stride));
  KITH_RETURN_IF_ERROR(file.CheckSize(kBounds, header.num_vectors, sizeof(CodeBound)));
  codes.codes = file.Bytes(kCodes);
  codes.bounds = file.Bytes(kBounds);
  return codes;
}

Status VerifyScanCodes(const ContainerReader& file, const StoredVectors& vectors) {
  for (size_t i = 0; i < vectors.table.rows.rows; ++i) {
    const std::string fault = FaultOfCode(vectors.codes, vectors.table.rows, i);
    if (!fault.empty()) return file.Corrupt(kBounds, StrCat("code ", i, ": ", fault));
  }
  return Status::Ok();
}

bool ScansCodes(const StoredVectors& vectors, size_t k) {
  // Every doubling of the rows seen brings about k that must be compared in full.
  constexpr size_t kRowsForEach = 64;
  return !vectors.codes.empty() && k <= vectors.table.rows.rows / kRowsForEach;
}

uint64_t ScanCodes(const StoredVectors& vectors, const Scorer& scorer,
                   const BoundedQueries& queries, size_t begin, size_t end, ScanScratch* scratch,
                   TopK* top) {
  const size_t largest_block =
      std::clamp<size_t>(kBlockBytes / vectors.codes.stride, kFirstBlock, 1024);
  scratch->distances.resize(kQueriesInTile * largest_block);
  float* dots = scratch->distances.data();
  std::vector<QueryScan> scans;
  scans.reserve(queries.size());
  for (size_t slot = 0; slot < queries.size(); ++slot) {
    scans.emplace_back(vectors, scorer, queries, slot, top + slot);
  }
  for (size_t first = begin; first < end;) {
    // While few rows are known, thresholds fall fast: blocks begin small and double.
    const size_t block = std::clamp(first - begin, kFirstBlock, largest_block);
    const size_t last = std::min(end, first + block);
    for (size_t slot = 0; slot < scans.size(); slot += kQueriesInTile) {
      const size_t slot_end = std::min(scans.size(), slot + kQueriesInTile);
      queries.DotRows(slot, slot_end, first, last, dots, largest_block);
      for (size_t s = slot; s < slot_end; ++s) {
        scans[s].Block(dots + (s - slot) * largest_block, first, last, scratch);
      }
    }
    first = last;
  }
  uint64_t compared = 0;
  for (QueryScan& scan : scans) {
    scan.Finish(scratch);
    compared += scan.compared();
  }
  return compared;
}

}  // namespace kith
