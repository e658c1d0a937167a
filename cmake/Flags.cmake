# Compiler warnings and hardening.
#
#     spanmill_flags(TARGET [OURS])
#
# OURS: also the warnings that only apply to the libraries and programs of spanmill.

set(_warnings -Wall -Wextra -Wpedantic -Wshadow)
set(_warnings_ours -Wconversion -Wcast-qual -Wswitch-enum -Wvla -Wformat=2 -Wmissing-prototypes
    -Wstrict-prototypes -Wnull-dereference)

if(SPANMILL_SANITIZE)
    add_compile_options(-fsanitize=${SPANMILL_SANITIZE} -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${SPANMILL_SANITIZE})
    if(SPANMILL_SANITIZE MATCHES "undefined")
        add_compile_options(-fno-sanitize-recover=undefined)
    endif()
    if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
        # gcc 12 treats its inserted checks as separate paths, and warns about them.
        set(_warnings_not -Wno-null-dereference -Wno-maybe-uninitialized)
    endif()
endif()

# Installed programs are hardened, and do not depend on the build folder. Without optimization,
# _FORTIFY_SOURCE gives a warning; sanitizers have their own checks.
set(_installed $<CONFIG:Release,RelWithDebInfo>)
if(NOT SPANMILL_SANITIZE)
    add_compile_options("$<${_installed}:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=2>"
                        "$<${_installed}:-fstack-protector-strong>")
    add_link_options("$<${_installed}:LINKER:-z,relro,-z,now>")
endif()
# gcc zeroes structs by `rep stos`, which takes some 30 cycles to begin; most have 100 to 300 bytes.
include(CheckCCompilerFlag)
set(_zeroing -mmemset-strategy=unrolled_loop:512:noalign,libcall:-1:noalign)
check_c_compiler_flag(${_zeroing} SPANMILL_HAS_MEMSET_STRATEGY)
if(SPANMILL_HAS_MEMSET_STRATEGY)
    add_compile_options("$<${_installed}:${_zeroing}>")
endif()
# The last match is used. ccache may make names relative to the build.
file(RELATIVE_PATH _relative ${CMAKE_BINARY_DIR} ${CMAKE_SOURCE_DIR})
foreach(_map ${CMAKE_SOURCE_DIR}/= ${_relative}= ${CMAKE_BINARY_DIR}=. ${CMAKE_BINARY_DIR}/=)
    add_compile_options("$<${_installed}:-ffile-prefix-map=${_map}>")
endforeach()

function(spanmill_flags target)
    cmake_parse_arguments(arg "OURS" "" "" ${ARGN})
    target_compile_options(${target} PRIVATE ${_warnings})
    if(arg_OURS)
        target_compile_options(${target} PRIVATE ${_warnings_ours})
        if(SPANMILL_ANALYZE)
            target_compile_options(${target} PRIVATE -fanalyzer)
        endif()
    endif()
    if(NOT arg_OURS AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
        # gcc 12 mistakes the pointer that open_memstream() stores in a variable for the variable's address.
        target_compile_options(${target} PRIVATE -Wno-dangling-pointer)
    endif()
    if(CMAKE_C_COMPILER_ID MATCHES "Clang")
        # Omitted fields in a row of a table are zero.
        target_compile_options(${target} PRIVATE -Wno-missing-field-initializers)
    endif()
    target_compile_options(${target} PRIVATE ${_warnings_not})
    if(SPANMILL_WERROR)
        target_compile_options(${target} PRIVATE -Werror)
    endif()
endfunction()
