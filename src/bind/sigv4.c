/* bind/sigv4.c - AWS Signature Version 4 for Lua: a request described in a table, signed.
 *
 * The table: { method=, url= | host=, path=, query=, headers={{name,value},...}, payload_hash=,
 * access_key=, secret_key=, session_token=, region=, service=, time=epoch seconds, s3=boolean,
 * express=boolean, asymmetric=boolean }, as struct ab_sigv4 has it. */
#include "bind/bind.h"
#include "bind/http_request.h"
#include "bind/modules.h"
#include "crypto/sigv4.h"
#include "crypto/sigv4_key.h"

#define TOOLS "awsbak.sigv4"
#define TIME_MAX 1e12

/* What calls leave for the next one; also collected by Lua when a push raises. */
struct tools {
    struct ab_sigv4_key key; /* of the last signature */
    struct ab_buf text;      /* what a call makes; its memory stays */
};

static const char *const names[] = {
    "method",       "url",        "host",       "path",          "query",  "headers",
    "payload_hash", "access_key", "secret_key", "session_token", "region", "service",
    "time",         "s3",         "express",    "asymmetric",    NULL};

/* Field `name` (a string or an awsbak.secret) as bytes, valid while the table holds it; empty when
 * absent and not required. */
static struct ab_slice field(lua_State *L, const char *name, bool required)
{
    struct ab_slice s = {NULL, 0};
    int type = ab_bind_get(L, 1, name);

    if (type == LUA_TSTRING || type == LUA_TUSERDATA)
        s = ab_bind_secret_bytes(L, lua_gettop(L));
    else if (type != LUA_TNIL || required)
        luaL_error(L, "sigv4: '%s' is a string, got %s", name, luaL_typename(L, -1));
    lua_pop(L, 1);
    return s;
}

static struct ab_slice header_part(lua_State *L, int pair, int which)
{
    if (lua_rawgeti(L, pair, which) != LUA_TSTRING)
        luaL_error(L, "sigv4: 'headers' is a list of { name, value } strings");
    struct ab_slice s = ab_bind_bytes(L, lua_gettop(L));
    lua_pop(L, 1); /* the pair still holds it */
    return s;
}

/* Option `time`; one that no integer holds becomes one that no year has. */
static int64_t signing_time(lua_State *L)
{
    lua_Number seconds = ab_bind_opt_number(L, 1, "time", 0);

    return seconds >= -TIME_MAX && seconds <= TIME_MAX ? (int64_t)seconds : INT64_MAX;
}

/* Leaves on the stack the memory that r->headers points to. */
static void read_headers(lua_State *L, struct ab_sigv4 *r)
{
    if (ab_bind_get(L, 1, "headers") == LUA_TNIL)
        return;
    luaL_checktype(L, -1, LUA_TTABLE); /* headers */
    int list = lua_gettop(L);
    r->header_count = (size_t)lua_rawlen(L, list);
    struct ab_sigv4_header *headers =
        lua_newuserdatauv(L, (r->header_count + 1) * sizeof *headers, 0); /* headers memory */
    for (size_t i = 0; i < r->header_count; i++) {
        if (lua_rawgeti(L, list, (lua_Integer)i + 1) != LUA_TTABLE)
            luaL_error(L, "sigv4: 'headers' is a list of { name, value } strings");
        headers[i].name = header_part(L, lua_gettop(L), 1);
        headers[i].value = header_part(L, lua_gettop(L), 2);
        lua_pop(L, 1);
    }
    r->headers = headers;
}

/* Fill `r` from the table at 1; false with `err` when its URL is no URL. */
static bool read_request(lua_State *L, struct ab_sigv4 *r, struct ab_err *err)
{
    ab_bind_only(L, 1, names);
    *r = (struct ab_sigv4){
        .method = field(L, "method", true),
        .host = field(L, "host", false),
        .path = field(L, "path", false),
        .query = field(L, "query", false),
        .payload_hash = field(L, "payload_hash", true),
        .access_key = field(L, "access_key", true),
        .secret_key = field(L, "secret_key", true),
        .session_token = field(L, "session_token", false),
        .region = field(L, "region", true),
        .service = field(L, "service", true),
        .time = signing_time(L),
        .s3 = ab_bind_opt_boolean(L, 1, "s3", false),
        .express = ab_bind_opt_boolean(L, 1, "express", false),
        .asymmetric = ab_bind_opt_boolean(L, 1, "asymmetric", false),
    };
    struct ab_slice url = field(L, "url", r->host.len == 0);
    read_headers(L, r);
    return url.len == 0 || ab_sigv4_url(r, url, err);
}

/* The tools, an upvalue of every function here, with an empty text. */
static struct tools *tools_of(lua_State *L)
{
    struct tools *tools = lua_touserdata(L, lua_upvalueindex(1));

