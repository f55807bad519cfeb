#ifdef KITH_HAVE_HDF5

#include "data/hdf5_library.h"

#include <dlfcn.h>

#include "base/strings.h"

namespace kith::data {
namespace {

// Through a second macro, as some releases give functions other names by macros.
#define KITH_HDF5_TEXT(name) #name
#define KITH_HDF5_NAME(name) KITH_HDF5_TEXT(name)

template <class T>
bool Find(void* handle, const char* name, T* out) {
  *out = reinterpret_cast<T>(dlsym(handle, name));
  return *out != nullptr;
}

bool FindId(void* handle, const char* name, hid_t* out) {
  const hid_t* id = nullptr;
  if (!Find(handle, name, &id)) return false;
  *out = *id;
  return true;
}

Result<Hdf5Library> Load() {
  // Never unloaded: it has threads' data and exit handlers of its own.
  void* handle = dlopen(KITH_HDF5_SONAME, RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    return Status::Unsupported(StrCat("writing HDF5 needs the library ", KITH_HDF5_SONAME,
                                      ", which can't be loaded (", dlerror(),
                                      "); install it (on Debian: libhdf5-103-1), or write npy"));
  }
  Hdf5Library h5;
  decltype(&::H5open) open = nullptr;
  bool all = Find(handle, "H5open", &open) && open() >= 0;
  // A program that links the library itself has the library's variables in its own image, and the
  // library's own copies of them are never set.
  void* ids =
      dlsym(RTLD_DEFAULT, "H5open") == reinterpret_cast<void*>(open) ? RTLD_DEFAULT : handle;
#define KITH_HDF5_FIND(name) all = all && Find(handle, KITH_HDF5_NAME(H5##name), &h5.name);
  KITH_HDF5_FUNCTIONS(KITH_HDF5_FIND)
#undef KITH_HDF5_FIND
  all = all && FindId(ids, "H5P_CLS_FILE_ACCESS_ID_g", &h5.file_access) &&
        FindId(ids, "H5P_CLS_DATASET_CREATE_ID_g", &h5.dataset_create) &&
        FindId(ids, "H5T_NATIVE_FLOAT_g", &h5.native_float) &&
        FindId(ids, "H5T_NATIVE_INT8_g", &h5.native_int8) &&
        FindId(ids, "H5T_STD_U8LE_g", &h5.std_u8le) &&
        FindId(ids, "H5T_STD_I8LE_g", &h5.std_i8le) &&
        FindId(ids, "H5T_IEEE_F32LE_g", &h5.ieee_f32le);
  if (!all) {
    return Status::Unsupported(
        StrCat(KITH_HDF5_SONAME, " is not the HDF5 library that kith was built for"));
  }
  return h5;
}

}  // namespace

Result<const Hdf5Library*> LoadHdf5() {
  static const Result<Hdf5Library> library = Load();
  if (!library.ok()) return library.status();
  return &library.value();
}

}  // namespace kith::data

#endif  // KITH_HAVE_HDF5
