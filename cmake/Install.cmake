# What `make install` puts where, and which Debian package has it (cmake/Packages.cmake): `cli`,
# `agent`, or `pool` with every other program. What belongs to a program is found by its name:
#
#     docs/man/PROGRAM.1, deploy/systemd/PROGRAM.service.in or PROGRAM@.service.in,
#     deploy/systemd/NAME.yaml (settings; PROGRAM is spanmill-NAME)
include(GNUInstallDirs)

set(_units lib/systemd/system)
set(_examples ${CMAKE_INSTALL_DOCDIR}/examples)
set(SPANMILL_COMPONENTS cli agent pool)
foreach(_component IN LISTS SPANMILL_COMPONENTS)
    set(SPANMILL_SETTINGS_${_component} "") # names of files
    set(SPANMILL_UNITS_${_component} "")
endforeach()

function(spanmill_component program result)
    set(${result} pool PARENT_SCOPE)
    if(program STREQUAL "spanmill")
        set(${result} cli PARENT_SCOPE)
    elseif(program STREQUAL "spanmill-agent")
        set(${result} agent PARENT_SCOPE)
    endif()
endfunction()

# @HARDENED@ is filled in now, @BINDIR@ when the prefix is known.
file(READ deploy/systemd/hardened.conf HARDENED)
function(spanmill_install_unit source component)
    cmake_path(GET source FILENAME unit)
    string(REGEX REPLACE "\\.in$" "" unit ${unit})
    set(BINDIR @BINDIR@)
    set(half ${CMAKE_BINARY_DIR}/generated/${unit}.in)
    configure_file(${source} ${half} @ONLY)
    install(CODE "set(BINDIR \${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR})
        set(unit \${CMAKE_INSTALL_PREFIX}/${_units}/${unit})
        message(STATUS \"Installing: \$ENV{DESTDIR}\${unit}\")
        configure_file([[${half}]] \$ENV{DESTDIR}\${unit} @ONLY NO_SOURCE_PERMISSIONS)
        list(APPEND CMAKE_INSTALL_MANIFEST_FILES \${unit})" COMPONENT ${component})
    set(SPANMILL_UNITS_${component} ${SPANMILL_UNITS_${component}} ${unit} PARENT_SCOPE)
endfunction()

# One file completes all programs; shells look for it by the name of each.
function(spanmill_install_completions program component)
    install(FILES tools/completion/spanmill.bash RENAME ${program} COMPONENT ${component}
            DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS tools/completion/_spanmill)
    file(READ tools/completion/_spanmill zsh)
    string(REGEX REPLACE "^#compdef [^\n]*" "#compdef ${program}" zsh "${zsh}")
    file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/_${program} CONTENT "${zsh}" @ONLY)
    install(FILES ${CMAKE_BINARY_DIR}/generated/_${program} COMPONENT ${component}
            DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
endfunction()

file(GLOB _pages CONFIGURE_DEPENDS docs/man/*.1)
foreach(_program IN LISTS SPANMILL_PROGRAMS)
    spanmill_component(${_program} _component)
    install(TARGETS ${_program} COMPONENT ${_component})
    set(_page ${CMAKE_SOURCE_DIR}/docs/man/${_program}.1)
    list(REMOVE_ITEM _pages ${_page})
    install(FILES ${_page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT ${_component})
    spanmill_install_completions(${_program} ${_component})
    file(GLOB _sources CONFIGURE_DEPENDS deploy/systemd/${_program}.service.in
         deploy/systemd/${_program}@.service.in)
    foreach(_source IN LISTS _sources)
        spanmill_install_unit(${_source} ${_component})
    endforeach()
    string(REGEX REPLACE "^spanmill-" "" _name ${_program})
    set(_settings ${CMAKE_SOURCE_DIR}/deploy/systemd/${_name}.yaml)
    if(EXISTS ${_settings})
        install(FILES ${_settings} DESTINATION ${_examples} COMPONENT ${_component})
        list(APPEND SPANMILL_SETTINGS_${_component} ${_name}.yaml)
    endif()
endforeach()
# The pages of the commands of `spanmill`.
install(FILES ${_pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT cli)

file(GLOB _docs CONFIGURE_DEPENDS docs/*.md)
install(FILES README.md LICENSE CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT cli)
install(FILES ${_docs} DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs COMPONENT cli)
install(DIRECTORY docs/images DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs COMPONENT cli)
install(DIRECTORY examples/ DESTINATION ${_examples} COMPONENT cli)
install(DIRECTORY proto DESTINATION ${CMAKE_INSTALL_DATADIR}/spanmill COMPONENT cli
        FILES_MATCHING PATTERN "*.proto")

# Dashboards are written by the build; rules and provisioning are as they are.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
set(_dashboards ${CMAKE_BINARY_DIR}/grafana/dashboards)
add_custom_command(OUTPUT ${_dashboards}/written
    COMMAND Python3::Interpreter -B ${CMAKE_SOURCE_DIR}/deploy/grafana/dashboards.py ${_dashboards}
    COMMAND ${CMAKE_COMMAND} -E touch ${_dashboards}/written
    DEPENDS ${CMAKE_SOURCE_DIR}/deploy/grafana/dashboards.py
            ${CMAKE_SOURCE_DIR}/deploy/grafana/sql_dashboard.py VERBATIM)
add_custom_target(dashboards ALL DEPENDS ${_dashboards}/written)
install(DIRECTORY ${_dashboards} DESTINATION ${CMAKE_INSTALL_DATADIR}/spanmill/grafana COMPONENT pool
        FILES_MATCHING PATTERN "*.json")
install(DIRECTORY deploy/grafana/provisioning DESTINATION ${CMAKE_INSTALL_DATADIR}/spanmill/grafana
        COMPONENT pool)
install(DIRECTORY deploy/prometheus DESTINATION ${CMAKE_INSTALL_DATADIR}/spanmill COMPONENT pool)
