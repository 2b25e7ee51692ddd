/* stream/reader.h - an archive's bytes on their way in: told apart by their magic, opened, cut in
 * lines.
 *
 * age (binary or armored) is decrypted, zstd decompressed, zstd inside age too; anything else is
 * taken as it is. Runs on one thread at a time. */
#ifndef AB_STREAM_READER_H
#define AB_STREAM_READER_H

#include "base/buf.h"
#include "crypto/age_header.h"

enum { AB_LINE_MAX = 16 * 1024 * 1024 };

struct ab_file;
struct ab_reader;

enum ab_reader_next { AB_READER_LINE, AB_READER_MORE, AB_READER_END };

/* What the file turned out to be; valid after the first fill. */
struct ab_reader_form {
    bool armored;
    bool encrypted;
    bool compressed;
};

/* A reader of `file`, of which it takes a reference; `with` is copied. NULL when memory is out.
 * Nothing is read yet. Free on the loop's thread. */
struct ab_reader *ab_reader_new(struct ab_file *file, const struct ab_age_with *with,
                                struct ab_err *err);
void ab_reader_free(struct ab_reader *r);

/* Read on, until a good deal is buffered and a whole line among it, or the end. Kind integrity for
 * all that is wrong with the file; what was authenticated before stays readable, and every further
 * call fails alike. */
AB_MUST_USE bool ab_reader_fill(struct ab_reader *r, struct ab_err *err);

/* Look at the age header, instead of filling: an empty slice when the file is not encrypted, else
 * valid until the next fill. Errors as fill. */
AB_MUST_USE bool ab_reader_header(struct ab_reader *r, struct ab_slice *header, struct ab_err *err);

/* The next line without its line feed (the last one needs none), valid until the next fill; or that
 * more must be filled, or the end. */
enum ab_reader_next ab_reader_line(struct ab_reader *r, struct ab_slice *line);

/* All that is buffered, as ab_reader_line. */
enum ab_reader_next ab_reader_take(struct ab_reader *r, struct ab_slice *bytes);

/* What the file turned out to be; known after the first fill. */
struct ab_reader_form ab_reader_form(const struct ab_reader *r);

/* SHA-256 of what was handed out so far, line feeds included; with `before_last`, asked before
 * anything else is, without what was handed out last. */
AB_MUST_USE bool ab_reader_sha256(struct ab_reader *r, bool before_last, uint8_t out[64],
                                  struct ab_err *err);

#endif
