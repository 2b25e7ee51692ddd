/* stream/stage.h - a chain of stages that bytes are pushed through: compress, encrypt, collect.
 *
 * Each stage owns the next one. After an error a chain is only good for freeing. Stages know
 * nothing of threads: whoever owns the chain runs it on one thread at a time. */
#ifndef AB_STREAM_STAGE_H
#define AB_STREAM_STAGE_H

#include "base/buf.h"
#include "crypto/age_header.h"

struct ab_stage;

struct ab_stage_ops {
    bool (*write)(struct ab_stage *s, const uint8_t *data, size_t len, struct ab_err *err);
    bool (*finish)(struct ab_stage *s, struct ab_err *err);
    void (*free)(struct ab_stage *s); /* this stage alone */
};

/* The head of every stage; kinds embed it first. */
struct ab_stage {
    const struct ab_stage_ops *ops;
    struct ab_stage *next; /* owned; NULL in the last stage */
};

/* Push bytes; or say that there are no more, after which nothing may be pushed. */
AB_MUST_USE bool ab_stage_write(struct ab_stage *s, const uint8_t *data, size_t len,
                                struct ab_err *err);
AB_MUST_USE bool ab_stage_finish(struct ab_stage *s, struct ab_err *err);

/* Free the stage and all after it. NULL is fine. */
void ab_stage_free(struct ab_stage *s);

/* The kinds. Those that take `next` own it from success on; NULL on failure. */

/* Append to `out`, which is borrowed and may be emptied between writes. */
struct ab_stage *ab_collect_new(struct ab_buf *out, struct ab_err *err);

/* Encrypt as a binary age v1 file with a fresh file key. Writes the header at once, which takes a
 * second or so with a passphrase. */
struct ab_stage *ab_age_seal_new(struct ab_stage *next, const struct ab_age_to *to,
                                 struct ab_err *err);

/* Put a binary age file into age's ASCII armor: text, a third longer. */
struct ab_stage *ab_armor_seal_new(struct ab_stage *next, struct ab_err *err);

#endif
