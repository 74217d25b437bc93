# cmake -P versions_test.cmake: how versions of pjproject are read.
cmake_minimum_required(VERSION 3.21)
include("${CMAKE_CURRENT_LIST_DIR}/../versions.cmake")

foreach(case "2.17=2.17 0 ON" "2.15.1=2.15 1 ON" "2.17-dev=2.17 0 OFF" "2.16-rc1=2.16 0 OFF" "2.17.1-beta2=2.17 1 OFF"
        "2.17.2-dev=2.17 2 OFF" "2.9=2.9 0 ON" "2.17.0=2.17 0 ON" "2.18-svn=2.18 0 OFF")
    string(REGEX MATCH "^(.*)=(.*)$" ignored "${case}")
    set(version "${CMAKE_MATCH_1}")
    set(expected "${CMAKE_MATCH_2}")
    pjproject_version("${version}")
    if(NOT "${PJAUTH_SERIES} ${PJAUTH_REVISION} ${PJAUTH_RELEASE}" STREQUAL "${expected}")
        message(SEND_ERROR "${version} is read as ${PJAUTH_SERIES} ${PJAUTH_REVISION} ${PJAUTH_RELEASE}")
    endif()
endforeach()
