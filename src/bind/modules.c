#include "bind/modules.h"

#include "bind/bind.h"

static const luaL_Reg modules[] = {
    {"awsbak.core.age", luaopen_awsbak_core_age},
    {"awsbak.core.codec", luaopen_awsbak_core_codec},
    {"awsbak.core.digest", luaopen_awsbak_core_digest},
    {"awsbak.core.file", luaopen_awsbak_core_file},
    {"awsbak.core.http", luaopen_awsbak_core_http},
    {"awsbak.core.json", luaopen_awsbak_core_json},
    {"awsbak.core.key", luaopen_awsbak_core_key},
    {"awsbak.core.lines", luaopen_awsbak_core_lines},
    {"awsbak.core.loop", luaopen_awsbak_core_loop},
    {"awsbak.core.p256", luaopen_awsbak_core_p256},
    {"awsbak.core.process", luaopen_awsbak_core_process},
    {"awsbak.core.secret", luaopen_awsbak_core_secret},
    {"awsbak.core.shape", luaopen_awsbak_core_shape},
    {"awsbak.core.sigv4", luaopen_awsbak_core_sigv4},
    {"awsbak.core.stream", luaopen_awsbak_core_stream},
    {"awsbak.core.sys", luaopen_awsbak_core_sys},
    {"awsbak.core.xml", luaopen_awsbak_core_xml},
    {NULL, NULL},
};

void ab_bind_preload(lua_State *L)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    luaL_setfuncs(L, modules, 0);
    lua_pop(L, 1);
}
