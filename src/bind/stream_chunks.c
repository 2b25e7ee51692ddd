/* bind/stream_chunks.c - stream.chunks: parts of an age file opened by worker threads, in any
 * order. Which bytes of the file they are is backup.age.seek's to know. */
#include "base/alloc.h"
#include "bind/stream.h"
#include "bind/turn.h"
#include "stream/age_payload.h"
#include "stream/age_seek.h"

#define CHUNKS "awsbak.stream.chunks"

enum { SEALED_MAX = 16 * 1024 * 1024 }; /* handed to one open() */

struct state {
    struct ab_turn turn;
    struct ab_age_seek *seek; /* owned; NULL before the first job */
    struct ab_age_keys *keys; /* a reference */
    struct ab_buf passphrase; /* owned, secret */
    bool has_passphrase;
    int max_work_factor;
    struct ab_buf head;   /* owned; the file's header and nonce */
    struct ab_buf sealed; /* owned; what the job opens */
    struct ab_buf plain;  /* owned, secret */
    uint64_t index;
    bool last;
};

static void free_state(struct ab_turn *turn)
{
    struct state *s = (struct state *)turn;

    ab_age_seek_free(s->seek);
    ab_age_keys_unref(s->keys);
    ab_buf_drop(&s->passphrase);
    ab_buf_drop(&s->head);
    ab_buf_drop(&s->sealed);
    ab_buf_drop(&s->plain);
    ab_free(s);
}

static struct state *new_state(struct ab_slice head, const struct ab_age_with *with,
                               struct ab_err *err)
{
    struct state *s = ab_calloc(1, sizeof *s);

    if (!s) {
        ab_fail_memory(err);
        return NULL;
    }
    ab_turn_init(&s->turn, free_state);
    ab_buf_init(&s->passphrase, with->passphrase.len);
    ab_buf_init(&s->head, AB_AGE_HEADER_MAX + AB_AGE_NONCE);
    ab_buf_init(&s->sealed, SEALED_MAX);
    ab_buf_init(&s->plain, SEALED_MAX + AB_AGE_CHUNK);
    s->passphrase.secret = s->plain.secret = true;
    s->keys = ab_age_keys_ref(with->keys);
    s->max_work_factor = with->max_work_factor;
    s->has_passphrase = with->passphrase.data != NULL;
    if (ab_buf_add(&s->head, head.data, head.len, err) &&
        (!s->has_passphrase ||
         ab_buf_add(&s->passphrase, with->passphrase.data, with->passphrase.len, err)))
        return s;
    ab_turn_unref(&s->turn);
    return NULL;
}

static struct state *idle_state(lua_State *L)
{
    return (struct state *)ab_turn_idle(L, CHUNKS, "chunks", "open");
}

/* stream.chunks(head, { identities = {string|secret, ...}, passphrase = string|secret, file_key =
 * secret, max_work_factor = 20 }) -> chunks | nil, err (kind config, code "key" for a bad
 * identity). `head` is the beginning of a binary age file, with its header and the 16 bytes after
 * it; it is looked at by the first open(). */
int ab_stream_chunks(lua_State *L)
{
    struct ab_slice head = ab_bind_bytes(L, 1);
    struct ab_age_with with;
    struct ab_err err;

    lua_settop(L, 2);
    luaL_argcheck(L, head.len <= AB_AGE_HEADER_MAX + AB_AGE_NONCE, 1, "is too long");
    if (!ab_bind_age_with(L, 2, &with, &err)) /* head options keys */
        return ab_bind_fail(L, &err);
    struct ab_turn_ref *self = ab_bind_object(L, sizeof *self, CHUNKS, 0);
    struct state *s = new_state(head, &with, &err);
    if (!s)
        return ab_bind_fail(L, &err);
    self->turn = &s->turn;
    return 1;
}

/* The key of the payload: with a passphrase, a second's work. */
static bool begin(struct state *s, struct ab_err *err)
{
    struct ab_slice passphrase = {s->passphrase.data, s->passphrase.len};

    if (s->has_passphrase && !passphrase.data)
        passphrase.data = (const uint8_t *)"";
    struct ab_age_with with = {s->keys, passphrase, s->max_work_factor};
    s->seek = ab_age_seek_new((struct ab_slice){s->head.data, s->head.len}, &with, err);
    return s->seek != NULL;
}

static bool open_chunks(struct ab_turn *turn, struct ab_err *err)
{
    struct state *s = (struct state *)turn;
    bool ok = (s->seek || begin(s, err)) &&
              ab_age_seek_open(s->seek, s->index, (struct ab_slice){s->sealed.data, s->sealed.len},
                               s->last, &s->plain, err);

    if (!ok && s->plain.len > 0) {
        ab_wipe(s->plain.data, s->plain.len);
        s->plain.len = 0;
    }
    return ok;
}

/* c:open(index, sealed, last) -> op of true: take() has the plaintext of the whole chunks in
 * `sealed`, the first of which has that number (from 0); with `last` they end the file. Fails with
 * kind integrity for what is not authentic: then none of it is handed out. */
static int chunks_open(lua_State *L)
{
    struct state *s = idle_state(L);
    lua_Integer index = luaL_checkinteger(L, 2);
    struct ab_slice sealed = ab_bind_bytes(L, 3);
    struct ab_err err;

    luaL_argcheck(L, index >= 0, 2, "is negative");
    luaL_argcheck(L, sealed.len <= SEALED_MAX, 3, "is too long");
    s->sealed.len = 0;
    s->plain.len = 0;
    if (!ab_buf_add(&s->sealed, sealed.data, sealed.len, &err))
        return ab_bind_fail(L, &err);
    s->index = (uint64_t)index;
    s->last = lua_toboolean(L, 4);
    return ab_turn_job(L, &s->turn, open_chunks);
}

/* c:take() -> the plaintext that open() made */
static int chunks_take(lua_State *L)
{
    struct state *s = idle_state(L);

    lua_pushlstring(L, (const char *)s->plain.data, s->plain.len);
    if (s->plain.len > 0)
        ab_wipe(s->plain.data, s->plain.len);
    s->plain.len = 0;
    return 1;
}

static int chunks_close(lua_State *L)
{
    ab_turn_close(L, CHUNKS);
    return 0;
}

static const luaL_Reg meta[] = {
    {"__gc", chunks_close},
    {"__close", chunks_close},
    {NULL, NULL},
};

static const luaL_Reg methods[] = {
    {"open", chunks_open},
    {"take", chunks_take},
    {"close", chunks_close},
    {NULL, NULL},
};

void ab_bind_stream_chunks(lua_State *L)
{
    ab_bind_class(L, CHUNKS, meta, methods);
}
