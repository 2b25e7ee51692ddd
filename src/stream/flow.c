#include "stream/flow.h"

#include <inttypes.h>

#include "base/alloc.h"
#include "stream/source.h"
#include "stream/stage.h"

enum { STEP = 64 * 1024 };

bool ab_flow_turn(struct ab_flow *f, struct ab_flow_io *io, struct ab_err *err)
{
    size_t in_len = io->in_len, room = io->room;

    if (!f->ops->turn(f, io, err))
        return false;
    bool idle = io->in_len == in_len && io->room == room && !io->ended && !io->locked;
    if (idle && room > 0 && (in_len > 0 || io->last)) /* it would be turned for ever */
        return ab_fail(err, AB_BUG, "stuck", "a stage neither takes nor makes anything");
    return true;
}

void ab_flow_free(struct ab_flow *f)
{
    if (f)
        f->ops->free(f);
}

bool ab_growth_check(struct ab_growth growth, uint64_t in, uint64_t out, struct ab_err *err)
{
    if (growth.bytes_max > 0 && out > growth.bytes_max)
        return ab_fail(err, AB_INTEGRITY, "too_large", "it unpacks to more than %" PRIu64 " bytes",
                       growth.bytes_max);
    if (growth.ratio_max > 0 && out > AB_GROWTH_FREE && out / growth.ratio_max > in)
        return ab_fail(err, AB_INTEGRITY, "too_large",
                       "it unpacks to more than %" PRIu64 " times its size", growth.ratio_max);
    return true;
}

/* A flow that is pushed. */
struct pushed {
    struct ab_stage base;
    struct ab_flow *flow; /* owned */
    uint8_t out[STEP];
};

static bool push(struct pushed *p, struct ab_flow_io *io, struct ab_err *err)
{
    do {
        io->out = p->out;
        io->room = sizeof p->out;
        if (!ab_flow_turn(p->flow, io, err))
            return false;
        size_t made = sizeof p->out - io->room;
        if (made > 0 && !ab_stage_write(p->base.next, p->out, made, err))
            return false;
    } while (io->last ? !io->ended : io->in_len > 0 || io->room == 0);
    return true;
}

static bool pushed_write(struct ab_stage *s, const uint8_t *data, size_t len, struct ab_err *err)
{
    struct ab_flow_io io = {.in = data, .in_len = len};

    return push((struct pushed *)s, &io, err);
}

static bool pushed_finish(struct ab_stage *s, struct ab_err *err)
{
    struct ab_flow_io io = {.last = true};

    return push((struct pushed *)s, &io, err) && ab_stage_finish(s->next, err);
}

static void pushed_free(struct ab_stage *s)
{
    ab_flow_free(((struct pushed *)s)->flow);
    ab_secret_free(s, sizeof(struct pushed));
}

struct ab_stage *ab_flow_stage_new(struct ab_stage *next, struct ab_flow *flow, struct ab_err *err)
{
    static const struct ab_stage_ops ops = {pushed_write, pushed_finish, pushed_free};
    struct pushed *p = flow ? ab_secret_alloc(sizeof *p) : NULL;

    if (!p) {
        if (flow)
            ab_fail_memory(err);
        ab_flow_free(flow);
        return NULL;
    }
    p->base.ops = &ops;
    p->base.next = next;
    p->flow = flow;
    return &p->base;
}

/* A flow that is pulled. */
struct pulled {
    struct ab_source base;
    struct ab_flow *flow; /* owned */
    struct ab_flow_io io; /* its input is what is left of `in` */
    uint8_t in[STEP];
};

static bool pulled_read(struct ab_source *s, uint8_t *out, size_t len, size_t *got,
                        struct ab_err *err)
{
    struct pulled *p = (struct pulled *)s;

    p->io.out = out;
    p->io.room = len;
    while (p->io.room == len && !p->io.ended) {
        if (p->io.in_len == 0 && !p->io.last) {
            p->io.in = p->in;
            if (!ab_source_read(s->from, p->in, sizeof p->in, &p->io.in_len, err))
                return false;
            p->io.last = p->io.in_len == 0;
        }
        if (!ab_flow_turn(p->flow, &p->io, err))
            return false;
    }
    *got = len - p->io.room;
    return true;
}

static void pulled_free(struct ab_source *s)
{
    ab_flow_free(((struct pulled *)s)->flow);
    ab_secret_free(s, sizeof(struct pulled));
}

struct ab_source *ab_flow_source_new(struct ab_source *from, struct ab_flow *flow,
                                     struct ab_err *err)
{
    static const struct ab_source_ops ops = {pulled_read, pulled_free};
    struct pulled *p = flow ? ab_secret_alloc(sizeof *p) : NULL;

    if (!p) {
        if (flow)
            ab_fail_memory(err);
        ab_flow_free(flow);
        return NULL;
    }
    ab_source_init(&p->base, &ops, from);
    p->flow = flow;
    return &p->base;
}
