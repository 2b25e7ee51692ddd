/* stream/writer.h - an archive's bytes on their way out: digest, zstd, age, into a buffer.
 *
 * Runs on one thread at a time; the caller moves what collects in `out` to where it belongs. */
#ifndef AB_STREAM_WRITER_H
#define AB_STREAM_WRITER_H

#include "base/buf.h"
#include "crypto/age_header.h"

struct ab_writer;

/* Borrowed while ab_writer_new runs. Without recipients and passphrase nothing is encrypted. */
struct ab_writer_options {
    struct ab_age_to to;
    int zstd_level; /* 0: not compressed */
    bool armor;     /* as text; only of what is encrypted */
};

/* NULL when memory is out. Output is appended to `out`, which is borrowed. */
struct ab_writer *ab_writer_new(const struct ab_writer_options *options, struct ab_buf *out,
                                struct ab_err *err);
void ab_writer_free(struct ab_writer *w);

/* Push plaintext. The first call, or finish, writes the age header, which is slow with a
 * passphrase. After a failure every further call fails. */
AB_MUST_USE bool ab_writer_write(struct ab_writer *w, const uint8_t *data, size_t len,
                                 struct ab_err *err);

/* Write what ends the archive; nothing may be written after. */
AB_MUST_USE bool ab_writer_finish(struct ab_writer *w, struct ab_err *err);

/* SHA-256 of the plaintext pushed so far. */
AB_MUST_USE bool ab_writer_sha256(const struct ab_writer *w, uint8_t out[64], struct ab_err *err);

#endif
