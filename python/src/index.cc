#include "index.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "arrays.h"
#include "errors.h"
#include "kith/eval.h"
#include "long_call.h"

namespace nb = nanobind;
using nb::literals::operator""_a;

namespace kith::python {
namespace {

constexpr char kSearchDoc[] =
    R"(The k nearest vectors of each query, nearest first.

Parameters
----------
queries : array (d,) for one query, or (nq, d)
    float32, float16, float64, int8, uint8 or bool; not copied if the rows are contiguous
    (float64 is converted).
k : int
    Neighbours of each query. More than there are vectors leaves places without a neighbour.
recall : float, optional
    The mean recall@k wanted, above 0 and at most 1 (exact search). The effort it takes was
    measured when the file was built, or by calibrate().
effort : int, optional
    Instead of a recall. Graph: ef, the beam width. Forest: search_k, the distinct vectors
    compared.
exact : bool
    Compare every vector.
index : str
    Which of the file's ways in to use: auto (the best), graph, forest or exact.
n_jobs : int, optional
    Threads for a batch; None is 1, -1 all cores. The answers do not depend on it.

Returns
-------
ids : int64 (k,) or (nq, k)
    -1 where there is no neighbour.
distances : float32, of the same shape
    The smaller the closer; inf where there is no neighbour. angular: 1 - cosine; euclidean: the
    root of the sum of squares; dot: minus the product; manhattan: the sum of absolute
    differences; hamming: the number of coordinates that differ.

Raises
------
TypeError, ValueError
    Elements of another type, another dimension, NaN or infinity (with its place), a recall that
    was never measured or that the index does not reach, a closed index.

Notes
-----
Thread-safe, and runs without the GIL. Many queries in one call are faster than one a call.
Ctrl-C is noticed between some hundreds of queries.)";

// Multiplications between two looks for Ctrl-C, and queries at most.
constexpr uint64_t kWorkAtOnce = 20'000'000'000;
constexpr uint64_t kQueriesAtOnce = 16384;

SearchParams ToParams(const Index& index, int64_t k, const std::optional<double>& recall,
                      const std::optional<int64_t>& effort, bool exact, const std::string& kind,
                      const nb::object& n_jobs) {
  SearchParams params;
  if (k < 1) ThrowValueError("k is " + std::to_string(k) + "; ask for at least one neighbour");
  params.k = static_cast<size_t>(k);
  params.index = ToIndexKind(kind);
  if (exact) {
    if (recall || effort) {
      ThrowValueError("exact=True finds everything; leave out recall and effort");
    }
    if (params.index != IndexKind::kAuto && params.index != IndexKind::kExact) {
      ThrowValueError("exact=True and index=\"" + kind + "\" exclude each other; leave out one");
    }
    params.index = IndexKind::kExact;
  }
  if (recall) {
    // 0 would mean to the core that none was asked for.
    if (!(*recall > 0 && *recall <= 1)) {
      ThrowValueError("recall is " + std::to_string(*recall) + "; it must be above 0, at most 1");
    }
    params.recall = *recall;
  }
  if (effort) {
    if (*effort < 0) ThrowValueError("effort is " + std::to_string(*effort) + "; it must be >= 0");
    params.effort = *effort;
  }
  params.threads = ToThreads(n_jobs);
  // More can't be found, and the caller may have meant "all".
  constexpr size_t kMost = size_t{1} << 31;
  if (params.k > std::max<size_t>(index.info().num_vectors, kMost)) {
    ThrowValueError("k is " + std::to_string(k) + ", more than any file holds");
  }
  return params;
}

// Searches, some queries at a time so that Ctrl-C is noticed, into [queries.rows, k].
void SearchInto(const Index& index, const MatrixView& queries, SearchParams params, int64_t* ids,
                float* distances) {
  const IndexInfo& info = index.info();
  const uint64_t work = std::max<uint64_t>(1, info.num_vectors * info.dim);
  const size_t step = std::clamp<uint64_t>(kWorkAtOnce / work, 256, kQueriesAtOnce);
  if (queries.rows > step && params.index == IndexKind::kAuto) {
    // Chosen for all of them, not for what is searched at once.
    params.index = ValueOrThrow(index.Plan(params, queries.rows)).index;
    if (params.index == IndexKind::kExact) params.recall = 0;
  }
  for (size_t begin = 0; begin == 0 || begin < queries.rows; begin += step) {
    MatrixView some = queries;
    some.data = queries.row(begin);
    some.rows = std::min(step, queries.rows - begin);
    Status status;
    {
      const nb::gil_scoped_release release;
      SearchResult result;
      status = index.Search(some, params, &result);
      if (status.ok() && !result.ids.empty()) {
        std::memcpy(ids + begin * params.k, result.ids.data(), result.ids.size() * sizeof(int64_t));
        std::memcpy(distances + begin * params.k, result.distances.data(),
                    result.distances.size() * sizeof(float));
      }
    }
    ThrowIfError(status);
    if (queries.rows > step && PyErr_CheckSignals() != 0) throw nb::python_error();
  }
}

nb::tuple Search(const IndexHandle& self, const nb::object& queries, int64_t k,
                 std::optional<double> recall, std::optional<int64_t> effort, bool exact,
                 const std::string& kind, const nb::object& n_jobs) {
  const auto index = self.Get();
  const InputMatrix input(queries, "queries");
  const SearchParams params = ToParams(*index, k, recall, effort, exact, kind, n_jobs);
  const size_t rows = input.view().rows;
  NewArray<int64_t> ids(rows, params.k, input.one());
  NewArray<float> distances(rows, params.k, input.one());
  SearchInto(*index, input.view(), params, ids.data(), distances.data());
  return nb::make_tuple(ids.Take(), distances.Take());
}

nb::dict Plan(const IndexHandle& self, int64_t k, size_t num_queries, std::optional<double> recall,
              std::optional<int64_t> effort, bool exact, const std::string& kind) {
  const auto index = self.Get();
  const SearchParams params = ToParams(*index, k, recall, effort, exact, kind, nb::none());
  const SearchPlan plan = ValueOrThrow(index->Plan(params, num_queries));
  nb::dict out;
  out["index"] = IndexKindName(plan.index);
  out["effort"] = plan.effort < 0 ? nb::none() : nb::object(nb::float_(plan.effort));
  out["recall"] = plan.recall > 0 ? nb::object(nb::float_(plan.recall)) : nb::none();
  return out;
}

// The rows of ids. Throws KeyError.
uint64_t RowOfId(const Index& index, int64_t id) {
  const auto row = index.FindId(id);
  if (row.status().code() == StatusCode::kNotFound) ThrowKeyError(row.status().message());
  return ValueOrThrow(row);
}

uint64_t RowOfKey(const Index& index, const std::string& key) {
  const auto row = index.FindKey(key);
  if (row.status().code() == StatusCode::kNotFound) ThrowKeyError(row.status().message());
  return ValueOrThrow(row);
}

nb::object Vectors(const IndexHandle& self, const nb::object& ids) {
  const auto index = self.Get();
  const std::vector<int64_t> wanted = ToIds(ids, "ids");
  const size_t dim = index->info().dim;
  NewArray<float> out(wanted.size(), dim, false);
  for (size_t i = 0; i < wanted.size(); ++i) {
    index->GetVector(RowOfId(*index, wanted[i]), out.data() + i * dim);
  }
  return out.Take();
}

bool IsInteger(const nb::object& object) {
  return PyIndex_Check(object.ptr()) && !PyBool_Check(object.ptr());
}

int64_t ToInteger(const nb::object& object) {
  const nb::object number = nb::steal(PyNumber_Index(object.ptr()));
  if (!number.is_valid()) throw nb::python_error();
  int overflow = 0;
  const long long value = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
  if (overflow != 0) return -1;  // no id is so large
  return value;
}

nb::object GetItem(const IndexHandle& self, const nb::object& which) {
  const auto index = self.Get();
  if (!IsInteger(which) && !PyUnicode_Check(which.ptr()) && !PyBytes_Check(which.ptr())) {
    ThrowTypeError(std::string("an index is asked for a vector by its id or key, not by ") +
                   nb::type_name(which.type()).c_str() + "; for many, use vectors(ids)");
  }
  const uint64_t row = IsInteger(which) ? RowOfId(*index, ToInteger(which))
                                        : RowOfKey(*index, ToKey(which, "the key"));
  NewArray<float> out(1, index->info().dim, true);
  index->GetVector(row, out.data());
  return out.Take();
}

bool Contains(const IndexHandle& self, const nb::object& which) {
  const auto index = self.Get();
  if (IsInteger(which)) return index->FindId(ToInteger(which)).ok();
  if (!PyUnicode_Check(which.ptr()) && !PyBytes_Check(which.ptr())) return false;
  return index->info().has_keys && index->FindKey(ToKey(which, "the key")).ok();
}

nb::object Ids(const IndexHandle& self) {
  const auto index = self.Get();
  const uint64_t n = index->info().num_vectors;
  NewArray<int64_t> out(1, n, true);
  for (uint64_t row = 0; row < n; ++row) out.data()[row] = index->Id(row);
  return out.Take();
}

void CheckHasKeys(const Index& index) {
  if (index.info().has_keys) return;
  ThrowValueError(index.info().path + " has no keys; build it with keys=...");
}

nb::list KeysOf(const IndexHandle& self, const nb::object& ids) {
  const auto index = self.Get();
  CheckHasKeys(*index);
  nb::list out;
  for (const int64_t id : ToIds(ids, "ids")) {
    // The places of a result without a neighbour have no key.
    if (id == kNoId) {
      out.append(nb::none());
    } else {
      out.append(FromKey(index->Key(RowOfId(*index, id))));
    }
  }
  return out;
}

nb::object IdsOf(const IndexHandle& self, const nb::object& keys) {
  const auto index = self.Get();
  CheckHasKeys(*index);
  const StringList wanted = ToKeys(keys);
  NewArray<int64_t> out(1, wanted.size(), true);
  for (size_t i = 0; i < wanted.size(); ++i) {
    out.data()[i] = index->Id(RowOfKey(*index, std::string(wanted[i])));
  }
  return out.Take();
}

nb::object Path(const IndexHandle& self) {
  const auto index = self.Get();
  const IndexInfo& info = index->info();
  if (info.in_memory) return nb::none();
  return nb::steal(PyUnicode_DecodeFSDefaultAndSize(info.path.data(),
                                                    static_cast<Py_ssize_t>(info.path.size())));
}

nb::dict CurveOf(const CalibrationCurve& curve) {
  nb::list points;
  for (const CalibrationPoint& point : curve.points) {
    nb::dict p;
    p["effort"] = point.effort;
    p["recall"] = point.recall;
    p["recall_p5"] = point.recall_p5;
    p["recall_worst_decile"] = point.recall_worst;
    p["nodes"] = point.nodes;
    p["distances"] = point.distances;
    points.append(p);
  }
  nb::dict out;
  out["index"] = IndexKindName(curve.index);
  out["k"] = curve.k;
  out["points"] = points;
  return out;
}

nb::object CalibrationOf(const Calibration& calibration) {
  if (calibration.empty()) return nb::none();
  nb::dict out;
  out["source"] =
      calibration.source == CalibrationSource::kQueries ? "queries" : "held-out vectors";
  out["num_queries"] = calibration.num_queries;
  nb::list curves;
  for (const CalibrationCurve& curve : calibration.curves) curves.append(CurveOf(curve));
  out["curves"] = curves;
  return out;
}

nb::dict Info(const IndexHandle& self) {
  const auto index = self.Get();
  const IndexInfo& info = index->info();
  nb::dict out;
  out["path"] = Path(self);
  out["file_bytes"] = info.file_bytes;
  out["num_vectors"] = info.num_vectors;
  out["dim"] = info.dim;
  out["metric"] = MetricName(info.metric);
  out["dtype"] = DataTypeName(info.dtype);
  out["format_version"] = info.format_version;
  out["has_keys"] = info.has_keys;
  out["has_ids"] = info.has_ids;
  nb::list indexes;
  if (info.has_graph) indexes.append("graph");
  if (info.has_forest) indexes.append("forest");
  indexes.append("exact");
  out["indexes"] = indexes;
  if (info.has_forest) {
    out["num_trees"] = info.num_trees;
    out["leaf_size"] = info.leaf_size;
  }
  if (info.has_graph) {
    out["graph_layout"] = GraphLayoutName(info.graph_layout);
    out["graph_degree"] = info.graph_degree;
  }
  out["calibration"] = CalibrationOf(info.calibration);
  out["build_seconds"] =
      info.build_seconds < 0 ? nb::none() : nb::object(nb::float_(info.build_seconds));
  return out;
}

nb::dict Drift(const IndexHandle& self) {
  const QueryDrift drift = self.Get()->Drift();
  nb::dict out;
  out["queries"] = drift.queries;
  out["distance"] = drift.distance;
  out["unlike"] = drift.unlike;
  return out;
}

IndexHandle Open(const nb::object& path, bool prefault, bool huge_pages) {
  const std::string name = ToPath(path);
  Result<std::unique_ptr<Index>> index = Status::Internal("not opened");
  {
    const nb::gil_scoped_release release;
    index = OpenIndex(name, {prefault, huge_pages});
  }
  return IndexHandle(ValueOrThrow(std::move(index)));
}

IndexHandle FromBytes(const nb::object& data) {
  Buffer buffer;
  buffer.Get(data, PyBUF_C_CONTIGUOUS);
  const auto bytes =
      std::span(static_cast<const std::byte*>(buffer->buf), static_cast<size_t>(buffer->len));
  Result<std::unique_ptr<Index>> index = Status::Internal("not opened");
  {
    const nb::gil_scoped_release release;
    index = OpenIndexBytes(bytes);
  }
  return IndexHandle(ValueOrThrow(std::move(index)));
}

void Save(const IndexHandle& self, const nb::object& path) {
  const auto index = self.Get();
  const std::string name = ToPath(path);
  RunLong(nb::none(), [&](const Progress&) { return SaveIndex(*index, name); });
}

nb::bytes ToBytes(const IndexHandle& self) {
  const auto bytes = self.Get()->Bytes();
  return nb::bytes(bytes.data(), bytes.size());
}

void Verify(const IndexHandle& self) {
  const auto index = self.Get();
  RunLong(nb::none(), [&](const Progress&) { return VerifyIndex(*index); });
}

nb::dict PointOf(const EvalPoint& point) {
  const auto interval = [](const Interval& i) { return nb::make_tuple(i.low, i.high); };
  nb::dict out;
  out["index"] = IndexKindName(point.index);
  out["k"] = point.k;
  out["effort"] = point.effort;
  out["target"] = point.target > 0 ? nb::object(nb::float_(point.target)) : nb::none();
  out["recall"] = point.recall;
  out["recall_interval"] = interval(point.recall_interval);
  out["recall_p5"] = point.recall_p5;
  out["recall_worst_decile"] = point.recall_worst_decile;
  out["qps"] = point.qps;
  out["qps_interval"] = interval(point.qps_interval);
  out["batch_qps"] = point.batch_qps;
  out["p50_us"] = point.p50_us;
  out["p99_us"] = point.p99_us;
  out["distances"] = point.distances;
  out["nodes"] = point.nodes;
  return out;
}

// `truth`: None or ids [nq, k] of true neighbours; the rest as EvalOptions.
nb::list EvaluateIndex(const IndexHandle& self, const nb::object& queries, size_t k,
                       const std::optional<std::vector<int64_t>>& truth,
                       const std::vector<int64_t>& efforts, const std::vector<double>& recalls,
                       const std::vector<std::string>& indexes, const nb::object& n_jobs,
                       const nb::object& progress) {
  const auto index = self.Get();
  const InputMatrix input(queries, "queries");
  EvalOptions options;
  options.k = k;
  options.efforts = efforts;
  options.recalls = recalls;
  if (!indexes.empty()) {
    options.exact = options.graph = options.forest = false;
    for (const std::string& name : indexes) {
      const IndexKind kind = ToIndexKind(name);
      (kind == IndexKind::kGraph    ? options.graph
       : kind == IndexKind::kForest ? options.forest
                                    : options.exact) = true;
    }
  }
  options.threads = ToThreads(n_jobs);
  GroundTruth known;
  if (truth) {
    known.num_queries = input.view().rows;
    known.k = known.num_queries == 0 ? 0 : truth->size() / known.num_queries;
    known.ids = *truth;
  }
  std::vector<EvalPoint> points;
  RunLong(progress, [&](const Progress& report) -> Status {
    options.progress = report;
    KITH_ASSIGN_OR_RETURN(points,
                          Evaluate(*index, input.view(), truth ? &known : nullptr, options));
    return Status::Ok();
  });
  nb::list out;
  for (const EvalPoint& point : points) out.append(PointOf(point));
  return out;
}

void Calibrate(IndexHandle& self, const nb::object& queries, const std::vector<uint32_t>& ks,
               const nb::object& n_jobs, const nb::object& progress) {
  const auto index = self.Get();
  const InputMatrix input(queries, "queries");
  CalibrateOptions options;
  options.ks = ks;
  options.threads = ToThreads(n_jobs);
  std::unique_ptr<Index> calibrated;
  RunLong(progress, [&](const Progress& report) -> Status {
    options.progress = report;
    const IndexInfo& info = index->info();
    if (info.in_memory) {
      KITH_ASSIGN_OR_RETURN(calibrated, CalibrateInMemory(*index, input.view(), options));
      return Status::Ok();
    }
    KITH_RETURN_IF_ERROR(CalibrateIndex(info.path, input.view(), options));
    KITH_ASSIGN_OR_RETURN(calibrated, OpenIndex(info.path));
    return Status::Ok();
  });
  self.Replace(std::move(calibrated));
}

}  // namespace

