/* stream/age_seal.h - what both the stage and the flow seal with: plaintext in, sealed chunks out.
 *
 * A full chunk is held back until another byte arrives: only the last chunk carries the final flag,
 * and the plaintext may end exactly on a chunk's border. */
#ifndef AB_STREAM_AGE_SEAL_H
#define AB_STREAM_AGE_SEAL_H

#include "crypto/age_header.h"

struct ab_age_sealer;

/* Draw file key and nonce, append the header and the nonce to `head` (at most AB_AGE_HEADER_MAX),
 * and key the payload's cipher. NULL on failure. */
struct ab_age_sealer *ab_age_sealer_new(const struct ab_age_to *to, struct ab_buf *head,
                                        struct ab_err *err);

/* NULL is fine. */
void ab_age_sealer_free(struct ab_age_sealer *s);

/* Take of `in`, moving it on, until a chunk is sealed or all is taken; `last` when nothing comes
 * after it. The chunk goes to `out` (AB_AGE_SEALED bytes), or, with NULL, to where it stays valid
 * until the next turn. `made` is the chunk, or empty: then all was taken, and more is needed. */
AB_MUST_USE bool ab_age_sealer_turn(struct ab_age_sealer *s, struct ab_slice *in, bool last,
                                    uint8_t *out, struct ab_slice *made, struct ab_err *err);

/* Whether the last chunk was made. */
bool ab_age_sealer_is_done(const struct ab_age_sealer *s);

#endif
