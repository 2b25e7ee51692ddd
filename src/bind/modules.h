/* bind/modules.h - the openers of the awsbak.core modules, one a file of this folder. */
#ifndef AB_BIND_MODULES_H
#define AB_BIND_MODULES_H

#include <lua.h>

/* Each pushes its module table and returns 1. */
int luaopen_awsbak_core_age(lua_State *L);
int luaopen_awsbak_core_codec(lua_State *L);
int luaopen_awsbak_core_digest(lua_State *L);
int luaopen_awsbak_core_file(lua_State *L);
int luaopen_awsbak_core_http(lua_State *L);
int luaopen_awsbak_core_json(lua_State *L);
int luaopen_awsbak_core_key(lua_State *L);
int luaopen_awsbak_core_lines(lua_State *L);
int luaopen_awsbak_core_loop(lua_State *L);
int luaopen_awsbak_core_p256(lua_State *L);
int luaopen_awsbak_core_process(lua_State *L);
int luaopen_awsbak_core_secret(lua_State *L);
int luaopen_awsbak_core_shape(lua_State *L);
int luaopen_awsbak_core_sigv4(lua_State *L);
int luaopen_awsbak_core_stream(lua_State *L);
int luaopen_awsbak_core_sys(lua_State *L);
int luaopen_awsbak_core_xml(lua_State *L);

#endif
