/* bind/sink.c - file.sink: an output file that appears whole or not at all. */
#include "stream/sink.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "bind/bind.h"
#include "bind/file.h"
#include "bind/turn.h"

#define CLASS "awsbak.sink"

enum { MODE = 0600, MODE_MAX = 0777 };

struct state {
    struct ab_turn turn;
    struct ab_sink *sink; /* owned */
    struct ab_buf data;   /* owned; what the job writes */
};

static void free_state(struct ab_turn *turn)
{
    struct state *s = (struct state *)turn;

    ab_sink_free(s->sink);
    ab_buf_drop(&s->data);
    ab_free(s);
}

static struct state *new_state(const char *path, const char *part, bool force, mode_t mode,
                               struct ab_err *err)
{
    struct state *s = ab_calloc(1, sizeof *s);

    if (!s) {
        ab_fail_memory(err);
        return NULL;
    }
    ab_turn_init(&s->turn, free_state);
    ab_buf_init(&s->data,
                SIZE_MAX / 2); /* a script's string: its size is bounded by Lua's memory */
    s->sink =
        part ? ab_sink_resume(path, part, force, mode, err) : ab_sink_new(path, force, mode, err);
    if (s->sink)
        return s;
    ab_turn_unref(&s->turn);
    return NULL;
}

static struct state *idle_state(lua_State *L)
{
    return (struct state *)ab_turn_idle(L, CLASS, "sink", "write");
}

/* file.sink(path[, { force = false, mode = 0600, part }]) -> sink | nil, err (kind io; code EEXIST,
 * "not_regular", "locked" or an errno's name). Nothing is seen under `path` before commit(). With
 * `part`, the name of a file beside it, the bytes are there and stay there when they are not
 * committed; the next sink of that name has them. */
int ab_file_sink_open(lua_State *L)
{
    static const char *const names[] = {"force", "mode", "part", NULL};
    const char *path = luaL_checkstring(L, 1);
    const char *part = NULL;
    bool force = false;
    lua_Integer mode = MODE;
    struct ab_err err;

    if (!lua_isnoneornil(L, 2)) {
        ab_bind_only(L, 2, names);
        force = ab_bind_opt_boolean(L, 2, "force", false);
        part = ab_bind_opt_string(L, 2, "part", NULL);
        mode = ab_bind_opt_integer(L, 2, "mode", MODE);
        luaL_argcheck(L, mode >= 0 && mode <= MODE_MAX, 2, "option 'mode': out of range");
    }
    struct ab_turn_ref *self = ab_bind_object(L, sizeof *self, CLASS, 0);
    struct state *s = new_state(path, part, force, (mode_t)mode, &err);
    if (!s)
        return ab_bind_fail(L, &err);
    self->turn = &s->turn;
    return 1;
}

static bool run_write(struct ab_turn *turn, struct ab_err *err)
{
    struct state *s = (struct state *)turn;

    return ab_sink_write(s->sink, s->data.data, s->data.len, err);
}

/* s:write(bytes) -> op of true; one at a time */
static int sink_write(lua_State *L)
{
    struct state *s = idle_state(L);
    struct ab_slice data = ab_bind_bytes(L, 2);
    struct ab_err err;

    s->data.len = 0;
    if (!ab_buf_add(&s->data, data.data, data.len, &err))
        return ab_bind_fail(L, &err);
    return ab_turn_job(L, &s->turn, run_write);
}

/* s:file() -> handle (bind/file.c) to read and write at any place before commit | nil, err */
static int sink_file(lua_State *L)
{
    struct state *s = idle_state(L);
    struct ab_file **file = ab_file_handle_new(L);
    struct ab_err err;

    *file = ab_sink_file(s->sink, &err);
    return *file ? 1 : ab_bind_fail(L, &err);
}

/* s:discard(): a part that is not committed goes, too, when the sink is closed */
static int sink_discard(lua_State *L)
{
    ab_sink_discard(idle_state(L)->sink);
    return 0;
}

static bool run_commit(struct ab_turn *turn, struct ab_err *err)
{
    return ab_sink_commit(((struct state *)turn)->sink, err);
}

/* s:commit() -> op of true: the file is on disk under its name */
static int sink_commit(lua_State *L)
{
    return ab_turn_job(L, &idle_state(L)->turn, run_commit);
}

/* s:close(), __close and __gc: what was not committed is gone, but a part */
static int sink_close(lua_State *L)
{
    ab_turn_close(L, CLASS);
    return 0;
}

static const luaL_Reg meta[] = {
    {"__gc", sink_close},
    {"__close", sink_close},
    {NULL, NULL},
};

static const luaL_Reg methods[] = {
    {"write", sink_write},   {"file", sink_file},   {"discard", sink_discard},
    {"commit", sink_commit}, {"close", sink_close}, {NULL, NULL},
};

void ab_bind_sink_class(lua_State *L)
{
    ab_bind_class(L, CLASS, meta, methods);
}
