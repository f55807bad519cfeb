#include "eval/speed.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/rng.h"
#include "eval/statistics.h"

namespace kith::eval {
namespace {

// Of all rounds together.
constexpr double kBatchSeconds = 0.3;
constexpr double kMostBatchSeconds = 0.6;
constexpr double kLongBatchSeconds = 3;
constexpr int kMostBatches = 99;
constexpr double kSinglesSeconds = 0.3;
constexpr double kMostSinglesSeconds = 2;
constexpr size_t kMinSingles = 18;
constexpr size_t kMaxSample = 1000;
constexpr size_t kMostPasses = 100;  // of the sample

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Queries spread evenly over the set in random order, so that stopping early leaves a fair sample.
std::vector<size_t> SampleQueries(size_t num_queries) {
  const size_t count = std::min(num_queries, kMaxSample);
  std::vector<size_t> sample(count);
  for (size_t i = 0; i < count; ++i) sample[i] = i * num_queries / count;
  Rng rng(0);
  rng.Shuffle(&sample);
  return sample;
}

double Rate(size_t count, double seconds) {
  return static_cast<double>(count) / std::max(seconds, 1e-9);
}

}  // namespace

SpeedMeter::SpeedMeter(const Index& index, const MatrixView& queries, const SearchParams& params)
    : index_(&index), queries_(queries), params_(params), sample_(SampleQueries(queries.rows)) {}

Status SpeedMeter::FirstBatch(SearchResult* result) {
  const auto start = std::chrono::steady_clock::now();
  KITH_RETURN_IF_ERROR(index_->Search(queries_, params_, result));
  first_batch_seconds_ = SecondsSince(start);
  // It may have read the file from disk, which a batch this long is not likely to notice.
  if (first_batch_seconds_ >= kLongBatchSeconds) {
    batch_seconds_ = kMostBatchSeconds;
    batch_qps_.push_back(Rate(queries_.rows, first_batch_seconds_));
  }
  return Status::Ok();
}

Status SpeedMeter::Round() {
  KITH_RETURN_IF_ERROR(TimeBatches());
  return TimeSingles();
}

Status SpeedMeter::TimeBatches() {
  if (batch_seconds_ >= kMostBatchSeconds) return Status::Ok();
  constexpr double kBlockSeconds = kBatchSeconds / kRounds;
  SearchResult result;
  // Others have had the caches since the last round. A long batch does not notice.
  if (first_batch_seconds_ < kBlockSeconds) {
    KITH_RETURN_IF_ERROR(index_->Search(queries_, params_, &result));
  }
  const auto start = std::chrono::steady_clock::now();
  double seconds = 0;
  size_t batches = 0;
  while (seconds < kBlockSeconds && batches < kMostBatches / kRounds) {
    KITH_RETURN_IF_ERROR(index_->Search(queries_, params_, &result));
    seconds = SecondsSince(start);
    ++batches;
  }
  batch_seconds_ += seconds;
  batch_qps_.push_back(Rate(batches * queries_.rows, seconds));
  return Status::Ok();
}

Status SpeedMeter::TimeSingles() {
  const size_t share = (sample_.size() + kRounds - 1) / kRounds;
  SearchParams params = params_;
  params.threads = 1;
  SearchResult result;
  MatrixView query = queries_;
  query.rows = 1;
  const auto start = std::chrono::steady_clock::now();
  double searching = 0;
  size_t count = 0;
  const auto enough = [&] {
    const double seconds = SecondsSince(start);
    return count >= kMostPasses * share ||
           (count >= share && seconds >= kSinglesSeconds / kRounds) ||
           (count >= kMinSingles / kRounds && seconds >= kMostSinglesSeconds / kRounds);
  };
  for (; !enough(); ++count, ++next_) {
    query.data = queries_.row(sample_[next_ % sample_.size()]);
    const auto begin = std::chrono::steady_clock::now();
    KITH_RETURN_IF_ERROR(index_->Search(query, params, &result));
    const double seconds = SecondsSince(begin);
    searching += seconds;
    latencies_us_.push_back(seconds * 1e6);
  }
  qps_.push_back(Rate(count, searching));
  return Status::Ok();
}

void SpeedMeter::Summarize(EvalPoint* point) const {
  point->qps = Median(qps_);
  point->qps_interval = MedianInterval(qps_);
  point->batch_qps = Median(batch_qps_);
  point->batch_qps_interval = MedianInterval(batch_qps_);
  std::vector<double> latencies = latencies_us_;
  std::sort(latencies.begin(), latencies.end());
  point->p50_us = Percentile(latencies, 0.50);
  point->p99_us = Percentile(latencies, 0.99);
}

}  // namespace kith::eval