std::shared_ptr<const Index> IndexHandle::Get() const {
  if (index_ == nullptr) ThrowValueError("the index is closed; open it again");
  return index_;
}

int ToThreads(const nb::object& n_jobs) {
  if (n_jobs.is_none()) return 1;
  if (!IsInteger(n_jobs)) {
    ThrowTypeError(std::string("n_jobs must be an integer or None, not ") +
                   nb::type_name(n_jobs.type()).c_str());
  }
  const int64_t n = ToInteger(n_jobs);
  if (n == 0) ThrowValueError("n_jobs is 0; give a number of threads, or -1 for all cores");
  if (n == -1) return 0;
  if (n > 0) return static_cast<int>(std::min<int64_t>(n, 1024));
  // Asking for the number of cores reads a file: only here.
  const auto cores = static_cast<int64_t>(std::max(1u, std::thread::hardware_concurrency()));
  return static_cast<int>(std::max<int64_t>(1, cores + 1 + n));
}

Metric ToMetric(const std::string& name) {
  const auto metric = ParseMetric(name);
  if (!metric) {
    ThrowValueError("metric is \"" + name +
                    "\"; it must be angular, euclidean, dot, manhattan or hamming");
  }
  return *metric;
}

IndexKind ToIndexKind(const std::string& name) {
  const auto kind = ParseIndexKind(name);
  if (!kind) {
    ThrowValueError("index is \"" + name + "\"; it must be auto, exact, graph or forest");
  }
  return *kind;
}

