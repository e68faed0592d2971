# cardea_module(NAME LAYER n [INTERFACE] SOURCES … DOOR … DEPS … LIBS … TESTS … TEST_DEPS …)
#
# One room of the house (docs/architecture.md).
#   LAYER      a room may depend only on rooms of lower layers; anything else stops CMake
#   SOURCES    its translation units
#   DOOR       its public headers; tests/tidy refuses an #include of any other header from outside
#   DEPS       rooms it uses
#   LIBS       third-party libraries it owns (one library, one owner; checked by tests/tidy)
#   TESTS      *_test.cc files, linked into NAME_test
#   TEST_DEPS  further rooms its tests use (any layer: tests look down from above)
function(cardea_module name)
  cmake_parse_arguments(M "" "LAYER" "SOURCES;DOOR;DEPS;LIBS;TESTS;TEST_DEPS" ${ARGN})
  if(M_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "cardea_module(${name}): unknown arguments ${M_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT DEFINED M_LAYER)
    message(FATAL_ERROR "cardea_module(${name}): LAYER is missing")
  endif()
  set(target cardea_${name})
  if(M_SOURCES)
    add_library(${target} STATIC ${M_SOURCES})
    set(scope PUBLIC)
    cardea_precompile(${target})
    target_link_libraries(${target} PRIVATE ${M_LIBS})
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(${target} ${scope} ${PROJECT_SOURCE_DIR}/src)
  set_property(TARGET ${target} PROPERTY CARDEA_LAYER ${M_LAYER})
  foreach(dep IN LISTS M_DEPS)
    if(NOT TARGET cardea_${dep})
      message(FATAL_ERROR "cardea_module(${name}): '${dep}' is not a room (or is listed after ${name} in CMakeLists.txt)")
    endif()
    get_property(dep_layer TARGET cardea_${dep} PROPERTY CARDEA_LAYER)
    if(NOT dep_layer LESS M_LAYER)
      message(FATAL_ERROR "cardea_module(${name}): layer ${M_LAYER} may not use '${dep}' of layer ${dep_layer}; "
                          "edges only go down (docs/architecture.md)")
    endif()
    target_link_libraries(${target} ${scope} cardea_${dep})
  endforeach()
  if(CARDEA_TESTS AND M_TESTS)
    add_executable(${name}_test ${M_TESTS})
    cardea_test_program(${name} ${name} ${M_TEST_DEPS})
  endif()
endfunction()

# cardea_test_program(NAME ROOM DEP…): what an executable NAME_test of ROOM's tests needs besides its sources. A room whose tests
# take long may have a second one beside that of its cardea_module().
function(cardea_test_program name room)
  # What is under test is watched by the sanitizers at -O1; optimising the tests too would double the time to build them. Other
  # flags need another precompiled header.
  if(CARDEA_SANITIZE)
    target_compile_options(${name}_test PRIVATE -O0)
    cardea_precompile(${name}_test base_test)
  else()
    cardea_precompile(${name}_test)
  endif()
  target_compile_definitions(${name}_test PRIVATE CARDEA_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name}_test PRIVATE cardea_${room} GTest::gtest GTest::gmock GTest::gtest_main)
  set_property(GLOBAL APPEND PROPERTY CARDEA_TEST_DEPS "${name}_test:${ARGN}")
  foreach(dep IN LISTS ARGN)
    target_link_libraries(${name}_test PRIVATE cardea_${dep})
  endforeach()
  add_test(NAME ${name} COMMAND ${name}_test WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_property(GLOBAL APPEND PROPERTY CARDEA_TEST_TARGETS ${name}_test)
endfunction()

# Standard headers only: a project header here would rebuild everything on each edit. owner: the first target with the same
# flags, cardea_base unless said.
function(cardea_precompile target)
  set(owner cardea_base ${ARGN})
  list(GET owner -1 owner)
  if(target STREQUAL owner)
    target_precompile_headers(${target} PRIVATE <algorithm> <array> <chrono> <coroutine> <cstdint> <cstring> <expected>
      <functional> <map> <memory> <optional> <span> <string> <string_view> <unordered_map> <utility> <variant> <vector>)
  else()
    target_precompile_headers(${target} REUSE_FROM ${owner})
  endif()
endfunction()
