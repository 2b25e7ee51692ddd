#include "host/embed.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

static int by_name(const void *name, const void *file)
{
    return strcmp(name, ((const struct ab_embed_file *)file)->name);
}

const struct ab_embed_file *ab_embed_find(const char *name)
{
    return bsearch(name, ab_embed_files, ab_embed_count, sizeof ab_embed_files[0], by_name);
}

static size_t bytes(const struct ab_embed_file *file)
{
    return (size_t)(file->end - file->data);
}

size_t ab_embed_size(const struct ab_embed_file *file)
{
    unsigned long long size = ZSTD_getFrameContentSize(file->data, bytes(file));

    return size <= AB_EMBED_SIZE_MAX ? (size_t)size : 0; /* its errors are the largest numbers */
}

bool ab_embed_unpack(const struct ab_embed_file *file, void *out, size_t len)
{
    return ZSTD_decompress(out, len, file->data, bytes(file)) == len;
}
