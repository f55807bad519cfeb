#include "learn.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "arguments.h"
#include "arrays.h"
#include "errors.h"
#include "index.h"
#include "kith/geo.h"
#include "kith/predict.h"
#include "long_call.h"
#include "search.h"

namespace nb = nanobind;
using nb::literals::operator""_a;

namespace kith::python {
namespace {

SearchParams ToSearch(const nb::dict& options) {
  return ToParams({Of(options, "recall"), Of(options, "effort"), Of(options, "exact"),
                   Of(options, "index"), Of(options, "n_jobs"), Of(options, "worst"),
                   Of(options, "drift")});
}

NeighbourWeights ToWeights(const nb::object& object) {
  const std::string name = ToText(object, "weights");
  if (name == "uniform") return NeighbourWeights::kUniform;
  if (name == "distance") return NeighbourWeights::kDistance;
  ThrowValueError("weights is \"" + name + "\"; it must be uniform or distance");
}

Averaging ToAveraging(const nb::dict& options) {
  Averaging averaging;
  averaging.weights = ToWeights(Of(options, "weights"));
  averaging.trim = ToNumber(Of(options, "trim"), "trim");
  averaging.median = ToBool(Of(options, "median"));
  averaging.interval = ToOptionalNumber(Of(options, "interval"), "interval").value_or(0);
  return averaging;
}

std::vector<size_t> ToKs(const nb::object& k) {
  return ToMany(k, "k", [](nb::handle one, const char* name) {
    return static_cast<size_t>(ToInteger(one, name, 1, kMostNeighbours));
  });
}

// Numbers that the core has as uint32, and may not be the last of them.
std::vector<uint32_t> ToSmall(const nb::object& object, const char* name) {
  const std::vector<int64_t> given = ToIds(object, name);
  std::vector<uint32_t> numbers(given.size());
  for (size_t i = 0; i < given.size(); ++i) {
    if (given[i] < 0 || given[i] >= int64_t{kNoLabel}) {
      ThrowValueError(std::string(name) + ": " + std::to_string(given[i]) + ", number " +
                      std::to_string(i) + ", is not from 0 to 2^32 - 2");
    }
    numbers[i] = static_cast<uint32_t>(given[i]);
  }
  return numbers;
}

// An array [how many there are, rows] of what `column` makes of each.
template <class T, class Told, class Column>
nb::object Stacked(const std::vector<Told>& told, size_t rows, const Column& column) {
  NewArray<T> array(told.size(), rows, false);
  for (size_t i = 0; i < told.size(); ++i) {
    const auto& values = column(told[i]);
    std::copy(values.begin(), values.end(), array.data() + i * rows);
  }
  return array.Take();
}

// (values, low, high, nearest, whether it was one query); of each k a row, but of `nearest`.
nb::tuple RegressQueries(const IndexHandle& self, const nb::object& queries,
                         const nb::object& values, const nb::object& k, const Options& options,
                         const nb::object& progress) {
  const auto index = self.Get();
  const InputMatrix input(queries, "queries");
  const std::vector<double> known = ToNumbers(values, "values");
  const std::vector<size_t> ks = ToKs(k);
  const Averaging averaging = ToAveraging(options);
  SearchParams params = ToSearch(options);
  std::vector<Regression> told;
  RunLong(progress, [&](const Progress& report, const std::stop_token& stop) -> Status {
    params.stop = stop;
    KITH_ASSIGN_OR_RETURN(told,
                          Regress(*index, input.view(), known, averaging, ks, params, report));
    return Status::Ok();
  });
  if (told[0].drifted) WarnOfDrift(index->Drift(), index->info().path, 2);
  const size_t rows = input.view().rows;
  const auto stacked = [&](std::vector<double> Regression::*column) {
    return Stacked<double>(told, rows, [column](const Regression& r) { return r.*column; });
  };
  const bool interval = averaging.interval > 0;
  return nb::make_tuple(stacked(&Regression::values),
                        interval ? stacked(&Regression::low) : nb::none(),
                        interval ? stacked(&Regression::high) : nb::none(),
                        ToArray(told[0].nearest, 1, rows, true), input.one());
}

// (labels, -1 for none, shares, whether it was one query); of each k a row.
nb::tuple ClassifyQueries(const IndexHandle& self, const nb::object& queries,
                          const nb::object& labels, const nb::object& k, const Options& options,
                          const nb::object& progress) {
  const auto index = self.Get();
  const InputMatrix input(queries, "queries");
  const std::vector<uint32_t> known = ToSmall(labels, "labels");
  const std::vector<size_t> ks = ToKs(k);
  const NeighbourWeights weights = ToWeights(Of(options, "weights"));
  SearchParams params = ToSearch(options);
  std::vector<Classification> told;
  RunLong(progress, [&](const Progress& report, const std::stop_token& stop) -> Status {
    params.stop = stop;
    KITH_ASSIGN_OR_RETURN(told, Classify(*index, input.view(), known, weights, ks, params, report));
    return Status::Ok();
  });
  if (told[0].drifted) WarnOfDrift(index->Drift(), index->info().path, 2);
  const size_t rows = input.view().rows;
  const auto numbers = [](const Classification& c) {
    std::vector<int64_t> out(c.labels.size());
    std::transform(c.labels.begin(), c.labels.end(), out.begin(),
                   [](uint32_t label) { return label == kNoLabel ? int64_t{-1} : int64_t{label}; });
    return out;
  };
  return nb::make_tuple(
      Stacked<int64_t>(told, rows, numbers),
      Stacked<double>(told, rows, [](const Classification& c) { return c.shares; }), input.one());
}

// For each k (k, rmse, mae, r2).
nb::list ScoreValues(const IndexHandle& self, const nb::object& values, const nb::object& folds,
                     const nb::object& k, const Options& options, const nb::object& progress) {
  const auto index = self.Get();
  const std::vector<double> known = ToNumbers(values, "values");
  const Folds parts = ToSmall(folds, "folds");
  const std::vector<size_t> ks = ToKs(k);
  const Averaging averaging = ToAveraging(options);
  SearchParams params = ToSearch(options);
  std::vector<RegressionScore> scores;
  RunLong(progress, [&](const Progress& report, const std::stop_token& stop) -> Status {
    params.stop = stop;
    KITH_ASSIGN_OR_RETURN(
        scores, CrossValidateRegression(*index, known, averaging, parts, ks, params, report));
    return Status::Ok();
  });
  nb::list out;
  for (const RegressionScore& s : scores) out.append(nb::make_tuple(s.k, s.rmse, s.mae, s.r2));
  return out;
}

// For each k (k, error).
nb::list ScoreLabels(const IndexHandle& self, const nb::object& labels, const nb::object& folds,
                     const nb::object& k, const Options& options, const nb::object& progress) {
  const auto index = self.Get();
  const std::vector<uint32_t> known = ToSmall(labels, "labels");
  const Folds parts = ToSmall(folds, "folds");
  const std::vector<size_t> ks = ToKs(k);
  const NeighbourWeights weights = ToWeights(Of(options, "weights"));
  SearchParams params = ToSearch(options);
  std::vector<ClassificationScore> scores;
  RunLong(progress, [&](const Progress& report, const std::stop_token& stop) -> Status {
    params.stop = stop;
    KITH_ASSIGN_OR_RETURN(
        scores, CrossValidateClassification(*index, known, weights, parts, ks, params, report));
    return Status::Ok();
  });
  nb::list out;
  for (const ClassificationScore& s : scores) out.append(nb::make_tuple(s.k, s.error));
  return out;
}

nb::object DealFolds(const nb::object& blocks, const nb::object& count, const nb::object& seed) {
  const std::vector<int64_t> given = ToIds(blocks, "blocks");
  const auto parts =
      static_cast<uint32_t>(ToInteger(count, "folds", 2, std::numeric_limits<uint32_t>::max() - 1));
  const Folds folds = ValueOrThrow(
      BlockFolds(std::vector<uint64_t>(given.begin(), given.end()), parts, ToSeed(seed, "seed")));
  return ToArray(std::vector<int64_t>(folds.begin(), folds.end()), 1, folds.size(), true);
}

nb::object Points(const nb::object& latitudes, const nb::object& longitudes) {
  const std::vector<double> lat = ToNumbers(latitudes, "latitudes");
  return ToArray(ValueOrThrow(SpherePoints(lat, ToNumbers(longitudes, "longitudes"))), lat.size(),
                 3, false);
}

nb::object Blocks(const nb::object& latitudes, const nb::object& longitudes,
                  const nb::object& degrees) {
  const std::vector<uint64_t> blocks =
      ValueOrThrow(GlobeBlocks(ToNumbers(latitudes, "latitudes"),
                               ToNumbers(longitudes, "longitudes"), ToNumber(degrees, "degrees")));
  return ToArray(std::vector<int64_t>(blocks.begin(), blocks.end()), 1, blocks.size(), true);
}

nb::object Km(const nb::object& chords) {
  std::vector<double> km = ToNumbers(chords, "chords");
  std::transform(km.begin(), km.end(), km.begin(), ChordToKm);
  return ToArray(km, 1, km.size(), true);
}

}  // namespace

void BindLearn(nb::module_& m) {
  m.def("learn_regress", &RegressQueries, "index"_a, "queries"_a.none(), "values"_a.none(),
        "k"_a.none(), "options"_a, "progress"_a.none(),
        nb::sig("def learn_regress(index: Handle, queries: object, values: object, k: object, "
                "options: dict[str, object], progress: object) -> tuple["
                "numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64] | None, "
                "numpy.typing.NDArray[numpy.float64] | None, "
                "numpy.typing.NDArray[numpy.float32], bool]"));
  m.def("learn_classify", &ClassifyQueries, "index"_a, "queries"_a.none(), "labels"_a.none(),
        "k"_a.none(), "options"_a, "progress"_a.none(),
        nb::sig("def learn_classify(index: Handle, queries: object, labels: object, k: object, "
                "options: dict[str, object], progress: object) -> tuple["
                "numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.float64], bool]"));
  m.def("learn_score_values", &ScoreValues, "index"_a, "values"_a.none(), "folds"_a.none(),
        "k"_a.none(), "options"_a, "progress"_a.none(),
        nb::sig("def learn_score_values(index: Handle, values: object, folds: object, k: object, "
                "options: dict[str, object], progress: object) -> "
                "list[tuple[int, float, float, float]]"));
  m.def("learn_score_labels", &ScoreLabels, "index"_a, "labels"_a.none(), "folds"_a.none(),
        "k"_a.none(), "options"_a, "progress"_a.none(),
        nb::sig("def learn_score_labels(index: Handle, labels: object, folds: object, k: object, "
                "options: dict[str, object], progress: object) -> list[tuple[int, float]]"));
  m.def("learn_folds", &DealFolds, "blocks"_a.none(), "folds"_a.none(), "seed"_a.none(),
        nb::sig("def learn_folds(blocks: object, folds: int, seed: int) -> "
                "numpy.typing.NDArray[numpy.int64]"));
  m.def("sphere_points", &Points, "latitudes"_a.none(), "longitudes"_a.none(),
        nb::sig("def sphere_points(latitudes: object, longitudes: object) -> "
                "numpy.typing.NDArray[numpy.float32]"));
  m.def("globe_blocks", &Blocks, "latitudes"_a.none(), "longitudes"_a.none(), "degrees"_a.none(),
        nb::sig("def globe_blocks(latitudes: object, longitudes: object, degrees: float) -> "
                "numpy.typing.NDArray[numpy.int64]"));
  m.def("chord_to_km", &Km, "chords"_a.none(),
        nb::sig("def chord_to_km(chords: object) -> numpy.typing.NDArray[numpy.float64]"));
}

}  // namespace kith::python
