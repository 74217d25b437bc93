# The two ways in which a test meets real PJSIP:
#
#   static  the pjproject that pkg-config finds, with its own headers and archives, and pjauth's archive ahead of them
#   shared  Debian's libasteriskpj.so.2, pjproject 2.17 as a shared library in a private root, with our own headers
#           (pj217, and src/pjsip/configs/asterisk.h), and pjauth preloaded
#
# pjproject_static(TARGET) and pjproject_shared(TARGET) make a program one for it. PJPROJECT_MISSING and SHARED_MISSING
# say why there is none, or are empty. What runs on either is skipped, and counted so, only where there is neither. A program for the shared one runs under ${SHARED_STOCK}, PJSIP's own object in
# it, or ${SHARED_PJAUTH}, ours; ${VALGRIND_RUN} goes ahead of either, or is empty.

find_program(VALGRIND valgrind)
unset(VALGRIND_RUN)
if(VALGRIND)
    set(VALGRIND_RUN "${CMAKE_CURRENT_SOURCE_DIR}/valgrind.sh")
endif()

unset(PJPROJECT_MISSING)
if(NOT PJPROJECT_FOUND)
    set(PJPROJECT_MISSING "needs the headers and archives of a pjproject that pkg-config finds")
endif()

function(pjproject_static target)
    target_include_directories(${target} SYSTEM PRIVATE ${PJPROJECT_INCLUDE_DIRS})
    target_compile_options(${target} PRIVATE ${PJPROJECT_CFLAGS_OTHER})
    target_link_libraries(${target} PRIVATE ${PJPROJECT_STATIC_LDFLAGS})
endfunction()

unset(SHARED_MISSING)
if(PJAUTH_MATRIX)
    set(SHARED_MISSING "one build of several")
else()
    set(PJAUTH_ASTERISK_ROOT "${PJAUTH_ROOT}/build/asterisk-root" CACHE PATH
        "where Asterisk's private root is, or is made")
    execute_process(COMMAND "${CMAKE_CURRENT_SOURCE_DIR}/pjsip/rig/asterisk_root.sh" "${PJAUTH_ASTERISK_ROOT}"
        OUTPUT_VARIABLE root_says RESULT_VARIABLE root_status OUTPUT_STRIP_TRAILING_WHITESPACE)
    if(NOT root_status EQUAL 0)
        string(REPLACE "SKIP " "" SHARED_MISSING "${root_says}")
    endif()
endif()
foreach(name LOADER LIBS PJ)
    string(REGEX REPLACE "(^|.*\n)${name}=([^\n]*).*" "\\2" SHARED_${name} "${root_says}")
endforeach()
set(SHARED_STOCK "${SHARED_LOADER}" --library-path "${SHARED_LIBS}")
set(SHARED_PJAUTH ${SHARED_STOCK} --preload "${PJAUTH_ASTERISK_PRELOAD}")

# libstdc++ is what Asterisk itself brings along for its pjproject.
function(pjproject_shared target)
    target_sources(${target} PRIVATE "${PJAUTH_ROOT}/c-tests/pj217/asterisk_symbols.c")
    target_include_directories(${target} BEFORE PRIVATE "${PJAUTH_ROOT}/c-tests/pj217")
    target_compile_options(${target} PRIVATE -include "${PJAUTH_ROOT}/src/pjsip/configs/asterisk.h")
    target_link_options(${target} PRIVATE -Wl,--allow-shlib-undefined -Wl,--no-as-needed)
    target_link_libraries(${target} PRIVATE "${SHARED_PJ}" stdc++ pthread)
endfunction()
