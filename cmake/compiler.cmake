# Compiler, standard and flags: the same for every target, so that all share one precompiled header.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 14)
  message(FATAL_ERROR
    "g++ ${CMAKE_CXX_COMPILER_VERSION} miscompiles ordinary coroutine code (double free of temporaries inside a co_await "
    "statement, crash on co_await in a condition) without a warning. Use clang 19: "
    "apt-get install clang-19 lld-19, then './dev build' (or cmake --preset dev).")
endif()
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
  message(FATAL_ERROR "clang ${CMAKE_CXX_COMPILER_VERSION} lacks what std::expected of libstdc++ needs; use clang 19 or later.")
endif()

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE OFF)

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor
                    -Woverloaded-virtual -Wno-missing-designated-field-initializers -Werror -fno-omit-frame-pointer -fno-plt)
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  # Lets ccache hit with a precompiled header.
  add_compile_options(-Xclang -fno-pch-timestamp)
  add_link_options(-fuse-ld=lld)
endif()
add_link_options(-Wl,--gc-sections -static-libgcc -static-libstdc++)
add_compile_options(-ffunction-sections -fdata-sections)
# Hardening that costs nothing measurable on the hot path.
add_compile_options(-fstack-protector-strong -D_GLIBCXX_ASSERTIONS $<$<CONFIG:Release>:-D_FORTIFY_SOURCE=2>)
add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)

set(CARDEA_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined")
if(CARDEA_SANITIZE)
  add_compile_options(-fsanitize=${CARDEA_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${CARDEA_SANITIZE})
endif()
