/* bind/collector.h - how much garbage Lua may make before it is collected. */
#ifndef AB_BIND_COLLECTOR_H
#define AB_BIND_COLLECTOR_H

#include "bind/bind.h"

/* Set the pause of the collector by the size of the heap now. Cheap enough for each turn of the
 * loop. */
void ab_bind_pace_collector(lua_State *L);

#endif
