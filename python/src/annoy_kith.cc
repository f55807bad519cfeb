#include "annoy_kith.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>
#include <string_view>
#include <utility>

#include "kith/eval.h"

namespace kith::python {
namespace {

constexpr std::string_view kExtension = ".kith";

// What a search without search_k aims at, where the file knows what it takes.
constexpr double kRecall = 0.95;

// A search for more than this part of all vectors compares them all.
constexpr size_t kExactBelow = 4;

float ToAnnoy(Metric metric, float distance) {
  switch (metric) {
    case Metric::kAngular: return std::sqrt(std::max(2 * distance, 0.0F));
    case Metric::kDot: return -distance;
    default: return distance;
  }
}

// 1 + the largest id of the file.
int64_t CountItems(const Index& index) {
  const IndexInfo& info = index.info();
  if (!info.has_ids) return static_cast<int64_t>(info.num_vectors);
  int64_t largest = -1;
  for (uint64_t row = 0; row < info.num_vectors; ++row) {
    largest = std::max(largest, index.Id(row));
  }
  return std::min(largest, std::numeric_limits<int64_t>::max() - 1) + 1;
}

}  // namespace

bool IsKithName(const std::string& path) {
  return path.size() > kExtension.size() &&
         std::equal(
             kExtension.begin(), kExtension.end(), path.end() - kExtension.size(),
             [](char a, char b) { return a == std::tolower(static_cast<unsigned char>(b)); });
}

Status SaveAsKith(const AnnoyIndex& annoy, const std::string& path, const Progress& progress,
                  const std::stop_token& stop) {
  const size_t dim = annoy.dim();
  const auto num_items = static_cast<int64_t>(annoy.num_items());
  std::vector<int64_t> ids;
  for (int64_t id = 0; id < num_items; ++id) {
    if (annoy.HasItem(id)) ids.push_back(id);
  }
  if (ids.empty()) return Status::InvalidArgument(path + ": a .kith file needs at least one item");
  std::vector<float> vectors(ids.size() * dim);
  for (size_t row = 0; row < ids.size(); ++row) {
    KITH_RETURN_IF_ERROR(annoy.GetItem(ids[row], vectors.data() + row * dim));
  }
  BuildOptions options;
  options.metric = annoy.metric();
  // Annoy's hamming knows bits only.
  if (options.metric == Metric::kHamming) options.dtype = DataType::kBit;
  if (ids.size() != annoy.num_items()) options.ids = &ids;
  options.progress = progress;
  options.stop = stop;
  return BuildIndex(ViewOf(vectors.data(), ids.size(), dim), path, options);
}

Result<std::shared_ptr<const KithAsAnnoy>> KithAsAnnoy::Open(const std::string& path, Metric metric,
                                                             size_t dim, bool prefault,
                                                             const std::stop_token& stop) {
  OpenOptions options;
  options.stop = stop;
  options.prefault = prefault;
  KITH_ASSIGN_OR_RETURN(std::unique_ptr<Index> index, OpenIndex(path, options));
  const IndexInfo& info = index->info();
  if (info.metric != metric || info.dim != dim) {
    return Status::Corruption(
        path + " holds " + std::to_string(info.dim) + " dimensions, metric " +
        MetricName(info.metric) + "; this index has f=" + std::to_string(dim) + ", metric " +
        MetricName(metric) + ". Create the AnnoyIndex with those of the file.");
  }
  const int64_t num_items = CountItems(*index);
  return std::shared_ptr<const KithAsAnnoy>(new KithAsAnnoy(std::move(index), num_items));
}

Status KithAsAnnoy::GetItem(int64_t id, float* out) const {
  if (id < 0) return Status::NotFound("Item index can not be negative");
  if (id >= num_items_) return Status::NotFound("Item index larger than the largest item index");
  const Result<uint64_t> row = index_->FindId(id);
  if (row.ok()) {
    index_->GetVector(row.value(), out);
  } else if (row.status().code() == StatusCode::kNotFound) {
    std::fill_n(out, index_->info().dim, 0.0F);
  } else {
    return row.status();
  }
  return Status::Ok();
}

Status KithAsAnnoy::Distance(int64_t i, int64_t j, float* distance) const {
  const size_t dim = index_->info().dim;
  std::vector<float> vectors(2 * dim);
  KITH_RETURN_IF_ERROR(GetItem(i, vectors.data()));
  KITH_RETURN_IF_ERROR(GetItem(j, vectors.data() + dim));
  const Metric metric = index_->info().metric;
  *distance = ToAnnoy(metric, static_cast<float>(PreciseDistance(metric, vectors.data(),
                                                                 vectors.data() + dim, dim)));
  return Status::Ok();
}

SearchParams KithAsAnnoy::ParamsFor(size_t num_queries, int64_t n, int64_t search_k) const {
  const IndexInfo& info = index_->info();
  const size_t all = info.num_vectors;
  SearchParams params;
  params.k = n < 0 ? all : std::min(static_cast<size_t>(n), all);
  const bool unlimited = search_k < -1 || std::cmp_greater_equal(search_k, all);
  if (unlimited || params.k > all / kExactBelow) {
    params.index = IndexKind::kExact;
  } else if (search_k == -1) {
    params.recall = kRecall;
    // Not calibrated, or not for this k.
    if (!index_->Plan(params, num_queries).ok()) params.recall = 0;
  } else if (info.has_approximate()) {
    // The best of them. What is counted is neighbours read, of a graph some at each visit.
    const PathInfo& path = info.paths[1];
    const auto degree = static_cast<int64_t>(path.number("degree"));
    params.index = path.kind;
    params.effort =
        degree == 0 ? search_k : std::max(static_cast<int64_t>(params.k), search_k / degree);
  }
  return params;
}

Status KithAsAnnoy::Search(const float* queries, size_t num_queries, int64_t n, int64_t search_k,
                           int threads, Answer* answer, const std::stop_token& stop) const {
  const IndexInfo& info = index_->info();
  answer->found.assign(num_queries, 0);
  SearchParams params = ParamsFor(num_queries, n, search_k);
  params.threads = threads;
  params.stop = stop;
  answer->k = search_k == 0 ? 0 : params.k;
  if (answer->k == 0) return Status::Ok();

  std::vector<float> bits;
  if (info.dtype == DataType::kBit) {
    bits.resize(num_queries * info.dim);
    std::transform(queries, queries + bits.size(), bits.begin(),
                   [](float x) { return x > 0.5F ? 1.0F : 0.0F; });
    queries = bits.data();
  }
  SearchResult& result = answer->result;
  KITH_RETURN_IF_ERROR(index_->Search(ViewOf(queries, num_queries, info.dim), params, &result));
  for (size_t i = 0; i < num_queries; ++i) {
    const int64_t* ids = result.ids.data() + i * params.k;
    answer->found[i] = static_cast<size_t>(std::find(ids, ids + params.k, kNoId) - ids);
  }
  for (float& distance : result.distances) distance = ToAnnoy(info.metric, distance);
  return Status::Ok();
}

void KithAsAnnoy::Answer::CopyTo(Metric metric, size_t n, int64_t* ids, float* distances) const {
  const float nothing = metric == Metric::kDot ? -std::numeric_limits<float>::infinity()
                                               : std::numeric_limits<float>::infinity();
  for (size_t i = 0; i < found.size(); ++i) {
    std::fill_n(ids + i * n, n, kNoId);
    std::fill_n(distances + i * n, n, nothing);
    std::copy_n(result.ids.data() + i * k, found[i], ids + i * n);
    std::copy_n(result.distances.data() + i * k, found[i], distances + i * n);
  }
}

}  // namespace kith::python
