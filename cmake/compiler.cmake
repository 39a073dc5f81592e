# GCC before 13 destroys temporaries of a co_await expression twice (GCC PR 107288): programs
# build without a warning and crash at run time. So it is refused here, not found out later.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  message(FATAL_ERROR
    "g++ ${CMAKE_CXX_COMPILER_VERSION} miscompiles coroutines into double frees (GCC PR 107288).\n"
    "Use clang 16 or newer, or g++ 13 or newer. On Debian 12:\n"
    "  apt install clang-19 && cmake --preset release")
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 16)
  message(FATAL_ERROR
    "clang ${CMAKE_CXX_COMPILER_VERSION} is too old for this code: use clang 16 or newer (apt install clang-19).")
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

add_library(caisson_warnings INTERFACE)
target_compile_options(caisson_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wold-style-cast -Wnon-virtual-dtor -Werror
  # False positive on Asio coroutine frames at -O2.
  -Wno-mismatched-new-delete)

set(CAISSON_SANITIZE "" CACHE STRING "address, thread or fuzz: build the host side with this sanitizer")
if(CAISSON_SANITIZE)
  set(sanitize ${CAISSON_SANITIZE})
  if(sanitize STREQUAL "address")
    set(sanitize address,undefined)
  elseif(sanitize STREQUAL "fuzz")
    set(sanitize address,undefined,fuzzer-no-link)
  endif()
  add_library(caisson_sanitize INTERFACE)
  target_compile_options(caisson_sanitize INTERFACE -fsanitize=${sanitize} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(caisson_sanitize INTERFACE -fsanitize=${sanitize})
  if(CAISSON_SANITIZE STREQUAL "thread")
    target_compile_options(caisson_sanitize INTERFACE -Wno-tsan)
  endif()
endif()

find_program(LLD NAMES ld.lld-19 ld.lld)
if(LLD AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_link_options(-fuse-ld=lld)
endif()
