# ab_embed(TARGET ROOT DIR...): put every .lua, .feature and .txt file of ROOT/DIR... into TARGET,
# as the sorted table ab_embed_files of host/embed.h. The assembler reads the files (.incbin); those
# that end in .txt it reads as tools/pack.c left them, compressed.
add_executable(pack ${PROJECT_SOURCE_DIR}/tools/pack.c)
target_link_libraries(pack PRIVATE PkgConfig::ZSTD)

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
    if(file MATCHES "\\.txt$")
      set(packed true)
      set(source ${out}/${file}.zst)
      get_filename_component(folder ${source} DIRECTORY)
      file(MAKE_DIRECTORY ${folder})
      add_custom_command(OUTPUT ${source} COMMAND pack ${root}/${file} ${source}
                         DEPENDS pack ${root}/${file} VERBATIM)
    endif()
    string(APPEND asm ".global ab_embed_${n}\n.hidden ab_embed_${n}\nab_embed_${n}:\n.incbin \"${source}\"\n"
           ".global ab_embed_${n}_end\n.hidden ab_embed_${n}_end\nab_embed_${n}_end:\n.byte 0\n")
    string(APPEND externs "extern const char ab_embed_${n}[], ab_embed_${n}_end[];\n")
    string(APPEND rows "    {\"${file}\", ab_embed_${n}, ab_embed_${n}_end, ${packed}},\n")
    list(APPEND depends ${source})
    math(EXPR n "${n} + 1")
  endforeach()

  file(CONFIGURE OUTPUT ${out}/embed_data.S CONTENT "${asm}" @ONLY)
  file(CONFIGURE OUTPUT ${out}/embed_table.c CONTENT
"#include \"host/embed.h\"\n\n${externs}
const struct ab_embed_file ab_embed_files[] = {\n${rows}    {0, 0, 0, false},\n};
const size_t ab_embed_count = ${n};\n" @ONLY)
  set_source_files_properties(${out}/embed_data.S PROPERTIES OBJECT_DEPENDS "${depends}")
  target_sources(${target} PRIVATE ${out}/embed_data.S ${out}/embed_table.c)
endfunction()
