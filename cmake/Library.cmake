# Folders as libraries.
#
#     spanmill_library(NAME FOLDER folder [HOT] [PROTO names...] [KNOWS our libraries...]
#                      [USES libraries of others...])
#
# HOT: it runs for every event; -O3 is worth 3 to 5 % of mapping there, and
# canaries in all functions with arrays would cost 2 to 5 %: only those with text have them.
# All *.c of the folder except the one with main(). PROTO: proto/NAME.proto are compiled into the library, their
# headers are private. SPANMILL_LIBRARIES lists all libraries, dependents first.

set(SPANMILL_LIBRARIES "")
set(SPANMILL_LAYERS "") # rows "folder=folders it may include from", for CheckIncludes.cmake

function(spanmill_library name)
    cmake_parse_arguments(arg "HOT" "FOLDER" "PROTO;KNOWS;USES" ${ARGN})
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${arg_FOLDER}/*.c)
    list(FILTER sources EXCLUDE REGEX "_main\\.c$")
    if(NOT sources)
        message(STATUS "${arg_FOLDER}: no sources yet")
        return()
    endif()

    add_library(${name} STATIC ${sources})
    set_target_properties(${name} PROPERTIES OUTPUT_NAME spanmill_${name})
    spanmill_flags(${name} OURS)
    if(arg_HOT)
        target_compile_options(${name} PRIVATE "$<$<CONFIG:Release,RelWithDebInfo>:-O3;-fstack-protector>")
    endif()
    foreach(known IN LISTS arg_KNOWS)
        if(TARGET ${known})
            target_link_libraries(${name} PUBLIC ${known})
        endif()
    endforeach()
    target_link_libraries(${name} PRIVATE ${arg_USES})
    if(arg_PROTO)
        spanmill_proto(${name} proto ${arg_PROTO})
    endif()

    set(SPANMILL_LIBRARIES ${name} ${SPANMILL_LIBRARIES} PARENT_SCOPE)
    list(JOIN arg_KNOWS " " known)
    set(SPANMILL_LAYERS ${SPANMILL_LAYERS} "${name}=${arg_FOLDER}=${known}" PARENT_SCOPE)
endfunction()

# Compiles FOLDER/NAME.proto... with protoc-c into the library; their code is exempt from spanmill's warnings.
function(spanmill_proto name folder)
    find_program(PROTOC_C protoc-c REQUIRED)
    set(out ${CMAKE_BINARY_DIR}/generated/${folder})
    file(MAKE_DIRECTORY ${out})
    foreach(stem IN LISTS ARGN)
        set(proto ${CMAKE_SOURCE_DIR}/${folder}/${stem}.proto)
        if(NOT EXISTS ${proto})
            continue()
        endif()
        set(made ${out}/${stem}.pb-c.c ${out}/${stem}.pb-c.h)
        add_custom_command(OUTPUT ${made}
            COMMAND ${PROTOC_C} --proto_path=${CMAKE_SOURCE_DIR}/${folder} --c_out=${out} ${proto}
            DEPENDS ${proto}
            COMMENT "Compiling ${folder}/${stem}.proto"
            VERBATIM)
        target_sources(${name} PRIVATE ${made})
        set_source_files_properties(${out}/${stem}.pb-c.c PROPERTIES
            COMPILE_OPTIONS "-w;$<$<C_COMPILER_ID:GNU>:-fno-analyzer>" SKIP_LINTING ON)
    endforeach()
    target_include_directories(${name} SYSTEM PRIVATE ${out})
endfunction()
