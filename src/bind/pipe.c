/* bind/pipe.c - file.stdin() and file.stdout(): read and written without holding up the loop.
 *
 * Reading waits on the loop, then takes what is there. Writing is a worker's, and must not wait in
 * a write: a reader which stopped reading would keep a cancelled program alive. To make standard
 * output itself non-blocking would change it for every process that shares it, so a pipe is opened
 * once more; what cannot be is written in pieces that whatever is writable takes whole. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "bind/bind.h"
#include "bind/file.h"
#include "bind/turn.h"

#define CLASS "awsbak.pipe"

enum {
    READ_MAX = 1024 * 1024,
    WRITE_ATOMIC = 4096,     /* PIPE_BUF: taken whole by what is writable */
    WRITE_MAX = 1024 * 1024, /* by what does not wait for a reader */
    PIPE_SIZE = 256 * 1024,  /* one chunk of a stream, where a pipe has 64 KiB */
    LOOK_UP_MS = 100,
};

struct state {
    struct ab_turn turn;
    int fd;            /* borrowed: the process's */
    int own;           /* owned; the same pipe, non-blocking, or -1 */
    size_t write_step; /* bytes written at once at most */
    atomic_bool closed;
    struct ab_buf data; /* owned; what the job writes */
};

struct lua_pipe {
    struct ab_turn_ref ref;
    size_t wanted; /* bytes the running read asks for */
};                 /* its user value: the operation of the last read */

static void free_state(struct ab_turn *turn)
{
    struct state *s = (struct state *)turn;

    ab_buf_drop(&s->data);
    if (s->own >= 0)
        close(s->own);
    ab_free(s);
}

/* Find out how much may be written at once. */
static void set_writing(struct state *s)
{
    struct stat st;

    s->write_step = WRITE_ATOMIC;
    if (fstat(s->fd, &st) != 0)
        return;
    if (S_ISFIFO(st.st_mode)) /* another user's, or without /proc, it cannot be opened */
        s->own = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (s->own >= 0)
        fcntl(s->own, F_SETPIPE_SZ, PIPE_SIZE); /* refused: then there are more turns */
    if (S_ISREG(st.st_mode) || s->own >= 0)
        s->write_step = WRITE_MAX;
}

static int open_pipe(lua_State *L, int fd)
{
    /* The loop waits for its jobs at the end of the state, and finalizers run newest first: so the
     * pipe, whose end stops a job that waits, must be newer than the loop. */
    ab_bind_loop(L);
    struct lua_pipe *self = ab_bind_object(L, sizeof *self, CLASS, 1);
    struct state *s = ab_calloc(1, sizeof *s);
    struct ab_err err;

    if (!s) {
        ab_fail_memory(&err);
        return ab_bind_fail(L, &err);
    }
    ab_turn_init(&s->turn, free_state);
    atomic_init(&s->closed, false);
    ab_buf_init(&s->data,
                SIZE_MAX / 2); /* a script's string: its size is bounded by Lua's memory */
    s->fd = fd;
    s->own = -1;
    if (fd == STDOUT_FILENO)
        set_writing(s);
    self->ref.turn = &s->turn;
    return 1;
}

/* file.stdin() -> pipe to read */
int ab_file_stdin(lua_State *L)
{
    return open_pipe(L, STDIN_FILENO);
}

/* file.stdout() -> pipe to write */
int ab_file_stdout(lua_State *L)
{
    return open_pipe(L, STDOUT_FILENO);
}

static struct state *idle_state(lua_State *L)
{
    return (struct state *)ab_turn_idle(L, CLASS, "pipe", "write");
}

/* The descriptor is readable: take what is there. */
static int push_read(lua_State *L, void *arg)
{
    const struct lua_pipe *self = arg;
    const struct state *s = (struct state *)self->ref.turn;
    struct ab_err err;
    luaL_Buffer b;
    ssize_t n;

    if (!s) {
        ab_fail(&err, AB_CANCELLED, "cancelled", "the pipe was closed");
        return ab_bind_fail(L, &err);
    }
    char *out = luaL_buffinitsize(L, &b, self->wanted);
    do
        n = read(s->fd, out, self->wanted);
    while (n < 0 && errno == EINTR);
    if (n < 0) {
        ab_fail_errno(&err, errno, "cannot read standard input");
        return ab_bind_fail(L, &err);
    }
    if (n == 0) {
        lua_pushnil(L);
        return 1;
    }
    luaL_pushresultsize(&b, (size_t)n);
    return 1;
}

