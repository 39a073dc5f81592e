# caisson_add_library(policy SOURCES parse.cpp … DEPS caisson::base yaml-cpp)
# One target a folder: the link graph is the picture in sandbox/README.md.
function(caisson_add_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
  add_library(caisson_${name} STATIC ${arg_SOURCES})
  add_library(caisson::${name} ALIAS caisson_${name})
  target_include_directories(caisson_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(caisson_${name} PUBLIC ${arg_DEPS} PRIVATE caisson_warnings)
  if(TARGET caisson_sanitize)
    target_link_libraries(caisson_${name} PUBLIC caisson_sanitize)
  endif()
endfunction()

# caisson_add_test(policy_test LABEL unit SOURCES sandbox/policy/parse_test.cpp … DEPS caisson::policy)
# A test of the label `unit` needs no root, no container and no network, and takes under 2 s.
# `guest` drives the real init and worker, `system` starts real containers.
function(caisson_add_test name)
  cmake_parse_arguments(arg "" "LABEL;TIMEOUT" "SOURCES;DEPS" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_DEPS} caisson_warnings GTest::gtest GTest::gtest_main)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_definitions(${name} PRIVATE
    CAISSON_SOURCE_DIR="${PROJECT_SOURCE_DIR}" CAISSON_BINARY_DIR="${PROJECT_BINARY_DIR}")
  add_test(NAME ${name} COMMAND ${name})
  # ctest starts the costliest first: here unit, then guest, then system.
  set(cost_unit 3000)
  set(cost_guest 2000)
  set(cost_system 1000)
  set_tests_properties(${name} PROPERTIES
    LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT} COST ${cost_${arg_LABEL}})
  if(NOT arg_LABEL STREQUAL "unit")
    set_tests_properties(${name} PROPERTIES RUN_SERIAL TRUE)
  endif()
endfunction()
