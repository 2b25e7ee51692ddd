/* stream/source.h - a chain of sources that bytes are pulled through: file, armor, age, zstd.
 *
 * Each source owns the one it reads from. Pulling bounds memory whatever the input claims: nothing
 * is decompressed or decrypted before someone asks for it. Only authenticated bytes come out of an
 * age source. After an error a chain is only good for freeing. */
#ifndef AB_STREAM_SOURCE_H
#define AB_STREAM_SOURCE_H

#include "base/buf.h"
#include "crypto/age_header.h"

struct ab_file;
struct ab_source;

struct ab_source_ops {
    /* Up to `len` (never 0) bytes into `out`; *got is 0 only at the end. */
    bool (*read)(struct ab_source *s, uint8_t *out, size_t len, size_t *got, struct ab_err *err);
    void (*free)(struct ab_source *s); /* this source alone */
};

/* The head of every source; kinds embed it first. */
struct ab_source {
    const struct ab_source_ops *ops;
    struct ab_source *from; /* owned; NULL in the innermost */
    struct ab_buf ahead;    /* owned; peeked at and not yet read */
};

/* Set up the head of a source whose memory is zero. */
void ab_source_init(struct ab_source *s, const struct ab_source_ops *ops, struct ab_source *from);

/* Up to `len` bytes; *got is 0 only at the end. */
AB_MUST_USE bool ab_source_read(struct ab_source *s, uint8_t *out, size_t len, size_t *got,
                                struct ab_err *err);

/* As read, until `len` bytes are there or the end is reached. */
AB_MUST_USE bool ab_source_fill(struct ab_source *s, uint8_t *out, size_t len, size_t *got,
                                struct ab_err *err);

/* Look at the next bytes without taking them: `len` (at most AB_AGE_HEADER_MAX), or fewer at the
 * end. The slice is valid until the next call. */
AB_MUST_USE bool ab_source_peek(struct ab_source *s, size_t len, struct ab_slice *ahead,
                                struct ab_err *err);

/* Free the source and all it reads from. NULL is fine. */
void ab_source_free(struct ab_source *s);

/* The kinds. Those that take `from` own it from success on; NULL on failure. */

/* The bytes of a file from its beginning. Borrows `file`. */
struct ab_source *ab_file_source_new(struct ab_file *file, struct ab_err *err);

/* The binary file inside age's ASCII armor (strict PEM). */
struct ab_source *ab_armor_source_new(struct ab_source *from, struct ab_err *err);

/* Look at the header of the binary age file that `from` begins with, without taking it. Valid until
 * `from` is used. Kind integrity, code age_header when its end is missing or too far. */
AB_MUST_USE bool ab_age_source_header(struct ab_source *from, struct ab_slice *header,
                                      struct ab_err *err);

/* Whether armor begins there, perhaps after white space. */
bool ab_armor_begins(struct ab_slice bytes);

/* The plaintext of a binary age v1 file. Reads the header at once, slowly with a passphrase. */
struct ab_source *ab_age_source_new(struct ab_source *from, const struct ab_age_with *with,
                                    struct ab_err *err);

#endif
