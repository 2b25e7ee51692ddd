/* stream/age_seek.h - chunks of an age v1 payload opened in any order, for reading parts of a file.
 *
 * Each chunk is sealed under its number, and the last one under a flag (C2SP age.md, "Payload"): so
 * one that was altered or stands elsewhere is noticed when it is opened, and a file that was cut or
 * prolonged when its last one is. Chunks that are not opened are not looked at. */
#ifndef AB_STREAM_AGE_SEEK_H
#define AB_STREAM_AGE_SEEK_H

#include "base/buf.h"
#include "crypto/age_header.h"

struct ab_age_seek;

/* Read the header and nonce of a binary file in `head`, which has at least both; slowly with a
 * passphrase. NULL with err as ab_age_header_open says, or code age_header, age_truncated when
 * something is missing. */
struct ab_age_seek *ab_age_seek_new(struct ab_slice head, const struct ab_age_with *with,
                                    struct ab_err *err);

/* NULL is fine. */
void ab_age_seek_free(struct ab_age_seek *seek);

/* Append the plaintext of the chunks in `sealed`, whole ones but for the file's last, of which the
 * first is number `index`; with `last` they end the file. Kind integrity with code age_payload,
 * age_truncated (the file ends here and should go on) or age_trailing (it should have ended). */
AB_MUST_USE bool ab_age_seek_open(struct ab_age_seek *seek, uint64_t index, struct ab_slice sealed,
                                  bool last, struct ab_buf *plain, struct ab_err *err);

#endif
