#include "kith/neighbour_graph.h"

#include <nanobind/nanobind.h>

#include <algorithm>
#include <string>

#include "arguments.h"
#include "arrays.h"
#include "errors.h"
#include "index.h"
#include "long_call.h"
#include "neighbour_graph.h"

namespace nb = nanobind;
using nb::literals::operator""_a;

namespace kith::python {
namespace {

EdgesKept ToEdges(nb::handle name) {
  const std::string text = ToText(name, "edges");
  if (text == "directed") return EdgesKept::kDirected;
  if (text == "either") return EdgesKept::kEither;
  if (text == "mutual") return EdgesKept::kMutual;
  ThrowValueError("edges is '" + text + "'; it must be 'directed', 'either' or 'mutual'");
}

template <class To, class From>
nb::object ToArray(const std::vector<From>& values) {
  NewArray<To> out(1, values.size(), true);
  std::copy(values.begin(), values.end(), out.data());
  return out.Take();
}

NeighbourGraphOptions ToOptions(const nb::object& k, const nb::object& recall,
                                const nb::object& index, const nb::object& edges,
                                const nb::object& with_self, const nb::object& n_jobs) {
  NeighbourGraphOptions options;
  options.k = static_cast<size_t>(ToInteger(k, "k", 1, kMostNeighbours));
  options.recall = ToRecall(recall, "recall");
  options.index = ToIndexKind(index);
  options.edges = ToEdges(edges);
  options.with_self = ToBool(with_self);
  options.threads = ToThreads(n_jobs);
  return options;
}

// Calls make(options), which may take long.
template <class Make>
nb::tuple Run(NeighbourGraphOptions options, const nb::object& progress, const Make& make) {
  NeighbourGraph graph;
  RunLong(progress, [&](const Progress& report, const std::stop_token& stop) -> Status {
    options.progress = report;
    options.stop = stop;
    KITH_ASSIGN_OR_RETURN(graph, make(options));
    return Status::Ok();
  });
  return nb::make_tuple(ToArray<int64_t>(graph.offsets), ToArray<int64_t>(graph.neighbours),
                        ToArray<float>(graph.distances), graph.recall);
}

nb::tuple OfIndex(const IndexHandle& self, const nb::object& k, const nb::object& recall,
                  const nb::object& index, const nb::object& edges, const nb::object& with_self,
                  const nb::object& n_jobs, const nb::object& progress) {
  const auto opened = self.Get();
  return Run(
      ToOptions(k, recall, index, edges, with_self, n_jobs), progress,
      [&](const NeighbourGraphOptions& options) { return MakeNeighbourGraph(*opened, options); });
}

nb::tuple OfVectors(const nb::object& vectors, const nb::object& metric, const nb::object& k,
                    const nb::object& recall, const nb::object& index, const nb::object& edges,
                    const nb::object& with_self, const nb::object& seed, const nb::object& n_jobs,
                    const nb::object& progress) {
  const Metric near = ToMetric(metric);
  NeighbourGraphOptions options = ToOptions(k, recall, index, edges, with_self, n_jobs);
  options.seed = ToSeed(seed, "seed");
  const InputMatrix input(vectors, "vectors");
  if (input.one()) ThrowValueError("vectors have one axis; give an array (n, d)");
  return Run(options, progress, [&](const NeighbourGraphOptions& all) {
    return MakeNeighbourGraph(input.view(), near, all);
  });
}

}  // namespace

void BindNeighbourGraph(nb::module_& m) {
  m.def("neighbour_graph", &OfIndex, "index"_a, "k"_a.none(), "recall"_a.none(), "way"_a.none(),
        "edges"_a.none(), "with_self"_a.none(), "n_jobs"_a.none(), "progress"_a.none(),
        nb::sig("def neighbour_graph(index: Handle, k: int, recall: float, way: str, edges: str, "
                "with_self: bool, n_jobs: int | None, progress: object) -> "
                "tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], "
                "numpy.typing.NDArray[numpy.float32], float]"));
  m.def("neighbour_graph_of", &OfVectors, "vectors"_a.none(), "metric"_a.none(), "k"_a.none(),
        "recall"_a.none(), "way"_a.none(), "edges"_a.none(), "with_self"_a.none(), "seed"_a.none(),
        "n_jobs"_a.none(), "progress"_a.none(),
        nb::sig("def neighbour_graph_of(vectors: object, metric: str, k: int, recall: float, "
                "way: str, edges: str, with_self: bool, seed: int, n_jobs: int | None, "
                "progress: object) -> "
                "tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], "
                "numpy.typing.NDArray[numpy.float32], float]"));
}

}  // namespace kith::python
