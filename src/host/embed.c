#include "host/embed.h"

#include <stdlib.h>
#include <string.h>

static int by_name(const void *name, const void *file)
{
    return strcmp(name, ((const struct ab_embed_file *)file)->name);
}

const struct ab_embed_file *ab_embed_find(const char *name)
{
    return bsearch(name, ab_embed_files, ab_embed_count, sizeof ab_embed_files[0], by_name);
}
