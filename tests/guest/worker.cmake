# The worker is tested with a Python that has numpy, as the image's has: Debian's own, if there is one.
find_program(CAISSON_TEST_PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH)
find_program(CAISSON_TEST_PYTHON NAMES python3 REQUIRED)

foreach(part article block display guard hostile host names save definitions)
  add_test(NAME worker_${part}_test
           COMMAND ${CAISSON_TEST_PYTHON} ${CMAKE_CURRENT_LIST_DIR}/worker_${part}_test.py)
  set_tests_properties(worker_${part}_test PROPERTIES LABELS guest TIMEOUT 60)
endforeach()
