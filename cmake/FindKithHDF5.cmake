# Finds the serial C library of HDF5 without needing the C language in the project (CMake's own
# FindHDF5 does): its headers, KITH_HDF5_INCLUDE_DIR, and the name by which programs load it,
# KITH_HDF5_SONAME. The target hdf5::hdf5 is for tests, which link it.
find_path(KITH_HDF5_INCLUDE_DIR hdf5.h PATH_SUFFIXES hdf5/serial)
find_library(KITH_HDF5_LIBRARY NAMES hdf5_serial hdf5 PATH_SUFFIXES hdf5/serial)
mark_as_advanced(KITH_HDF5_INCLUDE_DIR KITH_HDF5_LIBRARY)

include(${CMAKE_CURRENT_LIST_DIR}/KithSoname.cmake)
kith_soname("${KITH_HDF5_LIBRARY}" KITH_HDF5_SONAME)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(KithHDF5 REQUIRED_VARS KITH_HDF5_LIBRARY KITH_HDF5_INCLUDE_DIR
                                                         KITH_HDF5_SONAME)

if(KithHDF5_FOUND AND NOT TARGET hdf5::hdf5)
  add_library(hdf5::hdf5 UNKNOWN IMPORTED)
  set_target_properties(hdf5::hdf5 PROPERTIES IMPORTED_LOCATION "${KITH_HDF5_LIBRARY}"
                        INTERFACE_INCLUDE_DIRECTORIES "${KITH_HDF5_INCLUDE_DIR}")
endif()
