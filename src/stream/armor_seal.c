/* stream/armor_seal.c - a binary age file in, the same in age's ASCII armor out. */
#include <string.h>

#include "base/alloc.h"
#include "base/codec.h"
#include "stream/armor.h"
#include "stream/stage.h"

enum {
    LINES = 64, /* encoded and pushed at once */
    BATCH = LINES * AB_ARMOR_LINE_BYTES,
    TEXT = LINES * (AB_ARMOR_LINE + 1),
};

struct armor_seal {
    struct ab_stage base;
    bool begun;
    size_t held; /* bytes in buf, never above BATCH */
    uint8_t buf[BATCH];
};

static bool push_text(struct armor_seal *s, const char *text, struct ab_err *err)
{
    return ab_stage_write(s->base.next, (const uint8_t *)text, strlen(text), err);
}

static bool begin(struct armor_seal *s, struct ab_err *err)
{
    bool first = !s->begun;

    s->begun = true;
    return !first || push_text(s, AB_ARMOR_BEGIN "\n", err);
}

/* Encode what is held: whole lines, but for the last of the file. */
static bool flush(struct armor_seal *s, struct ab_err *err)
{
    char text[TEXT];
    size_t len = 0;

    for (size_t at = 0; at < s->held; at += AB_ARMOR_LINE_BYTES) {
        size_t left = s->held - at;
        size_t n = left < AB_ARMOR_LINE_BYTES ? left : AB_ARMOR_LINE_BYTES;
        len += ab_base64_encode(text + len, s->buf + at, n, true);
        text[len++] = '\n';
    }
    s->held = 0;
    return ab_stage_write(s->base.next, (const uint8_t *)text, len, err);
}

static bool armor_seal_write(struct ab_stage *base, const uint8_t *data, size_t len,
                             struct ab_err *err)
{
    struct armor_seal *s = (struct armor_seal *)base;

    if (!begin(s, err))
        return false;
    while (len > 0) {
        if (s->held == BATCH && !flush(s, err))
            return false;
        size_t n = len < BATCH - s->held ? len : BATCH - s->held;
        memcpy(s->buf + s->held, data, n);
        s->held += n;
        data += n;
        len -= n;
    }
    return true;
}

static bool armor_seal_finish(struct ab_stage *base, struct ab_err *err)
{
    struct armor_seal *s = (struct armor_seal *)base;

    return begin(s, err) && flush(s, err) && push_text(s, AB_ARMOR_END "\n", err) &&
           ab_stage_finish(base->next, err);
}

static void armor_seal_free(struct ab_stage *base)
{
    ab_free(base);
}

struct ab_stage *ab_armor_seal_new(struct ab_stage *next, struct ab_err *err)
{
    static const struct ab_stage_ops ops = {armor_seal_write, armor_seal_finish, armor_seal_free};
    struct armor_seal *s = ab_calloc(1, sizeof *s);

    if (!s) {
        ab_fail_memory(err);
        return NULL;
    }
    s->base.ops = &ops;
    s->base.next = next;
    return &s->base;
}
