/* bind/region.c - regions of files: what core.http sends, and what is hashed, without reading it
 * into memory. A region keeps its file open, though its handle be closed. */
#include "bind/region.h"

#include <stdio.h>

#include "base/alloc.h"
#include "bind/bind.h"
#include "bind/loop.h"

#define CLASS "awsbak.region"

struct digest_job {
    struct ab_region region; /* one reference */
    struct ab_region_digests digests;
    int count;
};

const struct ab_region *ab_bind_region(lua_State *L, int arg)
{
    const struct ab_region *region = luaL_testudata(L, arg, CLASS);

    luaL_argcheck(L, !region || region->file, arg, "the region is closed");
    return region;
}

int ab_bind_region_new(lua_State *L, struct ab_file *file)
{
    struct ab_err err;
    lua_Integer at = luaL_checkinteger(L, 2), size = luaL_checkinteger(L, 3);

    luaL_argcheck(L, at >= 0, 2, "out of range");
    luaL_argcheck(L, size >= 0 && size <= LUA_MAXINTEGER - at, 3, "out of range");
    bool to_write = lua_toboolean(L, 4);
    struct ab_region *region = ab_bind_object(L, sizeof *region, CLASS, 0);
    *region = (struct ab_region){ab_file_ref(file), at, size};
    return to_write || ab_region_check(region, &err) ? 1 : ab_bind_fail(L, &err);
}

static struct ab_region *self_region(lua_State *L)
{
    struct ab_region *region = luaL_checkudata(L, 1, CLASS);

    luaL_argcheck(L, region->file, 1, "the region is closed");
    return region;
}

/* __close and __gc: its file is not needed any more */
static int region_drop(lua_State *L)
{
    struct ab_region *region = luaL_checkudata(L, 1, CLASS);

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

    return ab_region_digest(&job->region, &job->digests, err);
}

static int push_digests(lua_State *L, void *arg)
{
    struct digest_job *job = arg;

    for (int i = 0; i < job->count; i++)
        lua_pushlstring(L, (const char *)job->digests.out[i], job->digests.len[i]);
    return job->count;
}

/* r:digest(name...) -> op of the raw digests of all its bytes, up to four, made in one reading;
 * names are those of core.digest */
static int region_digest(lua_State *L)
{
    const struct ab_region *region = self_region(L);
    int count = lua_gettop(L) - 1;
    struct ab_err err;

    luaL_argcheck(L, count > 0 && count <= AB_REGION_DIGESTS, 2, "one to four names wanted");
    for (int i = 0; i < count; i++) {
        size_t len;
        luaL_checklstring(L, 2 + i, &len);
        luaL_argcheck(L, len > 0 && len < AB_REGION_NAME_MAX, 2 + i, "no such digest");
    }
    struct digest_job *job = ab_calloc(1, sizeof *job);
    if (!job) {
        ab_fail_memory(&err);
        return ab_bind_fail(L, &err);
    }
    job->region = *region;
    ab_file_ref(job->region.file);
    job->count = count;
    for (int i = 0; i < count; i++)
        snprintf(job->digests.names[i], AB_REGION_NAME_MAX, "%s", lua_tostring(L, 2 + i));
    return ab_bind_job(L, run_digest, drop_job, job, push_digests);
}

/* r:sum(name) -> the raw digest of all its bytes, of a file that is held | nil: it must be read, as
 * digest() does | nil, err */
static int region_sum(lua_State *L)
{
    const struct ab_region *region = self_region(L);
    const char *name = luaL_checkstring(L, 2);
    const uint8_t *bytes = ab_region_bytes(region);
    uint8_t out[AB_DIGEST_MAX];
    size_t len;
    struct ab_err err;

    if (!bytes) {
        lua_pushnil(L);
        return 1;
    }
    if (!ab_digest_once(name, (struct ab_slice){bytes, (size_t)region->size}, out, &len, &err))
        return ab_bind_fail(L, &err);
    lua_pushlstring(L, (const char *)out, len);
    return 1;
}

/* r:read() -> bytes | nil, err: all of them, at once; of a region of a file in memory alone */
static int region_read(lua_State *L)
{
    const struct ab_region *region = self_region(L);
    struct ab_err err;
    luaL_Buffer b;

    luaL_argcheck(L, region->file->in_memory, 1, "the file is not one in memory");
    char *out = luaL_buffinitsize(L, &b, (size_t)region->size);
    if (!ab_region_read(region, 0, out, (size_t)region->size, &err))
        return ab_bind_fail(L, &err);
    luaL_pushresultsize(&b, (size_t)region->size);
    return 1;
}

static const luaL_Reg meta[] = {
    {"__gc", region_drop}, {"__close", region_drop}, {"__len", region_size}, {NULL, NULL}};
static const luaL_Reg methods[] = {
    {"digest", region_digest}, {"sum", region_sum}, {"read", region_read}, {NULL, NULL}};

void ab_bind_region_class(lua_State *L)
{
    ab_bind_class(L, CLASS, meta, methods);
}
