#include "bind/turn.h"

#include "base/alloc.h"

/* One job of a turn. A finished job may be freed late, when the next one runs already: only a job
 * that never ran gives the turn back when it is dropped. */
struct job {
    struct ab_turn *turn; /* one reference */
    bool (*run)(struct ab_turn *turn, struct ab_err *err);
    bool ran;
};

void ab_turn_init(struct ab_turn *turn, void (*free)(struct ab_turn *turn))
{
    turn->refs = 1;
    turn->free = free;
    atomic_init(&turn->busy, false);
}

void ab_turn_unref(struct ab_turn *turn)
{
    if (turn && --turn->refs == 0)
        turn->free(turn);
}

struct ab_turn *ab_turn_open(lua_State *L, const char *class, const char *noun)
{
    const struct ab_turn_ref *ref = luaL_checkudata(L, 1, class);

    if (!ref->turn)
        luaL_argerror(L, 1, lua_pushfstring(L, "the %s is closed", noun));
    return ref->turn;
}

struct ab_turn *ab_turn_idle(lua_State *L, const char *class, const char *noun, const char *job)
{
    struct ab_turn *turn = ab_turn_open(L, class, noun);

    if (atomic_load(&turn->busy))
        luaL_argerror(L, 1, lua_pushfstring(L, "a %s is running", job));
    return turn;
}

void ab_turn_close(lua_State *L, const char *class)
{
    struct ab_turn_ref *ref = luaL_checkudata(L, 1, class);
    struct ab_turn *turn = ref->turn;

    ref->turn = NULL;
    ab_turn_unref(turn);
}

static bool run_job(void *arg, struct ab_err *err)
{
    struct job *job = arg;
    bool ok = job->run(job->turn, err);

    job->ran = true;
    atomic_store(&job->turn->busy, false);
    return ok;
}

static void drop_job(void *arg)
{
    struct job *job = arg;

    if (!job->ran)
        atomic_store(&job->turn->busy, false);
    ab_turn_unref(job->turn);
    ab_free(job);
}

static int push_true(lua_State *L, void *arg)
{
    (void)arg;
    lua_pushboolean(L, true);
    return 1;
}

int ab_turn_job(lua_State *L, struct ab_turn *turn,
                bool (*run)(struct ab_turn *turn, struct ab_err *err))
{
    struct job *job = ab_calloc(1, sizeof *job);
    struct ab_err err;

    if (!job) {
        ab_fail_memory(&err);
        return ab_bind_fail(L, &err);
    }
    turn->refs++;
    atomic_store(&turn->busy, true);
    *job = (struct job){.turn = turn, .run = run};
    return ab_bind_job(L, run_job, drop_job, job, push_true);
}
