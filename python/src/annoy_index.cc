#include "annoy_index.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string_view>

#include "annoy_vector.h"
#include "arguments.h"
#include "arrays.h"
#include "errors.h"
#include "gil.h"
#include "index.h"
#include "kith/index.h"
#include "long_call.h"

namespace nb = nanobind;

namespace kith::python {
namespace {

// What Annoy reads as a C int: an int, or what says that it stands for one (__index__).
int32_t ToInt(nb::handle value) {
  if (!PyLong_Check(value.ptr())) {
    const nb::object index = nb::steal(CallPython([&] { return PyNumber_Index(value.ptr()); }));
    if (!index.is_valid()) throw nb::python_error();
    return ToInt(index);
  }
  int overflow = 0;
  const long long number = PyLong_AsLongLongAndOverflow(value.ptr(), &overflow);
  if (overflow > 0 || number > std::numeric_limits<int32_t>::max()) {
    Raise(PyExc_OverflowError, "signed integer is greater than maximum");
  }
  if (overflow < 0 || number < std::numeric_limits<int32_t>::min()) {
    Raise(PyExc_OverflowError, "signed integer is less than minimum");
  }
  return static_cast<int32_t>(number);
}

std::string ToMetricName(nb::handle metric) {
  if (!PyUnicode_Check(metric.ptr())) {
    PyErr_Format(PyExc_TypeError, "metric must be str, not %S",
                 reinterpret_cast<PyObject*>(Py_TYPE(metric.ptr())));
    throw nb::python_error();
  }
  return nb::borrow<nb::str>(metric).c_str();
}

template <class T, class Make>
nb::object ToList(const T* values, size_t size, Make make) {
  nb::object list = nb::steal(PyList_New(static_cast<Py_ssize_t>(size)));
  if (!list.is_valid()) throw nb::python_error();
  for (size_t i = 0; i < size; ++i) {
    PyObject* item = make(values[i]);
    if (item == nullptr) throw nb::python_error();
    PyList_SetItem(list.ptr(), static_cast<Py_ssize_t>(i), item);
  }
  return list;
}

// A list of ids, or the tuple of it and the list of distances.
template <class Id>
nb::object ToLists(const Id* ids, const float* distances, size_t size, bool include_distances) {
  nb::object id_list = ToList(ids, size, [](Id id) { return PyLong_FromLongLong(id); });
  if (!include_distances) return id_list;
  const nb::object distance_list =
      ToList(distances, size, [](float d) { return PyFloat_FromDouble(d); });
  nb::object pair = nb::steal(PyTuple_Pack(2, id_list.ptr(), distance_list.ptr()));
  if (!pair.is_valid()) throw nb::python_error();
  return pair;
}

// Vectors (n, dim) of contiguous float32, borrowed.
class FloatRows {
 public:
  // Throws TypeError or ValueError for anything else.
  FloatRows(const nb::object& object, size_t dim) : dim_(dim) {
    buffer_.Get(object);
    if (!IsFloat32(buffer_) || buffer_.indirect() || !buffer_.contiguous()) {
      ThrowTypeError("vectors must be a contiguous array of float32");
    }
    if (buffer_.ndim() != 2 || buffer_.shape(1) != static_cast<Py_ssize_t>(dim)) {
      ThrowValueError("vectors must have the shape (n, " + std::to_string(dim) + ")");
    }
  }
  size_t size() const { return static_cast<size_t>(buffer_.shape(0)); }
  const float* row(size_t i) const {
    return reinterpret_cast<const float*>(buffer_.data()) + i * dim_;
  }

