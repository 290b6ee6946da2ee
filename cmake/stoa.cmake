# Flags for the whole tree, and one function per kind of target.

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

set(STOA_SANITIZE "" CACHE STRING "sanitizers, as for -fsanitize=")
option(STOA_FUZZ "link the fuzz targets with libFuzzer (clang only)" OFF)

add_compile_definitions(_GNU_SOURCE STOA_VERSION="${PROJECT_VERSION}")
add_compile_options(-Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
    -Wvla -Wformat=2 -Werror -fno-strict-aliasing -fno-omit-frame-pointer -fstack-protector-strong)
if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
    add_compile_options(-O2 -g1 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
    set(CMAKE_C_FLAGS_RELWITHDEBINFO "-DNDEBUG")
endif()
if(STOA_SANITIZE)
    add_compile_options(-fsanitize=${STOA_SANITIZE} -fno-sanitize-recover=all -O1)
    add_link_options(-fsanitize=${STOA_SANITIZE})
endif()
if(STOA_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()
find_program(CCACHE ccache)
if(CCACHE)
    set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()

# stoa_library(name dir... [LINK targets]): a static library of every .c under the given folders.
# Its link list is the list of folders it may include (tools/check_includes.py holds the same table).
function(stoa_library name)
    cmake_parse_arguments(A "" "" "DIRS;LINK" ${ARGN})
    set(sources)
    foreach(dir ${A_DIRS})
        file(GLOB found CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${dir}/*.c)
        list(FILTER found EXCLUDE REGEX "/main\\.c$") # an executable's own
        list(APPEND sources ${found})
    endforeach()
    if(NOT sources)
        file(WRITE ${CMAKE_BINARY_DIR}/empty_${name}.c "extern int stoa_empty;\n")
        set(sources ${CMAKE_BINARY_DIR}/empty_${name}.c)
    endif()
    add_library(${name} STATIC ${sources})
    target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/sfu/include)
    target_link_libraries(${name} PUBLIC ${A_LINK})
endfunction()