    tools->text.len = 0;
    return tools;
}

static int tools_drop(lua_State *L)
{
    struct tools *tools = luaL_checkudata(L, 1, TOOLS);

    ab_sigv4_key_drop(&tools->key);
    ab_buf_drop(&tools->text);
    return 0;
}

static void push_text(lua_State *L, const struct tools *tools)
{
    lua_pushlstring(L, (const char *)tools->text.data, tools->text.len);
}

/* sigv4.canonical_request(request) -> text | nil, err: what gets hashed and signed, for tests and
 * for comparing with the one in a SignatureDoesNotMatch answer. */
static int sigv4_canonical_request(lua_State *L)
{
    struct ab_sigv4 request;
    struct ab_err err;

    luaL_checktype(L, 1, LUA_TTABLE);
    if (!read_request(L, &request, &err))
        return ab_bind_fail(L, &err);
    struct tools *tools = tools_of(L);
    if (!ab_sigv4_canonical(&request, &tools->text, &err))
        return ab_bind_fail(L, &err);
    push_text(L, tools);
    return 1;
}

/* sigv4.sign(request) -> { {name, value}, ... } to send beside `headers` (replacing those of the
 * same name) | nil, err */
static int sigv4_sign(lua_State *L)
{
    struct ab_sigv4_header added[AB_SIGV4_ADDED];
    struct ab_sigv4 request;
    char stamp[AB_SIGV4_STAMP];
    struct ab_err err;

    luaL_checktype(L, 1, LUA_TTABLE);
    if (!read_request(L, &request, &err))
        return ab_bind_fail(L, &err);
    struct tools *tools = tools_of(L);
    if (!ab_sigv4_sign(&request, &tools->key, stamp, &tools->text, &err))
        return ab_bind_fail(L, &err);
    size_t count = ab_sigv4_added(&request, stamp,
                                  (struct ab_slice){tools->text.data, tools->text.len}, added);
    ab_bind_http_push_headers(L, added, count);
    return 1;
}

/* sigv4.presign(request, seconds) -> query of the URL that is good for so long | nil, err */
static int sigv4_presign(lua_State *L)
{
    struct ab_sigv4 request;
    struct ab_err err;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_Integer seconds = luaL_checkinteger(L, 2);
    luaL_argcheck(L, seconds > 0 && seconds <= UINT32_MAX, 2, "out of range");
    if (!read_request(L, &request, &err))
        return ab_bind_fail(L, &err);
    request.in_query = true;
    struct tools *tools = tools_of(L);
    if (!ab_sigv4_presign(&request, &tools->key, (uint32_t)seconds, &tools->text, &err))
        return ab_bind_fail(L, &err);
    push_text(L, tools);
    return 1;
}

/* sigv4.sign_piece(request, "chunk" | "trailer", previous, data) -> hex signature | nil, err: of a
 * piece of an aws-chunked body behind the one (or the request) with the signature `previous` */
static int sigv4_sign_piece(lua_State *L)
{
    static const char *const pieces[] = {"chunk", "trailer", NULL};
    struct ab_sigv4 request;
    struct ab_err err;

    luaL_checktype(L, 1, LUA_TTABLE);
    enum ab_sigv4_piece piece =
        luaL_checkoption(L, 2, NULL, pieces) == 0 ? AB_SIGV4_CHUNK : AB_SIGV4_TRAILER;
    struct ab_slice previous = ab_bind_bytes(L, 3), data = ab_bind_bytes(L, 4);
    if (!read_request(L, &request, &err))
        return ab_bind_fail(L, &err);
    struct tools *tools = tools_of(L);
    if (!ab_sigv4_sign_piece(&request, &tools->key, piece, previous, data, &tools->text, &err))
        return ab_bind_fail(L, &err);
    push_text(L, tools);
    return 1;
}

static const luaL_Reg tools_meta[] = {{"__gc", tools_drop}, {NULL, NULL}};
static const luaL_Reg no_methods[] = {{NULL, NULL}};
static const luaL_Reg functions[] = {
    {"canonical_request", sigv4_canonical_request},
    {"presign", sigv4_presign},
    {"sign", sigv4_sign},
    {"sign_piece", sigv4_sign_piece},
    {NULL, NULL},
};

int luaopen_awsbak_core_sigv4(lua_State *L)
{
    ab_bind_class(L, TOOLS, tools_meta, no_methods);
    luaL_newlibtable(L, functions);
    struct tools *tools = ab_bind_object(L, sizeof *tools, TOOLS, 0);
    ab_sigv4_key_init(&tools->key);
    ab_buf_init(&tools->text, AB_SIGV4_TEXT_MAX);
    luaL_setfuncs(L, functions, 1);
    return 1;
}
