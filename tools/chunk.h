/* tools/chunk.h - Lua's code in bytes, as lua_dump gives it. */
#ifndef AB_TOOLS_CHUNK_H
#define AB_TOOLS_CHUNK_H

#include <stdbool.h>
#include <stddef.h>

/* Take the names of local variables out of a chunk of Lua 5.4, in place: a third of what is read
 * when it is loaded, for a word in the message of a bug. Lines and the names of upvalues (by which
 * Lua tells globals) stay. `*len` bytes before and after; false when it is no such chunk, and is
 * then damaged. The format is ldump.c's of Lua 5.4, which no manual describes. */
bool ab_chunk_trim(char *chunk, size_t *len);

#endif
