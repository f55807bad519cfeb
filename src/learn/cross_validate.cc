// Cross-validation: each row is predicted by neighbours of other folds.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>
#include <span>
#include <unordered_map>
#include <utility>

#include "base/edge.h"
#include "base/rng.h"
#include "base/strings.h"
#include "kith/predict.h"
#include "learn/neighbours.h"
#include "learn/votes.h"

namespace kith {
namespace {

Status CheckFolds(const Index& index, const Folds& folds, std::span<const size_t> ks) {
  KITH_RETURN_IF_ERROR(learn::CheckOnePerRow(index, folds.size(), "folds"));
  std::unordered_map<uint32_t, size_t> sizes;
  for (const uint32_t fold : folds) ++sizes[fold];
  if (sizes.size() < 2) {
    return Status::InvalidArgument(
        "all rows are in one fold; a cross-validation takes two or more");
  }
  size_t largest = 0;
  for (const auto& [fold, size] : sizes) largest = std::max(largest, size);
  for (const size_t k : ks) {
    if (k > folds.size() - largest) {
      return Status::InvalidArgument(StrCat("k is ", k, ", but outside the largest fold there are ",
                                            folds.size() - largest,
                                            " vectors; choose less, or more folds"));
    }
  }
  return Status::Ok();
}

// Calls fn(row, its neighbours in other folds, thread) for each row, fold by fold, on threads at
// the same time. Errors: those of fn and of searches.
template <class Fn>
Status ForEachHeldOut(const Index& index, const Folds& folds, SearchParams params,
                      const Progress& progress, Fn&& fn) {
  std::vector<std::vector<uint32_t>> rows_of;
  {
    std::unordered_map<uint32_t, size_t> places;
    for (size_t row = 0; row < folds.size(); ++row) {
      const auto [place, is_new] = places.try_emplace(folds[row], rows_of.size());
      if (is_new) rows_of.emplace_back();
      rows_of[place->second].push_back(static_cast<uint32_t>(row));
    }
  }
  params.watched = false;
  const size_t dim = index.info().dim;
  uint64_t done = 0;
  std::vector<float> queries;
  for (const std::vector<uint32_t>& rows : rows_of) {
    const HiddenRows others(rows, folds.size(), true);
    params.filter = &others;
    queries.resize(rows.size() * dim);
    for (size_t i = 0; i < rows.size(); ++i) index.GetVector(rows[i], queries.data() + i * dim);
    KITH_RETURN_IF_ERROR(learn::ForEachNeighbours(
        index, ViewOf(queries.data(), rows.size(), dim), params, progress, done, folds.size(),
        nullptr, [&](size_t query, std::span<const learn::Voter> voters, int thread) {
          return fn(rows[query], voters, thread);
        }));
    done += rows.size();
  }
  return Status::Ok();
}

}  // namespace

Result<Folds> RandomFolds(uint64_t num_rows, uint32_t count, uint64_t seed) {
  return CatchAll([&]() -> Result<Folds> {
    std::vector<uint64_t> blocks(num_rows);
    std::iota(blocks.begin(), blocks.end(), uint64_t{0});
    if (count > num_rows) {
      return Status::InvalidArgument(
          StrCat(num_rows, " rows make no ", count, " folds; choose fewer"));
    }
    return BlockFolds(blocks, count, seed);
  });
}

Result<Folds> BlockFolds(std::span<const uint64_t> blocks, uint32_t count, uint64_t seed) {
  return CatchAll([&]() -> Result<Folds> {
    if (count < 2) {
      return Status::InvalidArgument(StrCat(count, " folds asked for; there must be two or more"));
    }
    std::unordered_map<uint64_t, uint32_t> fold_of;
    std::vector<uint64_t> found;
    for (const uint64_t block : blocks) {
      if (fold_of.try_emplace(block, 0).second) found.push_back(block);
    }
    if (found.size() < count) {
      return Status::InvalidArgument(StrCat(found.size(), " blocks make no ", count,
                                            " folds; choose smaller blocks or fewer folds"));
    }
    Rng rng(seed);
    rng.Shuffle(&found);
    for (size_t i = 0; i < found.size(); ++i) fold_of[found[i]] = static_cast<uint32_t>(i % count);
    Folds folds(blocks.size());
    for (size_t row = 0; row < blocks.size(); ++row) folds[row] = fold_of[blocks[row]];
    return folds;
  });
}

Result<std::vector<RegressionScore>> CrossValidateRegression(
    const Index& index, std::span<const double> values, const Averaging& averaging,
    const Folds& folds, std::span<const size_t> ks, const SearchParams& params,
    const Progress& progress) {
  return CatchAll([&]() -> Result<std::vector<RegressionScore>> {
    KITH_RETURN_IF_ERROR(learn::CheckValues(index, values));
    KITH_RETURN_IF_ERROR(learn::CheckAveraging(index, averaging));
    KITH_RETURN_IF_ERROR(CheckFolds(index, folds, ks));
    KITH_ASSIGN_OR_RETURN(const SearchParams all, learn::ForAll(ks, params));
    learn::PerThread<learn::Averager> averagers(params.threads, values, averaging);
    std::vector<double> errors(ks.size() * values.size());  // [ks, rows]
    KITH_RETURN_IF_ERROR(ForEachHeldOut(
        index, folds, all, progress,
        [&](uint32_t row, std::span<const learn::Voter> voters, int thread) -> Status {
          if (voters.empty()) {
            return Status::InvalidArgument(
                StrCat("no neighbour of row ", row, " was found; search exactly"));
          }
          for (size_t i = 0; i < ks.size(); ++i) {
            const learn::Estimate told = averagers.Of(thread).Of(learn::First(voters, ks[i]));
            errors[i * values.size() + row] = told.value - values[row];
          }
          return Status::Ok();
        }));
    const auto count = static_cast<double>(values.size());
    const double mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
    double variance = 0;
    for (const double value : values) variance += (value - mean) * (value - mean);
    std::vector<RegressionScore> scores(ks.size());
    for (size_t i = 0; i < ks.size(); ++i) {
      double squared = 0;
      double absolute = 0;
      for (const double error : std::span(errors).subspan(i * values.size(), values.size())) {
        squared += error * error;
        absolute += std::abs(error);
      }
      // As scikit-learn has it, of values that are all the same.
      const double constant = squared == 0 ? 1 : 0;
      scores[i] = {ks[i], std::sqrt(squared / count), absolute / count,
                   variance > 0 ? 1 - squared / variance : constant};
    }
    return scores;
  });
}

Result<std::vector<ClassificationScore>> CrossValidateClassification(
    const Index& index, std::span<const uint32_t> labels, NeighbourWeights weights,
    const Folds& folds, std::span<const size_t> ks, const SearchParams& params,
    const Progress& progress) {
  return CatchAll([&]() -> Result<std::vector<ClassificationScore>> {
    KITH_RETURN_IF_ERROR(learn::CheckLabels(index, labels));
    KITH_RETURN_IF_ERROR(learn::CheckWeights(index, weights));
    KITH_RETURN_IF_ERROR(CheckFolds(index, folds, ks));
    KITH_ASSIGN_OR_RETURN(const SearchParams all, learn::ForAll(ks, params));
    learn::PerThread<learn::Ballot> ballots(params.threads, labels, weights);
    std::vector<std::atomic<uint64_t>> wrong(ks.size());
    KITH_RETURN_IF_ERROR(ForEachHeldOut(
        index, folds, all, progress,
        [&](uint32_t row, std::span<const learn::Voter> voters, int thread) {
          for (size_t i = 0; i < ks.size(); ++i) {
            const learn::Elected elected = ballots.Of(thread).Of(learn::First(voters, ks[i]));
            if (elected.label != labels[row]) wrong[i].fetch_add(1, std::memory_order_relaxed);
          }
          return Status::Ok();
        }));
    std::vector<ClassificationScore> scores(ks.size());
    for (size_t i = 0; i < ks.size(); ++i) {
      scores[i] = {ks[i], static_cast<double>(wrong[i]) / static_cast<double>(labels.size())};
    }
    return scores;
  });
}

}  // namespace kith
