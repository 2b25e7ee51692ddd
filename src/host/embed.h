/* host/embed.h - the Lua files, features and models built into the program (cmake/embed.cmake). */
#ifndef AB_HOST_EMBED_H
#define AB_HOST_EMBED_H

#include <stddef.h>

struct ab_embed_file {
    const char *name; /* as in the source tree: "lua/awsbak/task.lua" */
    const char *data; /* static */
    const char *end;
};

/* Sorted by name, bytewise; one NULL row after the last. */
extern const struct ab_embed_file ab_embed_files[];
extern const size_t ab_embed_count;

/* The file of that name, or NULL. */
const struct ab_embed_file *ab_embed_find(const char *name);

#endif
