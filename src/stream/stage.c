#include "stream/stage.h"

#include "base/alloc.h"

bool ab_stage_write(struct ab_stage *s, const uint8_t *data, size_t len, struct ab_err *err)
{
    return s->ops->write(s, data, len, err);
}

bool ab_stage_finish(struct ab_stage *s, struct ab_err *err)
{
    return s->ops->finish(s, err);
}

void ab_stage_free(struct ab_stage *s)
{
    while (s) {
        struct ab_stage *next = s->next;
        s->ops->free(s);
        s = next;
    }
}

struct collect {
    struct ab_stage base;
    struct ab_buf *out; /* borrowed */
};

static bool collect_write(struct ab_stage *s, const uint8_t *data, size_t len, struct ab_err *err)
{
    return ab_buf_add(((struct collect *)s)->out, data, len, err);
}

static bool collect_finish(struct ab_stage *s, struct ab_err *err)
{
    (void)s;
    (void)err;
    return true;
}

static void collect_free(struct ab_stage *s)
{
    ab_free(s);
}

struct ab_stage *ab_collect_new(struct ab_buf *out, struct ab_err *err)
{
    static const struct ab_stage_ops ops = {collect_write, collect_finish, collect_free};
    struct collect *c = ab_calloc(1, sizeof *c);

    if (!c) {
        ab_fail_memory(err);
        return NULL;
    }
    c->base.ops = &ops;
    c->out = out;
    return &c->base;
}
