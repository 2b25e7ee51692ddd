/* bind/http_prepared.c - prepared requests of core.http. */
#include "bind/http_prepared.h"

#include <string.h>

#include "bind/http_pace.h"
#include "bind/http_reply.h"
#include "bind/http_request.h"
#include "bind/loop.h"
#include "crypto/sigv4_key.h"

#define CLASS "awsbak.prepared"
#define TIME_MAX 1e12

/* User values: what the strings below are, the memory of `headers`, that of `names`, that of
 * `wanted`. */
enum { HELD = 1, HEADERS, NAMES, WANTED, USER_VALUES = WANTED };

/* Arguments of start */
enum { URL = 2, BODY, PACE, KEYS, HASH, TIME, VALUES };

struct prepared {
    struct ab_http_request request;
    struct ab_sigv4_header *headers; /* first those of all requests, then room for the others */
    size_t fixed;
    const char **names; /* of the headers that vary */
    size_t varying;
    const char **wanted; /* NULL: all */
    bool is_signed;
    struct ab_sigv4 sign;    /* region, service and kind */
    struct ab_sigv4_key key; /* of the last signature */
    struct ab_buf text;      /* an Authorization; its memory stays */
    struct ab_buf token;     /* a session token as text; likewise */
};

/* Push a copy of the table at `index`, which nobody else can change: it holds the strings. */
static void push_copy(lua_State *L, int index)
{
    lua_newtable(L);
    lua_pushnil(L);
    while (lua_next(L, index)) { /* copy key value */
        lua_pushvalue(L, -2);
        lua_insert(L, -2); /* copy key key value */
        lua_rawset(L, -4);
    }
}

/* Make memory for `count` things of `size`, kept as user value `place` of the prepared request at
 * `self`; pushes nothing. */
static void *new_memory(lua_State *L, int self, int place, size_t count, size_t size)
{
    void *memory = lua_newuserdatauv(L, (count + 1) * size, 0);

    memset(memory, 0, (count + 1) * size);
    lua_setiuservalue(L, self, place);
    return memory;
}

/* Let the table at `held` hold the value on top, which goes. */
static void hold(lua_State *L, int held)
{
    lua_rawseti(L, held, (lua_Integer)lua_rawlen(L, held) + 1);
}

/* The list in field `name` of the options at `options`: pushed, and its length. */
static size_t push_list(lua_State *L, int options, const char *name)
{
    if (ab_bind_get(L, options, name) == LUA_TNIL)
        return 0;
    luaL_checktype(L, -1, LUA_TTABLE);
    lua_Unsigned count = lua_rawlen(L, -1);
    if (count > AB_BIND_HEADERS_MAX)
        luaL_error(L, "too many headers");
    return (size_t)count;
}

/* Read a list of headers' names, held in `held`, into memory that is user value `place`. */
static const char **read_names(lua_State *L, const char *name, int held, int place, size_t *count)
{
    int options = held - 1, self = held + 1;

    *count = push_list(L, options, name);
    const char **names = new_memory(L, self, place, *count, sizeof *names);
    for (size_t i = 0; i < *count; i++) {
        size_t len;
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        luaL_argcheck(L, lua_type(L, -1) == LUA_TSTRING, 1, "a header's name is a string");
        names[i] = lua_tolstring(L, -1, &len);
        luaL_argcheck(L, ab_http_name_ok(names[i], len), 1,
                      "a header's name has a character that is not allowed");
        hold(L, held);
    }
    lua_pop(L, 1);
    return names;
}

