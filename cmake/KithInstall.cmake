# `cmake --install`: headers, library, and what find_package and pkg-config look for; the tool
# installs itself.
include(CMakePackageConfigHelpers)

set(KITH_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/kith)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS kith EXPORT kithTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT kithTargets NAMESPACE kith:: DESTINATION ${KITH_CMAKE_DIR})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

configure_package_config_file(
  ${PROJECT_SOURCE_DIR}/cmake/kithConfig.cmake.in ${PROJECT_BINARY_DIR}/kithConfig.cmake
  INSTALL_DESTINATION ${KITH_CMAKE_DIR} NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor version may break its users.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/kithConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/kithConfig.cmake ${PROJECT_BINARY_DIR}/kithConfigVersion.cmake
        DESTINATION ${KITH_CMAKE_DIR})

# kith.pc names its directories relative to itself, so an installed tree may be moved.
file(RELATIVE_PATH KITH_PC_TO_PREFIX /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
set(KITH_PC_LIBDIR "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
set(KITH_PC_INCLUDEDIR "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
list(JOIN KITH_PC_REQUIRES " " KITH_PC_REQUIRES)
list(JOIN KITH_PC_LIBS " " KITH_PC_LIBS)
configure_file(${PROJECT_SOURCE_DIR}/cmake/kith.pc.in ${PROJECT_BINARY_DIR}/kith.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/kith.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
