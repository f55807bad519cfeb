// kith._core: the library for Python. Translates, and decides nothing.
#include <nanobind/nanobind.h>

#include "annoy.h"
#include "duplicates.h"
#include "errors.h"
#include "gil.h"
#include "index.h"
#include "kith/version.h"
#include "learn.h"
#include "map.h"
#include "neighbour_graph.h"
#include "pictures.h"
#include "recommend.h"
#include "reduce.h"
#include "thread_memory.h"
#include "words.h"

NB_MODULE(_core, m) {
  m.doc() = "The engine of kith; use the package kith.";
  m.attr("VERSION") = KITH_VERSION;
  kith::python::TouchThreadMemory();
  kith::python::BindExit(m);
  kith::python::BindErrors();
  kith::python::BindIndex(m);
  kith::python::BindBuild(m);
  kith::python::BindAnnoy(m);
  kith::python::BindLearn(m);
  kith::python::BindReduce(m);
  kith::python::BindNeighbourGraph(m);
  kith::python::BindDuplicates(m);
  kith::python::BindPictures(m);
  kith::python::BindMap(m);
  kith::python::BindRecommend(m);
  kith::python::BindWords(m);
}
