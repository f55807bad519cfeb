#include "reduce.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arguments.h"
#include "arrays.h"
#include "errors.h"
#include "index.h"
#include "kith/reduce.h"
#include "long_call.h"

namespace nb = nanobind;
using nb::literals::operator""_a;

namespace kith::python {
namespace {

constexpr int64_t kMostDims = static_cast<int64_t>(kMaxDim);

void CheckTwoAxes(const InputMatrix& vectors) {
  if (vectors.one()) ThrowValueError("vectors have one axis; give an array (n, d)");
}

Reducer Fit(const nb::object& vectors, const nb::object& dim, const nb::object& keep_variance,
            const nb::object& method, const nb::object& metric, const nb::object& whiten,
            const nb::object& seed, const nb::object& n_jobs, const nb::object& progress) {
  ReduceOptions options;
  if (!dim.is_none()) {
    options.dim = static_cast<size_t>(ToInteger(dim, "dim", 1, kMostDims));
  }
  if (const auto share = ToOptionalNumber(keep_variance, "keep_variance")) {
    // The library takes 0 for none.
    if (!(*share > 0)) ThrowValueError("keep_variance must be above 0, at most 1");
    options.keep_variance = *share;
  }
  const std::string name = ToText(method, "method");
  const std::optional<ReduceMethod> known = ParseReduceMethod(name);
  if (!known) {
    ThrowValueError("method is \"" + name + "\"; it must be pca, gaussian, sparse or truncate");
  }
  options.method = *known;
  options.metric = ToMetric(metric);
  options.whiten = ToBool(whiten);
  options.seed = ToSeed(seed, "seed");
  options.threads = ToThreads(n_jobs);
  const InputMatrix input(vectors, "vectors");
  CheckTwoAxes(input);
  std::optional<Reducer> reducer;
  RunLong(progress, [&](const Progress& report, const std::stop_token& stop) -> Status {
    options.progress = report;
    options.stop = stop;
    KITH_ASSIGN_OR_RETURN(reducer, Reducer::Fit(input.view(), options));
    return Status::Ok();
  });
  return *std::move(reducer);
}

Reducer Open(const nb::object& path) { return ValueOrThrow(Reducer::Open(ToPath(path))); }

void Save(const Reducer& self, const nb::object& path) { ThrowIfError(self.Save(ToPath(path))); }

Reducer Prefix(const Reducer& self, const nb::object& dim) {
  return ValueOrThrow(self.Prefix(static_cast<size_t>(ToInteger(dim, "dim", 1, kMostDims))));
}

nb::object Transform(const Reducer& self, const nb::object& vectors, const nb::object& n_jobs,
                     const nb::object& progress) {
  const InputMatrix input(vectors, "vectors");
  const int threads = ToThreads(n_jobs);
  NewArray<float> out(input.view().rows, self.dim(), input.one());
  RunLong(progress, [&](const Progress& report, const std::stop_token& stop) {
    return self.Transform(input.view(), out.data(), threads, report, stop);
  });
  return out.Take();
}

nb::dict PointDict(const ReducePoint& point) {
  nb::dict dict;
  dict["dim"] = point.dim;
  dict["variance"] = point.variance < 0 ? nb::none() : nb::object(nb::float_(point.variance));
  dict["recall"] = point.recall;
  dict["reranked"] = point.reranked;
  return dict;
}

nb::list PointList(const std::vector<ReducePoint>& points) {
  nb::list list;
  for (const ReducePoint& point : points) list.append(PointDict(point));
  return list;
}

// The queries given, or some of the vectors.
struct Queries {
  std::optional<InputMatrix> given;
  SampledQueries sampled;
  MatrixView view;

