# The suites, each a run of busted (`./dev test` adds up their summaries).
# The sanitizer build is a preset of its own, in build/asan.

function(ab_suite name seconds)
  add_test(NAME ${name} COMMAND ${ARGN} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  # Named here, both must be there: no spec is skipped for want of them.
  set(venv ${PROJECT_SOURCE_DIR}/build/venv/bin)
  set_tests_properties(${name} PROPERTIES TIMEOUT ${seconds} ENVIRONMENT
                       "AWSBAK_SANDBOX_CMD=${venv}/moto_server;AWSBAK_PYTHON=${venv}/python")
endfunction()

set(asan ${PROJECT_SOURCE_DIR}/build/asan/awsbak)

ab_suite(specs 600 $<TARGET_FILE:awsbak> spec spec scripts/features)
ab_suite(specs-asan 900 ${asan} spec spec scripts/features)
ab_suite(torture 420 ${CMAKE_COMMAND} -E env AWSBAK_PROGRAM=${asan}
         $<TARGET_FILE:awsbak> spec --pattern=_torture spec/torture)
ab_suite(differential 180 ${CMAKE_COMMAND} -E env AWSBAK_CASES=5
         $<TARGET_FILE:awsbak> spec --pattern=_differential spec/differential)
ab_suite(stock 120 lua5.4 tools/stock_busted.lua ${PROJECT_BINARY_DIR} spec/core spec/awsbak)
ab_suite(fuzz 420 spec/fuzz/run.sh 15)
set_tests_properties(fuzz PROPERTIES PROCESSORS 2)
