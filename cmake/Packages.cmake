# Debian packages by CPack: one of each component of Install.cmake. tools/packages.sh calls it, with
# the version and the time. DebianTree.cmake moves files whose place in Debian differs from that of
# `make install`.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME spanmill)
set(CPACK_PACKAGE_VENDOR "spanmill developers")
# Not set: the publisher of packages enters a maintainer (docs/PACKAGES.md).
set(CPACK_PACKAGE_CONTACT "Unset Maintainer <set-CPACK_PACKAGE_CONTACT@packager.invalid>"
    CACHE STRING "Maintainer of the packages")
set(CPACK_PACKAGE_HOMEPAGE_URL "" CACHE STRING "Where the packages say that they come from")
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE
    GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_COMPONENTS_ALL ${SPANMILL_COMPONENTS})
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_SPANMILL_SOURCE ${CMAKE_SOURCE_DIR})
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_SOURCE_DIR}/cmake/DebianTree.cmake)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)

# The first line of a description is its summary.
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")
set(CPACK_DEBIAN_CLI_PACKAGE_NAME spanmill)
set(CPACK_DEBIAN_CLI_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_CLI_PACKAGE_SUGGESTS "lttng-tools, python3-confluent-kafka, python3-protobuf")
set(CPACK_DEBIAN_CLI_DESCRIPTION "analyses of LTTng traces: phases, system calls, files, CPU time
The program spanmill reads recordings of LTTng and says where the time of a
request went: to which system calls, on which files, in which state; and what
of that is not known. It also makes the topics of the pool in Kafka, sends
recordings there and shows the results.

It has the documentation of all packages of spanmill, and the definitions of
all records (protobuf) that they exchange.")

set(CPACK_DEBIAN_AGENT_PACKAGE_NAME spanmill-agent)
set(CPACK_DEBIAN_AGENT_PACKAGE_DEPENDS "adduser, lttng-tools")
set(CPACK_DEBIAN_AGENT_PACKAGE_SUGGESTS spanmill)
set(CPACK_DEBIAN_AGENT_DESCRIPTION "analyses of LTTng traces: sends rotated chunks to Kafka
The service spanmill-agent runs beside the session daemon of LTTng on each
traced host, or where lttng-relayd writes. It packs each chunk of a session
that was rotated, and publishes it to Kafka for the pool of spanmill.

It runs as the user spanmill, in the group tracing. It does not start before
it is enabled.")

set(CPACK_DEBIAN_POOL_PACKAGE_NAME spanmill-pool)
set(CPACK_DEBIAN_POOL_PACKAGE_SUGGESTS spanmill)
set(CPACK_DEBIAN_POOL_DESCRIPTION "analyses of LTTng traces: mappers and reducers over Kafka
The services of spanmill that analyse what agents publish to Kafka:
spanmill-mapper analyses each chunk by itself, and spanmill-reducer joins
them to results. As many of each as are needed run on any machines. The program
spanmill-export sends results to Prometheus, OpenTelemetry and PostgreSQL.

They do not start before they are enabled.")

# Maintainer scripts: deploy/debian/NAME.in, with the part of a component from
# deploy/debian/COMPONENT.NAME as @MORE@.
function(spanmill_maintainer_scripts component package)
    set(folder ${CMAKE_BINARY_DIR}/generated/debian/${component})
    set(PACKAGE ${package})
    list(TRANSFORM SPANMILL_UNITS_${component} REPLACE "@\\." "@*." OUTPUT_VARIABLE UNITS)
    list(JOIN UNITS " " UNITS)
    list(TRANSFORM SPANMILL_SETTINGS_${component} REPLACE "(.*)\\.yaml" "/etc/spanmill/\\1.env"
         OUTPUT_VARIABLE SECRETS)
    list(JOIN SECRETS " " SECRETS)
    set(extra "")
    foreach(name postinst prerm postrm)
        set(MORE "")
        set(more ${CMAKE_SOURCE_DIR}/deploy/debian/${component}.${name})
        if(EXISTS ${more})
            set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${more})
            file(READ ${more} MORE)
        endif()
        configure_file(deploy/debian/${name}.in ${folder}/${name} @ONLY
                       FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ
                       GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
        list(APPEND extra ${folder}/${name})
    endforeach()
    list(TRANSFORM SPANMILL_SETTINGS_${component} PREPEND /etc/spanmill/ OUTPUT_VARIABLE conffiles)
    list(JOIN conffiles "\n" conffiles)
    file(CONFIGURE OUTPUT ${folder}/conffiles CONTENT "${conffiles}\n" @ONLY)
    string(TOUPPER ${component} upper)
    set(CPACK_DEBIAN_${upper}_PACKAGE_CONTROL_EXTRA "${extra};${folder}/conffiles" PARENT_SCOPE)
endfunction()
spanmill_maintainer_scripts(agent spanmill-agent)
spanmill_maintainer_scripts(pool spanmill-pool)

include(CPack)
