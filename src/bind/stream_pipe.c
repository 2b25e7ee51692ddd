/* bind/stream_pipe.c - stream.pipe: a source, stages and a sink, worked by the loop's threads.
 *
 * Any number of runs may be under way: each is a job that works for a while and says what is next.
 * A job holds a reference, so a pipe that is closed meanwhile goes when its last job has ended. */
#include "stream/pipe.h"

#include <unistd.h>

#include "base/alloc.h"
#include "bind/stream.h"
#include "bind/stream_pipe.h"
#include "bind/turn.h"
#include "crypto/digest.h"
#include "stream/file.h"

struct state {
    struct ab_turn turn;  /* for its references; jobs run side by side */
    struct ab_pipe *pipe; /* owned */
    bool started;
};

static void free_state(struct ab_turn *turn)
{
    ab_pipe_free(((struct state *)turn)->pipe);
    ab_free(turn);
}

static struct state *new_state(struct ab_err *err)
{
    struct state *s = ab_calloc(1, sizeof *s);

    if (!s) {
        ab_fail_memory(err);
        return NULL;
    }
    ab_turn_init(&s->turn, free_state);
    s->pipe = ab_pipe_new(err);
    if (s->pipe)
        return s;
    ab_turn_unref(&s->turn);
    return NULL;
}

/* stream.pipe() -> pipe | nil, err. Without more it is fed and taken from by the script. */
int ab_stream_pipe(lua_State *L)
{
    struct ab_err err;

    /* Finalizers run newest first: the pipe, whose end stops its jobs, must be newer than the loop,
     * whose end waits for them. */
    ab_bind_loop(L);
    struct ab_turn_ref *self = ab_bind_object(L, sizeof *self, AB_STREAM_PIPE, 0);
    struct state *s = new_state(&err);
    if (!s)
        return ab_bind_fail(L, &err);
    self->turn = &s->turn;
    return 1;
}

static struct state *open_state(lua_State *L)
{
    return (struct state *)ab_turn_open(L, AB_STREAM_PIPE, "pipe");
}

struct ab_pipe *ab_bind_pipe_unstarted(lua_State *L)
{
    struct state *s = open_state(L);

    luaL_argcheck(L, !s->started, 1, "the pipe is started");
    return s->pipe;
}

static struct ab_pipe *started(lua_State *L)
{
    struct state *s = open_state(L);

    luaL_argcheck(L, s->started, 1, "the pipe is not started");
    return s->pipe;
}

/* p:start() -> true | nil, err (kind memory): takes the memory for all chunks */
static int pipe_start(lua_State *L)
{
    struct ab_pipe *pipe = ab_bind_pipe_unstarted(L);
    struct ab_err err;

    open_state(L)->started = true;
    if (!ab_pipe_start(pipe, &err))
        return ab_bind_fail(L, &err);
    lua_pushboolean(L, true);
    return 1;
}

struct job {
    struct state *state; /* one reference */
    bool (*run)(struct ab_pipe *pipe, struct ab_err *err);
};

static bool run_job(void *arg, struct ab_err *err)
{
    struct job *job = arg;

    return job->run(job->state->pipe, err);
}

static void drop_job(void *arg)
{
    ab_turn_unref(&((struct job *)arg)->state->turn);
    ab_free(arg);
}

static int push_state(lua_State *L, void *arg)
{
    static const char *const names[] = {"busy", "hungry", "full", "locked", "done"};

    lua_pushstring(L, names[ab_pipe_state(((struct job *)arg)->state->pipe)]);
    return 1;
}

static int start_job(lua_State *L, bool (*run)(struct ab_pipe *pipe, struct ab_err *err))
{
    struct state *s = open_state(L);
    struct job *job = ab_calloc(1, sizeof *job);
    struct ab_err err;

    if (!job) {
        ab_fail_memory(&err);
        return ab_bind_fail(L, &err);
    }
    s->turn.refs++;
    *job = (struct job){s, run};
    return ab_bind_job(L, run_job, drop_job, job, push_state);
}

