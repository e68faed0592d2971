# Third-party libraries, all static but OpenSSL and glibc. One library, one owner room (see LIBS of each room).
find_package(OpenSSL 3.0 REQUIRED)
find_package(Threads REQUIRED)

function(cardea_static_library name archive)
  find_library(${name}_ARCHIVE ${archive} REQUIRED)
  add_library(${name} STATIC IMPORTED)
  set_target_properties(${name} PROPERTIES IMPORTED_LOCATION ${${name}_ARCHIVE})
endfunction()
cardea_static_library(cardea_cares libcares.a)
cardea_static_library(cardea_yaml_cpp libyaml-cpp.a)
cardea_static_library(cardea_zlib libz.a)
cardea_static_library(cardea_expat libexpat.a)

# simdjson: Debian ships only a shared library, so its source package is built in. './dev' fetches it (signed, pinned)
# into build/deps before the first configure.
set(CARDEA_SIMDJSON_DIR ${PROJECT_SOURCE_DIR}/build/deps/simdjson CACHE PATH "Folder with simdjson.h and simdjson.cpp")
if(NOT EXISTS ${CARDEA_SIMDJSON_DIR}/simdjson.cpp)
  message(FATAL_ERROR "${CARDEA_SIMDJSON_DIR}/simdjson.cpp is missing: run './dev setup' once")
endif()
add_library(cardea_simdjson STATIC ${CARDEA_SIMDJSON_DIR}/simdjson.cpp)
target_include_directories(cardea_simdjson SYSTEM PUBLIC ${CARDEA_SIMDJSON_DIR})
target_compile_definitions(cardea_simdjson PUBLIC SIMDJSON_EXCEPTIONS=0)
target_compile_options(cardea_simdjson PRIVATE -w)