void BindProperties(nb::class_<IndexHandle>* handle) {
  handle
      ->def_prop_ro("ids", &Ids, nb::sig("def ids(self) -> numpy.typing.NDArray[numpy.int64]"),
                    "The ids of all vectors (n,), in the order in which they were given.")
      .def_prop_ro("info", &Info, nb::sig("def info(self) -> dict[str, typing.Any]"),
                   "All that the file says of itself, as a dict.")
      .def_prop_ro("closed", &IndexHandle::closed, "Whether close() was called.")
      .def_prop_ro(
          "metric", [](const IndexHandle& self) { return MetricName(self.Get()->info().metric); },
          "angular, euclidean, dot, manhattan or hamming.")
      .def_prop_ro(
          "dim", [](const IndexHandle& self) { return self.Get()->info().dim; },
          "The number of coordinates of a vector.")
      .def_prop_ro(
          "dtype", [](const IndexHandle& self) { return DataTypeName(self.Get()->info().dtype); },
          "How a coordinate is stored: f32, f16, bf16, i8, u8 or bit.")
      .def_prop_ro(
          "nbytes", [](const IndexHandle& self) { return self.Get()->info().file_bytes; },
          "The size of the file.")
      .def_prop_ro(
          "has_keys", [](const IndexHandle& self) { return self.Get()->info().has_keys; },
          "Whether the vectors have keys.")
      .def_prop_ro("path", &Path, nb::sig("def path(self) -> str | None"),
                   "The file that is mapped; None if the index is in memory.");
}

