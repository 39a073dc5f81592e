# Tests of init drive the real binary with the real worker, in place of a container.
add_library(guest_fixture STATIC ${CMAKE_CURRENT_LIST_DIR}/guest_fixture.cpp
                                 ${CMAKE_CURRENT_LIST_DIR}/guest_processes.cpp)
target_link_libraries(guest_fixture PUBLIC caisson::wire PRIVATE caisson_warnings)
target_compile_definitions(guest_fixture PRIVATE CAISSON_BINARY_DIR="${PROJECT_BINARY_DIR}")
add_dependencies(guest_fixture caisson_init caisson_worker)

foreach(part block channel checkpoint files latency memory pid1 relay start)
  caisson_add_test(init_${part}_test LABEL guest TIMEOUT 120 DEPS guest_fixture PkgConfig::seccomp
                   SOURCES ${CMAKE_CURRENT_LIST_DIR}/init_${part}_test.cpp)
endforeach()

set(init ${PROJECT_SOURCE_DIR}/sandbox/guest/init)
caisson_add_test(init_parts_test LABEL unit DEPS caisson::wire
                 SOURCES ${CMAKE_CURRENT_LIST_DIR}/init_parts_test.cpp ${init}/block_clock.cpp
                         ${init}/capture.cpp ${init}/denials.cpp ${init}/processes.cpp)
