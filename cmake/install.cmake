# What `cmake --install` puts where: headers, the models that `swell see` and `swell write` look for, the library with its soname, and two ways to find it,
# find_package(swell) with the target swell::swell, and pkg-config's swell.pc.  Both are relocatable:
# they look from their own place.
include(CMakePackageConfigHelpers)

install(TARGETS swell EXPORT swellTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY include/swell DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(DIRECTORY models/ DESTINATION ${CMAKE_INSTALL_DATADIR}/swell/models
  FILES_MATCHING PATTERN "*.safetensors" PATTERN "*.gguf" PATTERN "*.md" PATTERN "*.svg")
install(FILES README.md LICENSE CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/swell)
install(EXPORT swellTargets NAMESPACE swell:: DESTINATION ${package_dir})
configure_package_config_file(cmake/swellConfig.cmake.in ${CMAKE_BINARY_DIR}/swellConfig.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/swellConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/swellConfig.cmake ${CMAKE_BINARY_DIR}/swellConfigVersion.cmake
  DESTINATION ${package_dir})

set(SWELL_PC_DIR ${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH SWELL_PC_TO_PREFIX ${SWELL_PC_DIR} ${CMAKE_INSTALL_PREFIX})
configure_file(cmake/swell.pc.in ${CMAKE_BINARY_DIR}/swell.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/swell.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
