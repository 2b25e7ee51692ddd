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

/* What a sink is opened with. */
struct request {
    struct ab_folder *folder; /* borrowed; NULL: the path is as it is */
    const char *path;
    const char *part;
    bool force;
    lua_Integer mode;
};

static struct ab_sink *open_sink(const struct request *r, struct ab_err *err)
{
    mode_t mode = (mode_t)r->mode;

    if (r->folder)
        return ab_sink_beneath(r->folder, r->path, r->part, r->force, mode, err);
    return r->part ? ab_sink_resume(r->path, r->part, r->force, mode, err)
                   : ab_sink_new(r->path, r->force, mode, err);
}

static struct state *new_state(const struct request *r, struct ab_err *err)
{
    struct state *s = ab_calloc(1, sizeof *s);

    if (!s) {
        ab_fail_memory(err);
        return NULL;
    }
    ab_turn_init(&s->turn, free_state);
    ab_buf_init(&s->data,
                SIZE_MAX / 2); /* a script's string: its size is bounded by Lua's memory */
    s->sink = open_sink(r, err);
    if (s->sink)
        return s;
    ab_turn_unref(&s->turn);
    return NULL;
}

static struct state *idle_state(lua_State *L)
{
    return (struct state *)ab_turn_idle(L, CLASS, "sink", "write");
}

int ab_file_sink_new(lua_State *L, struct ab_folder *folder, int arg)
{
    static const char *const names[] = {"force", "mode", "part", NULL};
    struct request r = {.folder = folder, .path = luaL_checkstring(L, arg), .mode = MODE};
    int options = arg + 1;
    struct ab_err err;

    if (!lua_isnoneornil(L, options)) {
        ab_bind_only(L, options, names);
        r.force = ab_bind_opt_boolean(L, options, "force", false);
        r.part = ab_bind_opt_string(L, options, "part", NULL);
        r.mode = ab_bind_opt_integer(L, options, "mode", MODE);
        luaL_argcheck(L, r.mode >= 0 && r.mode <= MODE_MAX, options, "option 'mode': out of range");
    }
    struct ab_turn_ref *self = ab_bind_object(L, sizeof *self, CLASS, 0);
    struct state *s = new_state(&r, &err);
    if (!s)
        return ab_bind_fail(L, &err);
    self->turn = &s->turn;
    return 1;
}

/* file.sink(path[, { force = false, mode = 0600, part }]) -> sink | nil, err (kind io; code EEXIST,
 * "not_regular", "locked" or an errno's name). Nothing is seen under `path` before commit(). With
 * `part`, the name of a file beside it, the bytes are there and stay there when they are not
 * committed; the next sink of that name has them. */
int ab_file_sink_open(lua_State *L)
{
    return ab_file_sink_new(L, NULL, 1);
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

/* s:commit([mtime]) -> op of true: the file is on disk under its name, last changed at `mtime`
 * (seconds since 1970; default: when it was) */
static int sink_commit(lua_State *L)
{
    struct state *s = idle_state(L);

    if (!lua_isnoneornil(L, 2))
        ab_sink_set_time(s->sink, ab_bind_time(L, 2));
    return ab_turn_job(L, &s->turn, run_commit);
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
