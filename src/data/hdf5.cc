// HDF5 files in the layout of ann-benchmarks: datasets "train", "test", "neighbors", "distances"
// and an attribute "distance" on the file. The only user of the HDF5 library, which is optional.
#include "base/file.h"
#include "base/strings.h"
#include "data/readers.h"
#include "data/writers.h"

#ifndef KITH_HAVE_HDF5

namespace kith::data {
namespace {

Status NotBuiltIn(const std::string& what) {
  return Status::Unsupported(StrCat(what,
                                    "kith was built without HDF5; install libhdf5-dev and build "
                                    "with KITH_WITH_HDF5=ON, or convert the file to npy"));
}

}  // namespace

Result<Dataset> ReadHdf5(const Input& input, const ReadOptions& /*options*/) {
  return NotBuiltIn(input.path + ": ");
}
Result<GroundTruth> ReadHdf5Truth(const Input& input) { return NotBuiltIn(input.path + ": "); }
Status WriteHdf5(const MatrixView& /*vectors*/, AtomicFile* /*file*/) { return NotBuiltIn(""); }

}  // namespace kith::data

#else

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "data/convert.h"
#include "data/elements.h"
#include "data/growing_buffer.h"
#include "data/hdf5_library.h"
#include "data/text.h"

namespace kith::data {
namespace {

constexpr size_t kBlockBytes = size_t{4} << 20;  // read or written at once

// The library; known from the first session on.
const Hdf5Library* h5 = nullptr;

// H5F_ACC_RDONLY and H5F_ACC_TRUNC, which as macros would call the library by name.
constexpr unsigned kReadOnly = 0;
constexpr unsigned kTruncate = 2;

// One use of the library, which is not thread-safe and prints its errors unless told not to.
// REQUIRES: LoadHdf5() was ok.
class Session {
 public:
  explicit Session(const Hdf5Library* library) : lock_(Mutex()) {
    h5 = library;
    h5->Eget_auto2(H5E_DEFAULT, &print_, &print_to_);
    h5->Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  }
  ~Session() { h5->Eset_auto2(H5E_DEFAULT, print_, print_to_); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

 private:
  static std::mutex& Mutex() {
    static std::mutex mutex;
    return mutex;
  }
  std::lock_guard<std::mutex> lock_;
  H5E_auto2_t print_ = nullptr;
  void* print_to_ = nullptr;
};

// An object of the library; any call that made none gives a handle that is not ok().
class Handle {
 public:
  Handle(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {}
  ~Handle() {
    if (ok()) close_(id_);
  }
  Handle(Handle&& other) noexcept
      : id_(std::exchange(other.id_, H5I_INVALID_HID)), close_(other.close_) {}
  Handle& operator=(Handle&&) = delete;
  bool ok() const { return id_ >= 0; }
  hid_t get() const { return id_; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

Status Unreadable(const std::string& path, std::string_view what) {
  return Status::InvalidArgument(
      StrCat(path, ": HDF5 can't read ", what, "; the file is truncated or damaged"));
}

Result<Handle> OpenFile(const Input& input) {
  Handle access(h5->Pcreate(h5->file_access), h5->Pclose);
  if (!access.ok()) return Status::OutOfMemory(StrCat(input.path, ": HDF5 can't start"));
  if (!input.on_disk) {  // unpacked in memory: HDF5 takes a copy
    h5->Pset_fapl_core(access.get(), kBlockBytes, false);
    if (h5->Pset_file_image(access.get(), const_cast<std::byte*>(input.bytes.data()),
                            input.bytes.size()) < 0) {
      return Status::OutOfMemory(StrCat(input.path, ": cannot allocate the memory to open it"));
    }
  }
  // HDF5 refuses an image under the name of a file that exists; a file has none below itself.
  const std::string name = input.on_disk ? input.path : input.path + "/unpacked";
  Handle file(h5->Fopen(name.c_str(), kReadOnly, access.get()), h5->Fclose);
  if (!file.ok()) return Unreadable(input.path, "the file");
  return file;
}

// A dataset of two axes in the file itself.
struct Matrix {
  Handle dataset;
  Handle type;
  hsize_t rows = 0;
  hsize_t columns = 0;
};

// Data that lies elsewhere could be any file of the machine's: a link, a list of external files or
// a virtual dataset is refused. False also where there is no such dataset.
bool LiesInFile(const Handle& file, const char* name) {
  H5L_info_t link;
  return h5->Lget_info(file.get(), name, &link, H5P_DEFAULT) >= 0 && link.type == H5L_TYPE_HARD;
}
bool LiesInFile(const Handle& dataset) {
  const Handle creation(h5->Dget_create_plist(dataset.get()), h5->Pclose);
  return creation.ok() && h5->Pget_external_count(creation.get()) == 0 &&
         h5->Pget_layout(creation.get()) != H5D_VIRTUAL;
}

Result<Matrix> OpenMatrix(const Input& input, const Handle& file, const char* name) {
  if (!LiesInFile(file, name)) {
    return Status::InvalidArgument(StrCat(input.path, ": expected a dataset '", name,
                                          "' as ann-benchmarks files have, got none"));
  }
  Handle dataset(h5->Dopen2(file.get(), name, H5P_DEFAULT), h5->Dclose);
  Handle type(h5->Dget_type(dataset.get()), h5->Tclose);
  const Handle space(h5->Dget_space(dataset.get()), h5->Sclose);
  if (!dataset.ok() || !type.ok() || !space.ok()) {
    return Unreadable(input.path, StrCat("dataset '", name, "'"));
  }
  const int axes = h5->Sget_simple_extent_ndims(space.get());
  if (axes != 2 || !LiesInFile(dataset)) {
    return Status::InvalidArgument(StrCat(input.path, ": dataset '", name,
                                          "': expected a matrix of 2 axes stored in the file, got ",
                                          axes, " axes or data stored elsewhere"));
  }
  hsize_t lengths[2] = {0, 0};
  h5->Sget_simple_extent_dims(space.get(), lengths, nullptr);
  return Matrix{std::move(dataset), std::move(type), lengths[0], lengths[1]};
}

// Compares what the lengths promise with the bytes there are; packed data may be fewer.
Status CheckStored(const Input& input, const Matrix& m, const char* name) {
  KITH_RETURN_IF_ERROR(CheckShape(input.path, std::min<hsize_t>(m.rows, kMaxRows), m.columns));
  const hsize_t stored = h5->Dget_storage_size(m.dataset.get());
  const hsize_t wanted = m.columns * h5->Tget_size(m.type.get());
  if (m.rows <= UINT32_MAX && stored <= input.bytes.size() && stored > 0 &&
      wanted <= ExpansionLimit(stored) / m.rows) {
    return Status::Ok();
  }
  return Status::InvalidArgument(StrCat(input.path, ": dataset '", name, "': expected ", m.rows,
                                        " rows of ", wanted, " bytes, got ", stored,
                                        " bytes stored in a file of ", input.bytes.size()));
}

// Reads rows [0, rows) as elements of `type`, block by block.
Status ReadRows(const Input& input, const Matrix& m, hsize_t rows, hid_t type,
                const Progress& progress, std::byte* out) {
  const size_t row_bytes = m.columns * h5->Tget_size(type);
  const hsize_t block = std::max<hsize_t>(1, kBlockBytes / row_bytes);
  ProgressMeter meter(progress, input.path, rows * row_bytes);
  const Handle file_space(h5->Dget_space(m.dataset.get()), h5->Sclose);
  for (hsize_t row = 0; row < rows; row += block) {
    const hsize_t start[2] = {row, 0};
    const hsize_t count[2] = {std::min(block, rows - row), m.columns};
    const Handle memory_space(h5->Screate_simple(2, count, nullptr), h5->Sclose);
    if (h5->Sselect_hyperslab(file_space.get(), H5S_SELECT_SET, start, nullptr, count, nullptr) <
            0 ||
        h5->Dread(m.dataset.get(), type, memory_space.get(), file_space.get(), H5P_DEFAULT,
                  out + row * row_bytes) < 0) {
      return Unreadable(input.path, StrCat("rows ", row, " to ", row + count[0] - 1));
    }
    KITH_RETURN_IF_ERROR(meter.Update(row * row_bytes));
  }
  return meter.Finish();
}

Result<std::shared_ptr<GrowingBuffer> > ReadMatrix(const Input& input, const Matrix& m,
                                                   hsize_t rows, hid_t type,
                                                   const Progress& progress) {
  auto buffer = std::make_shared<GrowingBuffer>(input.path);
  KITH_ASSIGN_OR_RETURN(std::byte * bytes, buffer->Extend(rows * m.columns * h5->Tget_size(type)));
  KITH_RETURN_IF_ERROR(ReadRows(input, m, rows, type, progress, bytes));
  return buffer;
}

// Numbers as f32, bytes as they are, h5py's bool (an enumeration of bytes) as u8.
Result<DataType> TypeInMemory(const Input& input, const Matrix& m) {
  const H5T_class_t kind = h5->Tget_class(m.type.get());
  const size_t size = h5->Tget_size(m.type.get());
  if (kind == H5T_FLOAT) return DataType::kF32;
  if (kind == H5T_ENUM && size == 1) return DataType::kU8;
  if (kind == H5T_INTEGER && size == 1) {
    return h5->Tget_sign(m.type.get()) == H5T_SGN_NONE ? DataType::kU8 : DataType::kI8;
  }
  return Status::Unsupported(StrCat(input.path, ": vectors of HDF5 type class ", int{kind}, ", ",
                                    size, " bytes; kith reads floats, bytes and bool"));
}

std::optional<Metric> ReadMetric(const Handle& file) {
  const Handle attribute(h5->Aopen(file.get(), "distance", H5P_DEFAULT), h5->Aclose);
  if (!attribute.ok()) return std::nullopt;
  const Handle type(h5->Aget_type(attribute.get()), h5->Tclose);
  const Handle space(h5->Aget_space(attribute.get()), h5->Sclose);
  if (h5->Tget_class(type.get()) != H5T_STRING ||
      h5->Sget_simple_extent_npoints(space.get()) != 1) {
    return std::nullopt;
  }
  if (h5->Tis_variable_str(type.get()) > 0) {
    char* text = nullptr;
    if (h5->Aread(attribute.get(), type.get(), &text) < 0 || text == nullptr) return std::nullopt;
    const std::optional<Metric> metric = ParseMetric(text);
    h5->free_memory(text);
    return metric;
  }
  constexpr size_t kLongestName = 64;
  const size_t size = h5->Tget_size(type.get());
  if (size > kLongestName) return std::nullopt;
  std::string text(size, '\0');
  if (h5->Aread(attribute.get(), type.get(), text.data()) < 0) return std::nullopt;
  text.resize(std::min(text.find('\0'), text.size()));
  return ParseMetric(TrimRight(text));
}

// Packs a matrix of 0 and 1 in bytes into bits.
Status PackBools(const Input& input, Dataset* set) {
  const MatrixView bytes = set->vectors;
  const size_t stride = RowBytes(DataType::kBit, bytes.dim);
  auto buffer = std::make_shared<GrowingBuffer>(input.path);
  KITH_ASSIGN_OR_RETURN(std::byte * out, buffer->Extend(bytes.rows * stride));
  if (Status s = ConvertRows(bytes, DataType::kBit, 0, bytes.rows, out, stride); !s.ok()) {
    return Status(s.code(), StrCat(input.path, ": ", s.message()));
  }
  set->vectors = {out, bytes.rows, bytes.dim, stride, DataType::kBit};
  set->owner = std::move(buffer);
  return Status::Ok();
}

Status WriteMatrix(const MatrixView& vectors, DataType dtype, const Handle& dataset, hid_t type) {
  const size_t row_bytes = RowBytes(dtype, vectors.dim);
  const size_t block = std::max<size_t>(1, kBlockBytes / row_bytes);
  std::vector<std::byte> rows(block * row_bytes);
  const Handle file_space(h5->Dget_space(dataset.get()), h5->Sclose);
  for (size_t begin = 0; begin < vectors.rows; begin += block) {
    const size_t end = std::min(vectors.rows, begin + block);
    KITH_RETURN_IF_ERROR(ConvertRows(vectors, dtype, begin, end, rows.data(), row_bytes));
    const hsize_t start[2] = {begin, 0};
    const hsize_t count[2] = {end - begin, vectors.dim};
    const Handle memory_space(h5->Screate_simple(2, count, nullptr), h5->Sclose);
    if (h5->Sselect_hyperslab(file_space.get(), H5S_SELECT_SET, start, nullptr, count, nullptr) <
            0 ||
        h5->Dwrite(dataset.get(), type, memory_space.get(), file_space.get(), H5P_DEFAULT,
                   rows.data()) < 0) {
      return Status::OutOfMemory("HDF5 can't hold the vectors in memory");
    }
  }
  return Status::Ok();
}

// h5py's bool.
Handle BoolType() {
  Handle type(h5->Tenum_create(h5->native_int8), h5->Tclose);
  for (int8_t value : {0, 1}) h5->Tenum_insert(type.get(), value == 0 ? "FALSE" : "TRUE", &value);
  return type;
}

Handle TypeInFile(const MatrixView& vectors, DataType dtype) {
  if (vectors.dtype == DataType::kBit) return BoolType();
  return Handle(h5->Tcopy(dtype == DataType::kU8   ? h5->std_u8le
                          : dtype == DataType::kI8 ? h5->std_i8le
                                                   : h5->ieee_f32le),
                h5->Tclose);
}

}  // namespace

Result<Dataset> ReadHdf5(const Input& input, const ReadOptions& options) {
  KITH_ASSIGN_OR_RETURN(const Hdf5Library* library, LoadHdf5());
  const Session session(library);
  const char* name = options.part == DatasetPart::kBase ? "train" : "test";
  KITH_ASSIGN_OR_RETURN(const Handle file, OpenFile(input));
  KITH_ASSIGN_OR_RETURN(const Matrix m, OpenMatrix(input, file, name));
  KITH_ASSIGN_OR_RETURN(const DataType dtype, TypeInMemory(input, m));
  KITH_RETURN_IF_ERROR(CheckStored(input, m, name));
  const hsize_t rows = RowsToRead(m.rows, options);
  KITH_RETURN_IF_ERROR(CheckShape(input.path, rows, m.columns));
  const bool is_bool = h5->Tget_class(m.type.get()) == H5T_ENUM;
  const hid_t type = is_bool                   ? m.type.get()
                     : dtype == DataType::kF32 ? h5->native_float
                     : dtype == DataType::kI8  ? h5->native_int8
                                               : h5->native_uint8;
  KITH_ASSIGN_OR_RETURN(const std::shared_ptr<GrowingBuffer> buffer,
                        ReadMatrix(input, m, rows, type, options.progress));
  Dataset set;
  set.vectors = {buffer->data(), rows, m.columns, RowBytes(dtype, m.columns), dtype};
  set.metric = ReadMetric(file);
  set.owner = buffer;
  if (is_bool) KITH_RETURN_IF_ERROR(PackBools(input, &set));
  if (dtype == DataType::kF32 && h5->Tget_size(m.type.get()) > sizeof(float)) {
    // Doubles beyond the range of float32 have become infinite.
    ThreadPool pool;
    if (Status s = CheckFinite(set.vectors, pool); !s.ok()) {
      return Status(s.code(), StrCat(input.path, ": as float32, ", s.message()));
    }
  }
  return set;
}

Result<GroundTruth> ReadHdf5Truth(const Input& input) {
  KITH_ASSIGN_OR_RETURN(const Hdf5Library* library, LoadHdf5());
  const Session session(library);
  KITH_ASSIGN_OR_RETURN(const Handle file, OpenFile(input));
  KITH_ASSIGN_OR_RETURN(const Matrix ids, OpenMatrix(input, file, "neighbors"));
  KITH_RETURN_IF_ERROR(CheckStored(input, ids, "neighbors"));
  if (h5->Tget_class(ids.type.get()) != H5T_INTEGER) {
    return Status::InvalidArgument(
        StrCat(input.path, ": dataset 'neighbors': expected integers, got another type"));
  }
  GroundTruth truth;
  truth.num_queries = ids.rows;
  truth.k = ids.columns;
  truth.ids.resize(ids.rows * ids.columns);
  KITH_RETURN_IF_ERROR(ReadRows(input, ids, ids.rows, h5->native_int64, {},
                                reinterpret_cast<std::byte*>(truth.ids.data())));
  for (size_t i = 0; i < truth.ids.size(); ++i) {
    KITH_RETURN_IF_ERROR(CheckId(input.path, truth.ids[i], i / truth.k, i % truth.k));
  }
  if (h5->Lexists(file.get(), "distances", H5P_DEFAULT) <= 0) return truth;
  KITH_ASSIGN_OR_RETURN(const Matrix distances, OpenMatrix(input, file, "distances"));
  KITH_RETURN_IF_ERROR(CheckStored(input, distances, "distances"));
  if (distances.rows != ids.rows || distances.columns != ids.columns) {
    return Status::InvalidArgument(StrCat(input.path, ": dataset 'distances': expected ", ids.rows,
                                          " x ", ids.columns, " as 'neighbors', got ",
                                          distances.rows, " x ", distances.columns));
  }
  truth.distances.resize(truth.ids.size());
  KITH_RETURN_IF_ERROR(ReadRows(input, distances, distances.rows, h5->native_float, {},
                                reinterpret_cast<std::byte*>(truth.distances.data())));
  return truth;
}

Status WriteHdf5(const MatrixView& vectors, AtomicFile* file) {
  KITH_ASSIGN_OR_RETURN(const Hdf5Library* library, LoadHdf5());
  const Session session(library);
  const bool bytes = vectors.dtype == DataType::kU8 || vectors.dtype == DataType::kBit;
  const DataType dtype = bytes                            ? DataType::kU8
                         : vectors.dtype == DataType::kI8 ? DataType::kI8
                                                          : DataType::kF32;
  // HDF5 writes into memory, so that the file itself is written atomically, as all of kith's are.
  const Handle access(h5->Pcreate(h5->file_access), h5->Pclose);
  h5->Pset_fapl_core(access.get(), kBlockBytes, false);
  const Handle image(h5->Fcreate("/dev/null/image", kTruncate, H5P_DEFAULT, access.get()),
                     h5->Fclose);
  const hsize_t lengths[2] = {vectors.rows, vectors.dim};
  const Handle space(h5->Screate_simple(2, lengths, nullptr), h5->Sclose);
  const Handle type = TypeInFile(vectors, dtype);
  // Without the time of writing, which would make the bytes depend on more than the vectors.
  const Handle creation(h5->Pcreate(h5->dataset_create), h5->Pclose);
  h5->Pset_obj_track_times(creation.get(), false);
  const Handle dataset(h5->Dcreate2(image.get(), "train", type.get(), space.get(), H5P_DEFAULT,
                                    creation.get(), H5P_DEFAULT),
                       h5->Dclose);
  if (!dataset.ok()) return Status::OutOfMemory("HDF5 can't make a file in memory");
  // The bytes of a bool are those of its enumeration, so the file's type serves in memory too.
  const hid_t memory_type = dtype == DataType::kF32 ? h5->native_float : type.get();
  KITH_RETURN_IF_ERROR(WriteMatrix(vectors, dtype, dataset, memory_type));
  h5->Fflush(image.get(), H5F_SCOPE_LOCAL);
  const ssize_t size = h5->Fget_file_image(image.get(), nullptr, 0);
  GrowingBuffer contents("the HDF5 file");
  KITH_ASSIGN_OR_RETURN(std::byte * out,
                        contents.Extend(static_cast<size_t>(std::max<ssize_t>(0, size))));
  if (size <= 0 || h5->Fget_file_image(image.get(), out, static_cast<size_t>(size)) != size) {
    return Status::OutOfMemory("HDF5 can't copy its file in memory");
  }
  return file->Write({contents.data(), contents.size()});
}

}  // namespace kith::data

#endif  // KITH_HAVE_HDF5
