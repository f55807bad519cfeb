# kith_soname(LIBRARY VARIABLE): the name by which programs load a library that nobody links:
# /usr/lib/libx.so.2.0.70 is loaded as libx.so.2. "" where there is none.
function(kith_soname library variable)
  set(name "")
  if(library)
    file(REAL_PATH ${library} file)
    if(file MATCHES "/(lib[^/]*\\.so\\.[0-9]+)[^/]*$")
      set(name ${CMAKE_MATCH_1})
    endif()
  endif()
  set(${variable} "${name}" PARENT_SCOPE)
endfunction()
