/* host/embed.h - the Lua files, features and models built into the program (cmake/embed.cmake). */
#ifndef AB_HOST_EMBED_H
#define AB_HOST_EMBED_H

#include <stdbool.h>
#include <stddef.h>

enum { AB_EMBED_SIZE_MAX = 8 * 1024 * 1024 }; /* of a packed file's content */

struct ab_embed_file {
    const char *name; /* as in the source tree: "lua/awsbak/task.lua" */
    const char *data; /* static */
    const char *end;
    bool packed;      /* one zstd frame, see ab_embed_unpack */
    const char *code; /* what Lua compiled it to (lua_dump), or NULL: it is loaded as text */
    const char *code_end;
};

/* Sorted by name, bytewise; one NULL row after the last. */
extern const struct ab_embed_file ab_embed_files[];
extern const size_t ab_embed_count;

/* The file of that name, or NULL. */
const struct ab_embed_file *ab_embed_find(const char *name);

/* How many bytes the file in a packed one has, or 0 when it is none or above AB_EMBED_SIZE_MAX. */
size_t ab_embed_size(const struct ab_embed_file *file);

/* Unpack a packed file into `out` of ab_embed_size() bytes; false when that fails. */
bool ab_embed_unpack(const struct ab_embed_file *file, void *out, size_t len);

#endif
