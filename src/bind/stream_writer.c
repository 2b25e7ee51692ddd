/* bind/stream_writer.c - stream.writer: what scripts write, compressed and sealed by worker
 * threads.
 *
 * Scripts may write while a job runs; that fills `pending`, which the next job takes over. */
#include <string.h>

#include "base/alloc.h"
#include "bind/stream.h"
#include "bind/turn.h"
#include "crypto/digest.h"
#include "stream/writer.h"

#define WRITER "awsbak.stream.writer"

enum {
    FLUSH_AT = 64 * 1024,           /* buffered bytes at which write() asks for a flush */
    PENDING_MAX = 64 * 1024 * 1024, /* buffered bytes at which write() refuses */
    OUT_MAX = 2 * PENDING_MAX,      /* output not yet taken; sealing adds a little */
    ZSTD_LEVEL = 3,
    ZSTD_LEVEL_MAX = 19,
};

struct state {
    struct ab_turn turn;
    struct ab_writer *writer; /* owned */
    struct ab_buf pending;    /* owned; written and not yet flushed; the loop thread's */
    struct ab_buf work;       /* owned; what the job pushes */
    struct ab_buf out;        /* owned; finished bytes */
    bool ended;               /* finish() was called */
    uint64_t bytes;           /* written so far */
};

static void free_state(struct ab_turn *turn)
{
    struct state *s = (struct state *)turn;

    ab_writer_free(s->writer);
    ab_buf_drop(&s->pending);
    ab_buf_drop(&s->work);
    ab_buf_drop(&s->out);
    ab_free(s);
}

static struct state *new_state(const struct ab_writer_options *options, struct ab_err *err)
{
    struct state *s = ab_calloc(1, sizeof *s);

    if (!s) {
        ab_fail_memory(err);
        return NULL;
    }
    ab_turn_init(&s->turn, free_state);
    ab_buf_init(&s->pending, PENDING_MAX);
    ab_buf_init(&s->work, PENDING_MAX);
    ab_buf_init(&s->out, OUT_MAX);
    s->pending.secret = s->work.secret = true;
    s->writer = ab_writer_new(options, &s->out, err);
    if (s->writer)
        return s;
    ab_turn_unref(&s->turn);
    return NULL;
}

static struct state *open_state(lua_State *L)
{
    return (struct state *)ab_turn_open(L, WRITER, "writer");
}

static struct state *idle_state(lua_State *L)
{
    return (struct state *)ab_turn_idle(L, WRITER, "writer", "flush");
}

static void check_not_ended(lua_State *L, const struct state *s)
{
    luaL_argcheck(L, !s->ended, 1, "the writer is finished");
}

/* Option `zstd`: a level, or false for none. */
static int zstd_level(lua_State *L, int arg)
{
    bool none = ab_bind_get(L, arg, "zstd") == LUA_TBOOLEAN && !lua_toboolean(L, -1);

    lua_pop(L, 1);
    if (none)
        return 0;
    lua_Integer level = ab_bind_opt_integer(L, arg, "zstd", ZSTD_LEVEL);
    luaL_argcheck(L, level >= 1 && level <= ZSTD_LEVEL_MAX, arg, "option 'zstd': out of range");
    return (int)level;
}

/* stream.writer{ recipients = {text, ...}, passphrase = string|secret, work_factor = 18,
 * zstd = 3|false, armor = false } -> writer | nil, err (kind config, code "key" for a bad
 * recipient). Without recipients and passphrase the output is not encrypted; armor makes text of
 * what is. */
int ab_stream_writer(lua_State *L)
{
    static const char *const names[] = {"recipients", "passphrase", "work_factor", "zstd",
                                        "armor",      "file_key",   "stanzas",     NULL};
    struct ab_writer_options options = {0};
    struct ab_err err;

    ab_bind_only(L, 1, names);
    options.zstd_level = zstd_level(L, 1);
    options.to.work_factor =
        ab_bind_work_factor(L, 1, "work_factor", AB_AGE_WORK_FACTOR, AB_AGE_WORK_FACTOR_MAX);
    options.to.passphrase = ab_bind_passphrase(L, 1);
    options.to.keys =
        ab_bind_push_keys(L, 1, "recipients", ab_age_keys_add_recipient, &err); /* options keys */
    if (!options.to.keys || !ab_bind_stanzas(L, 1, options.to.keys, &err))
        return ab_bind_fail(L, &err);
    luaL_argcheck(L, ab_age_keys_is_empty(options.to.keys) || !options.to.passphrase.data, 1,
                  "recipients and a passphrase exclude each other");
    options.armor = ab_bind_opt_boolean(L, 1, "armor", false);
    luaL_argcheck(
        L, !options.armor || !ab_age_keys_is_empty(options.to.keys) || options.to.passphrase.data,
        1, "armor is for what is encrypted");
    struct ab_turn_ref *self = ab_bind_object(L, sizeof *self, WRITER, 0);
    struct state *s = new_state(&options, &err);
    if (!s)
        return ab_bind_fail(L, &err);
    self->turn = &s->turn;
    return 1;
}

