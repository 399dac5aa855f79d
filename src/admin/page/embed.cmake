# The page, bundled by esbuild and written as a C++ file. The tools are fetched by npm into the build folder, once for
# each package-lock.json; after that nothing here needs the network.
find_program(NODE_PROGRAM node REQUIRED)
find_program(NPM_PROGRAM npm REQUIRED)

set(page ${CMAKE_CURRENT_SOURCE_DIR}/page)
set(page_tools ${CMAKE_BINARY_DIR}/page)
file(GLOB page_sources CONFIGURE_DEPENDS
  ${page}/*.js ${page}/*/*.js ${page}/*.css ${page}/*/*.css ${page}/*.html ${page}/*.svg)

add_custom_command(OUTPUT ${page_tools}/installed
  COMMAND ${CMAKE_COMMAND} -E copy ${page}/package.json ${page}/package-lock.json ${page_tools}
  COMMAND ${NPM_PROGRAM} ci --ignore-scripts --prefer-offline --no-audit --no-fund --loglevel error
  COMMAND ${CMAKE_COMMAND} -E touch ${page_tools}/installed
  WORKING_DIRECTORY ${page_tools}
  DEPENDS ${page}/package.json ${page}/package-lock.json
  COMMENT "Fetching what the page is built with"
  VERBATIM)
add_custom_command(OUTPUT ${page_tools}/page_files.cpp
  COMMAND ${NODE_PROGRAM} ${page}/bundle.mjs ${page_tools} ${page_tools}/page_files.cpp
  DEPENDS ${page_tools}/installed ${page}/bundle.mjs ${page_sources}
  COMMENT "Bundling the page"
  VERBATIM)
file(MAKE_DIRECTORY ${page_tools})
set(LAZARET_PAGE_FILES ${page_tools}/page_files.cpp)