 private:
  size_t dim_;
  Buffer buffer_;
};

// Runs a search of kith::AnnoyIndex, which takes where the ids and the distances go.
template <class Search>
nb::object SearchAnnoy(bool include_distances, const Search& search) {
  std::vector<int32_t> ids;
  std::vector<float> distances;
  Status status;
  {
    const WithoutGil without_gil;
    status = search(&ids, include_distances ? &distances : nullptr);
  }
  ThrowIfAnnoyError(status, AnnoyCall::kItems);
  return ToLists(ids.data(), distances.data(), ids.size(), include_distances);
}

}  // namespace

void ThrowIfAnnoyError(const Status& status, AnnoyCall call) {
  if (status.ok()) return;
  const bool file = call == AnnoyCall::kFile;
  switch (status.code()) {
    case StatusCode::kNotFound:
      Raise(file ? PyExc_FileNotFoundError : PyExc_IndexError, status.message());
    case StatusCode::kInvalidArgument:
      Raise(file ? PyExc_OSError : PyExc_ValueError, status.message());
    case StatusCode::kUnsupported:
      Raise(file ? PyExc_OSError : PyExc_RuntimeError, status.message());
    case StatusCode::kCorruption: Raise(AnnoyFileError(), status.message());
    default: Throw(status);
  }
}

PyAnnoyIndex::PyAnnoyIndex(nb::handle f, nb::handle metric) {
  const int32_t dim = ToInt(f);
  // Annoy knows these names and no others.
  const std::string name = ToMetricName(metric);
  const std::optional<Metric> parsed = ParseMetric(name);
  if (!parsed || name != MetricName(*parsed)) Raise(PyExc_ValueError, "No such metric");
  if (dim < 1) Raise(PyExc_ValueError, "f is " + std::to_string(dim) + ", but must be at least 1");
  annoy_ = ValueOrThrow(AnnoyIndex::Create(*parsed, static_cast<size_t>(dim)));
}

std::shared_ptr<const KithAsAnnoy> PyAnnoyIndex::kith() const {
  if (!has_kith_.load(std::memory_order_acquire)) return nullptr;
  const std::lock_guard lock(mutex_);
  return kith_;
}

void PyAnnoyIndex::SetKith(std::shared_ptr<const KithAsAnnoy> kith) {
  const std::lock_guard lock(mutex_);
  kith_.swap(kith);
  has_kith_.store(kith_ != nullptr, std::memory_order_release);
}

void PyAnnoyIndex::RequireNoKith(const char* what) const {
  if (kith() == nullptr) return;
  Raise(PyExc_RuntimeError, std::string("You can't ") + what + " a loaded index");
}

int64_t PyAnnoyIndex::num_items() const {
  const auto kith = this->kith();
  return kith ? kith->num_items() : static_cast<int64_t>(annoy_->num_items());
}

size_t PyAnnoyIndex::num_trees() const {
  const auto kith = this->kith();
  return kith ? kith->num_trees() : annoy_->num_trees();
}

std::string PyAnnoyIndex::path() const {
  const auto kith = this->kith();
  return kith ? kith->path() : annoy_->path();
}

std::string PyAnnoyIndex::absolute_path() const {
  const auto kith = this->kith();
  return kith ? kith->absolute_path() : annoy_->absolute_path();
}

const char* PyAnnoyIndex::state() const {
  if (kith() != nullptr) return "loaded";
  switch (annoy_->state()) {
    case AnnoyState::kItems: return "items";
    case AnnoyState::kBuilt: return "built";
    case AnnoyState::kLoaded: break;
  }
  return "loaded";
}

void PyAnnoyIndex::AddItem(nb::handle id, nb::handle vector) {
  const int32_t item = ToInt(id);
  if (item < 0) Raise(PyExc_IndexError, "Item index can not be negative");
  if (item == std::numeric_limits<int32_t>::max()) {
    Raise(PyExc_OverflowError, "item index is greater than maximum, 2147483646");
  }
  const AnnoyVector values(vector, annoy_->dim());
  RequireNoKith("add an item to");
  ThrowIfAnnoyError(annoy_->AddItem(item, values.data()), AnnoyCall::kItems);
}

void PyAnnoyIndex::AddItems(const nb::object& ids, const nb::object& vectors) {
  const std::vector<int64_t> numbers = ToIds(ids, "ids");
  const FloatRows rows(vectors, annoy_->dim());
  if (numbers.size() != rows.size()) {
    ThrowValueError(std::to_string(rows.size()) + " vectors, but " +
                    std::to_string(numbers.size()) + " ids");
  }
  RequireNoKith("add an item to");
  Status status;
  {
    const WithoutGil without_gil;
    for (size_t i = 0; i < numbers.size() && status.ok(); ++i) {
      status = annoy_->AddItem(numbers[i], rows.row(i));
    }
  }
  ThrowIfAnnoyError(status, AnnoyCall::kItems);
}

void PyAnnoyIndex::Build(nb::handle num_trees, nb::handle num_jobs, const nb::object& progress) {
  const int32_t trees = ToInt(num_trees);
  const int32_t jobs = ToInt(num_jobs);
  RequireNoKith("build");
  Status status;
  RunLong(progress, [&](const Progress& report, const std::stop_token& stop) {
    status = annoy_->Build(trees, jobs, report, stop);
    return Status::Ok();
  });
  ThrowIfAnnoyError(status, AnnoyCall::kItems);
  if (verbose_) {
    PySys_WriteStderr("kith: built %zu trees of %zu items\n", annoy_->num_trees(),
                      annoy_->num_items());
  }
}

void PyAnnoyIndex::Unbuild() {
  RequireNoKith("unbuild");
  ThrowIfAnnoyError(annoy_->Unbuild(), AnnoyCall::kItems);
}

void PyAnnoyIndex::Unload() {
  SetKith(nullptr);
  const WithoutGil without_gil;
  annoy_->Unload();
}

void PyAnnoyIndex::Load(nb::handle path, nb::handle prefault) {
  const std::string file = ToPath(path);
  const bool read_now = ToBool(prefault);
  Status status;
  std::shared_ptr<const KithAsAnnoy> opened;
  RunMaybeLong(read_now, [&](const std::stop_token& stop) {
    if (IsKithFile(file)) {
      auto result = KithAsAnnoy::Open(file, annoy_->metric(), annoy_->dim(), read_now, stop);
      status = result.status();
      if (result.ok()) opened = std::move(result).value();
    } else {
      status = annoy_->Load(file, read_now, stop);
    }
    return Status::Ok();
  });
  ThrowIfAnnoyError(status, AnnoyCall::kFile);
  if (opened != nullptr) {
    const WithoutGil without_gil;
    annoy_->Unload();
  }
  SetKith(std::move(opened));
  if (verbose_) {
    PySys_WriteStderr("kith: loaded %lld items, %zu trees\n", static_cast<long long>(num_items()),
                      num_trees());
  }
}

void PyAnnoyIndex::Save(nb::handle path, nb::handle prefault) {
  const std::string file = ToPath(path);
  const bool read_now = ToBool(prefault);
  if (IsKithName(file)) {
    SaveKith(file, read_now);
    return;
  }
  if (kith() != nullptr) {
    Raise(PyExc_OSError, "This index is the .kith file " + this->path() +
                             ", which has no Annoy trees to save: save it under a name that ends "
                             "in .kith, or add its items to a new AnnoyIndex and build that");
  }
  Status status;
  RunMaybeLong(true, [&](const std::stop_token& stop) {
    status = annoy_->Save(file, read_now, stop);
    return Status::Ok();
  });
  ThrowIfAnnoyError(status, AnnoyCall::kFile);
}

void PyAnnoyIndex::SaveKith(const std::string& name, bool prefault) {
  Status status;
  const std::string path = ToAbsolute(name);
  std::shared_ptr<const KithAsAnnoy> opened;
  const auto kith = this->kith();
  RunLong(nb::none(), [&](const Progress& report, const std::stop_token& stop) {
    status = kith ? SaveIndex(kith->index(), path, stop) : SaveAsKith(*annoy_, path, report, stop);
    if (!status.ok()) return Status::Ok();
    auto result = KithAsAnnoy::Open(path, annoy_->metric(), annoy_->dim(), prefault, stop);
    status = result.status();
    if (result.ok()) opened = std::move(result).value();
    return Status::Ok();
  });
  ThrowIfAnnoyError(status, AnnoyCall::kFile);
  annoy_->Unload();
  SetKith(std::move(opened));
}

void PyAnnoyIndex::OnDiskBuild(nb::handle path) {
  const std::string file = ToPath(path);
  if (kith() != nullptr) Raise(PyExc_OSError, "You can't build a loaded index");
  if (IsKithName(file)) {
    Raise(PyExc_OSError, file +
                             ": on_disk_build writes Annoy's layout; for a .kith file add the "
                             "items and save() it under that name");
  }
  if (on_disk_ == nullptr) {
    on_disk_ = std::make_unique<DroppedAtExit>([annoy = annoy_.get()] { annoy->Unload(); });
  }
  ThrowIfAnnoyError(annoy_->OnDiskBuild(file), AnnoyCall::kFile);
}

void PyAnnoyIndex::Verify() const {
  Status status;
  RunMaybeLong(true, [&](const std::stop_token& stop) {
    const auto kith = this->kith();
    status = kith ? VerifyIndex(kith->index(), {.stop = stop}) : annoy_->Verify(stop);
    return Status::Ok();
  });
  ThrowIfAnnoyError(status, AnnoyCall::kItems);
}

void PyAnnoyIndex::SetSeed(nb::handle seed) {
  const nb::object number = nb::steal(CallPython([&] { return PyNumber_Index(seed.ptr()); }));
  if (!number.is_valid()) throw nb::python_error();
  const unsigned long long bits = PyLong_AsUnsignedLongLongMask(number.ptr());
  if (PyErr_Occurred() != nullptr) throw nb::python_error();
  annoy_->SetSeed(bits);
}

nb::object PyAnnoyIndex::GetItem(nb::handle id) const {
  std::vector<float> vector(annoy_->dim());
  const int32_t item = ToInt(id);
  const auto kith = this->kith();
  ThrowIfAnnoyError(
      kith ? kith->GetItem(item, vector.data()) : annoy_->GetItem(item, vector.data()),
      AnnoyCall::kItems);
  return ToList(vector.data(), vector.size(), [](float x) { return PyFloat_FromDouble(x); });
}

double PyAnnoyIndex::Distance(nb::handle i, nb::handle j) const {
  const int32_t a = ToInt(i);
  const int32_t b = ToInt(j);
  float distance = 0;
  const auto kith = this->kith();
  ThrowIfAnnoyError(kith ? kith->Distance(a, b, &distance) : annoy_->Distance(a, b, &distance),
                    AnnoyCall::kItems);
  return distance;
}

nb::object PyAnnoyIndex::SearchKith(const KithAsAnnoy& kith, const float* query, int64_t n,
                                    int64_t search_k, bool include_distances) const {
  KithAsAnnoy::Answer answer;
  Status status;
  {
    const WithoutGil without_gil;
    status = kith.Search(query, 1, n, search_k, 1, &answer);
  }
  ThrowIfAnnoyError(status, AnnoyCall::kItems);
  return ToLists(answer.result.ids.data(), answer.result.distances.data(), answer.found[0],
                 include_distances);
}

nb::object PyAnnoyIndex::SearchByItem(nb::handle id, nb::handle n, nb::handle search_k,
                                      nb::handle include_distances) const {
  const int32_t item = ToInt(id);
  const int32_t count = ToInt(n);
  const int32_t effort = ToInt(search_k);
  const bool with_distances = ToBool(include_distances);
  if (const auto kith = this->kith()) {
    std::vector<float> query(annoy_->dim());
    ThrowIfAnnoyError(kith->GetItem(item, query.data()), AnnoyCall::kItems);
    return SearchKith(*kith, query.data(), count, effort, with_distances);
  }
  return SearchAnnoy(with_distances, [&](auto* ids, auto* distances) {
    return annoy_->SearchByItem(item, count, effort, ids, distances);
  });
}

nb::object PyAnnoyIndex::SearchByVector(nb::handle vector, nb::handle n, nb::handle search_k,
                                        nb::handle include_distances) const {
  const int32_t count = ToInt(n);
  const int32_t effort = ToInt(search_k);
  const bool with_distances = ToBool(include_distances);
  const AnnoyVector query(vector, annoy_->dim());
  if (const auto kith = this->kith()) {
    return SearchKith(*kith, query.data(), count, effort, with_distances);
  }
  return SearchAnnoy(with_distances, [&](auto* ids, auto* distances) {
    return annoy_->SearchByVector(query.data(), count, effort, ids, distances);
  });
}

nb::tuple PyAnnoyIndex::SearchBatch(const nb::object& queries, nb::handle n, nb::handle search_k,
                                    nb::handle threads) const {
  const FloatRows rows(queries, annoy_->dim());
  const int32_t count = ToInt(n);
  if (count < 0) ThrowValueError("n is " + std::to_string(count) + ", but must be at least 0");
  const auto width = static_cast<size_t>(count);
  const int32_t effort = ToInt(search_k);
  const int32_t jobs = ToInt(threads);
  const auto kith = this->kith();
  NewArray<int64_t> ids(rows.size(), width, false);
  NewArray<float> distances(rows.size(), width, false);
  Status status;
  constexpr size_t kLongBatch = 256;  // some 10 ms
  RunMaybeLong(rows.size() >= kLongBatch, [&](const std::stop_token& stop) {
    if (rows.size() == 0 || width == 0) return Status::Ok();
    if (kith == nullptr) {
      status = annoy_->SearchBatch(rows.row(0), rows.size(), width, effort, jobs, ids.data(),
                                   distances.data(), stop);
    } else {
      KithAsAnnoy::Answer answer;
      status =
          kith->Search(rows.row(0), rows.size(), count, effort, std::max(jobs, 0), &answer, stop);
      if (status.ok()) answer.CopyTo(annoy_->metric(), width, ids.data(), distances.data());
    }
    return Status::Ok();
  });
  ThrowIfAnnoyError(status, AnnoyCall::kItems);
  return nb::make_tuple(ids.Take(), distances.Take());
}

nb::bytes PyAnnoyIndex::ToBytes() const {
  std::string bytes;
  Status status;
  {
    const WithoutGil without_gil;
    status = annoy_->ToBytes(&bytes);
  }
  ThrowIfAnnoyError(status, AnnoyCall::kItems);
  return nb::bytes(bytes.data(), bytes.size());
}

void PyAnnoyIndex::FromBytes(const nb::bytes& bytes) {
  ThrowIfAnnoyError(annoy_->FromBytes(std::string(bytes.c_str(), bytes.size())), AnnoyCall::kFile);
  SetKith(nullptr);
}

std::pair<nb::bytes, nb::bytes> PyAnnoyIndex::Items() const {
  std::vector<int32_t> ids;
  for (size_t id = 0; id < annoy_->num_items(); ++id) {
    if (annoy_->HasItem(static_cast<int64_t>(id))) ids.push_back(static_cast<int32_t>(id));
  }
  std::vector<float> vectors(ids.size() * annoy_->dim());
  for (size_t i = 0; i < ids.size(); ++i) {
    ThrowIfAnnoyError(annoy_->GetItem(ids[i], vectors.data() + i * annoy_->dim()),
                      AnnoyCall::kItems);
  }
  return {nb::bytes(ids.data(), ids.size() * sizeof(ids[0])),
          nb::bytes(vectors.data(), vectors.size() * sizeof(vectors[0]))};
}

}  // namespace kith::python
