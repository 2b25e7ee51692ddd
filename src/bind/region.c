/* bind/region.c - regions of files: what core.http sends, and what is hashed, without reading it
 * into memory. A region keeps its file open, though its handle be closed. */
#include "bind/region.h"

#include <string.h>

#include "base/alloc.h"
#include "bind/bind.h"
#include "bind/loop.h"

#define CLASS "awsbak.region"

enum { NAME_MAX_LEN = 32 };

struct digest_job {
    struct ab_region region; /* one reference */
    char name[NAME_MAX_LEN];
    uint8_t out[AB_DIGEST_MAX];
    size_t len;
};

const struct ab_region *ab_bind_region(lua_State *L, int arg)
{
    return luaL_testudata(L, arg, CLASS);
}

int ab_bind_region_new(lua_State *L, struct ab_file *file)
{
    struct ab_err err;
    lua_Integer at = luaL_checkinteger(L, 2), size = luaL_checkinteger(L, 3);

    luaL_argcheck(L, at >= 0, 2, "out of range");
    luaL_argcheck(L, size >= 0 && size <= LUA_MAXINTEGER - at, 3, "out of range");
    struct ab_region *region = ab_bind_object(L, sizeof *region, CLASS, 0);
    *region = (struct ab_region){ab_file_ref(file), at, size};
    return ab_region_check(region, &err) ? 1 : ab_bind_fail(L, &err);
}

static struct ab_region *self_region(lua_State *L)
{
    return luaL_checkudata(L, 1, CLASS);
}

static int region_drop(lua_State *L)
{
    struct ab_region *region = self_region(L);

    ab_file_unref(region->file);
    region->file = NULL;
    return 0;
}

/* #r -> bytes */
static int region_size(lua_State *L)
{
    lua_pushinteger(L, self_region(L)->size);
    return 1;
}

static void drop_job(void *arg)
{
    struct digest_job *job = arg;

    ab_file_unref(job->region.file);
    ab_free(job);
}

static bool run_digest(void *arg, struct ab_err *err)
{
    struct digest_job *job = arg;

    return ab_region_digest(&job->region, job->name, job->out, &job->len, err);
}

static int push_digest(lua_State *L, void *arg)
{
    struct digest_job *job = arg;

    lua_pushlstring(L, (const char *)job->out, job->len);
    return 1;
}

/* r:digest(name) -> op of the raw digest of all its bytes; names are those of core.digest */
static int region_digest(lua_State *L)
{
    const struct ab_region *region = self_region(L);
    size_t len;
    const char *name = luaL_checklstring(L, 2, &len);
    struct ab_err err;

    luaL_argcheck(L, len < NAME_MAX_LEN, 2, "no such digest");
    struct digest_job *job = ab_calloc(1, sizeof *job);
    if (!job) {
        ab_fail_memory(&err);
        return ab_bind_fail(L, &err);
    }
    job->region = *region;
    ab_file_ref(job->region.file);
    memcpy(job->name, name, len);
    return ab_bind_job(L, run_digest, drop_job, job, push_digest);
}

static const luaL_Reg meta[] = {{"__gc", region_drop}, {"__len", region_size}, {NULL, NULL}};
static const luaL_Reg methods[] = {{"digest", region_digest}, {NULL, NULL}};

void ab_bind_region_class(lua_State *L)
{
    ab_bind_class(L, CLASS, meta, methods);
}