/* p:run([serves]) -> op of "busy" (run it again), "hungry" (feed it first), "full" (take first),
 * "locked" (unlock it first) or "done". Several may run at once, of which p:width() are of use; the
 * one that `serves` ends, too, when it could be fed what it was not, or what there was nothing of
 * could be taken. Fails as the part does that failed first. */
static int pipe_run(lua_State *L)
{
    started(L);
    return start_job(L, lua_toboolean(L, 2) ? ab_pipe_run_serving : ab_pipe_run);
}

/* p:commit() -> op of "done": the sink, a file, is on disk under its name */
static int pipe_commit(lua_State *L)
{
    struct ab_pipe *pipe = started(L);

    luaL_argcheck(L, ab_pipe_state(pipe) == AB_PIPE_DONE, 1, "the pipe is not done");
    return start_job(L, ab_pipe_commit);
}

/* p:width() -> how many runs at once are of use on this machine, at least 1 */
static int pipe_width(lua_State *L)
{
    lua_Integer width = (lua_Integer)ab_pipe_width(started(L));
    lua_Integer cores = (lua_Integer)sysconf(_SC_NPROCESSORS_ONLN);

    if (width > cores)
        width = cores;
    lua_pushinteger(L, width > 0 ? width : 1);
    return 1;
}

/* p:feed(bytes[, first = 1]) -> how many of the bytes from `first` on there was room for */
static int pipe_feed(lua_State *L)
{
    struct ab_pipe *pipe = started(L);
    struct ab_slice bytes = ab_bind_bytes(L, 2);
    lua_Integer first = luaL_optinteger(L, 3, 1);

    luaL_argcheck(L, first >= 1 && (size_t)first <= bytes.len + 1, 3, "out of range");
    if (bytes.len > 0) {
        bytes.data += first - 1;
        bytes.len -= (size_t)first - 1;
    }
    lua_pushinteger(L, (lua_Integer)ab_pipe_feed(pipe, bytes));
    return 1;
}

/* p:feed_end(): nothing more comes */
static int pipe_feed_end(lua_State *L)
{
    ab_pipe_feed_end(started(L));
    return 0;
}

/* p:take() -> all bytes that are whole chunks, or the last; nil when there are none */
static int pipe_take(lua_State *L)
{
    struct ab_pipe *pipe = started(L);
    struct ab_slice next = ab_pipe_peek(pipe);
    luaL_Buffer b;

    if (next.len == 0)
        return 0;
    luaL_buffinit(L, &b);
    for (; next.len > 0; next = ab_pipe_peek(pipe)) {
        luaL_addlstring(&b, (const char *)next.data, next.len);
        ab_pipe_drop(pipe, next.len);
    }
    luaL_pushresult(&b);
    return 1;
}

/* p:room(file, offset, size): bytes are put there, instead of being taken; before the start, and
 * when the room before is used up. The file is one of file.memory. */
static int pipe_room(lua_State *L)
{
    struct ab_pipe *pipe = open_state(L)->pipe;
    struct ab_file *file = ab_bind_file(L, 2);
    lua_Integer offset = luaL_checkinteger(L, 3), size = luaL_checkinteger(L, 4);

    luaL_argcheck(L, file->in_memory, 2, "the file is not one in memory");
    luaL_argcheck(L, offset >= 0, 3, "out of range");
    luaL_argcheck(L, size > 0 && size <= LUA_MAXINTEGER - offset, 4, "out of range");
    luaL_argcheck(L, ab_pipe_is_roomless(pipe), 1, "the pipe has room");
    ab_pipe_set_room(pipe, file, offset, (size_t)size);
    return 0;
}

/* p:filled() -> bytes put into the room since this was asked last, whether it is used up */
static int pipe_filled(lua_State *L)
{
    bool used_up;

    lua_pushinteger(L, (lua_Integer)ab_pipe_filled(started(L), &used_up));
    lua_pushboolean(L, used_up);
    return 2;
}

