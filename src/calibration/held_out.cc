#include "calibration/held_out.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <string_view>
#include <utility>

#include "base/rng.h"
#include "base/strings.h"
#include "calibration/steps.h"
#include "data/convert.h"
#include "data/copies.h"
#include "search/metric_traits.h"
#include "search/stored_vectors.h"

namespace kith::calibration {
namespace {

constexpr uint64_t kStream = 0xCA11;  // of random numbers
constexpr uint64_t kFewerStream = 0xFE3E;

// Stages of a path that is built to be measured alone are called so.
Progress Renamed(const Progress& progress) {
  if (!progress) return {};
  return [&progress](std::string_view stage, uint64_t done, uint64_t total) {
    return progress(StrCat("another, to measure recall: ", stage), done, total);
  };
}

}  // namespace

// Rows that a path is built of, and queries that are not among them.
struct HeldOut::Sample {
  // Of a path that is built for nothing else: its rows, and their inverse norms.
  std::vector<uint32_t> chosen;
  AlignedBuffer<std::byte> chosen_bytes;
  MatrixView rows;
  std::vector<float> norms;
  // Of the index itself: what is held out of it, ascending, and what of that searches are not to
  // find, once the first path is there.
  std::vector<uint32_t> left_out;
  std::vector<uint32_t> hidden;

  std::vector<uint32_t> query_rows;

  // The rows in the order of the first path, for searches before there is a file.
  std::vector<uint32_t> order;
  AlignedBuffer<std::byte> ordered_bytes;
  std::vector<float> ordered_norms;
  search::StoredVectors view;
  std::optional<HiddenRows> filter;
  AlignedBuffer<std::byte> query_bytes;
  MatrixView queries;

