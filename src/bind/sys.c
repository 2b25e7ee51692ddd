/* bind/sys.c - small facts of the outside: environment, clocks, ids, random bytes, memory. */
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "bind/bind.h"
#include "bind/modules.h"
#include "bind/terminal.h"
#include "crypto/random.h"

enum { RANDOM_MAX = 65536, PATH_BYTES_MAX = 4096, HOST_BYTES_MAX = 256, PASSWD_BYTES_MAX = 16384 };

extern char **environ;

static lua_Number seconds_of(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (lua_Number)t.tv_sec + (lua_Number)t.tv_nsec / 1e9;
}

static int fail_errno(lua_State *L, const char *what)
{
    struct ab_err err;

    ab_fail_errno(&err, errno, "%s", what);
    return ab_bind_fail(L, &err);
}

/* sys.now() -> epoch seconds with fraction */
static int sys_now(lua_State *L)
{
    lua_pushnumber(L, seconds_of(CLOCK_REALTIME));
    return 1;
}

/* sys.monotonic() -> seconds of a clock that never goes back */
static int sys_monotonic(lua_State *L)
{
    lua_pushnumber(L, seconds_of(CLOCK_MONOTONIC));
    return 1;
}

/* sys.getenv(name) -> value, or nil when unset or empty */
static int sys_getenv(lua_State *L)
{
    const char *value = getenv(luaL_checkstring(L, 1));

    if (value && *value)
        lua_pushstring(L, value);
    else
        lua_pushnil(L);
    return 1;
}

/* sys.environ() -> { NAME = value }, empty values included */
static int sys_environ(lua_State *L)
{
    lua_newtable(L);
    for (char **entry = environ; *entry; entry++) {
        const char *equals = strchr(*entry, '=');
        if (!equals)
            continue;
        lua_pushlstring(L, *entry, (size_t)(equals - *entry));
        lua_pushstring(L, equals + 1);
        lua_rawset(L, -3);
    }
    return 1;
}

/* sys.setenv(name, value|nil): for this process and those it starts; nil unsets */
static int sys_setenv(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    const char *value = luaL_optstring(L, 2, NULL);

    if ((value ? setenv(name, value, 1) : unsetenv(name)) != 0)
        return luaL_error(L, "setenv: %s", strerror(errno));
    return 0;
}

/* sys.random(n) -> n bytes of the kernel's generator (n <= 65536) */
static int sys_random(lua_State *L)
{
    lua_Integer n = luaL_checkinteger(L, 1);
    struct ab_err err;
    luaL_Buffer b;

    luaL_argcheck(L, n >= 0 && n <= RANDOM_MAX, 1, "out of range");
    char *data = luaL_buffinitsize(L, &b, (size_t)n);
    if (!ab_random(data, (size_t)n, &err))
        return luaL_error(L, "%s", err.message);
    luaL_pushresultsize(&b, (size_t)n);
    return 1;
}

/* sys.pid() -> process id */
static int sys_pid(lua_State *L)
{
    lua_pushinteger(L, getpid());
    return 1;
}

/* sys.uid() -> effective user id */
static int sys_uid(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)geteuid());
    return 1;
}

/* sys.hostname() -> name | nil, err */
static int sys_hostname(lua_State *L)
{
    char name[HOST_BYTES_MAX];

    if (gethostname(name, sizeof name) != 0)
        return fail_errno(L, "gethostname");
    name[sizeof name - 1] = '\0';
    lua_pushstring(L, name);
    return 1;
}

/* sys.home() -> $HOME, else the user database's home folder, else nil */
static int sys_home(lua_State *L)
{
    const char *home = getenv("HOME");
    struct passwd entry, *found = NULL;
    char bytes[PASSWD_BYTES_MAX];

    if (home && *home)
        lua_pushstring(L, home);
    else if (getpwuid_r(geteuid(), &entry, bytes, sizeof bytes, &found) == 0 && found)
        lua_pushstring(L, found->pw_dir);
    else
        lua_pushnil(L);
    return 1;
}

/* sys.exe() -> path of the running program | nil, err */
static int sys_exe(lua_State *L)
{
    char path[PATH_BYTES_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path);

    if (n < 0)
        return fail_errno(L, "/proc/self/exe");
    lua_pushlstring(L, path, (size_t)n);
    return 1;
}

/* sys.cwd() -> path | nil, err */
static int sys_cwd(lua_State *L)
{
    char path[PATH_BYTES_MAX];

    if (!getcwd(path, sizeof path))
        return fail_errno(L, "getcwd");
    lua_pushstring(L, path);
    return 1;
}

/* sys.alloc_count() -> number of memory requests so far; 0 unless built with AB_FAULTS */
static int sys_alloc_count(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)ab_alloc_count());
    return 1;
}

/* sys.alloc_fail(n, forever): refuse the n-th memory request from now on, or with `forever` that
 * one and all that follow; 0 refuses none. Nothing without AB_FAULTS. */
static int sys_alloc_fail(lua_State *L)
{
    lua_Integer n = luaL_checkinteger(L, 1);

    luaL_argcheck(L, n >= 0, 1, "a count");
    ab_alloc_fail_at(n > 0 ? ab_alloc_count() + (uint64_t)n : 0, lua_toboolean(L, 2));
    return 0;
}

/* sys.peak_rss() -> bytes of the largest resident set so far */
static int sys_peak_rss(lua_State *L)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    lua_pushinteger(L, (lua_Integer)usage.ru_maxrss * 1024);
    return 1;
}

static const luaL_Reg functions[] = {
    {"now", sys_now},
    {"monotonic", sys_monotonic},
    {"getenv", sys_getenv},
    {"environ", sys_environ},
    {"random", sys_random},
    {"pid", sys_pid},
    {"uid", sys_uid},
    {"hostname", sys_hostname},
    {"home", sys_home},
    {"exe", sys_exe},
    {"cwd", sys_cwd},
    {"alloc_count", sys_alloc_count},
    {"alloc_fail", sys_alloc_fail},
    {"peak_rss", sys_peak_rss},
    {"setenv", sys_setenv},
    {NULL, NULL},
};

int luaopen_awsbak_core_sys(lua_State *L)
{
    luaL_newlib(L, functions);
    ab_bind_terminal(L);
    lua_pushliteral(L, AB_VERSION);
    lua_setfield(L, -2, "version");
    return 1;
}
