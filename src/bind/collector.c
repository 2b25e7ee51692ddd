#include "bind/collector.h"

/* A collection begins when the heap is 1.3 times what the last one left, not twice: a backup of
 * 10,000 parameters peaks 1.3 MB lower, for 3 % more CPU at most. A small heap may grow by these
 * KiB in any case: marking one MiB anew at each third of one was a fifth of the time of a small
 * request. More garbage costs more than it saves, where it does not fit into the caches. */
enum { PAUSE_LEAST = 130, PAUSE_MOST = 400, GARBAGE = 1024 };

void ab_bind_pace_collector(lua_State *L)
{
    int heap = lua_gc(L, LUA_GCCOUNT) + 1;
    int pause = 100 + 100 * GARBAGE / heap;

    pause = pause < PAUSE_LEAST ? PAUSE_LEAST : pause > PAUSE_MOST ? PAUSE_MOST : pause;
    lua_gc(L, LUA_GCINC, pause, 0, 0);
}