  bool is_ordered() const { return filter.has_value(); }
  Site site() const { return {view, &*filter}; }
};

std::vector<uint32_t> ChooseHeldOut(size_t n, uint64_t seed, size_t fold) {
  std::vector<uint32_t> held_out;
  const size_t count = NumHeldOut(n);
  Rng rng(seed, kStream);
  for (size_t i = 0; i < count; ++i) {
    const size_t begin = i * n / count;
    const size_t size = (i + 1) * n / count - begin;
    const size_t at = (rng.Below(static_cast<uint32_t>(size)) + fold) % size;
    held_out.push_back(static_cast<uint32_t>(begin + at));
  }
  return held_out;
}

HeldOut::HeldOut(const MatrixView& rows, const std::vector<float>& norms,
                 const BuildOptions& options, ThreadPool& pool)
    : rows_(rows), norms_(norms), options_(options), pool_(pool) {
  if (!IsWanted(options)) return;
  const size_t n = rows.rows;
  num_folds_ = NumFolds(n);
  apart_ = IsApart(n);
  for (size_t fold = 0; fold < num_folds_; ++fold) {
    samples_.push_back(std::make_unique<Sample>());
    samples_.back()->query_rows = ChooseHeldOut(n, options.seed, fold);
  }
  if (!samples_.empty() && !apart_) samples_[0]->left_out = samples_[0]->query_rows;
}

HeldOut::~HeldOut() = default;

std::span<const uint32_t> HeldOut::rows() const {
  if (samples_.empty() || apart_) return {};
  return samples_[0]->is_ordered() ? samples_[0]->hidden : samples_[0]->left_out;
}

// Chooses what paths are built of that are built to be measured, and which rows are queries: what
// is asked for is hardly ever there already, and easy to find if it is. So copies of queries are
// left out, too, and of vectors that are there very often there are no queries, unless there are no
// others.
Status HeldOut::Choose() {
  constexpr size_t kMostCopies = 8;
  const size_t n = rows_.rows;
  KITH_ASSIGN_OR_RETURN(const std::vector<uint32_t> first, data::FindCopies(rows_, pool_));
  std::vector<uint32_t> copies(n);
  for (const uint32_t of : first) ++copies[of];
  const auto keep_rare = [&](std::vector<uint32_t>* rows, size_t most) {
    std::vector<uint32_t> rare;
    std::copy_if(rows->begin(), rows->end(), std::back_inserter(rare),
                 [&](uint32_t row) { return copies[first[row]] <= most; });
    if (rare.empty()) return false;
    *rows = std::move(rare);
    return true;
  };
  // `all` but the queries, and their copies if they are to be left out as well, unless that leaves
  // too few.
  const auto others = [&](const std::vector<uint32_t>& all, const std::vector<uint32_t>& queries,
                          bool with_copies) {
    std::vector<uint32_t> rows;
    for (const bool copies_too : {with_copies, false}) {
      std::vector<bool> out(n);
      for (const uint32_t row : queries) out[copies_too ? first[row] : row] = true;
      rows.clear();
      std::copy_if(all.begin(), all.end(), std::back_inserter(rows),
                   [&](uint32_t row) { return !out[copies_too ? first[row] : row]; });
      if (2 * rows.size() >= all.size()) break;
    }
    return rows;
  };
  std::vector<uint32_t> all(n);
  std::iota(all.begin(), all.end(), 0u);
  size_t least = n;
  for (size_t fold = 0; fold < num_folds_; ++fold) {
    Sample* const sample = samples_[fold].get();
    const bool inserted = !sample->left_out.empty();
    const bool rare = keep_rare(&sample->query_rows, inserted ? 1 : kMostCopies);
    if (!inserted) sample->chosen = others(all, sample->query_rows, rare);
    least = std::min(least, sample->query_rows.size());
  }
  Rng rng(options_.seed, kFewerStream);
  for (size_t fold = 0; fold < num_folds_; ++fold) {  // of each as many
    rng.Shuffle(&samples_[fold]->query_rows);
    samples_[fold]->query_rows.resize(least);
  }
  const size_t fewer = NumFewer(n);
  if (fewer == 0) return Status::Ok();
  rng.Shuffle(&all);
  auto sample = std::make_unique<Sample>();
  const auto end = all.begin() + static_cast<ptrdiff_t>(fewer);
  sample->query_rows.assign(end, all.end());
  const bool rare = keep_rare(&sample->query_rows, kMostCopies);
  sample->query_rows.resize(std::min(kQueriesOfFewer, sample->query_rows.size()));
  sample->chosen = others({all.begin(), end}, sample->query_rows, rare);
  std::sort(sample->chosen.begin(), sample->chosen.end());
  samples_.push_back(std::move(sample));
  return Status::Ok();
}

// Gathers the rows that a path is built of, if they are not all.
Status HeldOut::Gather(Sample* sample) const {
  sample->rows = rows_;
  if (sample->chosen.empty()) return Status::Ok();
  const size_t stride = search::RowStride(rows_.dtype, rows_.dim);
  KITH_ASSIGN_OR_RETURN(sample->chosen_bytes,
                        data::GatherRows(rows_, sample->chosen, stride, pool_));
  sample->rows = {sample->chosen_bytes.data(), sample->chosen.size(), rows_.dim, stride,
                  rows_.dtype};
  if (!search::TraitsOf(options_.metric).unit_length()) return Status::Ok();
  for (const uint32_t row : sample->chosen) sample->norms.push_back(norms_[row]);
  return Status::Ok();
}

// Lays a sample's rows in the order of its first path.
Status HeldOut::Order(const search::PathBuilder& first, Sample* sample) const {
  const MatrixView& rows = sample->rows;
  sample->hidden = first.hidden();
  sample->filter.emplace(sample->hidden, rows.rows, true);
  sample->order = first.order();
  const size_t stride = search::RowStride(rows.dtype, rows.dim);
  KITH_ASSIGN_OR_RETURN(sample->ordered_bytes,
                        data::GatherRows(rows, sample->order, stride, pool_));
  sample->view.table.metric = options_.metric;
  sample->view.table.rows = {sample->ordered_bytes.data(), rows.rows, rows.dim, stride, rows.dtype};
  sample->view.table.padded_bytes = stride;
  if (search::TraitsOf(options_.metric).unit_length()) {
    const std::vector<float>& norms = sample->chosen.empty() ? norms_ : sample->norms;
    for (const uint32_t row : sample->order) sample->ordered_norms.push_back(norms[row]);
    sample->view.table.inverse_norms = sample->ordered_norms.data();
  }
  sample->view.rows = sample->order.data();
  KITH_ASSIGN_OR_RETURN(sample->query_bytes,
                        data::GatherRows(rows_, sample->query_rows, stride, pool_));
  sample->queries = {sample->query_bytes.data(), sample->query_rows.size(), rows.dim, stride,
                     rows.dtype};
  return Status::Ok();
}

// Makes the calibrator of samples that are all ordered.
Status HeldOut::Prepare() {
  std::vector<Site> sites;
  std::vector<MatrixView> queries;
  for (size_t fold = 0; fold < num_folds_; ++fold) {
    sites.push_back(samples_[fold]->site());
    queries.push_back(samples_[fold]->queries);
  }
  KITH_ASSIGN_OR_RETURN(calibrator_, Calibrator::Create(sites, queries, CalibrationSource::kHeldOut,
                                                        {}, pool_, options_.progress));
  if (samples_.size() == num_folds_) return Status::Ok();
  const double growth =
      static_cast<double>(rows_.rows) / static_cast<double>(sites[0].NumSearched());
  const Sample& fewer = *samples_.back();
  return calibrator_->Extrapolate(growth, fewer.site(), fewer.queries);
}

Status HeldOut::Measure(const search::PathType& type, const PathSpec& spec,
                        const search::BuildInput& input, const search::PathBuilder& builder) {
  if (!calibrator_.has_value()) KITH_RETURN_IF_ERROR(Choose());
  std::vector<std::unique_ptr<search::PathBuilder>> others;
  std::vector<std::unique_ptr<search::AccessPath>> paths;
  for (const std::unique_ptr<Sample>& sample : samples_) {
    const search::PathBuilder* own = &builder;
    if (!sample->is_ordered()) KITH_RETURN_IF_ERROR(Gather(sample.get()));
    if (!sample->chosen.empty()) {
      search::BuildInput part = input;
      part.rows = sample->rows;
      part.progress = Renamed(input.progress);
      part.order = sample->is_ordered() ? &sample->order : nullptr;
      part.held_out = {};
      KITH_ASSIGN_OR_RETURN(others.emplace_back(), type.NewBuilder(part, builder.Settled(spec)));
      KITH_RETURN_IF_ERROR(others.back()->Build());
      own = others.back().get();
    }
    if (!sample->is_ordered()) KITH_RETURN_IF_ERROR(Order(*own, sample.get()));
    paths.push_back(own->OpenPartial(sample->view));
  }
  if (!calibrator_.has_value()) KITH_RETURN_IF_ERROR(Prepare());
  std::vector<const search::AccessPath*> of_folds;
  for (size_t fold = 0; fold < num_folds_; ++fold) of_folds.push_back(paths[fold].get());
  return calibrator_->Measure(type, of_folds,
                              samples_.size() > num_folds_ ? paths.back().get() : nullptr);
}

}  // namespace kith::calibration
