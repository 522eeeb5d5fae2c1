# What must hold of the built library and of its packages.
function(swell_house_test name script)
  add_test(NAME ${name} COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/${script} ${ARGN})
  set_tests_properties(${name} PROPERTIES LABELS house TIMEOUT 300)
endfunction()

if(NOT SWELL_SANITIZE)
  swell_house_test(house_symbols symbols_test.sh $<TARGET_FILE:swell> ${PROJECT_SOURCE_DIR}/include/swell)
  swell_house_test(house_needed needed_test.sh $<TARGET_FILE:swell>)
  swell_house_test(house_install install_test.sh ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
  if(CMAKE_BUILD_TYPE STREQUAL "Release")
    swell_house_test(house_size size_test.sh $<TARGET_FILE:swell>
      ${PROJECT_BINARY_DIR}/CMakeFiles/swell_objects.dir/src)
  endif()
endif()
