# What kith is built on (docs/dependencies.md): the system's packages first; where one is missing,
# the release named here, checked against its SHA-256. -DFETCHCONTENT_TRY_FIND_PACKAGE_MODE=NEVER
# ignores the system's packages; FETCHCONTENT_SOURCE_DIR_<NAME> gives a source tree to use instead.
include(FetchContent)
find_package(Threads REQUIRED)

# How libkith.a reaches the libraries it needs, by where they came from (src/CMakeLists.txt):
set(KITH_SYSTEM_LIBRARIES)   # targets that whoever links the installed libkith.a finds again
set(KITH_FETCHED_LIBRARIES)  # targets only known in this build ...
set(KITH_FETCHED_OBJECTS)    # ... whose objects therefore become part of libkith.a
set(KITH_CONFIG_DEPENDENCIES "")  # lines of kithConfig.cmake
set(KITH_PC_REQUIRES "")          # packages that kith.pc requires
set(KITH_PC_LIBS "")              # and libraries that have no such package

# kith_provide(NAME URL SHA256 [arguments of find_package]): a macro, for find_package's variables.
# Sets <NAME>_FROM_SYSTEM.
macro(kith_provide name url sha256)
  FetchContent_Declare(${name} URL ${url} URL_HASH SHA256=${sha256} SYSTEM
                       FIND_PACKAGE_ARGS ${ARGN} QUIET)
  FetchContent_MakeAvailable(${name})
  if(${name}_FOUND)
    set(${name}_FROM_SYSTEM TRUE)
  else()
    set(${name}_FROM_SYSTEM FALSE)
    message(STATUS "${name}: not a package of this system; using ${url}")
  endif()
endmacro()

# Only the libraries of a fetched project: none of its tests, examples or installed files.
set(CMAKE_POLICY_DEFAULT_CMP0048 NEW)
set(CMAKE_POLICY_DEFAULT_CMP0077 NEW)
foreach(unwanted HWY_ENABLE_CONTRIB HWY_ENABLE_EXAMPLES HWY_ENABLE_INSTALL HWY_ENABLE_TESTS
                 CLI11_BUILD_TESTS CLI11_BUILD_EXAMPLES CLI11_BUILD_DOCS CLI11_INSTALL
                 JSON_BuildTests JSON_Install BUILD_GMOCK INSTALL_GTEST
                 ZLIB_BUILD_EXAMPLES EIGEN_BUILD_DOC EIGEN_BUILD_PKGCONFIG BUILD_TESTING)
  set(${unwanted} OFF CACHE INTERNAL "")
endforeach()
set(SKIP_INSTALL_ALL ON)  # zlib's spelling

kith_provide(hwy https://github.com/google/highway/archive/refs/tags/1.0.3.tar.gz
             566fc77315878473d9a6bd815f7de78c73734acdcb745c3dde8579560ac5440e 1.0.3 CONFIG)
if(hwy_FROM_SYSTEM)
  list(APPEND KITH_SYSTEM_LIBRARIES hwy::hwy)
  string(APPEND KITH_CONFIG_DEPENDENCIES "find_dependency(hwy CONFIG)\n")
  list(APPEND KITH_PC_REQUIRES libhwy)
else()
  list(APPEND KITH_FETCHED_LIBRARIES hwy)
  list(APPEND KITH_FETCHED_OBJECTS $<TARGET_OBJECTS:hwy>)
endif()

kith_provide(ZLIB https://github.com/madler/zlib/releases/download/v1.3.1/zlib-1.3.1.tar.gz
             9a93b2b7dfdac77ceba5a558a580e74667dd6fede4585b91eefb60f03b72df23)
if(ZLIB_FROM_SYSTEM)
  list(APPEND KITH_SYSTEM_LIBRARIES ZLIB::ZLIB)
  string(APPEND KITH_CONFIG_DEPENDENCIES "find_dependency(ZLIB)\n")
  list(APPEND KITH_PC_REQUIRES zlib)
else()
  # zlib's own targets carry no include directories; zconf.h is generated.
  target_include_directories(zlibstatic SYSTEM INTERFACE ${zlib_SOURCE_DIR} ${zlib_BINARY_DIR})
  list(APPEND KITH_FETCHED_LIBRARIES zlibstatic)
  list(APPEND KITH_FETCHED_OBJECTS $<TARGET_OBJECTS:zlibstatic>)
endif()

# Headers alone, compiled into what uses them (src/reduction), so nobody links it.
kith_provide(Eigen3 https://gitlab.com/libeigen/eigen/-/archive/3.4.0/eigen-3.4.0.tar.gz
             8586084f71f9bde545ee7fa6d00288b264a2b7ac3607b974e54d13e7162c1c72 3.4 CONFIG)
get_target_property(KITH_EIGEN_INCLUDE Eigen3::Eigen INTERFACE_INCLUDE_DIRECTORIES)

# HDF5 is too large to fetch: without it, its writer says so when asked.
set(KITH_HAVE_HDF5 FALSE)
if(KITH_WITH_HDF5)
  find_package(KithHDF5)
  if(KithHDF5_FOUND)
    set(KITH_HAVE_HDF5 TRUE)
    # Loaded when it is first needed (src/data/hdf5_library.h), so nobody links it.
    list(APPEND KITH_SYSTEM_LIBRARIES ${CMAKE_DL_LIBS})
    list(APPEND KITH_PC_LIBS -ldl)
  else()
    message(STATUS "HDF5: not found; kith will read such files, but not write them (on Debian: libhdf5-dev)")
  endif()
endif()

# Of the picture module alone, which the library loads where it is (src/pictures/module.cc).
set(KithPictures_FOUND FALSE)
if(KITH_WITH_PICTURES)
  find_package(KithPictures)
  if(KithPictures_FOUND)
    list(APPEND KITH_SYSTEM_LIBRARIES ${CMAKE_DL_LIBS})
  else()
    message(STATUS "OpenCV and decoders of pictures: not all found; kith will not embed pictures (on Debian: "
                   "libopencv-dnn-dev libopencv-imgproc-dev libturbojpeg0-dev libwebp-dev libpng-dev)")
  endif()
endif()

if(KITH_BUILD_TOOLS)
  kith_provide(CLI11 https://github.com/CLIUtils/CLI11/archive/v2.1.2.tar.gz
               26291377e892ba0e5b4972cdfd4a2ab3bf53af8dac1f4ea8fe0d1376b625c8cb CONFIG)
  kith_provide(nlohmann_json https://github.com/nlohmann/json/archive/refs/tags/v3.11.2.tar.gz
               d69f9deb6a75e2580465c6c4c5111b89c4dc2fa94e3a85fcd2ffcd9a143d9273 3.11 CONFIG)
  # Loaded when somebody types; without it, lines cannot be edited.
  if(KITH_WITH_EDIT)
    find_package(KithEdit)
    if(NOT KithEdit_FOUND)
      message(STATUS "libedit: not found; kith words will read plain lines (on Debian: libedit-dev)")
    endif()
  endif()
endif()
if(KITH_BUILD_TESTS)
  kith_provide(GTest https://github.com/google/googletest/archive/refs/tags/release-1.12.1.tar.gz
               81964fe578e9bd7c94dfdb09c8e4d6e6759e19967e397dbea48d1c10e45d0df2)
endif()
if(KITH_BUILD_EXAMPLES)
  find_package(PNG QUIET)
endif()
