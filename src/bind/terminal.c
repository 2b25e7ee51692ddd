/* bind/terminal.c - what is known and asked of a terminal; awsbak.core.sys takes these in. */
#include "bind/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/alloc.h"

/* A terminal keeps 4095 bytes of a line and forgets the rest: an answer that fills it may be cut.
 */
enum { PASSWORD_MAX = 4094 };

static bool write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0) {
            data += n;
            len -= (size_t)n;
        }
    }
    return true;
}

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

/* sys.write(fd, bytes) -> true | nil, err; all bytes, past buffers */
static int sys_write(lua_State *L)
{
    int fd = (int)luaL_checkinteger(L, 1);
    struct ab_slice bytes = ab_bind_bytes(L, 2);
    struct ab_err err;

    if (!write_all(fd, (const char *)bytes.data, bytes.len)) {
        ab_fail_errno(&err, errno, "cannot write");
        return ab_bind_fail(L, &err);
    }
    lua_pushboolean(L, 1);
    return 1;
}

/* One line of at most `size` bytes without its newline; false on end of input (errno 0), error, a
 * signal, or a longer one (E2BIG). */
static bool read_line(int fd, char *line, size_t size, size_t *len)
{
    *len = 0;
    for (;;) {
        char c;
        ssize_t n = read(fd, &c, 1);
        if (n == 0)
            errno = 0;
        if (n <= 0)
            return false;
        if (c == '\n') {
            errno = E2BIG;
            return *len <= size;
        }
        if (*len < size)
            line[*len] = c;
        ++*len;
    }
}

/* Ask on the terminal `fd` with its echo off. */
static bool ask(int fd, const char *prompt, char *line, size_t *len)
{
    struct termios loud, quiet;

    if (tcgetattr(fd, &loud) != 0)
        return false;
    quiet = loud;
    quiet.c_lflag &= (tcflag_t) ~(ECHO | ECHONL);
    if (tcsetattr(fd, TCSAFLUSH, &quiet) != 0)
        return false;
    /* Only now: what is typed at the sight of the prompt must not be echoed. */
    bool got = write_all(fd, prompt, strlen(prompt)) && read_line(fd, line, PASSWORD_MAX, len);
    int reason = errno;
    tcsetattr(fd, TCSAFLUSH, &loud);
    write_all(fd, "\n", 1);
    errno = reason;
    return got;
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
    bool got = ask(fd, prompt, line, &len);
    int reason = errno;
    close(fd);
    if (got)
        ab_bind_push_secret(L, line, len);
    ab_wipe(line, sizeof line);
    if (got)
        return 1;
    if (reason == E2BIG)
        ab_fail(&err, AB_USAGE, "too_long", "the answer has more than %d bytes", PASSWORD_MAX);
    else if (reason == EINTR || reason == 0)
        ab_fail(&err, AB_CANCELLED, "no_answer", "no answer was given");
    else
        ab_fail_errno(&err, reason, "cannot read from the terminal");
    return ab_bind_fail(L, &err);
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
