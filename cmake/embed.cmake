# ab_embed(TARGET ROOT DIR...): put every .lua, .feature and .txt file of ROOT/DIR... into TARGET,
# as the sorted table ab_embed_files of host/embed.h. The assembler reads the files (.incbin).
function(ab_embed target root)
  set(files)
  foreach(dir IN LISTS ARGN)
    file(GLOB_RECURSE found CONFIGURE_DEPENDS RELATIVE ${root}
         ${root}/${dir}/*.lua ${root}/${dir}/*.feature ${root}/${dir}/*.txt)
    list(APPEND files ${found})
  endforeach()
  list(SORT files COMPARE STRING)

  set(asm ".section .note.GNU-stack,\"\",%progbits\n.section .rodata\n")
  set(externs)
  set(rows)
  set(n 0)
  set(depends)
  foreach(file IN LISTS files)
    string(APPEND asm ".global ab_embed_${n}\n.hidden ab_embed_${n}\nab_embed_${n}:\n.incbin \"${root}/${file}\"\n"
           ".global ab_embed_${n}_end\n.hidden ab_embed_${n}_end\nab_embed_${n}_end:\n.byte 0\n")
    string(APPEND externs "extern const char ab_embed_${n}[], ab_embed_${n}_end[];\n")
    string(APPEND rows "    {\"${file}\", ab_embed_${n}, ab_embed_${n}_end},\n")
    list(APPEND depends ${root}/${file})
    math(EXPR n "${n} + 1")
  endforeach()

  set(out ${CMAKE_CURRENT_BINARY_DIR}/embed)
  file(CONFIGURE OUTPUT ${out}/embed_data.S CONTENT "${asm}" @ONLY)
  file(CONFIGURE OUTPUT ${out}/embed_table.c CONTENT
"#include \"host/embed.h\"\n\n${externs}
const struct ab_embed_file ab_embed_files[] = {\n${rows}    {0, 0, 0},\n};
const size_t ab_embed_count = ${n};\n" @ONLY)
  set_source_files_properties(${out}/embed_data.S PROPERTIES OBJECT_DEPENDS "${depends}")
  target_sources(${target} PRIVATE ${out}/embed_data.S ${out}/embed_table.c)
endfunction()
