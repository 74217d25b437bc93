# find_package(pjauth) defines, of what was built,
#
#   pjauth::pjauth         the shared library
#   pjauth::pjauth_static  the archive
#   pjauth::turn           the TURN server alone, shared: for a program without PJSIP
#   pjauth::turn_static    the same as an archive
#
# Name the first or second ahead of pjproject in target_link_libraries.

get_filename_component(_pjauth_libdir "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)
get_filename_component(_pjauth_includedir "${CMAKE_CURRENT_LIST_DIR}/@INCLUDEDIR@" ABSOLUTE)

function(_pjauth_import target kind file)
    if(TARGET ${target} OR NOT EXISTS "${_pjauth_libdir}/${file}")
        return()
    endif()
    add_library(${target} ${kind} IMPORTED)
    set_target_properties(${target} PROPERTIES
        IMPORTED_LOCATION "${_pjauth_libdir}/${file}"
        # Quoted names in icy/turn are found here first, wherever an installed icey comes in the list.
        INTERFACE_COMPILE_OPTIONS "$<$<COMPILE_LANGUAGE:C,CXX>:-iquote${_pjauth_includedir}/pjauth>"
        INTERFACE_INCLUDE_DIRECTORIES "${_pjauth_includedir};${_pjauth_includedir}/pjauth")
    if(kind STREQUAL "SHARED")
        # lib*.so.0: the soname that the linker writes into the program
        set_target_properties(${target} PROPERTIES IMPORTED_SONAME "${file}.@SONUMBER@")
    else()
        set_target_properties(${target} PROPERTIES INTERFACE_LINK_LIBRARIES "pthread;dl;m")
    endif()
endfunction()

_pjauth_import(pjauth::pjauth SHARED libpjauth.so)
_pjauth_import(pjauth::pjauth_static STATIC libpjauth.a)
_pjauth_import(pjauth::turn SHARED libpjauth-turn.so)
_pjauth_import(pjauth::turn_static STATIC libpjauth-turn.a)

# A library that stands first and is called only from a later archive would be passed over for PJSIP's own object:
# an archive must have the name asked for beforehand, a shared library must not be dropped as not needed yet.
if(TARGET pjauth::pjauth)
    set_property(TARGET pjauth::pjauth PROPERTY INTERFACE_LINK_OPTIONS "LINKER:--no-as-needed")
endif()
if(TARGET pjauth::pjauth_static)
    set_property(TARGET pjauth::pjauth_static PROPERTY INTERFACE_LINK_OPTIONS "LINKER:-u,pjsip_auth_clt_init")
endif()

unset(_pjauth_libdir)
unset(_pjauth_includedir)
