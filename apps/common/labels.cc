#include "common/labels.h"

#include <algorithm>
#include <utility>

#include "common/read_vectors.h"
#include "common/text.h"

namespace kith::apps {
namespace {

// Whether one name comes before another. `whole`: both are whole numbers.
bool Before(bool whole, std::string_view a, std::string_view b) {
  if (!whole) return a < b;
  const int64_t x = *ParseWhole(a);
  const int64_t y = *ParseWhole(b);
  return x != y ? x < y : a < b;
}

// A .kith file, opened. Errors: those of OpenIndex(); InvalidArgument (another metric).
Result<std::unique_ptr<Index>> OpenAs(const std::string& path,
                                      const std::optional<Metric>& metric) {
  KITH_ASSIGN_OR_RETURN(std::unique_ptr<Index> index, OpenIndex(path));
  const Metric has = index->info().metric;
  if (!metric || *metric == has) return index;
  return Status::InvalidArgument(StrCat(path, " was built for ", MetricName(has), ", not ",
                                        MetricName(*metric),
                                        "; leave --metric out, or give the vectors' file"));
}

}  // namespace

Result<std::unique_ptr<Index>> IndexOf(const MatrixView& vectors, const StringList& keys,
                                       Metric metric, double recall, int threads) {
  BuildOptions build;
  build.metric = metric;
  if (recall == 0) build.paths = {ExactOptions{}};
  build.threads = threads;
  if (!keys.empty()) build.keys = &keys;
  return BuildIndexInMemory(vectors, build);
}

Result<std::unique_ptr<Index>> OpenOrIndex(const std::string& path,
                                           const std::optional<Metric>& metric,
                                           const ReadOptions& options, double recall, int threads) {
  if (path != "-" && IsKithFile(path)) return OpenAs(path, metric);
  KITH_ASSIGN_OR_RETURN(const Dataset dataset, LoadVectors(path, options));
  Result<std::unique_ptr<Index>> index =
      IndexOf(dataset.vectors, dataset.keys, ChooseMetric(metric, dataset).metric, recall, threads);
  if (!index.ok()) return OfFile(path, index.status());
  return index;
}

Result<std::unique_ptr<Index>> OpenOrIndexForAll(const std::string& path,
                                                 const std::optional<Metric>& metric,
                                                 const ReadOptions& options, bool exact,
                                                 int threads) {
  if (path != "-" && IsKithFile(path)) return OpenAs(path, metric);
  KITH_ASSIGN_OR_RETURN(const Dataset dataset, LoadVectors(path, options));
  BuildOptions build;
  build.metric = ChooseMetric(metric, dataset).metric;
  build.calibrate = false;
  build.threads = threads;
  build.progress = options.progress;
  if (exact) build.paths = {ExactOptions{}};
  if (!dataset.keys.empty()) build.keys = &dataset.keys;
  Result<std::unique_ptr<Index>> index = BuildIndexInMemory(dataset.vectors, build);
  if (!index.ok()) return OfFile(path, index.status());
  return index;
}

StringList KeysOf(const Index& index) {
  StringList keys;
  if (!index.info().has_keys) return keys;
  for (uint64_t row = 0; row < index.info().num_vectors; ++row) keys.Add(index.Key(row));
  return keys;
}

LabelNames::LabelNames(const StringList& labels) {
  std::vector<std::string_view> all;
  all.reserve(labels.size());
  for (size_t i = 0; i < labels.size(); ++i) all.push_back(labels[i]);
  whole_ = std::all_of(all.begin(), all.end(),
                       [](std::string_view name) { return ParseWhole(name).has_value(); });
  const auto before = [this](std::string_view a, std::string_view b) {
    return Before(whole_, a, b);
  };
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  if (whole_) std::sort(all.begin(), all.end(), before);
  names_.assign(all.begin(), all.end());
}

std::optional<uint32_t> LabelNames::Find(std::string_view name) const {
  if (whole_ && !ParseWhole(name)) return std::nullopt;
  const auto at = std::lower_bound(
      names_.begin(), names_.end(), name,
      [this](const std::string& a, std::string_view b) { return Before(whole_, a, b); });
  if (at == names_.end() || *at != name) return std::nullopt;
  return static_cast<uint32_t>(at - names_.begin());
}

std::vector<uint32_t> LabelNames::Numbers(const StringList& labels) const {
  std::vector<uint32_t> numbers(labels.size());
  for (size_t i = 0; i < labels.size(); ++i) numbers[i] = Find(labels[i]).value_or(0);
  return numbers;
}

}  // namespace kith::apps
