# How every target of the project is compiled: one set of flags, one function for a room, one for a test.

find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json url)
find_package(Protobuf 3.21 REQUIRED)
find_package(RocksDB 7.8 REQUIRED)
find_package(spdlog REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(GTest REQUIRED)

option(LAZARET_FUZZ "Build the libFuzzer targets (needs clang)" OFF)
set(LAZARET_SANITIZE "" CACHE STRING "Sanitizers to build with, as given to -fsanitize=")

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

string(REPLACE "-DNDEBUG" "" CMAKE_CXX_FLAGS_RELWITHDEBINFO "${CMAKE_CXX_FLAGS_RELWITHDEBINFO}")
string(REPLACE "-g" "-g1" CMAKE_CXX_FLAGS_RELWITHDEBINFO "${CMAKE_CXX_FLAGS_RELWITHDEBINFO}")

if(LAZARET_SANITIZE)
  # What the sanitizers weave in makes -O2 take twice as long to compile and little faster to run.
  string(REPLACE "-O2" "-O1" CMAKE_CXX_FLAGS_RELWITHDEBINFO "${CMAKE_CXX_FLAGS_RELWITHDEBINFO}")
endif()

add_library(lazaret_flags INTERFACE)
target_compile_options(lazaret_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough
  -Werror -fstack-protector-strong -fno-omit-frame-pointer)
target_compile_definitions(lazaret_flags INTERFACE
  _GLIBCXX_ASSERTIONS BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports these falsely inside coroutine frames and std::string.
  target_compile_options(lazaret_flags INTERFACE
    -Wno-restrict -Wno-maybe-uninitialized -Wno-array-bounds -Wno-stringop-overflow -fcf-protection)
endif()
if(LAZARET_SANITIZE)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Below -O2 it inlines one half of Asio's pair of operators for coroutine frames, and not the other.
    add_compile_options(-Wno-mismatched-new-delete)
  endif()
  add_compile_options(-fsanitize=${LAZARET_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${LAZARET_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND LAZARET_SANITIZE MATCHES "undefined")
    # clang 14 cannot emit its check of function pointers for the parts of a coroutine.
    add_compile_options(-fno-sanitize=function)
  endif()
  if(LAZARET_SANITIZE MATCHES "undefined")
    # Its check of dynamic types needs a descriptor to look at memory with, and tests take all descriptors away.
    add_compile_options(-fno-sanitize=vptr)
  endif()
else()
  target_compile_definitions(lazaret_flags INTERFACE
    $<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=2>)
endif()
if(LAZARET_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
target_link_options(lazaret_flags INTERFACE -Wl,-z,relro,-z,now)

# lazaret_room(NAME SOURCES a.cpp … ROOMS base model … LIBRARIES RocksDB::rocksdb …)
# One static library per room. What a room may include is exactly what it links: ROOMS.
function(lazaret_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;ROOMS;LIBRARIES" ${ARGN})
  add_library(lazaret_${name} STATIC ${ROOM_SOURCES})
  target_include_directories(lazaret_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  list(TRANSFORM ROOM_ROOMS PREPEND lazaret_)
  target_link_libraries(lazaret_${name}
    PRIVATE lazaret_flags
    PUBLIC ${ROOM_ROOMS} ${ROOM_LIBRARIES})
endfunction()

add_library(lazaret_test_pch STATIC ${CMAKE_SOURCE_DIR}/tests/test_pch.cpp)
target_link_libraries(lazaret_test_pch PRIVATE lazaret_flags PUBLIC Boost::headers Boost::json GTest::gtest GTest::gmock)
# Compiled as an executable is, which is what reuses it.
set_target_properties(lazaret_test_pch PROPERTIES POSITION_INDEPENDENT_CODE OFF)
target_compile_options(lazaret_test_pch PRIVATE -fPIE)
target_precompile_headers(lazaret_test_pch PRIVATE ${CMAKE_SOURCE_DIR}/tests/test_pch.h)

# lazaret_test(NAME LABEL unit SOURCES … LIBRARIES …): a GoogleTest binary, each of its tests known to ctest.
function(lazaret_test name)
  cmake_parse_arguments(TEST "" "LABEL" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${TEST_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  # Boost::json: the header that is reused was compiled with its definitions.
  target_link_libraries(${name} PRIVATE
    lazaret_flags ${TEST_LIBRARIES} Boost::json GTest::gtest GTest::gmock GTest::gtest_main)
  target_precompile_headers(${name} REUSE_FROM lazaret_test_pch)
  include(GoogleTest)
  gtest_discover_tests(${name} PROPERTIES LABELS ${TEST_LABEL} TIMEOUT 300 DISCOVERY_MODE PRE_TEST)
endfunction()
