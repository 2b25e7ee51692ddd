/* tools/pack.c - at build time: a file as one zstd frame that names its size, for
 * cmake/embed.cmake.
 *
 * usage: pack IN OUT */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <zstd.h>

enum { LEVEL = 19 };

/* All bytes of the file at `path`, malloc'ed; NULL when it cannot be read. */
static void *read_whole(const char *path, size_t *len)
{
    struct stat facts;
    FILE *file = fopen(path, "rb");
    void *data = NULL;

    if (file && fstat(fileno(file), &facts) == 0) {
        *len = (size_t)facts.st_size;
        data = malloc(*len + 1);
        if (data && fread(data, 1, *len, file) != *len) {
            free(data);
            data = NULL;
        }
    }
    if (file)
        fclose(file);
    return data;
}

static bool write_whole(const char *path, const void *data, size_t len)
{
    FILE *file = fopen(path, "wb");
    bool good = file && fwrite(data, 1, len, file) == len;

    return file && fclose(file) == 0 && good;
}

int main(int argc, char **argv)
{
    size_t len = 0;
    void *in = argc == 3 ? read_whole(argv[1], &len) : NULL;
    size_t room = ZSTD_compressBound(len);
    void *out = in ? malloc(room) : NULL;
    size_t packed = out ? ZSTD_compress(out, room, in, len, LEVEL) : 0;
    bool good = out && !ZSTD_isError(packed) && write_whole(argv[2], out, packed);

    if (!good)
        fprintf(stderr, "pack: cannot pack %s\n", argc > 1 ? argv[1] : "nothing: IN OUT");
    free(in);
    free(out);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
