// The HDF5 library, loaded when the first HDF5 file is written: it brings thirty other
// libraries with it, which would cost every start of every program some milliseconds.
#ifndef KITH_DATA_HDF5_LIBRARY_H_
#define KITH_DATA_HDF5_LIBRARY_H_

#include <hdf5.h>

#include "kith/status.h"

namespace kith::data {

// What is used of it, less the prefix H5.
// clang-format off
#define KITH_HDF5_FUNCTIONS(X) \
  X(Dclose) X(Dcreate2) X(Dget_space) X(Dwrite) X(Eget_auto2) X(Eset_auto2) X(Fclose) X(Fcreate) \
  X(Fflush) X(Fget_file_image) X(Pclose) X(Pcreate) X(Pset_fapl_core) X(Pset_obj_track_times) \
  X(Sclose) X(Screate_simple) X(Sselect_hyperslab) X(Tclose) X(Tcopy) X(Tenum_create) \
  X(Tenum_insert)
// clang-format on

struct Hdf5Library {
#define KITH_HDF5_MEMBER(name) decltype(&::H5##name) name = nullptr;
  KITH_HDF5_FUNCTIONS(KITH_HDF5_MEMBER)
#undef KITH_HDF5_MEMBER
  hid_t file_access = 0;
  hid_t dataset_create = 0;
  hid_t native_float = 0;
  hid_t native_int8 = 0;
  hid_t std_u8le = 0;
  hid_t std_i8le = 0;
  hid_t ieee_f32le = 0;
};

// The same object every time. Thread-safe. Errors: Unsupported (it is not installed).
Result<const Hdf5Library*> LoadHdf5();

}  // namespace kith::data

#endif  // KITH_DATA_HDF5_LIBRARY_H_
