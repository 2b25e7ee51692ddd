/* bind/file.h - the parts of core.file, one source file each. */
#ifndef AB_BIND_FILE_H
#define AB_BIND_FILE_H

#include <lua.h>
#include <stdbool.h>
#include <sys/stat.h>

struct ab_file;
struct ab_folder;
struct ab_names;

/* bind/file.c: push a closed handle; where its file goes, one reference of it. */
struct ab_file **ab_file_handle_new(lua_State *L);

/* bind/file.c: the time at `arg`, in seconds since 1970. Raises for none. */
double ab_bind_time(lua_State *L, int arg);

/* bind/path.c: push what file.stat says. Returns 1. */
int ab_file_push_stat(lua_State *L, const struct stat *st);

/* bind/sink.c */
void ab_bind_sink_class(lua_State *L);
int ab_file_sink_open(lua_State *L);

/* What file.sink does, beneath a folder unless it is NULL, with the path at `arg` and options after
 * it. */
int ab_file_sink_new(lua_State *L, struct ab_folder *folder, int arg);

/* bind/folder.c */
void ab_bind_folder_class(lua_State *L);
int ab_file_folder(lua_State *L);

/* bind/folder.c: push a list of names, those of folders with "/" at their end where `marks` asks
 * for it; `names` is closed. Returns 1, or 2: nil and the error. */
int ab_file_adopt_names(lua_State *L, struct ab_names *names, bool marks);

/* bind/pipe.c */
void ab_bind_pipe_class(lua_State *L);
int ab_file_stdin(lua_State *L);
int ab_file_stdout(lua_State *L);

/* bind/path.c */
int ab_file_read_file(lua_State *L);
int ab_file_read_secret(lua_State *L);
int ab_file_create_exclusive(lua_State *L);
int ab_file_stat_path(lua_State *L);
int ab_file_mkdirs(lua_State *L);
int ab_file_check_mkdirs(lua_State *L);
int ab_file_list(lua_State *L);

#endif