/* p:failed() -> the part that failed first, 0 the source, then the stages, then the sink; or nil */
static int pipe_failed(lua_State *L)
{
    int part = ab_pipe_failed(open_state(L)->pipe);

    if (part < 0)
        return 0;
    lua_pushinteger(L, part);
    return 1;
}

/* p:locked() -> the stage that is locked, the header of its age file, and why nothing opened it:
 * { kind, code, message } | nothing */
static int pipe_locked(lua_State *L)
{
    struct ab_slice header;
    struct ab_err why;
    size_t part = ab_pipe_locked(started(L), &header, &why);

    if (part == 0)
        return 0;
    lua_pushinteger(L, (lua_Integer)part);
    lua_pushlstring(L, (const char *)header.data, header.len);
    ab_bind_fail(L, &why); /* part header nil why */
    lua_remove(L, -2);
    return 3;
}

/* p:unlock(file_key) -> true | nil, err: a secret of 16 bytes, for the file of p:locked() */
static int pipe_unlock(lua_State *L)
{
    struct ab_pipe *pipe = started(L);
    struct ab_err err;

    if (!ab_pipe_unlock(pipe, ab_bind_secret_bytes(L, 2), &err))
        return ab_bind_fail(L, &err);
    lua_pushboolean(L, true);
    return 1;
}

/* p:count() -> bytes out of the source, bytes into the sink */
static int pipe_count(lua_State *L)
{
    uint64_t in, out;

    ab_pipe_count(open_state(L)->pipe, &in, &out);
    lua_pushinteger(L, (lua_Integer)in);
    lua_pushinteger(L, (lua_Integer)out);
    return 2;
}

/* p:digest_of(part) -> the raw digest of all bytes, when the pipe is done | nil, err */
static int pipe_digest_of(lua_State *L)
{
    struct ab_pipe *pipe = started(L);
    lua_Integer part = luaL_checkinteger(L, 2);
    uint8_t out[AB_DIGEST_MAX];
    struct ab_err err;
    size_t len;

    luaL_argcheck(L, part > 0 && part <= AB_PIPE_FLOWS_MAX, 2, "out of range");
    if (!ab_pipe_digest(pipe, (size_t)part, out, &len, &err))
        return ab_bind_fail(L, &err);
    lua_pushlstring(L, (const char *)out, len);
    return 1;
}

/* p:close(), __close and __gc: runs end at the next chunk; what was not committed is gone */
static int pipe_close(lua_State *L)
{
    const struct ab_turn_ref *ref = luaL_checkudata(L, 1, AB_STREAM_PIPE);

    if (ref->turn)
        ab_pipe_stop(((struct state *)ref->turn)->pipe);
    ab_turn_close(L, AB_STREAM_PIPE);
    return 0;
}

static const luaL_Reg meta[] = {
    {"__gc", pipe_close},
    {"__close", pipe_close},
    {NULL, NULL},
};

static const luaL_Reg methods[] = {
    {"start", pipe_start},
    {"run", pipe_run},
    {"commit", pipe_commit},
    {"width", pipe_width},
    {"feed", pipe_feed},
    {"take", pipe_take},
    {"room", pipe_room},
    {"filled", pipe_filled},
    {"failed", pipe_failed},
    {"locked", pipe_locked},
    {"unlock", pipe_unlock},
    {"feed_end", pipe_feed_end},
    {"count", pipe_count},
    {"close", pipe_close},
    {"file", ab_stream_file},
    {"sink", ab_stream_sink},
    {"zstd", ab_stream_zstd},
    {"unzstd", ab_stream_unzstd},
    {"gzip", ab_stream_gzip},
    {"gunzip", ab_stream_gunzip},
    {"seal", ab_stream_seal},
    {"open", ab_stream_open},
    {"digest", ab_stream_digest},
    {"digest_of", pipe_digest_of},
    {NULL, NULL},
};

void ab_bind_stream_pipe(lua_State *L)
{
    ab_bind_class(L, AB_STREAM_PIPE, meta, methods);
}
