#include "kith/map.h"

#include <nanobind/nanobind.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arguments.h"
#include "arrays.h"
#include "errors.h"
#include "index.h"
#include "long_call.h"
#include "map.h"

namespace nb = nanobind;
using nb::literals::operator""_a;

namespace kith::python {
namespace {

nb::object PointsOf(const std::vector<float>& points) {
  NewArray<float> out(points.size() / 2, 2, false);
  std::copy(points.begin(), points.end(), out.data());
  return out.Take();
}

MapOptions ToMapOptions(const nb::dict& options) {
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  MapOptions map;
  map.k = static_cast<size_t>(ToInteger(Of(options, "k"), "k", 1, kMostNeighbours));
  map.min_dist = static_cast<float>(ToNumber(Of(options, "min_dist"), "min_dist"));
  map.spread = static_cast<float>(ToNumber(Of(options, "spread"), "spread"));
  if (!Of(options, "epochs").is_none()) {
    map.epochs = static_cast<uint32_t>(ToInteger(Of(options, "epochs"), "epochs", 1, kMost));
  }
  map.negatives = static_cast<uint32_t>(ToInteger(Of(options, "negatives"), "negatives", 0, kMost));
  map.recall = ToRecall(Of(options, "recall"), "recall");
  map.index = ToIndexKind(Of(options, "index"));
  map.seed = ToSeed(Of(options, "seed"), "seed");
  map.threads = ToThreads(Of(options, "n_jobs"));
  return map;
}

nb::object Make(IndexHandle& self, const Options& options, const nb::object& progress) {
  const auto opened = self.Get();
  MapOptions made = ToMapOptions(options);
  const bool store = ToBool(Of(options, "store"));
  Map map;
  std::unique_ptr<Index> stored;
  RunLong(progress, [&](const Progress& report, const std::stop_token& stop) -> Status {
    made.progress = report;
    made.stop = stop;
    KITH_ASSIGN_OR_RETURN(map, MakeMap(*opened, made));
    if (!store) return Status::Ok();
    KITH_ASSIGN_OR_RETURN(stored, StoreMap(*opened, map, {}, stop));
    return Status::Ok();
  });
  // Closed meanwhile, it stays closed.
  if (stored != nullptr && !self.closed()) self.Replace(std::move(stored));
  return PointsOf(map.points);
}

nb::object Stored(const IndexHandle& self) {
  const auto index = self.Get();
  const Result<std::optional<Map>> map = StoredMap(*index);
  ThrowIfError(map.status());
  if (!*map) return nb::none();
  return PointsOf((*map)->points);
}

// (trustworthiness, share of the neighbours kept, k, samples).
nb::tuple Measure(const IndexHandle& self, const nb::object& points, const nb::object& k,
                  const nb::object& samples, const nb::object& n_jobs, const nb::object& progress) {
  const auto index = self.Get();
  const InputMatrix input(points, "points");
  const MatrixView& view = input.view();
  if (input.one() || view.dim != 2 || view.dtype != DataType::kF32) {
    ThrowValueError("points must be an array (n, 2) of floats");
  }
  std::vector<float> values(2 * view.rows);
  for (size_t i = 0; i < view.rows; ++i) {
    std::memcpy(values.data() + 2 * i, view.row(i), 2 * sizeof(float));
  }
  MapQualityOptions options;
  options.k = static_cast<size_t>(ToInteger(k, "k", 1, kMostNeighbours));
  options.samples = static_cast<size_t>(ToInteger(samples, "samples", 1, kMostNeighbours));
  options.threads = ToThreads(n_jobs);
  MapQuality quality;
  RunLong(progress, [&](const Progress& report, const std::stop_token& stop) -> Status {
    options.progress = report;
    options.stop = stop;
    KITH_ASSIGN_OR_RETURN(quality, MeasureMap(*index, values, options));
    return Status::Ok();
  });
  return nb::make_tuple(quality.trustworthiness, quality.preservation, quality.k, quality.samples);
}

}  // namespace

void BindMap(nb::module_& m) {
  m.def("make_map", &Make, "index"_a, "options"_a, "progress"_a.none(),
        nb::sig("def make_map(index: Handle, options: dict[str, object], progress: object) -> "
                "numpy.typing.NDArray[numpy.float32]"));
  m.def("stored_map", &Stored, "index"_a,
        nb::sig("def stored_map(index: Handle) -> numpy.typing.NDArray[numpy.float32] | None"));
  m.def("measure_map", &Measure, "index"_a, "points"_a.none(), "k"_a.none(), "samples"_a.none(),
        "n_jobs"_a.none(), "progress"_a.none(),
        nb::sig("def measure_map(index: Handle, points: object, k: int, samples: int, "
                "n_jobs: int | None, progress: object) -> tuple[float, float, int, int]"));
}

}  // namespace kith::python
