#include "index.h"

#include <nanobind/stl/string.h>

#include <algorithm>
#include <filesystem>
#include <span>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "arguments.h"
#include "arrays.h"
#include "calibration.h"
#include "errors.h"
#include "gil.h"
#include "kith/eval.h"
#include "kith/query.h"
#include "long_call.h"
#include "search.h"

namespace nb = nanobind;
using nb::literals::operator""_a;

namespace kith::python {
namespace {

uint64_t RowOfId(const Index& index, int64_t id) { return ValueOrKeyError(index.FindId(id)); }

// Of an integer of Python's, which may be beyond every id.
uint64_t RowOfNumber(const Index& index, const nb::object& number) {
  const int64_t id = ToInteger(number, kNoId);
  if (id != kNoId) return RowOfId(index, id);
  const nb::str text = CallPython([&] { return nb::str(number); });
  ThrowKeyError(index.info().path + ": no id " + ToKey(text, "an id"));
}

uint64_t RowOfKey(const Index& index, const std::string& key) {
  if (!index.info().has_keys) {
    ThrowKeyError("no key '" + key + "': " + index.info().path +
                  " has no keys; build it with keys=...");
  }
  const Result<uint64_t> row = index.FindKey(key);
  if (row.ok() || row.status().code() != StatusCode::kNotFound) {
    return ValueOrKeyError(row);
  }
  // As a query, which is told what was probably meant. A key may begin with a sign, a query does.
  const std::string words[] = {"+" + key};  // NOLINT(modernize-avoid-c-arrays)
  const Status unknown = ParseQueryWords(index, words).status();
  if (unknown.code() == StatusCode::kNotFound) ThrowKeyError(unknown.message());
  return ValueOrKeyError(row);
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

nb::object GetItem(const IndexHandle& self, const nb::object& which) {
  const auto index = self.Get();
  if (!IsInteger(which) && !PyUnicode_Check(which.ptr()) && !PyBytes_Check(which.ptr())) {
    ThrowTypeError(std::string("an index is asked for a vector by its id or key, not by ") +
                   nb::type_name(which.type()).c_str() + "; for many, use vectors(ids)");
  }
  const uint64_t row =
      IsInteger(which) ? RowOfNumber(*index, which) : RowOfKey(*index, ToKey(which, "the key"));
  NewArray<float> out(1, index->info().dim, true);
  index->GetVector(row, out.data());
  return out.Take();
}

bool Contains(const IndexHandle& self, const nb::object& which) {
  const auto index = self.Get();
  if (IsInteger(which)) return index->FindId(ToInteger(which, kNoId)).ok();
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
  const std::string& path = info.absolute_path.empty() ? info.path : info.absolute_path;
  return nb::steal(
      PyUnicode_DecodeFSDefaultAndSize(path.data(), static_cast<Py_ssize_t>(path.size())));
}

// The best first; exact search, which is the last resort, at the end.
nb::list PathNames(const IndexInfo& info) {
  nb::list names;
  for (const PathInfo& path : info.paths) {
    if (path.kind != IndexKind::kExact) names.append(IndexKindName(path.kind));
  }
  names.append(IndexKindName(IndexKind::kExact));
  return names;
}

nb::dict Info(const IndexHandle& self) {
  const auto index = self.Get();
  const IndexInfo& info = index->info();
  nb::dict out;
  out["path"] = Path(self);
  out["file_bytes"] = info.file_bytes;
  out["num_vectors"] = info.num_vectors;
  out["dim"] = info.dim;
  out["source_dim"] = info.source_dim == 0 ? nb::none() : nb::object(nb::int_(info.source_dim));
  out["metric"] = MetricName(info.metric);
  out["dtype"] = DataTypeName(info.dtype);
  out["format_version"] = info.format_version;
  out["has_keys"] = info.has_keys;
  out["has_ids"] = info.has_ids;
  out["indexes"] = PathNames(info);
  if (const PathInfo* forest = info.path_of(IndexKind::kForest)) {
    out["num_trees"] = forest->number("trees");
    out["leaf_size"] = forest->number("leaf");
  }
  if (const PathInfo* graph = info.path_of(IndexKind::kGraph)) {
    out["graph_layout"] = std::string(graph->text("layout"));
    out["graph_degree"] = graph->number("degree");
    const double found = graph->share("self_recall");
    out["graph_self_recall"] = found < 0 ? nb::none() : nb::object(nb::float_(found));
  }
  out["origin"] = FromKey(info.origin);
  out["calibration"] = CalibrationOf(info.calibration);
  out["build_seconds"] =
      info.build_seconds < 0 ? nb::none() : nb::object(nb::float_(info.build_seconds));
  return out;
}

nb::dict DriftOf(const QueryDrift& drift) {
  nb::dict out;
  out["queries"] = drift.queries;
  out["distance"] = drift.distance;
  out["unlike"] = drift.unlike;
  return out;
}

nb::dict Drift(const IndexHandle& self) { return DriftOf(self.Get()->Drift()); }

IndexHandle Open(const nb::object& path, const nb::object& prefault, const nb::object& huge_pages) {
  const std::string name = ToPath(path);
  const OpenOptions options{ToBool(prefault), ToBool(huge_pages)};
  Result<std::unique_ptr<Index>> index = Status::Internal("not opened");
  RunMaybeLong(options.prefault, [&](const std::stop_token& stop) {
    index = OpenIndex(name, {options.prefault, options.huge_pages, stop});
    return Status::Ok();
  });
  return IndexHandle(ValueOrThrow(std::move(index)));
}

IndexHandle FromBytes(const nb::object& data) {
  Buffer buffer;
  buffer.Get(data);
  std::vector<std::byte> copy;
  if (!buffer.contiguous()) copy = buffer.Copy();
  const std::span<const std::byte> bytes =
      buffer.contiguous() ? std::span(buffer.data(), buffer.size()) : std::span(copy);
  Result<std::unique_ptr<Index>> index = Status::Internal("not opened");
  {
    const WithoutGil without_gil;
    index = OpenIndexBytes(bytes);
  }
  if (!index.ok() && index.status().code() == StatusCode::kInvalidArgument) {
    ThrowValueError(
        "the bytes are no .kith file's; give what Index.to_bytes() returned or a .kith file holds "
        "(kith.build() makes an index of vectors)");
  }
  return IndexHandle(ValueOrThrow(std::move(index)));
}

void Save(const IndexHandle& self, const nb::object& path) {
  const auto index = self.Get();
  const std::string name = ToPath(path);
  RunMaybeLong(true, [&](const std::stop_token& stop) { return SaveIndex(*index, name, stop); });
}

nb::bytes ToBytes(const IndexHandle& self) {
  const auto bytes = self.Get()->Bytes();
  return nb::bytes(bytes.data(), bytes.size());
}

void Verify(const IndexHandle& self) {
  const auto index = self.Get();
  RunMaybeLong(true,
               [&](const std::stop_token& stop) { return VerifyIndex(*index, {.stop = stop}); });
}

// A target out of reach has None for what could not be measured.
nb::dict UnreachablePoint(const EvalPoint& point) {
  nb::dict out;
  out["index"] = IndexKindName(point.index);
  out["k"] = point.k;
  out["target"] = point.target > 0 ? nb::object(nb::float_(point.target)) : nb::none();
  if (point.target_worst > 0) out["target_worst"] = point.target_worst;
  out["reachable"] = false;
  out["reached"] = point.reached > 0 ? nb::object(nb::float_(point.reached)) : nb::none();
  if (point.reached_worst > 0) out["reached_worst"] = point.reached_worst;
  out["drift"] = DriftOf(point.drift);
  out["missed"] = false;
  for (const char* name :
       {"effort", "recall", "recall_interval", "recall_p5", "recall_worst_decile", "qps",
        "qps_interval", "batch_qps", "p50_us", "p99_us", "distances", "nodes"}) {
    out[name] = nb::none();
  }
  return out;
}

nb::dict PointOf(const EvalPoint& point) {
  if (!point.reachable) return UnreachablePoint(point);
  const auto interval = [](const Interval& i) { return nb::make_tuple(i.low, i.high); };
  nb::dict out;
  out["index"] = IndexKindName(point.index);
  out["k"] = point.k;
  out["effort"] = point.effort;
  out["target"] = point.target > 0 ? nb::object(nb::float_(point.target)) : nb::none();
  if (point.target_worst > 0) out["target_worst"] = point.target_worst;
  if (point.target > 0 || point.target_worst > 0) {
    out["reachable"] = true;
    out["drift"] = DriftOf(point.drift);
    out["missed"] = point.missed;
  }
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

// The true neighbours of so many queries: ids (nq, k).
GroundTruth ToTruth(const nb::object& object, size_t num_queries) {
  const nb::object shape = object.attr("shape");
  const std::vector<int64_t> sizes = ToMany(
      shape, "truth", [](nb::handle size, const char* name) { return ToInteger(size, name); });
  if (sizes.size() != 2) ThrowValueError("truth must be an integer array (nq, k)");
  if (sizes[0] != static_cast<int64_t>(num_queries)) {
    ThrowValueError("truth has " + std::to_string(sizes[0]) +
                    " rows, one is needed for each query, of which there are " +
                    std::to_string(num_queries));
  }
  GroundTruth truth;
  truth.num_queries = num_queries;
  truth.k = static_cast<size_t>(sizes[1]);
  truth.ids = ToIds(CallPython([&] { return object.attr("reshape")(-1); }), "truth");
  return truth;
}

// `truth`: None, or an array (nq, k) of the ids of true neighbours; the rest as EvalOptions.
nb::list EvaluateIndex(const IndexHandle& self, const nb::object& queries, const nb::object& k,
                       const nb::object& truth, const nb::object& efforts,
                       const nb::object& recalls, const nb::object& worst, const nb::object& drift,
                       const nb::object& indexes, const nb::object& n_jobs,
                       const nb::object& progress) {
  const auto index = self.Get();
  const InputMatrix input(queries, "queries");
  EvalOptions options;
  options.k = static_cast<size_t>(ToInteger(k, "k", 1, kMostNeighbours));
  options.efforts = ToMany(efforts, "effort", [](nb::handle effort, const char* name) {
    return ToOptionalEffort(effort, name).value_or(0);
  });
  options.recalls = ToMany(recalls, "recall", ToRecall);
  options.worst = ToOptionalRecall(worst, "worst").value_or(0);
  const OnDrift on_drift = ToOnDrift(drift);
  options.widen = on_drift.widen;
  options.paths =
      ToMany(indexes, "index", [](nb::handle name, const char*) { return ToIndexKind(name); });
  options.threads = ToThreads(n_jobs);
  GroundTruth known;
  if (!truth.is_none()) known = ToTruth(truth, input.view().rows);
  std::vector<EvalPoint> points;
  RunLong(progress, [&](const Progress& report, const std::stop_token& stop) -> Status {
    options.progress = report;
    options.stop = stop;
    KITH_ASSIGN_OR_RETURN(
        points, Evaluate(*index, input.view(), truth.is_none() ? nullptr : &known, options));
    return Status::Ok();
  });
  const auto unlike = std::find_if(points.begin(), points.end(),
                                   [](const EvalPoint& point) { return point.drift.unlike; });
  // As of who called evaluate(), which calls this.
  if (on_drift.warn && unlike != points.end()) WarnOfDrift(unlike->drift, index->info().path, 2);
  nb::list out;
  for (const EvalPoint& point : points) out.append(PointOf(point));
  return out;
}

void Calibrate(IndexHandle& self, const nb::object& queries, const nb::object& ks,
               const nb::object& adapt, const nb::object& n_jobs, const nb::object& progress) {
  const auto index = self.Get();
  const InputMatrix input(queries, "queries");
  CalibrateOptions options;
  options.ks = ToMany(ks, "k", [](nb::handle each, const char* name) {
    return static_cast<uint32_t>(ToInteger(each, name, 1, kMostNeighbours));
  });
  options.adapt = ToBool(adapt);
  options.threads = ToThreads(n_jobs);
  std::unique_ptr<Index> calibrated;
  RunLong(progress, [&](const Progress& report, const std::stop_token& stop) -> Status {
    options.progress = report;
    options.stop = stop;
    KITH_ASSIGN_OR_RETURN(calibrated, CalibrateIndex(*index, input.view(), options));
    return Status::Ok();
  });
  self.Replace(std::move(calibrated));
}

}  // namespace

std::shared_ptr<const Index> IndexHandle::Get() const {
  if (index_ == nullptr) ThrowValueError("the index is closed; open it again");
  return index_;
}

std::string ToAbsolute(const std::string& path) {
  if (path.empty()) return path;
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  return error ? path : absolute.string();
}

void CheckHasKeys(const Index& index) {
  if (index.info().has_keys) return;
  ThrowValueError(index.info().path + " has no keys; build it with keys=...");
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
      .def_prop_ro(
          "path", &Path, nb::sig("def path(self) -> str | None"),
          "The file that is mapped, from the root, as it was named when it was opened; None if "
          "the index is in memory.");
}

void BindIndex(nb::module_& m) {
  nb::class_<IndexHandle> handle(m, "Handle", "An open file: what kith.Index is made of.");
  handle.def(nb::init<const IndexHandle&>(), "other"_a, "Another holder of the same open file.");
  BindSearch(&handle);
  handle
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
      .def(
          "drift", &Drift, nb::sig("def drift(self) -> dict[str, typing.Any]"),
          "How unlike the calibration's the queries are that were searched with a recall: a dict "
          "of `queries` seen, `distance` (0 to 1, Kolmogorov-Smirnov) and `unlike`, whether the "
          "recall may be another than asked for, of which a search warns once (kith.DriftWarning); "
          "calibrate() mends that.")
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
      .def("_evaluate", &EvaluateIndex, "queries"_a.none(), "k"_a.none(), "truth"_a.none(),
           "efforts"_a.none(), "recalls"_a.none(), "worst"_a.none(), "drift"_a.none(),
           "indexes"_a.none(), "n_jobs"_a.none(), "progress"_a.none(),
           nb::sig("def _evaluate(self, queries: numpy.typing.ArrayLike, k: int, "
                   "truth: numpy.typing.NDArray[typing.Any] | None, "
                   "efforts: collections.abc.Sequence[float] | float, "
                   "recalls: collections.abc.Sequence[float] | float, worst: float | None, "
                   "drift: str, "
                   "indexes: collections.abc.Sequence[str] | str, n_jobs: int | None, "
                   "progress: object) -> list[dict[str, typing.Any]]"))
      .def("_calibrate", &Calibrate, "queries"_a.none(), "ks"_a.none(), "adapt"_a.none(),
           "n_jobs"_a.none(), "progress"_a.none());
  BindProperties(&handle);
  m.def("open", &Open, "path"_a.none(), "prefault"_a.none(), "huge_pages"_a.none());
  m.def("from_bytes", &FromBytes, "data"_a.none());
}

}  // namespace kith::python
