/* bind/stream_pipe.h - what the files of stream.pipe share: the pipe behind a userdata. */
#ifndef AB_BIND_STREAM_PIPE_H
#define AB_BIND_STREAM_PIPE_H

#include "bind/bind.h"

struct ab_pipe;

#define AB_STREAM_PIPE "awsbak.stream.pipe"

/* The pipe at 1, to be added to. Raises when it is none, closed, or started. */
struct ab_pipe *ab_bind_pipe_unstarted(lua_State *L);

/* bind/stream_parts.c: methods that add a part. */
int ab_stream_file(lua_State *L);
int ab_stream_sink(lua_State *L);
int ab_stream_zstd(lua_State *L);
int ab_stream_unzstd(lua_State *L);
int ab_stream_gzip(lua_State *L);
int ab_stream_gunzip(lua_State *L);
int ab_stream_digest(lua_State *L);
int ab_stream_seal(lua_State *L);
int ab_stream_open(lua_State *L);

#endif
