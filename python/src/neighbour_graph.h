// The neighbours of all vectors.
#ifndef KITH_PYTHON_NEIGHBOUR_GRAPH_H_
#define KITH_PYTHON_NEIGHBOUR_GRAPH_H_

#include <nanobind/nanobind.h>

namespace kith::python {

// What kith.Index.knn_graph() and kith.knn_graph() call.
void BindNeighbourGraph(nanobind::module_& m);

}  // namespace kith::python

#endif  // KITH_PYTHON_NEIGHBOUR_GRAPH_H_
