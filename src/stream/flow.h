/* stream/flow.h - a stage as a mapping of buffers to buffers: what pipes are made of.
 *
 * A flow is handed some input and some room, and does as much as both allow. It never waits and
 * makes nothing that there is no room for, so whoever turns it decides about memory, threads and
 * order. Stages that are pushed (stream/stage.h) and sources that are pulled (stream/source.h) can
 * be made of a flow. It runs on one thread at a time; after an error it is only good for freeing.
 */
#ifndef AB_STREAM_FLOW_H
#define AB_STREAM_FLOW_H

#include "base/buf.h"
#include "crypto/age_header.h"
#include "crypto/digest.h"

struct ab_flow;
struct ab_stage;
struct ab_source;

/* One turn's input and room. A turn moves all four on by what it took and made. */
struct ab_flow_io {
    const uint8_t *in;
    size_t in_len;
    uint8_t *out;
    size_t room;
    bool last;   /* nothing comes after `in` */
    bool ended;  /* set by the turn that put out the last byte; only with `last`, `in` all taken */
    bool locked; /* set by a turn after which there is none before the flow is unlocked */
};

struct ab_flow_ops {
    /* Go on until the input is taken, the room is full, or all is over. */
    bool (*turn)(struct ab_flow *f, struct ab_flow_io *io, struct ab_err *err);
    void (*free)(struct ab_flow *f);
};

/* The head of every flow; kinds embed it first. */
struct ab_flow {
    const struct ab_flow_ops *ops;
};

/* One turn. Kind bug, code "stuck", for a flow that could go on and does not. */
AB_MUST_USE bool ab_flow_turn(struct ab_flow *f, struct ab_flow_io *io, struct ab_err *err);

/* NULL is fine. */
void ab_flow_free(struct ab_flow *f);

/* A stage that pushes what the flow makes on to `next`, and a source that pulls the flow's input
 * from `from`. They own both from success on; NULL on failure, which frees the flow (and a NULL
 * flow is a failure already described). */
struct ab_stage *ab_flow_stage_new(struct ab_stage *next, struct ab_flow *flow, struct ab_err *err);
struct ab_source *ab_flow_source_new(struct ab_source *from, struct ab_flow *flow,
                                     struct ab_err *err);

/* The kinds. NULL on failure. */

enum {
    AB_ZSTD_LEVEL_MAX = 19,
    AB_ZSTD_WINDOW_LOG = 27, /* 128 MiB, the most that `zstd -d` takes unasked */
    AB_ZSTD_WINDOW_LOG_MIN = 10,
    AB_ZSTD_WINDOW_LOG_MAX = 30, /* what the format's library takes */
    AB_ZSTD_WORKERS_MAX = 16,
    AB_GZIP_LEVEL_MAX = 9,
};

struct ab_zstd_options {
    int level;      /* 1 to AB_ZSTD_LEVEL_MAX */
    int window_log; /* log2 of the bytes looked back at; 0: the level's own */
    bool small;     /* smaller tables than the level's own (levels 1 to 3) */
    bool far;       /* look for repetitions all over the window, not only nearby */
    int workers;    /* threads of zstd's own beside the caller's; 0: none */
};

/* Compress as one zstd frame (RFC 8878) with a checksum. */
struct ab_flow *ab_zstd_pack_new(const struct ab_zstd_options *options, struct ab_err *err);

/* How much a decompressed stream may grow before it counts as an attack. */
struct ab_growth {
    uint64_t ratio_max; /* times its input, beyond AB_GROWTH_FREE bytes; 0: any */
    uint64_t bytes_max; /* in all; 0: any */
};

enum { AB_GROWTH_RATIO = 2048 /* gzip reaches 1032 */, AB_GROWTH_FREE = 64 * 1024 * 1024 };

/* The content of one or more zstd frames that look back at most 2^window_log bytes. Kind integrity,
 * code "zstd_corrupt", "zstd_truncated", "zstd_window" or "too_large". */
struct ab_flow *ab_zstd_unpack_new(int window_log, struct ab_growth growth, struct ab_err *err);

/* Compress as a gzip file (RFC 1952) of one member. Level 1 to AB_GZIP_LEVEL_MAX. */
struct ab_flow *ab_gzip_pack_new(int level, struct ab_err *err);

/* The content of one or more gzip members, and perhaps zeros behind them, up to the end. Kind
 * integrity, code "gzip_corrupt", "gzip_truncated" or "too_large". */
struct ab_flow *ab_gzip_unpack_new(struct ab_growth growth, struct ab_err *err);

/* Pass bytes on as they are and take their digest, by a name of crypto/digest.h; with `expected`
 * (copied) fail at the end with kind integrity, code "digest", when it is another. */
struct ab_flow *ab_digest_flow_new(const char *name, struct ab_slice expected, struct ab_err *err);

/* The digest of what such a flow passed on so far. */
AB_MUST_USE bool ab_digest_flow_peek(const struct ab_flow *f, uint8_t out[AB_DIGEST_MAX],
                                     size_t *len, struct ab_err *err);

/* Encrypt as an age v1 file with a fresh file key, in armor when asked for. What `to` names is
 * kept; there must be recipients or a passphrase. */
struct ab_flow *ab_age_seal_flow_new(const struct ab_age_to *to, bool armor, struct ab_err *err);

/* The plaintext of an age v1 file, in armor or not; only authenticated bytes come out, into room
 * for whole chunks of 64 KiB. What `with` names is kept. Errors are those of ab_age_header_open,
 * and kind integrity with code "age_payload", "age_truncated", "age_trailing" or "age_armor". One
 * that `asks` is locked instead of failing with age_no_match; only a pipe can turn it. */
struct ab_flow *ab_age_open_flow_new(const struct ab_age_with *with, bool asks, struct ab_err *err);

/* The header (borrowed until it is unlocked) of a locked one, and why nothing opened it. */
void ab_age_open_flow_locked(const struct ab_flow *f, struct ab_slice *header, struct ab_err *why);

/* Go on with a file key that somebody else unwrapped, which the header's MAC must prove. */
AB_MUST_USE bool ab_age_open_flow_unlock(struct ab_flow *f, struct ab_slice file_key,
                                         struct ab_err *err);

/* What was made of `in` bytes so far; false with kind integrity, code "too_large", when it grew
 * more than allowed. */
AB_MUST_USE bool ab_growth_check(struct ab_growth growth, uint64_t in, uint64_t out,
                                 struct ab_err *err);

#endif
