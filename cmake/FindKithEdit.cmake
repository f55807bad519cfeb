# Finds libedit's header, KITH_EDIT_INCLUDE_DIR, and the name by which it is loaded,
# KITH_EDIT_SONAME: nobody links it (apps/cli/edit_library.cc).
find_path(KITH_EDIT_INCLUDE_DIR histedit.h)
find_library(KITH_EDIT_LIBRARY edit)
mark_as_advanced(KITH_EDIT_INCLUDE_DIR KITH_EDIT_LIBRARY)

# libedit.so.2.0.70 is loaded as libedit.so.2.
set(KITH_EDIT_SONAME "")
if(KITH_EDIT_LIBRARY)
  file(REAL_PATH ${KITH_EDIT_LIBRARY} kith_edit_file)
  if(kith_edit_file MATCHES "/(libedit\\.so\\.[0-9]+)[^/]*$")
    set(KITH_EDIT_SONAME ${CMAKE_MATCH_1})
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(KithEdit REQUIRED_VARS KITH_EDIT_LIBRARY KITH_EDIT_INCLUDE_DIR
                                                         KITH_EDIT_SONAME)
