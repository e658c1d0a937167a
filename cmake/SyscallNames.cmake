# The kernel's numbers as names: of system calls on x86-64 (asm/unistd_64.h, asm/unistd_32.h) and
# of errors (asm-generic/errno-base.h, errno.h), read from the system's kernel headers at build
# time into ${CMAKE_BINARY_DIR}/generated/syscall_names.h.
#
# Use: include(SyscallNames), with cmake/ in CMAKE_MODULE_PATH, then for the target that compiles
# shared/trace/syscalls.c:
#     target_sources(TARGET PRIVATE ${SYSCALL_NAMES_HEADER})
#     target_include_directories(TARGET PRIVATE ${SYSCALL_NAMES_INCLUDE_DIR})
#
# The custom command runs this same file as a script:
#     cmake -D OUT=FILE -D UNISTD_64=FILE -D UNISTD_32=FILE -D ERRNO_BASE=FILE -D ERRNO=FILE \
#           -P SyscallNames.cmake
# UNISTD_64 and UNISTD_32 may be empty (headers of another machine): the calls then have no names,
# and events `unknown` keep theirs.

if(NOT CMAKE_SCRIPT_MODE_FILE)
    set(SYSCALL_NAMES_INCLUDE_DIR ${CMAKE_BINARY_DIR}/generated)
    set(SYSCALL_NAMES_HEADER ${SYSCALL_NAMES_INCLUDE_DIR}/syscall_names.h)

    # Headers of another machine may have an asm/unistd_64.h too, with other numbers.
    set(_x86_places /usr/include/x86_64-linux-gnu /usr/x86_64-linux-gnu/include)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
        list(APPEND _x86_places /usr/include)
    endif()
    find_file(SYSCALL_NAMES_UNISTD_64 asm/unistd_64.h PATHS ${_x86_places} NO_DEFAULT_PATH)
    find_file(SYSCALL_NAMES_UNISTD_32 asm/unistd_32.h PATHS ${_x86_places} NO_DEFAULT_PATH)
    find_file(SYSCALL_NAMES_ERRNO_BASE asm-generic/errno-base.h PATHS /usr/include REQUIRED)
    find_file(SYSCALL_NAMES_ERRNO asm-generic/errno.h PATHS /usr/include REQUIRED)
    set(_inputs ${SYSCALL_NAMES_ERRNO_BASE} ${SYSCALL_NAMES_ERRNO})
    if(SYSCALL_NAMES_UNISTD_64 AND SYSCALL_NAMES_UNISTD_32)
        set(_unistd_64 ${SYSCALL_NAMES_UNISTD_64})
        set(_unistd_32 ${SYSCALL_NAMES_UNISTD_32})
        list(APPEND _inputs ${_unistd_64} ${_unistd_32})
    else()
        message(WARNING "no kernel headers of x86-64: calls without a table entry in the tracer "
                        "will be named `unknown`")
        set(_unistd_64 "")
        set(_unistd_32 "")
    endif()

    add_custom_command(
        OUTPUT ${SYSCALL_NAMES_HEADER}
        COMMAND ${CMAKE_COMMAND} -D OUT=${SYSCALL_NAMES_HEADER} -D UNISTD_64=${_unistd_64}
                -D UNISTD_32=${_unistd_32}
                -D ERRNO_BASE=${SYSCALL_NAMES_ERRNO_BASE} -D ERRNO=${SYSCALL_NAMES_ERRNO}
                -P ${CMAKE_CURRENT_LIST_FILE}
        DEPENDS ${_inputs} ${CMAKE_CURRENT_LIST_FILE}
        COMMENT "Naming system calls and errors"
        VERBATIM)
    return()
endif()

# Writes the `#define PREFIXname number` lines of `files` as an array `name` into `text`.
function(append_table text name pattern files)
    set(rows "")
    foreach(file IN LISTS files)
        file(STRINGS "${file}" lines REGEX "^#define[ \t]+${pattern}[ \t]+[0-9]+")
        foreach(line IN LISTS lines)
            if(line MATCHES "^#define[ \t]+${pattern}[ \t]+([0-9]+)")
                string(APPEND rows "    [${CMAKE_MATCH_2}] = \"${CMAKE_MATCH_1}\",\n")
            endif()
        endforeach()
    endforeach()
    if(rows STREQUAL "")
        set(rows "    [0] = 0,\n")
    endif()
    set(${text} "${${text}}static const char *const ${name}[] = {\n${rows}};\n\n" PARENT_SCOPE)
endfunction()

set(header "/* Made by cmake/SyscallNames.cmake from the kernel's headers. */\n\n")
append_table(header syscall_names_64 "__NR_([a-z0-9_]+)" "${UNISTD_64}")
append_table(header syscall_names_32 "__NR_([a-z0-9_]+)" "${UNISTD_32}")
append_table(header errno_names "(E[A-Z0-9]+)" "${ERRNO_BASE};${ERRNO}")
file(WRITE "${OUT}" "${header}")
