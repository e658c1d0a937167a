# Run by cpack between installing and packing: changes the tree of `make install` to what Debian's
# policy requires.
if(NOT DEFINED ENV{SOURCE_DATE_EPOCH})
    message(FATAL_ERROR "SOURCE_DATE_EPOCH is not set: packages are made by `make packages`")
endif()
set(ENV{LC_ALL} C)
string(TIMESTAMP _date "%a, %d %b %Y %H:%M:%S +0000" UTC) # of SOURCE_DATE_EPOCH
set(_version ${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})

# The text of the license as a field: indented, with a dot in empty lines.
file(STRINGS ${CPACK_SPANMILL_SOURCE}/LICENSE _lines)
list(POP_FRONT _lines) # its name
set(_licence "")
foreach(_line IN LISTS _lines)
    if(_line STREQUAL "")
        set(_line .)
    endif()
    if(_line MATCHES "^Copyright \\(c\\) (.*)")
        set(_owner "${CMAKE_MATCH_1}")
    endif()
    string(APPEND _licence " ${_line}\n")
endforeach()
string(REGEX REPLACE "^( \\.\n)+" "" _licence "${_licence}")
set(_copyright "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: spanmill

Files: *
Copyright: ${_owner}
License: Expat
${_licence}")

function(compress)
    if(ARGN)
        execute_process(COMMAND gzip -9n ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
    endif()
endfunction()

foreach(_component IN LISTS CPACK_COMPONENTS_ALL)
    string(TOUPPER ${_component} _upper)
    set(_package ${CPACK_DEBIAN_${_upper}_PACKAGE_NAME})
    set(_root ${CPACK_TEMPORARY_DIRECTORY}/${_component})
    set(_share ${_root}/usr/share)
    set(_docs ${_share}/doc/${_package})

    # Settings files are used where they are installed.
    file(GLOB _settings ${_share}/doc/spanmill/examples/*.yaml)
    if(_settings)
        file(COPY ${_settings} DESTINATION ${_root}/etc/spanmill)
        file(REMOVE_RECURSE ${_share}/doc/spanmill)
    endif()
    file(RENAME ${_share}/zsh/site-functions ${_share}/zsh/vendor-completions)

    file(REMOVE ${_docs}/LICENSE ${_docs}/CHANGELOG.md)
    file(WRITE ${_docs}/copyright "${_copyright}")
    file(WRITE ${_docs}/changelog.Debian "${_package} (${_version}) unstable; urgency=medium

  * Made by CPack of this version of spanmill: see changelog.gz.

 -- ${CPACK_PACKAGE_CONTACT}  ${_date}
")
    file(COPY_FILE ${CPACK_SPANMILL_SOURCE}/CHANGELOG.md ${_docs}/changelog)
    file(GLOB _pages ${_share}/man/man1/*.1)
    compress(${_docs}/changelog ${_docs}/changelog.Debian ${_pages})
endforeach()
