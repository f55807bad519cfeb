# The warnings every target of the project is compiled with.
add_library(kith_warnings INTERFACE)
target_compile_options(kith_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
                                               -Wno-psabi
                                               -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 sees overlapping copies in its own std::string (GCC bug 105651).
  target_compile_options(kith_warnings INTERFACE -Wno-restrict)
endif()
