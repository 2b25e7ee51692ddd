/* bind/terminal.c - what is known and asked of a terminal; awsbak.core.sys takes these in. */
#include "bind/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/alloc.h"
#include "bind/bind.h"
#include "stream/file.h"

/* A terminal keeps 4095 bytes of a line and forgets the rest: an answer that fills it may be cut.
 */
enum { PASSWORD_MAX = 4094 };

/* sys.isatty(fd) -> boolean */
static int sys_isatty(lua_State *L)
{
    lua_pushboolean(L, isatty((int)luaL_checkinteger(L, 1)));
    return 1;
}

/* sys.columns(fd) -> width of the terminal at fd, or nil when it is none */
static int sys_columns(lua_State *L)
{
    struct winsize size;

    if (ioctl((int)luaL_checkinteger(L, 1), TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        lua_pushnil(L);
    else
        lua_pushinteger(L, size.ws_col);
    return 1;
}

/* What a message calls it. */
static const char *name_of(int fd)
{
    return fd == STDOUT_FILENO   ? "to standard output"
           : fd == STDERR_FILENO ? "to standard error"
                                 : "to a descriptor";
}

/* sys.write(fd, bytes) -> true | nil, err; all bytes, past buffers */
static int sys_write(lua_State *L)
{
    int fd = (int)luaL_checkinteger(L, 1);
    struct ab_slice bytes = ab_bind_bytes(L, 2);
    struct ab_err err;

    if (!ab_fd_write(fd, bytes.data, bytes.len, name_of(fd), &err))
        return ab_bind_fail(L, &err);
    lua_pushboolean(L, 1);
    return 1;
}

/* One line of at most PASSWORD_MAX bytes, without its newline. */
static bool read_line(int fd, char *line, size_t *len, struct ab_err *err)
{
    *len = 0;
    for (;;) {
        char c;
        ssize_t n = read(fd, &c, 1);
        if (n == 0 || (n < 0 && errno == EINTR))
            return ab_fail(err, AB_CANCELLED, "no_answer", "no answer was given");
        if (n < 0)
            return ab_fail_errno(err, errno, "cannot read from the terminal");
        if (c == '\n')
            return true;
        if (*len == PASSWORD_MAX)
            return ab_fail(err, AB_USAGE, "too_long", "the answer has more than %d bytes",
                           PASSWORD_MAX);
        line[(*len)++] = c;
    }
}

/* Ask on the terminal `fd` with its echo off. */
static bool ask(int fd, const char *prompt, char *line, size_t *len, struct ab_err *err)
{
    static const char name[] = "to the terminal";
    struct termios loud, quiet;
    struct ab_err unseen; /* the first failure is the one to tell */

    if (tcgetattr(fd, &loud) != 0)
        return ab_fail_errno(err, errno, "cannot ask on the terminal");
    quiet = loud;
    quiet.c_lflag &= (tcflag_t) ~(ECHO | ECHONL);
    if (tcsetattr(fd, TCSAFLUSH, &quiet) != 0)
        return ab_fail_errno(err, errno, "cannot ask without showing what is typed");
    /* Only now: what is typed at the sight of the prompt must not be echoed. */
    bool got = ab_fd_write(fd, prompt, strlen(prompt), name, err) && read_line(fd, line, len, err);
    tcsetattr(fd, TCSAFLUSH, &loud); /* what was typed beyond an answer that is too long is gone */
    bool ended = ab_fd_write(fd, "\n", 1, name, got ? err : &unseen);
    return got && ended;
}

/* sys.read_password(prompt) -> secret | nil, err; asked on /dev/tty, not echoed */
static int sys_read_password(lua_State *L)
{
    const char *prompt = luaL_checkstring(L, 1);
    char line[PASSWORD_MAX];
    size_t len = 0;
    struct ab_err err;
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

    if (fd < 0) {
        ab_fail(&err, AB_USAGE, "no_terminal", "cannot ask: there is no terminal");
        return ab_bind_fail(L, &err);
    }
    bool got = ask(fd, prompt, line, &len, &err);
    close(fd);
    if (got)
        ab_bind_push_secret(L, line, len);
    ab_wipe(line, sizeof line);
    return got ? 1 : ab_bind_fail(L, &err);
}

static const luaL_Reg functions[] = {
    {"isatty", sys_isatty}, {"columns", sys_columns},
    {"write", sys_write},   {"read_password", sys_read_password},
    {NULL, NULL},
};

void ab_bind_terminal(lua_State *L)
{
    luaL_setfuncs(L, functions, 0);
}