  Queries(const nb::object& object, const InputMatrix& vectors, const nb::object& seed) {
    constexpr size_t kSampled = 1000;
    if (!object.is_none()) {
      given.emplace(object, "queries");
      view = given->view();
      return;
    }
    sampled = ValueOrThrow(SampleQueries(vectors.view(), kSampled, ToSeed(seed, "seed")));
    view = ViewOf(sampled.values.data(), sampled.rows.size(), vectors.view().dim);
  }
};

ReduceRecallOptions ToRecallOptions(const nb::object& k, const nb::object& rerank,
                                    const nb::object& n_jobs) {
  ReduceRecallOptions options;
  options.k = static_cast<size_t>(ToInteger(k, "k", 1, kMostNeighbours));
  options.rerank = static_cast<size_t>(ToInteger(rerank, "rerank", 1, kMostNeighbours));
  options.threads = ToThreads(n_jobs);
  return options;
}

nb::list Measure(const Reducer& self, const nb::object& vectors, const nb::object& queries,
                 const nb::object& dims, const nb::object& k, const nb::object& rerank,
                 const nb::object& seed, const nb::object& n_jobs, const nb::object& progress) {
  const InputMatrix input(vectors, "vectors");
  CheckTwoAxes(input);
  const Queries asked(queries, input, seed);
  ReduceRecallOptions options = ToRecallOptions(k, rerank, n_jobs);
  if (!dims.is_none()) {
    for (const int64_t dim : ToMany(dims, "dims", [](nb::handle value, const char*name) {
           return ToInteger(value, name, 1, kMostDims);
         })) {
      options.dims.push_back(static_cast<size_t>(dim));
    }
  }
  std::vector<ReducePoint> points;
  RunLong(progress, [&](const Progress& report, const std::stop_token& stop) -> Status {
    options.progress = report;
    options.stop = stop;
    KITH_ASSIGN_OR_RETURN(
        points, MeasureReduction(self, input.view(), asked.view, asked.sampled.rows, options));
    return Status::Ok();
  });
  return PointList(points);
}

// (the reduction to the least dimension, its point by other queries, all that was measured)
nb::tuple LeastDim(const Reducer& self, const nb::object& vectors, const nb::object& recall,
                   const nb::object& reranked, const nb::object& queries, const nb::object& k,
                   const nb::object& rerank, const nb::object& seed, const nb::object& n_jobs,
                   const nb::object& progress) {
  const InputMatrix input(vectors, "vectors");
  CheckTwoAxes(input);
  const Queries asked(queries, input, seed);
  KeepRecallOptions options;
  options.recall = ToRecall(recall, "keep_recall");
  options.reranked = ToBool(reranked);
  options.measure = ToRecallOptions(k, rerank, n_jobs);
  KeptRecall kept;
  RunLong(progress, [&](const Progress& report, const std::stop_token& stop) -> Status {
    options.measure.progress = report;
    options.measure.stop = stop;
    KITH_ASSIGN_OR_RETURN(kept,
                          KeepRecall(self, input.view(), asked.view, asked.sampled.rows, options));
    return Status::Ok();
  });
  return nb::make_tuple(nb::cast(ValueOrThrow(self.Prefix(kept.dim))), PointDict(kept.point),
                        PointList(kept.measured));
}

nb::object Components(const Reducer& self) {
  const std::vector<float> components = self.Components();
  NewArray<float> out(components.empty() ? 0 : self.dim(), self.source_dim(), false);
  std::copy(components.begin(), components.end(), out.data());
  return out.Take();
}

nb::object Mean(const Reducer& self) {
  NewArray<float> out(1, self.source_dim(), true);
  std::copy(self.mean().begin(), self.mean().end(), out.data());
  return out.Take();
}

nb::list Variances(const Reducer& self) {
  nb::list list;
  for (const double v : self.variances()) list.append(v);
  return list;
}

}  // namespace

void BindReduce(nb::module_& m) {
  m.def("reduce_fit", &Fit, "vectors"_a.none(), "dim"_a.none(), "keep_variance"_a.none(),
        "method"_a.none(), "metric"_a.none(), "whiten"_a.none(), "seed"_a.none(), "n_jobs"_a.none(),
        "progress"_a.none());
  m.def("reduce_open", &Open, "path"_a.none());
  nb::class_<Reducer>(m, "Reduction")
      .def("save", &Save, "path"_a.none())
      .def("prefix", &Prefix, "dim"_a.none())
      .def("transform", &Transform, "vectors"_a.none(), "n_jobs"_a.none(), "progress"_a.none(),
           nb::sig("def transform(self, vectors: object, n_jobs: int | None, progress: object) -> "
                   "numpy.typing.NDArray[numpy.float32]"))
      .def("measure", &Measure, "vectors"_a.none(), "queries"_a.none(), "dims"_a.none(),
           "k"_a.none(), "rerank"_a.none(), "seed"_a.none(), "n_jobs"_a.none(), "progress"_a.none(),
           nb::sig("def measure(self, vectors: object, queries: object, dims: object, k: int, "
                   "rerank: int, seed: int, n_jobs: int | None, progress: object) -> "
                   "list[dict[str, typing.Any]]"))
      .def("to_recall", &LeastDim, "vectors"_a.none(), "recall"_a.none(), "reranked"_a.none(),
           "queries"_a.none(), "k"_a.none(), "rerank"_a.none(), "seed"_a.none(), "n_jobs"_a.none(),
           "progress"_a.none(),
           nb::sig("def to_recall(self, vectors: object, recall: float, reranked: bool, "
                   "queries: object, k: int, rerank: int, seed: int, n_jobs: int | None, "
                   "progress: object) -> tuple[Reduction, dict[str, typing.Any], "
                   "list[dict[str, typing.Any]]]"))
      .def("components", &Components,
           nb::sig("def components(self) -> numpy.typing.NDArray[numpy.float32]"))
      .def("mean", &Mean, nb::sig("def mean(self) -> numpy.typing.NDArray[numpy.float32]"))
      .def("variances", &Variances, nb::sig("def variances(self) -> list[float]"))
      .def_prop_ro("method", [](const Reducer& r) { return ReduceMethodName(r.method()); })
      .def_prop_ro("metric", [](const Reducer& r) { return MetricName(r.metric()); })
      .def_prop_ro("dim", [](const Reducer& r) { return r.dim(); })
      .def_prop_ro("source_dim", [](const Reducer& r) { return r.source_dim(); })
      .def_prop_ro("whitened", [](const Reducer& r) { return r.whitened(); })
      .def_prop_ro("seed", [](const Reducer& r) { return r.seed(); })
      .def_prop_ro("fitted_rows", [](const Reducer& r) { return r.fitted_rows(); })
      .def_prop_ro("total_variance", [](const Reducer& r) { return r.total_variance(); });
}

}  // namespace kith::python
