# What `cmake --install` puts where: the programs, the client library as a CMake package (find_package(lazaret)) and a
# pkg-config module, the library for tests of services, the example of the configuration, the systemd unit.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS lazaretd lazaret_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT programs)
install(TARGETS lazaret_shared EXPORT lazaret
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT client)
install(TARGETS lazaret_testing_shared EXPORT lazaret-testing
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT testing)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/lazaret DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT client)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/lazaret)
install(EXPORT lazaret NAMESPACE lazaret:: FILE lazaret-targets.cmake DESTINATION ${package_dir} COMPONENT client)
# Of its own, so that the client can be installed without it.
install(EXPORT lazaret-testing NAMESPACE lazaret:: FILE lazaret-testing-targets.cmake
  DESTINATION ${package_dir} COMPONENT testing)
configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/lazaret-config.cmake.in
  ${CMAKE_BINARY_DIR}/lazaret-config.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/lazaret-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/lazaret-config.cmake ${CMAKE_BINARY_DIR}/lazaret-config-version.cmake
  DESTINATION ${package_dir} COMPONENT client)

# Found from where the file lies: what is installed elsewhere than it was configured for works too.
file(RELATIVE_PATH LAZARET_UP_TO_PREFIX "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
configure_file(${CMAKE_SOURCE_DIR}/cmake/lazaret.pc.in ${CMAKE_BINARY_DIR}/lazaret.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/lazaret.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT client)

install(FILES ${CMAKE_SOURCE_DIR}/config/lazaret.toml DESTINATION ${CMAKE_INSTALL_SYSCONFDIR}/lazaret COMPONENT programs)
install(FILES ${CMAKE_SOURCE_DIR}/deploy/systemd/lazaretd.service DESTINATION lib/systemd/system COMPONENT programs)
