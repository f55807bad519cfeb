# Finds libedit's header, KITH_EDIT_INCLUDE_DIR, and the name by which it is loaded,
# KITH_EDIT_SONAME: nobody links it (apps/cli/edit_library.cc).
find_path(KITH_EDIT_INCLUDE_DIR histedit.h)
find_library(KITH_EDIT_LIBRARY edit)
mark_as_advanced(KITH_EDIT_INCLUDE_DIR KITH_EDIT_LIBRARY)

include(${CMAKE_CURRENT_LIST_DIR}/KithSoname.cmake)
kith_soname("${KITH_EDIT_LIBRARY}" KITH_EDIT_SONAME)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(KithEdit REQUIRED_VARS KITH_EDIT_LIBRARY KITH_EDIT_INCLUDE_DIR
                                                         KITH_EDIT_SONAME)
