# Slicer describes the extension from what its CMakeLists.txt set, and makes the target that packs what is installed.

foreach(name HOMEPAGE CATEGORY CONTRIBUTORS DESCRIPTION ICONURL SCREENSHOTURLS DEPENDS README_FILE LICENSE_FILE)
  if(NOT EXTENSION_${name})
    message(FATAL_ERROR "EXTENSION_${name} is not set")
  endif()
endforeach()
foreach(name README_FILE LICENSE_FILE)
  if(NOT EXISTS ${EXTENSION_${name}})
    message(FATAL_ERROR "EXTENSION_${name} points to nothing: ${EXTENSION_${name}}")
  endif()
endforeach()
if(NOT Slicer_WAS_ASKED_FOR_CONFIG)
  message(FATAL_ERROR "Slicer_EXTENSION_GENERATE_CONFIG comes before Slicer_EXTENSION_CPACK")
endif()

list(JOIN EXTENSION_DEPENDS " " depends)
file(WRITE ${CMAKE_BINARY_DIR}/${EXTENSION_NAME}.s4ext
  "homepage ${EXTENSION_HOMEPAGE}\n"
  "category ${EXTENSION_CATEGORY}\n"
  "contributors ${EXTENSION_CONTRIBUTORS}\n"
  "description ${EXTENSION_DESCRIPTION}\n"
  "iconurl ${EXTENSION_ICONURL}\n"
  "screenshoturls ${EXTENSION_SCREENSHOTURLS}\n"
  "depends ${depends}\n"
  )
set(CPACK_GENERATOR TGZ)
set(CPACK_PACKAGE_FILE_NAME ${EXTENSION_NAME})
include(CPack)