/* w:write(bytes) -> true, or false: enough is buffered, flush before going on. Raises when memory
 * is out: a third answer could be taken for the second, and bytes be lost. */
static int writer_write(lua_State *L)
{
    struct state *s = open_state(L);
    struct ab_slice data = ab_bind_bytes(L, 2);
    struct ab_err err;

    check_not_ended(L, s);
    luaL_argcheck(L, data.len <= PENDING_MAX - s->pending.len, 2, "too much: flush between writes");
    if (!ab_buf_add(&s->pending, data.data, data.len, &err)) {
        ab_bind_error(L, &err);
        return lua_error(L);
    }
    s->bytes += data.len;
    lua_pushboolean(L, s->pending.len < FLUSH_AT);
    return 1;
}

static bool push_work(struct ab_turn *turn, struct ab_err *err)
{
    struct state *s = (struct state *)turn;
    bool ok = ab_writer_write(s->writer, s->work.data, s->work.len, err);

    if (s->work.len > 0)
        ab_wipe(s->work.data, s->work.len);
    s->work.len = 0;
    return ok;
}

static bool push_work_and_end(struct ab_turn *turn, struct ab_err *err)
{
    return push_work(turn, err) && ab_writer_finish(((struct state *)turn)->writer, err);
}

/* Move what is pending to the job; what a job that never ran left behind comes first. */
static bool hand_over(struct state *s, struct ab_err *err)
{
    if (s->work.len > 0) {
        if (!ab_buf_add(&s->work, s->pending.data, s->pending.len, err))
            return false;
        s->pending.len = 0;
        return true;
    }
    struct ab_buf idle = s->work;
    s->work = s->pending;
    s->pending = idle;
    return true;
}

static int start_job(lua_State *L, struct state *s,
                     bool (*run)(struct ab_turn *turn, struct ab_err *err))
{
    struct ab_err err;

    check_not_ended(L, s);
    if (!hand_over(s, &err))
        return ab_bind_fail(L, &err);
    return ab_turn_job(L, &s->turn, run);
}

/* w:flush() -> op of true: all that was written is compressed, sealed and ready to take() */
static int writer_flush(lua_State *L)
{
    return start_job(L, idle_state(L), push_work);
}

/* w:finish() -> op of true: as flush, and the archive's end is written */
static int writer_finish(lua_State *L)
{
    struct state *s = idle_state(L);
    int count = start_job(L, s, push_work_and_end);

    s->ended = true;
    return count;
}

/* w:take([least = 1]) -> output bytes, or nil when fewer are there (or a job runs) */
static int writer_take(lua_State *L)
{
    struct state *s = open_state(L);
    lua_Integer least = luaL_optinteger(L, 2, 1);

    if (atomic_load(&s->turn.busy) || s->out.len == 0 || (lua_Integer)s->out.len < least)
        return 0;
    lua_pushlstring(L, (const char *)s->out.data, s->out.len);
    s->out.len = 0;
    return 1;
}

/* w:sha256() -> raw digest of the plaintext; everything must be flushed */
static int writer_sha256(lua_State *L)
{
    struct state *s = idle_state(L);
    uint8_t out[AB_DIGEST_MAX];
    struct ab_err err;

    luaL_argcheck(L, s->pending.len == 0 && s->work.len == 0, 1, "flush first");
    if (!ab_writer_sha256(s->writer, out, &err))
        return ab_bind_fail(L, &err);
    lua_pushlstring(L, (const char *)out, AB_SHA256);
    return 1;
}

/* w:bytes() -> plaintext bytes written so far */
static int writer_bytes(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)open_state(L)->bytes);
    return 1;
}

static int writer_close(lua_State *L)
{
    ab_turn_close(L, WRITER);
    return 0;
}

static const luaL_Reg meta[] = {
    {"__gc", writer_close},
    {"__close", writer_close},
    {NULL, NULL},
};

static const luaL_Reg methods[] = {
    {"write", writer_write},   {"flush", writer_flush},
    {"finish", writer_finish}, {"take", writer_take},
    {"sha256", writer_sha256}, {"bytes", writer_bytes},
    {"close", writer_close},   {NULL, NULL},
};

void ab_bind_stream_writer(lua_State *L)
{
    ab_bind_class(L, WRITER, meta, methods);
}
