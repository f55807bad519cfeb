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

nb::tuple Make(const IndexHandle& self, const nb::object& k, const nb::object& recall,
               const nb::object& index, const nb::object& edges, const nb::object& with_self,
               const nb::object& n_jobs, const nb::object& progress) {
  const auto opened = self.Get();
  NeighbourGraphOptions options;
  options.k = static_cast<size_t>(ToInteger(k, "k", 1, kMostNeighbours));
  options.recall = ToRecall(recall, "recall");
  options.index = ToIndexKind(index);
  options.edges = ToEdges(edges);
  options.with_self = ToBool(with_self);
  options.threads = ToThreads(n_jobs);
  NeighbourGraph graph;
  RunLong(progress, [&](const Progress& report, const std::stop_token& stop) -> Status {
    options.progress = report;
    options.stop = stop;
    KITH_ASSIGN_OR_RETURN(graph, MakeNeighbourGraph(*opened, options));
    return Status::Ok();
  });
  return nb::make_tuple(ToArray<int64_t>(graph.offsets), ToArray<int64_t>(graph.neighbours),
                        ToArray<float>(graph.distances), graph.recall);
}

}  // namespace

void BindNeighbourGraph(nb::module_& m) {
  m.def("neighbour_graph", &Make, "index"_a, "k"_a.none(), "recall"_a.none(), "way"_a.none(),
        "edges"_a.none(), "with_self"_a.none(), "n_jobs"_a.none(), "progress"_a.none(),
        nb::sig("def neighbour_graph(index: Handle, k: int, recall: float, way: str, edges: str, "
                "with_self: bool, n_jobs: int | None, progress: object) -> "
                "tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], "
                "numpy.typing.NDArray[numpy.float32], float]"));
}

}  // namespace kith::python
