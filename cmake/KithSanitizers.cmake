# Sanitizers are for every object of the build, so they are set for the whole directory tree.
if(KITH_BUILD_FUZZERS AND NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  message(FATAL_ERROR "KITH_BUILD_FUZZERS needs clang: configure with -DCMAKE_CXX_COMPILER=clang++, "
                      "or use the preset asan-ubsan")
endif()
if(KITH_BUILD_FUZZERS AND NOT KITH_SANITIZE)
  set(KITH_SANITIZE address,undefined)
endif()
if(KITH_SANITIZE)
  add_compile_options(-fsanitize=${KITH_SANITIZE} -fno-sanitize-recover=all
                      -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${KITH_SANITIZE})
  if(KITH_SANITIZE MATCHES undefined AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    add_compile_options(-fsanitize-ignorelist=${CMAKE_CURRENT_LIST_DIR}/ubsan_ignore.txt)
  endif()
endif()
if(KITH_BUILD_FUZZERS)
  add_link_options(-fsanitize=fuzzer-no-link)
endif()
