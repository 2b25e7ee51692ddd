/* crypto/age_stanza.h - the text of an age header: its lines, its stanzas, and the bytes in them.
 *
 * Format: C2SP age.md (https://c2sp.org/age). Only canonical text is taken. What the stanzas mean,
 * and which must be there, is said in crypto/age_header.c. All slices are borrowed from the text.
 */
#ifndef AB_CRYPTO_AGE_STANZA_H
#define AB_CRYPTO_AGE_STANZA_H

#include "base/buf.h"
#include "crypto/aead.h"

enum {
    AB_AGE_LINE_TEXT = 64,                        /* columns of a full line of a stanza's body */
    AB_AGE_LINE_BYTES = AB_AGE_LINE_TEXT / 4 * 3, /* and the bytes it holds */
    AB_AGE_ARGS_MAX = 4,                          /* kept of a stanza; the longest of ours has 3 */
    AB_AGE_BODY_MAX = 2048,                       /* kept of a body: one of RSA with 16384 bits */
    AB_AGE_FILE_KEY = 16,
};

/* Where a reader is in the text. */
struct ab_age_cursor {
    const char *at;
    const char *end;
};

struct ab_age_stanza {
    struct ab_slice args[AB_AGE_ARGS_MAX]; /* the first is its type */
    size_t argc;                           /* may be above AB_AGE_ARGS_MAX */
    uint8_t body[AB_AGE_BODY_MAX];         /* the first bytes of the body */
    size_t body_len;                       /* may be above AB_AGE_BODY_MAX */
};

/* Fail with kind integrity, code age_header; returns false. */
bool ab_age_stanza_damaged(struct ab_err *err, const char *what);

/* The next line without its line feed; false when no line feed follows. */
bool ab_age_stanza_line(struct ab_age_cursor *c, struct ab_slice *line);

/* Whether a stanza comes next. */
bool ab_age_stanza_here(const struct ab_age_cursor *c);

/* Read the stanza that comes next. Errors as ab_age_stanza_damaged. */
AB_MUST_USE bool ab_age_stanza_read(struct ab_age_cursor *c, struct ab_age_stanza *s,
                                    struct ab_err *err);

/* The `len` bytes (at most AB_AGE_LINE_BYTES) that an argument says in canonical base64; false when
 * it does not, and `out` is left as it was. */
bool ab_age_stanza_bytes(struct ab_slice arg, uint8_t *out, size_t len);

/* Append bytes (at most AB_AGE_LINE_BYTES) in the same form. */
AB_MUST_USE bool ab_age_stanza_add_bytes(struct ab_buf *out, const uint8_t *bytes, size_t len,
                                         struct ab_err *err);

/* Append the body of a stanza: the line feed after its arguments, lines of 64 columns, and a
 * shorter one, which may be empty. */
AB_MUST_USE bool ab_age_stanza_add_body(struct ab_buf *out, const uint8_t *bytes, size_t len,
                                        struct ab_err *err);

/* Append a body that is the file key, sealed with a key used for nothing else. */
AB_MUST_USE bool ab_age_stanza_seal(struct ab_buf *out, const uint8_t key[AB_AEAD_KEY],
                                    const uint8_t file_key[AB_AGE_FILE_KEY], struct ab_err *err);

/* Open such a body; *opened tells whether it was sealed with this key. The length is checked. */
AB_MUST_USE bool ab_age_stanza_open(const struct ab_age_stanza *s, const uint8_t key[AB_AEAD_KEY],
                                    uint8_t file_key[AB_AGE_FILE_KEY], bool *opened,
                                    struct ab_err *err);

#endif
