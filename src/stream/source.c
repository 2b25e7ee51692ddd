#include "stream/source.h"

#include <string.h>

#include "base/alloc.h"
#include "stream/file.h"

void ab_source_init(struct ab_source *s, const struct ab_source_ops *ops, struct ab_source *from)
{
    s->ops = ops;
    s->from = from;
    ab_buf_init(&s->ahead, AB_AGE_HEADER_MAX);
}

bool ab_source_read(struct ab_source *s, uint8_t *out, size_t len, size_t *got, struct ab_err *err)
{
    if (s->ahead.len == 0)
        return s->ops->read(s, out, len, got, err);
    *got = len < s->ahead.len ? len : s->ahead.len;
    memcpy(out, s->ahead.data, *got);
    ab_buf_shift(&s->ahead, *got);
    return true;
}

bool ab_source_fill(struct ab_source *s, uint8_t *out, size_t len, size_t *got, struct ab_err *err)
{
    size_t n = 1;

    for (*got = 0; *got < len && n > 0; *got += n)
        if (!ab_source_read(s, out + *got, len - *got, &n, err))
            return false;
    return true;
}

bool ab_source_peek(struct ab_source *s, size_t len, struct ab_slice *ahead, struct ab_err *err)
{
    size_t n = 1;

    if (len > s->ahead.len && !ab_buf_reserve(&s->ahead, len - s->ahead.len, err))
        return false;
    while (s->ahead.len < len && n > 0) {
        if (!s->ops->read(s, s->ahead.data + s->ahead.len, len - s->ahead.len, &n, err))
            return false;
        s->ahead.len += n;
    }
    *ahead = (struct ab_slice){s->ahead.data, s->ahead.len < len ? s->ahead.len : len};
    return true;
}

void ab_source_free(struct ab_source *s)
{
    while (s) {
        struct ab_source *from = s->from;
        ab_buf_drop(&s->ahead);
        s->ops->free(s);
        s = from;
    }
}

struct file_source {
    struct ab_source base;
    struct ab_file *file; /* borrowed */
    int64_t offset;
};

static bool file_source_read(struct ab_source *base, uint8_t *out, size_t len, size_t *got,
                             struct ab_err *err)
{
    struct file_source *s = (struct file_source *)base;

    if (!ab_file_read(s->file, out, len, s->offset, got, err))
        return false;
    s->offset += (int64_t)*got;
    return true;
}

static void file_source_free(struct ab_source *s)
{
    ab_free(s);
}

struct ab_source *ab_file_source_new(struct ab_file *file, struct ab_err *err)
{
    static const struct ab_source_ops ops = {file_source_read, file_source_free};
    struct file_source *s = ab_calloc(1, sizeof *s);

    if (!s) {
        ab_fail_memory(err);
        return NULL;
    }
    ab_source_init(&s->base, &ops, NULL);
    s->file = file;
    return &s->base;
}
