# No file is compiled, so that neither Slicer's project() nor the test needs a compiler.
foreach(language C CXX)
  set(CMAKE_${language}_COMPILER ${CMAKE_COMMAND})
  set(CMAKE_${language}_COMPILER_FORCED ON)
endforeach()
