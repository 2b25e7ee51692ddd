/* stream/age_open.h - what both the source and the flow open with: sealed chunks in, plaintext out.
 */
#ifndef AB_STREAM_AGE_OPEN_H
#define AB_STREAM_AGE_OPEN_H

#include "crypto/age_header.h"

struct ab_age_opener;
struct ab_source;

/* Take the header and the nonce from `from`, and key the payload's cipher. NULL on failure, with
 * an error of ab_age_source_header or ab_age_header_open, or code "age_truncated". */
struct ab_age_opener *ab_age_opener_new(struct ab_source *from, const struct ab_age_with *with,
                                        struct ab_err *err);

/* NULL is fine. */
void ab_age_opener_free(struct ab_age_opener *o);

/* Open the next chunk, of AB_AGE_SEALED bytes, or fewer when it is the `last`, to `out`
 * (AB_AGE_CHUNK bytes, not overlapping; of no use after an error). Kind integrity with code
 * "age_payload" or "age_truncated". */
AB_MUST_USE bool ab_age_opener_turn(struct ab_age_opener *o, struct ab_slice sealed, bool last,
                                    uint8_t *out, size_t *made, struct ab_err *err);

/* Whether no chunk follows: it was the last, or says so. */
bool ab_age_opener_is_done(const struct ab_age_opener *o);

/* Whether that is so by right, once all that was opened is handed out. Kind integrity with code
 * "age_truncated" or "age_trailing": chunks were authentic, but the file does not end there. */
AB_MUST_USE bool ab_age_opener_finish(const struct ab_age_opener *o, struct ab_err *err);

#endif
