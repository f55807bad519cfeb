// The public face of reductions.
#include <algorithm>
#include <iterator>
#include <utility>

#include "base/edge.h"
#include "base/strings.h"
#include "kith/reduce.h"
#include "reduction/fit.h"
#include "reduction/model.h"
#include "reduction/section.h"
#include "search/metric_traits.h"

namespace kith {
namespace {

constexpr const char* kNames[] = {"pca", "gaussian", "sparse", "truncate"};
static_assert(std::size(kNames) == kNumReduceMethods);

constexpr char kFewerDims[] = "keep fewer dimensions";

Result<Reducer> AsReducer(Result<std::shared_ptr<const reduction::Model>> model) {
  if (!model.ok()) return std::move(model).status();
  return Reducer(std::move(model).value());
}

}  // namespace

const char* ReduceMethodName(ReduceMethod method) {
  const auto i = static_cast<size_t>(method);
  return i < std::size(kNames) ? kNames[i] : "unknown";
}

std::optional<ReduceMethod> ParseReduceMethod(std::string_view name) {
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (name == kNames[i]) return static_cast<ReduceMethod>(i);
  }
  return std::nullopt;
}

Result<Reducer> Reducer::Fit(const MatrixView& vectors, const ReduceOptions& options) {
  return AtEdge({}, kFewerDims, [&]() -> Result<Reducer> {
    ThreadPool pool(options.threads, options.stop);
    return AsReducer(reduction::FitModel(vectors, options, pool));
  });
}

Result<Reducer> Reducer::Open(const std::string& path) {
  return AtEdge(path, {}, [&] { return AsReducer(reduction::OpenModelFile(path)); });
}

Status Reducer::Save(const std::string& path) const {
  return AtEdge(path, {}, [&] { return reduction::WriteModelFile(*model_, path); });
}

ReduceMethod Reducer::method() const { return model_->method(); }
size_t Reducer::source_dim() const { return model_->source_dim(); }
size_t Reducer::dim() const { return model_->dim(); }
Metric Reducer::metric() const { return static_cast<Metric>(model_->header().metric); }

Metric Reducer::reduced_metric() const {
  // Reduced bits are no bits any more.
  return search::TraitsOf(metric()).op == simd::Op::kHamming ? Metric::kEuclidean : metric();
}

bool Reducer::whitened() const { return (model_->header().flags & reduction::kWhitened) != 0; }
bool Reducer::centred() const { return (model_->header().flags & reduction::kCentred) != 0; }
uint64_t Reducer::fitted_rows() const { return model_->header().fitted_rows; }
uint64_t Reducer::seed() const { return model_->header().seed; }
std::span<const float> Reducer::mean() const { return model_->mean(); }
std::vector<float> Reducer::Components() const { return model_->Components(); }
std::span<const double> Reducer::variances() const { return model_->variances(); }
double Reducer::total_variance() const { return model_->header().total_variance; }

double Reducer::KeptVariance(size_t dim) const {
  if (method() != ReduceMethod::kPca && method() != ReduceMethod::kTruncate) return -1;
  if (!(total_variance() > 0)) return 1;
  double sum = 0;
  for (size_t j = 0; j < std::min(dim, this->dim()); ++j) sum += variances()[j];
  return std::min(sum / total_variance(), 1.0);
}

Result<Reducer> Reducer::Prefix(size_t dim) const {
  return AtEdge({}, kFewerDims, [&]() -> Result<Reducer> {
    if (dim < 1 || dim > this->dim()) {
      return Status::InvalidArgument(StrCat("the reduction has ", Plural(this->dim(), "dimension"),
                                            "; ", dim, " of them cannot be kept"));
    }
    return AsReducer(model_->Prefix(dim));
  });
}

Status Reducer::Transform(const MatrixView& vectors, float* out, int threads,
                          const Progress& progress, std::stop_token stop) const {
  return TransformRows(vectors, 0, vectors.rows, out, threads, progress, std::move(stop));
}

Status Reducer::TransformRows(const MatrixView& vectors, size_t begin, size_t end, float* out,
                              int threads, const Progress& progress, std::stop_token stop) const {
  return AtEdge({}, "reduce fewer vectors at a time", [&] {
    ThreadPool pool(threads, std::move(stop));
    return model_->Apply(vectors, begin, end, out, pool, progress);
  });
}

bool IsReducerFile(const std::string& path) {
  const Result<bool> is = CatchAll([&]() -> Result<bool> { return reduction::IsModelFile(path); });
  return is.ok() && *is;
}

}  // namespace kith
