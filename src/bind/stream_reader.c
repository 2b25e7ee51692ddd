/* bind/stream_reader.c - stream.reader: archives opened by worker threads, handed out in lines. */
#include "base/alloc.h"
#include "bind/stream.h"
#include "bind/turn.h"
#include "crypto/digest.h"
#include "stream/reader.h"

#define READER "awsbak.stream.reader"

struct state {
    struct ab_turn turn;
    struct ab_reader *reader; /* owned */
    struct ab_buf header;     /* owned; what look() found */
};

static void free_state(struct ab_turn *turn)
{
    struct state *s = (struct state *)turn;

    ab_reader_free(s->reader);
    ab_buf_drop(&s->header);
    ab_free(s);
}

static struct state *new_state(struct ab_file *file, const struct ab_age_with *with,
                               struct ab_err *err)
{
    struct state *s = ab_calloc(1, sizeof *s);

    if (!s) {
        ab_fail_memory(err);
        return NULL;
    }
    ab_turn_init(&s->turn, free_state);
    ab_buf_init(&s->header, AB_AGE_HEADER_MAX);
    s->reader = ab_reader_new(file, with, err);
    if (s->reader)
        return s;
    ab_turn_unref(&s->turn);
    return NULL;
}

static struct state *idle_state(lua_State *L)
{
    return (struct state *)ab_turn_idle(L, READER, "reader", "fill");
}

/* stream.reader(file[, { identities = {string|secret, ...}, passphrase = string|secret,
 * file_key = secret (what a plugin or KMS unwrapped), max_work_factor = 20 }]) -> reader | nil, err
 * (kind config, code "key" for a bad identity).
 * `file` is an open core.file handle; it is read from its beginning, and nothing before fill(). */
int ab_stream_reader(lua_State *L)
{
    struct ab_file *file = ab_bind_file(L, 1);
    struct ab_age_with with;
    struct ab_err err;

    lua_settop(L, 2);
    if (lua_isnil(L, 2)) {
        lua_newtable(L);
        lua_replace(L, 2);
    }
    if (!ab_bind_age_with(L, 2, &with, &err)) /* file options keys */
        return ab_bind_fail(L, &err);
    struct ab_turn_ref *self = ab_bind_object(L, sizeof *self, READER, 0);
    struct state *s = new_state(file, &with, &err);
    if (!s)
        return ab_bind_fail(L, &err);
    self->turn = &s->turn;
    return 1;
}

static bool fill(struct ab_turn *turn, struct ab_err *err)
{
    return ab_reader_fill(((struct state *)turn)->reader, err);
}

/* r:fill() -> op of true: more is buffered, a whole line among it, or the end is reached. It fails
 * with kind integrity when the file is damaged; take() and line() still give what came before. */
static int reader_fill(lua_State *L)
{
    return ab_turn_job(L, &idle_state(L)->turn, fill);
}

static bool look(struct ab_turn *turn, struct ab_err *err)
{
    struct state *s = (struct state *)turn;
    struct ab_slice header;

    s->header.len = 0;
    return ab_reader_header(s->reader, &header, err) &&
           ab_buf_add(&s->header, header.data, header.len, err);
}

/* r:look() -> op of true: the age header can be asked for; before the first fill. Errors as fill */
static int reader_look(lua_State *L)
{
    return ab_turn_job(L, &idle_state(L)->turn, look);
}

/* r:header() -> bytes of the age header that look() found | nil when the file is not encrypted */
static int reader_header(lua_State *L)
{
    const struct state *s = idle_state(L);

    if (s->header.len == 0)
        return 0;
    lua_pushlstring(L, (const char *)s->header.data, s->header.len);
    return 1;
}

static int push_next(lua_State *L, enum ab_reader_next next, struct ab_slice bytes)
{
    if (next == AB_READER_LINE) {
        lua_pushlstring(L, (const char *)bytes.data, bytes.len);
        return 1;
    }
    lua_pushnil(L);
    lua_pushstring(L, next == AB_READER_MORE ? "more" : "end");
    return 2;
}

/* r:line() -> line without its line feed | nil, "more" (fill first) | nil, "end" */
static int reader_line(lua_State *L)
{
    struct ab_slice line = {0};
    enum ab_reader_next next = ab_reader_line(idle_state(L)->reader, &line);

    return push_next(L, next, line);
}

/* r:take() -> all buffered bytes | nil, "more" | nil, "end" */
static int reader_take(lua_State *L)
{
    struct ab_slice bytes = {0};
    enum ab_reader_next next = ab_reader_take(idle_state(L)->reader, &bytes);

    return push_next(L, next, bytes);
}

/* r:sha256([before_last]) -> raw digest of what line() and take() gave so far, line feeds included;
 * with before_last, right after a line(), without that line */
static int reader_sha256(lua_State *L)
{
    uint8_t out[AB_DIGEST_MAX];
    struct ab_err err;

    if (!ab_reader_sha256(idle_state(L)->reader, lua_toboolean(L, 2), out, &err))
        return ab_bind_fail(L, &err);
    lua_pushlstring(L, (const char *)out, AB_SHA256);
    return 1;
}

/* r:form() -> { armored, encrypted, compressed = boolean }; known after the first fill */
static int reader_form(lua_State *L)
{
    struct ab_reader_form form = ab_reader_form(idle_state(L)->reader);

    lua_createtable(L, 0, 3);
    lua_pushboolean(L, form.armored);
    lua_setfield(L, -2, "armored");
    lua_pushboolean(L, form.encrypted);
    lua_setfield(L, -2, "encrypted");
    lua_pushboolean(L, form.compressed);
    lua_setfield(L, -2, "compressed");
    return 1;
}

static int reader_close(lua_State *L)
{
    ab_turn_close(L, READER);
    return 0;
}

static const luaL_Reg meta[] = {
    {"__gc", reader_close},
    {"__close", reader_close},
    {NULL, NULL},
};

static const luaL_Reg methods[] = {
    {"look", reader_look}, {"header", reader_header}, {"fill", reader_fill},
    {"line", reader_line}, {"take", reader_take},     {"sha256", reader_sha256},
    {"form", reader_form}, {"close", reader_close},   {NULL, NULL},
};

void ab_bind_stream_reader(lua_State *L)
{
    ab_bind_class(L, READER, meta, methods);
}
