# ab_embed(TARGET ROOT DIR...): put every .lua, .feature and .txt file of ROOT/DIR... into TARGET,
# as the sorted table ab_embed_files of host/embed.h. The assembler reads the files (.incbin); what
# is in lua/ as tools/pack.c left it, compressed, and its code as tools/compile.c did: compiling 50
# modules for a first request took 4 ms, a third of it all.
add_executable(pack ${PROJECT_SOURCE_DIR}/tools/pack.c)
target_link_libraries(pack PRIVATE PkgConfig::ZSTD)
add_executable(compile ${PROJECT_SOURCE_DIR}/tools/compile.c ${PROJECT_SOURCE_DIR}/tools/chunk.c)
target_include_directories(compile PRIVATE ${LUA_INCLUDE_DIRS})
target_link_libraries(compile PRIVATE ${LUA_STATIC} m dl)

# Add the bytes of a file to asm, externs and depends of the caller, between SYMBOL and SYMBOL_end.
macro(ab_embed_bytes symbol source)
  string(APPEND asm ".global ${symbol}\n.hidden ${symbol}\n${symbol}:\n.incbin \"${source}\"\n"
         ".global ${symbol}_end\n.hidden ${symbol}_end\n${symbol}_end:\n.byte 0\n")
  string(APPEND externs "extern const char ${symbol}[], ${symbol}_end[];\n")
  list(APPEND depends ${source})
endmacro()

function(ab_embed target root)
  set(files)
  foreach(dir IN LISTS ARGN)
    file(GLOB_RECURSE found CONFIGURE_DEPENDS RELATIVE ${root}
         ${root}/${dir}/*.lua ${root}/${dir}/*.feature ${root}/${dir}/*.txt)
    list(APPEND files ${found})
  endforeach()
  list(SORT files COMPARE STRING)

  set(out ${CMAKE_CURRENT_BINARY_DIR}/embed)
  set(asm ".section .note.GNU-stack,\"\",%progbits\n.section .rodata\n")
  set(externs)
  set(rows)
  set(n 0)
  set(depends)
  foreach(file IN LISTS files)
    set(source ${root}/${file})
    set(packed false)
    set(code 0)
    set(code_end 0)
    if(file MATCHES "^lua/")
      set(packed true)
      set(source ${out}/${file}.zst)
      get_filename_component(folder ${source} DIRECTORY)
      file(MAKE_DIRECTORY ${folder})
      add_custom_command(OUTPUT ${source} COMMAND pack ${root}/${file} ${source}
                         DEPENDS pack ${root}/${file} VERBATIM)
    endif()
    ab_embed_bytes(ab_embed_${n} ${source})
    if(file MATCHES "^lua/.*\\.lua$")
      set(compiled ${out}/${file}.code)
      add_custom_command(OUTPUT ${compiled} COMMAND compile ${file} ${root}/${file} ${compiled}
                         DEPENDS compile ${root}/${file} VERBATIM)
      ab_embed_bytes(ab_embed_code_${n} ${compiled})
      set(code ab_embed_code_${n})
      set(code_end ab_embed_code_${n}_end)
    endif()
    string(APPEND rows "    {\"${file}\", ab_embed_${n}, ab_embed_${n}_end, ${packed}, "
           "${code}, ${code_end}},\n")
    math(EXPR n "${n} + 1")
  endforeach()

  file(CONFIGURE OUTPUT ${out}/embed_data.S CONTENT "${asm}" @ONLY)
  file(CONFIGURE OUTPUT ${out}/embed_table.c CONTENT
"#include \"host/embed.h\"\n\n${externs}
const struct ab_embed_file ab_embed_files[] = {\n${rows}    {0, 0, 0, false, 0, 0},\n};
const size_t ab_embed_count = ${n};\n" @ONLY)
  set_source_files_properties(${out}/embed_data.S PROPERTIES OBJECT_DEPENDS "${depends}")
  target_sources(${target} PRIVATE ${out}/embed_data.S ${out}/embed_table.c)
endfunction()
