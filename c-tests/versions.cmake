# pjproject_version(TEXT): what a version such as 2.17, 2.15.1 or 2.17-dev (the master branch) says:
#
#   PJAUTH_SERIES     its first two numbers, whose set of names the library exports
#   PJAUTH_REVISION   the third number, or 0
#   PJAUTH_RELEASE    whether it is a release: of another state its layouts are known by its own headers alone
function(pjproject_version text)
    if(NOT text MATCHES "^([0-9]+[.][0-9]+)([.]([0-9]+))?(.*)$")
        message(FATAL_ERROR "pjproject's version cannot be read: '${text}'")
    endif()
    set(PJAUTH_SERIES "${CMAKE_MATCH_1}" PARENT_SCOPE)
    set(revision "${CMAKE_MATCH_3}")
    if("${revision}" STREQUAL "")
        set(revision 0)
    endif()
    set(PJAUTH_REVISION "${revision}" PARENT_SCOPE)
    set(release OFF)
    if("${CMAKE_MATCH_4}" STREQUAL "")
        set(release ON)
    endif()
    set(PJAUTH_RELEASE "${release}" PARENT_SCOPE)
endfunction()