static void read_headers(lua_State *L, struct prepared *self, int held)
{
    self->fixed = push_list(L, held - 1, "headers");
    size_t room = self->fixed + self->varying + AB_SIGV4_ADDED;
    self->headers = new_memory(L, held + 1, HEADERS, room, sizeof *self->headers);
    for (size_t i = 0; i < self->fixed; i++) {
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        ab_bind_http_pair(L, &self->headers[i]);
        lua_rawgeti(L, -1, 1); /* pair name */
        hold(L, held);
        lua_rawgeti(L, -1, 2); /* pair value */
        hold(L, held);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

static struct ab_slice text_of(lua_State *L, int table, const char *name, int held)
{
    ab_bind_get(L, table, name);
    if (lua_type(L, -1) != LUA_TSTRING)
        luaL_error(L, "what signs has a text '%s'", name);
    struct ab_slice s = ab_bind_bytes(L, lua_gettop(L));
    hold(L, held);
    return s;
}

static void read_sign(lua_State *L, struct prepared *self, int held)
{
    if (ab_bind_get(L, held - 1, "sign") == LUA_TTABLE) {
        int sign = lua_gettop(L);
        self->is_signed = true;
        self->sign = (struct ab_sigv4){
            .method = {(const uint8_t *)self->request.method, strlen(self->request.method)},
            .region = text_of(L, sign, "region", held),
            .service = text_of(L, sign, "service", held),
            .s3 = ab_bind_opt_boolean(L, sign, "s3", false),
            .express = ab_bind_opt_boolean(L, sign, "express", false),
            .asymmetric = ab_bind_opt_boolean(L, sign, "asymmetric", false),
        };
    }
    lua_pop(L, 1);
}

int ab_bind_prepared_new(lua_State *L)
{
    static const char *const options[] = {AB_BIND_HTTP_OPTIONS, "varying", "wanted", "sign", NULL};
    enum { COPY = 2, STRINGS, SELF };

    ab_bind_only(L, 1, options);
    lua_settop(L, 1);
    push_copy(L, 1); /* options copy */
    lua_newtable(L); /* options copy held */
    lua_pushvalue(L, COPY);
    hold(L, STRINGS);
    struct prepared *self = ab_bind_object(L, sizeof *self, CLASS, USER_VALUES);
    lua_pushvalue(L, STRINGS);
    lua_setiuservalue(L, SELF, HELD);
    ab_sigv4_key_init(&self->key);
    ab_buf_init(&self->text, AB_SIGV4_TEXT_MAX);
    ab_buf_init(&self->token, AB_SIGV4_TEXT_MAX);
    self->token.secret = true;
    ab_bind_http_options(L, COPY, &self->request);
    self->names = read_names(L, "varying", STRINGS, NAMES, &self->varying);
    read_headers(L, self, STRINGS);
    read_sign(L, self, STRINGS);
    size_t count;
    const char **wanted = read_names(L, "wanted", STRINGS, WANTED, &count);
    self->wanted = count > 0 ? wanted : NULL;
    return 1;
}

const char *const *ab_bind_prepared_wanted(lua_State *L, int index)
{
    const struct prepared *self = luaL_checkudata(L, index, CLASS);

    return self->wanted;
}

/* --- one of them ----------------------------------------------------------------------------- */

/* Put the values of headers that vary behind the others; how many headers there are. */
static size_t take_values(lua_State *L, struct prepared *self)
{
    size_t count = self->fixed;

    for (size_t i = 0; i < self->varying; i++) {
        int index = VALUES + (int)i;
        const char *name = self->names[i];
        if (!lua_toboolean(L, index))
            continue;
        luaL_argcheck(L, lua_type(L, index) == LUA_TSTRING, index, "a header's value is a string");
        self->headers[count].name = (struct ab_slice){(const uint8_t *)name, strlen(name)};
        self->headers[count].value = ab_bind_bytes(L, index);
        ab_bind_http_value(L, name, self->headers[count].value);
        count++;
    }
    return count;
}

/* Field `name` of the keys, whose table holds it. */
static struct ab_slice key_of(lua_State *L, const char *name, bool required)
{
    struct ab_slice s = {NULL, 0};

    if (ab_bind_get(L, KEYS, name) != LUA_TNIL || required)
        s = ab_bind_secret_bytes(L, lua_gettop(L));
    lua_pop(L, 1);
    return s;
}

/* Complete what is signed but for URL and headers. */
static void take_keys(lua_State *L, struct ab_sigv4 *sign)
{
    luaL_checktype(L, KEYS, LUA_TTABLE);
    sign->access_key = key_of(L, "access_key_id", true);
    sign->secret_key = key_of(L, "secret_access_key", true);
    sign->session_token = key_of(L, "session_token", false);
    luaL_checktype(L, HASH, LUA_TSTRING);
    sign->payload_hash = ab_bind_bytes(L, HASH);
    lua_Number seconds = luaL_checknumber(L, TIME);
    sign->time = seconds >= -TIME_MAX && seconds <= TIME_MAX ? (int64_t)seconds : INT64_MAX;
}

/* What one request is made of besides the prepared. */
struct one {
    struct ab_http_request request;
    struct ab_sigv4 sign;
    char stamp[AB_SIGV4_STAMP];
};

/* Read the arguments of start. */
static void take_arguments(lua_State *L, struct prepared *self, struct one *one)
{
    luaL_checkstack(L, (int)self->varying + VALUES, "too many headers");
    lua_settop(L, VALUES - 1 + (int)self->varying);
    one->request = self->request;
    one->sign = self->sign;
    ab_bind_http_url(L, URL, &one->request);
    ab_bind_http_body(L, BODY, &one->request);
    one->request.pace = ab_bind_pace(L, PACE);
    one->request.loopback_only = ab_bind_host(L)->loopback_only;
    one->sign.headers = self->headers;
    one->sign.header_count = take_values(L, self);
    if (self->is_signed)
        take_keys(L, &one->sign);
}

/* Make a text of the session token: the bytes of a secret have no NUL behind them. */
static bool copy_token(struct prepared *self, struct ab_sigv4 *sign, struct ab_err *err)
{
    struct ab_slice token = sign->session_token;

    self->token.len = 0;
    if (!ab_buf_add(&self->token, token.data, token.len, err) ||
        !ab_buf_add_byte(&self->token, 0, err))
        return false;
    sign->session_token = (struct ab_slice){self->token.data, token.len};
    return true;
}

/* Put the headers that prove who sends it behind the others, where it is signed; *count is that of
 * all headers then. */
static bool sign(struct prepared *self, struct one *one, size_t *count, struct ab_err *err)
{
    const char *url = one->request.url;

    *count = one->sign.header_count;
    if (!self->is_signed)
        return true;
    self->text.len = 0;
    if (!copy_token(self, &one->sign, err) ||
        !ab_sigv4_url(&one->sign, (struct ab_slice){(const uint8_t *)url, strlen(url)}, err) ||
        !ab_sigv4_sign(&one->sign, &self->key, one->stamp, &self->text, err) ||
        !ab_buf_add_byte(&self->text, 0, err))
        return false;
    struct ab_slice authorization = {self->text.data, self->text.len - 1};
    *count += ab_sigv4_added(&one->sign, one->stamp, authorization, self->headers + *count);
    return true;
}

static struct ab_http *begin(struct prepared *self, struct ab_loop *loop, struct one *one,
                             struct ab_err *err)
{
    struct ab_http *http = ab_http_new(loop, &one->request, err);
    size_t count = 0;
    bool ok = http && sign(self, one, &count, err);

    for (size_t i = 0; ok && i < count; i++)
        ok = ab_http_header(http, (const char *)self->headers[i].name.data,
                            (const char *)self->headers[i].value.data, err);
    if (ok && ab_http_begin(http, err))
        return http;
    ab_http_free(http);
    return NULL;
}

static int prepared_start(lua_State *L)
{
    struct prepared *self = luaL_checkudata(L, 1, CLASS);
    struct one one;
    struct ab_err err;

    take_arguments(L, self, &one);
    struct ab_loop *loop = ab_bind_loop(L);
    struct ab_bind_op *op =
        ab_bind_op_new(L, one.request.stream ? ab_bind_http_streamed : ab_bind_http_whole);
    op->failure = ab_bind_http_add_head;
    lua_pushvalue(L, BODY);
    lua_setiuservalue(L, -2, 1); /* the body stays as long as the op */
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 2); /* the reply asks what is wanted */
    struct ab_http *http = begin(self, loop, &one, &err);
    return ab_bind_op_start(L, op, http ? ab_http_op(http) : NULL, http, &err);
}

static int prepared_shown(lua_State *L)
{
    struct prepared *self = luaL_checkudata(L, 1, CLASS);
    struct one one;
    struct ab_err err;
    size_t count;

    take_arguments(L, self, &one);
    if (!sign(self, &one, &count, &err))
        return ab_bind_fail(L, &err);
    lua_pushstring(L, one.request.method);
    lua_pushboolean(L, one.request.stream);
    ab_bind_http_push_headers(L, self->headers, count);
    return 3;
}

static int prepared_drop(lua_State *L)
{
    struct prepared *self = luaL_checkudata(L, 1, CLASS);

    ab_sigv4_key_drop(&self->key);
    ab_buf_drop(&self->text);
    ab_buf_drop(&self->token);
    return 0;
}

void ab_bind_prepared_class(lua_State *L)
{
    static const luaL_Reg meta[] = {{"__gc", prepared_drop}, {NULL, NULL}};
    static const luaL_Reg methods[] = {
        {"start", prepared_start}, {"shown", prepared_shown}, {NULL, NULL}};

    ab_bind_class(L, CLASS, meta, methods);
}
