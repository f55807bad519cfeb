// Writing HDF5 files, for which the HDF5 library is used; it is optional, and never sees a file
// that somebody else wrote.
#include "base/file.h"
#include "base/strings.h"
#include "data/writers.h"

#ifndef KITH_HAVE_HDF5

namespace kith::data {

Status WriteHdf5(const MatrixView& /*vectors*/, AtomicFile* /*file*/) {
  return Status::Unsupported(
      "kith was built without HDF5, which writing needs; install libhdf5-dev and build with "
      "KITH_WITH_HDF5=ON, or write npy");
}

}  // namespace kith::data

#else

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "data/convert.h"
#include "data/growing_buffer.h"
#include "data/hdf5_library.h"

namespace kith::data {
namespace {

constexpr size_t kBlockBytes = size_t{4} << 20;  // written at once

// The library; known from the first session on.
const Hdf5Library* h5 = nullptr;

// H5F_ACC_TRUNC, which as a macro would call the library by name.
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