void BindIndex(nb::module_& m) {
  nb::class_<IndexHandle> handle(m, "Handle", "An open file: what kith.Index is made of.");
  handle.def(nb::init<const IndexHandle&>(), "other"_a, "Another holder of the same open file.")
      .def("search", &Search, "queries"_a.none(), "k"_a = 10, nb::kw_only(),
           "recall"_a = nb::none(), "effort"_a = nb::none(), "exact"_a = false, "index"_a = "auto",
           "n_jobs"_a.none() = 1,
           nb::sig("def search(self, queries: numpy.typing.ArrayLike, k: int = 10, *, "
                   "recall: float | None = None, effort: int | None = None, "
                   "exact: bool = False, index: str = 'auto', n_jobs: int | None = 1) -> "
                   "tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.float32]]"),
           kSearchDoc)
      .def("plan", &Plan, "k"_a = 10, "num_queries"_a = 1, nb::kw_only(), "recall"_a = nb::none(),
           "effort"_a = nb::none(), "exact"_a = false, "index"_a = "auto",
           nb::sig("def plan(self, k: int = 10, num_queries: int = 1, *, "
                   "recall: float | None = None, effort: int | None = None, "
                   "exact: bool = False, index: str = 'auto') -> dict[str, typing.Any]"),
           "What search() would do: a dict of `index`, `effort` (None: the default) and `recall` "
           "(None: not asked for).")
      .def("vectors", &Vectors, "ids"_a.none(),
           nb::sig("def vectors(self, ids: numpy.typing.ArrayLike) -> "
                   "numpy.typing.NDArray[numpy.float32]"),
           "The vectors of `ids` (n,), as float32 (n, d). KeyError if one is not there.")
      .def("keys_of", &KeysOf, "ids"_a.none(),
           nb::sig("def keys_of(self, ids: numpy.typing.ArrayLike) -> list[str | None]"),
           "The keys of `ids` (n,); None for -1, the place of a missing neighbour. KeyError if an "
           "id is not there, ValueError if the file has no keys.")
      .def("ids_of", &IdsOf, "keys"_a.none(),
           nb::sig("def ids_of(self, keys: collections.abc.Iterable[str | bytes]) -> "
                   "numpy.typing.NDArray[numpy.int64]"),
           "The ids of keys, the first vector's where several share one. KeyError if one is not "
           "there.")
      .def("save", &Save, "path"_a.none(),
           nb::sig(
               "def save(self, path: str | bytes | os.PathLike[str] | os.PathLike[bytes]) -> None"),
           "Writes the index to a .kith file, complete or not at all. The index stays as it is: in "
           "memory, or mapped from where it was opened.")
      .def("to_bytes", &ToBytes, "The bytes of the .kith file; kith.from_bytes() opens them.")
      .def("verify", &Verify,
           "Reads all of the file and checks every checksum and invariant. Raises "
           "CorruptFileError that names the first fault.")
      .def("close", &IndexHandle::Close,
           "Lets go of the file; using the index afterwards is a ValueError, closing it again "
           "nothing. Searches that other threads have begun end as usual.")
      .def("drift", &Drift, nb::sig("def drift(self) -> dict[str, typing.Any]"),
           "How unlike the calibration's the queries are that were searched with a recall: a dict "
           "of `queries` seen, `distance` (0 to 1, Kolmogorov-Smirnov) and `unlike`, whether the "
           "recall may be another than asked for; calibrate() mends that.")
      .def("__getitem__", &GetItem, "which"_a.none(),
           nb::sig("def __getitem__(self, which: int | str | bytes, /) -> "
                   "numpy.typing.NDArray[numpy.float32]"),
           "The vector (d,) of an id or a key, as float32. KeyError if it is not there.")
      .def("__contains__", &Contains, "which"_a.none(),
           nb::sig("def __contains__(self, which: object, /) -> bool"),
           "Whether there is a vector of this id or key.")
      .def(
          "__len__", [](const IndexHandle& self) { return self.Get()->info().num_vectors; },
          "The number of vectors.")
      .def("_evaluate", &EvaluateIndex, "queries"_a.none(), "k"_a, "truth"_a.none(), "efforts"_a,
           "recalls"_a, "indexes"_a, "n_jobs"_a.none(), "progress"_a.none(),
           nb::sig("def _evaluate(self, queries: numpy.typing.ArrayLike, k: int, "
                   "truth: collections.abc.Sequence[int] | None, "
                   "efforts: collections.abc.Sequence[int], "
                   "recalls: collections.abc.Sequence[float], "
                   "indexes: collections.abc.Sequence[str], n_jobs: int | None, "
                   "progress: object) -> list[dict[str, typing.Any]]"))
      .def("_calibrate", &Calibrate, "queries"_a.none(), "ks"_a, "n_jobs"_a.none(),
           "progress"_a.none());
  BindProperties(&handle);
  m.def("open", &Open, "path"_a.none(), "prefault"_a, "huge_pages"_a);
  m.def("from_bytes", &FromBytes, "data"_a.none());
}

}  // namespace kith::python