/* Whether the operation of the pipe's last read is neither over nor closed. */
static bool is_reading(lua_State *L)
{
    lua_getiuservalue(L, 1, 1);
    const struct ab_bind_op *last = lua_touserdata(L, -1);
    bool reading = last && last->op;
    lua_pop(L, 1);
    return reading;
}

/* p:read(count) -> op of 1 to `count` bytes, or of nil at the end. One read at a time. */
static int pipe_read(lua_State *L)
{
    struct lua_pipe *self = luaL_checkudata(L, 1, CLASS);
    struct state *s = idle_state(L);
    lua_Integer count = luaL_checkinteger(L, 2);
    struct ab_err err;

    luaL_argcheck(L, count > 0, 2, "out of range");
    luaL_argcheck(L, !is_reading(L), 1, "a read is running");
    self->wanted = count < READ_MAX ? (size_t)count : READ_MAX;
    struct ab_bind_op *op = ab_bind_op_new(L, push_read);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1); /* the op keeps the pipe */
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, 1);
    struct ab_op *ready = ab_loop_ready(ab_bind_loop(L), s->fd, false, &err);
    return ab_bind_op_start(L, op, ready, self, &err);
}

/* Wait until the descriptor takes bytes; a regular file always does. */
static bool wait_writable(struct state *s, int fd, struct ab_err *err)
{
    struct pollfd p = {fd, POLLOUT, 0};

    for (;;) {
        if (atomic_load(&s->closed))
            return ab_fail(err, AB_CANCELLED, "cancelled",
                           "writing to standard output was cancelled");
        int ready = poll(&p, 1, LOOK_UP_MS);
        if (ready > 0)
            return true;
        if (ready < 0 && errno != EINTR)
            return ab_fail_errno(err, errno, "cannot write standard output");
    }
}

static bool run_write(struct ab_turn *turn, struct ab_err *err)
{
    struct state *s = (struct state *)turn;
    int fd = s->own >= 0 ? s->own : s->fd;

    for (size_t done = 0; done < s->data.len;) {
        size_t left = s->data.len - done;
        if (!wait_writable(s, fd, err))
            return false;
        ssize_t n = write(fd, s->data.data + done, left < s->write_step ? left : s->write_step);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return ab_fail_errno(err, errno, "cannot write standard output");
        if (n > 0)
            done += (size_t)n;
    }
    return true;
}

/* p:write(bytes) -> op of true; code EPIPE when nobody reads any more. One write at a time. */
static int pipe_write(lua_State *L)
{
    struct state *s = idle_state(L);
    struct ab_slice data = ab_bind_bytes(L, 2);
    struct ab_err err;

    s->data.len = 0;
    if (!ab_buf_add(&s->data, data.data, data.len, &err))
        return ab_bind_fail(L, &err);
    return ab_turn_job(L, &s->turn, run_write);
}

/* p:close(), __close and __gc: stops a write that waits; the descriptor stays open */
static int pipe_close(lua_State *L)
{
    const struct lua_pipe *self = luaL_checkudata(L, 1, CLASS);
    struct state *s = (struct state *)self->ref.turn;

    if (s)
        atomic_store(&s->closed, true);
    ab_turn_close(L, CLASS);
    return 0;
}

static const luaL_Reg meta[] = {
    {"__gc", pipe_close},
    {"__close", pipe_close},
    {NULL, NULL},
};

static const luaL_Reg methods[] = {
    {"read", pipe_read},
    {"write", pipe_write},
    {"close", pipe_close},
    {NULL, NULL},
};

void ab_bind_pipe_class(lua_State *L)
{
    ab_bind_class(L, CLASS, meta, methods);
}
