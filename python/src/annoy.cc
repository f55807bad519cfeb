#include "annoy.h"

#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>

#include "annoy_index.h"

namespace nb = nanobind;
using namespace nb::literals;  // NOLINT(google-build-using-namespace): "name"_a

namespace kith::python {
namespace {

// What is taken for the name of a file, in signatures.
#define KITH_PATH "str | bytes | os.PathLike[str] | os.PathLike[bytes]"

// Annoy returns True where others return nothing.
template <auto Method, class... Args>
bool True(PyAnnoyIndex& self, Args... args) {
  (self.*Method)(std::move(args)...);
  return true;
}

void BindItems(nb::class_<PyAnnoyIndex>& c) {
  c.def("add_item", &PyAnnoyIndex::AddItem, "i"_a, "vector"_a,
        nb::sig("def add_item(self, i: int, vector: typing.Any) -> None"),
        "Adds item ``i`` with its vector, or gives item ``i`` another one.\n\n"
        "Parameters\n----------\n"
        "i : int\n    From 0 to 2**31 - 2. Room is made for ``max(i) + 1`` items.\n"
        "vector : sequence of f floats\n"
        "    List, tuple, array, or anything with ``__len__`` and ``__getitem__``. Arrays of\n"
        "    floats and integers are read without making an object of each number. Stored as\n"
        "    float32; with the metric hamming, as a bit: 1 if above 0.5.\n\n"
        "Raises\n------\n"
        "IndexError\n    ``i`` is negative, or the vector has another length than ``f``.\n"
        "OverflowError\n    ``i`` is larger than that.\n"
        "TypeError\n    An item of the vector is not a number.\n"
        "ValueError\n    The vector has NaN or infinity.\n"
        "RuntimeError\n    The index is built or loaded.");
  c.def("get_item_vector", &PyAnnoyIndex::GetItem,
        nb::sig("def get_item_vector(self, i: int, /) -> list[float]"),
        "The vector of item ``i`` as it is stored; zeros for an item that was never added, but is\n"
        "smaller than ``get_n_items()``. IndexError if it is not.");
  c.def("get_distance", &PyAnnoyIndex::Distance,
        nb::sig("def get_distance(self, i: int, j: int, /) -> float"),
        "The distance of two items; the product of their vectors with the metric dot.\n"
        "IndexError if one of them is not below ``get_n_items()``.");
  c.def("get_n_items", &PyAnnoyIndex::num_items, nb::sig("def get_n_items(self) -> int"),
        "1 + the largest number of an item: those that were never added count.");
  c.def("_add_items", &PyAnnoyIndex::AddItems, nb::arg().none(), nb::arg().none(),
        nb::sig("def _add_items(self, ids: object, vectors: object, /) -> None"));
  c.def("_items", &PyAnnoyIndex::Items);
}

constexpr const char* kSearchDoc =
    "n : int\n    How many; -1 for all that are found.\n"
    "search_k : int\n"
    "    How many entries of the trees' leaves to look at: more find more of the nearest, and\n"
    "    take longer. -1: ``n * get_n_trees()``. Of a .kith file: docs/annoy.md.\n"
    "include_distances : bool\n    Return the distances too.\n\n"
    "Returns\n-------\n"
    "list of int, or (list of int, list of float)\n"
    "    Nearest first, equally near ones by number. With the metric dot, distances are products,\n"
    "    largest first. Nothing is found before ``build()``.\n\n"
    "Other threads run meanwhile.";

void BindSearch(nb::class_<PyAnnoyIndex>& c) {
  static const std::string by_item =
      std::string(
          "The ``n`` items nearest to item ``i``, which is one of them.\n\n"
          "Parameters\n----------\n"
          "i : int\n    Below ``get_n_items()``, else IndexError.\n") +
      kSearchDoc;
  static const std::string by_vector =
      std::string(
          "The ``n`` items nearest to a vector.\n\n"
          "Parameters\n----------\n"
          "vector : sequence of f floats\n    As for ``add_item``.\n") +
      kSearchDoc;
  c.def("get_nns_by_item", &PyAnnoyIndex::SearchByItem, "i"_a, "n"_a, "search_k"_a = -1,
        "include_distances"_a = false,
        nb::sig("def get_nns_by_item(self, i: int, n: int, search_k: int = -1, "
                "include_distances: bool = False) -> typing.Any"),
        by_item.c_str());
  c.def("get_nns_by_vector", &PyAnnoyIndex::SearchByVector, "vector"_a, "n"_a, "search_k"_a = -1,
        "include_distances"_a = false,
        nb::sig("def get_nns_by_vector(self, vector: typing.Any, n: int, search_k: int = -1, "
                "include_distances: bool = False) -> typing.Any"),
        by_vector.c_str());
  c.def("_search_batch", &PyAnnoyIndex::SearchBatch, nb::arg().none(), nb::arg().none(),
        nb::arg().none(), nb::arg().none(),
        nb::sig("def _search_batch(self, queries: object, n: int, search_k: int, threads: int, /) "
                "-> tuple[numpy.typing.NDArray[numpy.int64], "
                "numpy.typing.NDArray[numpy.float32]]"));
}

void BindBuild(nb::class_<PyAnnoyIndex>& c) {
  c.def("build", &True<&PyAnnoyIndex::Build, nb::handle, nb::handle, const nb::object&>,
        "n_trees"_a, "n_jobs"_a = -1, "progress"_a = nb::none(),
        nb::sig("def build(self, n_trees: int, n_jobs: int = -1, "
                "progress: collections.abc.Callable[[str, int, int], object] | None = None) "
                "-> bool"),
        "Grows the trees. No item can be added afterwards, until ``unbuild()``.\n\n"
        "Parameters\n----------\n"
        "n_trees : int\n"
        "    More trees find more of the nearest, and take more memory. -1: as many as double\n"
        "    the size of the index.\n"
        "n_jobs : int\n    Threads; -1 for one on each core. The trees don't depend on it.\n"
        "progress : callable, optional\n"
        "    Called as ``progress(stage, done, total)``; the build is cancelled if it returns\n"
        "    False or raises.\n\n"
        "Returns\n-------\nTrue\n\n"
        "Raises\n------\n"
        "RuntimeError\n    The index is built or loaded.\n"
        "KeyboardInterrupt\n    On Ctrl-C; the index is as before.\n\n"
        "Other threads run meanwhile.");
  c.def("unbuild", &True<&PyAnnoyIndex::Unbuild>, nb::sig("def unbuild(self) -> bool"),
        "Drops the trees, so that items can be added again. Returns True.\n"
        "RuntimeError if the index is loaded.");
  c.def("set_seed", &PyAnnoyIndex::SetSeed, nb::sig("def set_seed(self, seed: int, /) -> None"),
        "The seed of the next ``build()``; it stays until another is set.");
  c.def(
      "verbose",
      [](PyAnnoyIndex& self, nb::handle v) {
        self.set_verbose(nb::cast<bool>(nb::bool_(nb::borrow(v))));
        return true;
      },
      nb::sig("def verbose(self, v: bool, /) -> bool"),
      "Whether builds and loads write a line to standard error. Returns True.");
  c.def("get_n_trees", &PyAnnoyIndex::num_trees, nb::sig("def get_n_trees(self) -> int"),
        "How many trees there are.");
}

void BindFiles(nb::class_<PyAnnoyIndex>& c) {
  c.def("save", &True<&PyAnnoyIndex::Save, nb::handle, nb::handle>, "fn"_a, "prefault"_a = false,
        nb::sig("def save(self, fn: " KITH_PATH ", prefault: bool = False) -> bool"),
        "Writes the index, complete or not at all, and goes on with the file as after ``load()``.\n"
        "\n"
        "Parameters\n----------\n"
        "fn : str, bytes or os.PathLike\n"
        "    A name ending in .kith writes a .kith file, with the index that kith chooses, which\n"
        "    need not have been built before. Any other name writes Annoy's layout.\n"
        "prefault : bool\n    Read the whole file into memory afterwards.\n\n"
        "Returns\n-------\nTrue\n\n"
        "Raises\n------\n"
        "OSError\n    The index was not built; the file can't be written.");
  c.def("load", &True<&PyAnnoyIndex::Load, nb::handle, nb::handle>, "fn"_a, "prefault"_a = false,
        nb::sig("def load(self, fn: " KITH_PATH ", prefault: bool = False) -> bool"),
        "Maps a file, in Annoy's layout or .kith, in place of what the index held.\n\n"
        "Parameters\n----------\n"
        "fn : str, bytes or os.PathLike\n    What it is, is read from its contents.\n"
        "prefault : bool\n    Read the whole file into memory now.\n\n"
        "Returns\n-------\nTrue\n\n"
        "Raises\n------\n"
        "FileNotFoundError\n    No such file.\n"
        "AnnoyFileError\n"
        "    Damaged, or of another metric or dimension, as far as the file can tell.\n"
        "OSError\n    It can't be read. The index is as before.");
  c.def("unload", &True<&PyAnnoyIndex::Unload>, nb::sig("def unload(self) -> bool"),
        "Empties the index, which can be filled or loaded anew. Returns True.");
  c.def("on_disk_build", &True<&PyAnnoyIndex::OnDiskBuild, nb::handle>, "fn"_a,
        nb::sig("def on_disk_build(self, fn: " KITH_PATH ") -> bool"),
        "Items and trees go to a file instead of memory, which is there, complete, after\n"
        "``build()``. To be called before; returns True. OSError if the file can't be written.");
  c.def("verify", &True<&PyAnnoyIndex::Verify>, nb::sig("def verify(self) -> bool"),
        "Reads all of a built or loaded index and checks it. Returns True.\n"
        "AnnoyFileError says what is wrong and where; RuntimeError if there are no trees.");
  c.def("_to_bytes", &PyAnnoyIndex::ToBytes);
  c.def("_from_bytes", &PyAnnoyIndex::FromBytes);
}

}  // namespace

void BindAnnoy(nb::module_& m) {
  nb::class_<PyAnnoyIndex> c(m, "AnnoyIndex", "What kith.annoy.AnnoyIndex is made of.");
  c.def(nb::init<nb::handle, nb::handle>(), "f"_a, "metric"_a,
        nb::sig("def __init__(self, f: int, metric: str) -> None"));
  c.def_prop_ro(
      "f", [](const PyAnnoyIndex& self) { return self.annoy().dim(); },
      nb::sig("def f(self) -> int"), "The dimension of the vectors.");
  c.def_prop_ro(
      "metric", [](const PyAnnoyIndex& self) { return MetricName(self.annoy().metric()); },
      nb::sig("def metric(self) -> str"), "The name of the metric.");
  c.def_prop_ro("_state", &PyAnnoyIndex::state);
  c.def_prop_ro(
      "_path",
      [](const PyAnnoyIndex& self) {
        const std::string path = self.path();
        return nb::steal(
            PyUnicode_DecodeFSDefaultAndSize(path.data(), static_cast<Py_ssize_t>(path.size())));
      },
      nb::sig("def _path(self) -> str"));
  c.def_prop_ro(
      "_absolute_path",
      [](const PyAnnoyIndex& self) {
        const std::string path = self.absolute_path();
        return nb::steal(
            PyUnicode_DecodeFSDefaultAndSize(path.data(), static_cast<Py_ssize_t>(path.size())));
      },
      nb::sig("def _absolute_path(self) -> str"));
  BindItems(c);
  BindSearch(c);
  BindBuild(c);
  BindFiles(c);
}

}  // namespace kith::python
