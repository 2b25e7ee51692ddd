#include "crypto/age_stanza.h"

#include <string.h>

#include "base/codec.h"

bool ab_age_stanza_damaged(struct ab_err *err, const char *what)
{
    return ab_fail(err, AB_INTEGRITY, "age_header", "the age header is damaged: %s", what);
}

bool ab_age_stanza_line(struct ab_age_cursor *c, struct ab_slice *line)
{
    const char *feed = memchr(c->at, '\n', (size_t)(c->end - c->at));

    if (!feed)
        return false;
    *line = (struct ab_slice){(const uint8_t *)c->at, (size_t)(feed - c->at)};
    c->at = feed + 1;
    return true;
}

bool ab_age_stanza_here(const struct ab_age_cursor *c)
{
    return c->end - c->at >= 3 && memcmp(c->at, "-> ", 3) == 0;
}

/* Split "-> arg arg" at single spaces; arguments are visible ASCII and never empty. */
static bool read_args(struct ab_slice line, struct ab_age_stanza *s, struct ab_err *err)
{
    size_t start = 3;

    s->argc = 0;
    for (size_t i = start; i <= line.len; i++) {
        bool ends = i == line.len || line.data[i] == ' ';
        if (!ends && (line.data[i] < 33 || line.data[i] > 126))
            return ab_age_stanza_damaged(err, "a stanza has a character that is not allowed");
        if (!ends)
            continue;
        if (i == start)
            return ab_age_stanza_damaged(err, "a stanza has an empty argument");
        if (s->argc < AB_AGE_ARGS_MAX)
            s->args[s->argc] = (struct ab_slice){line.data + start, i - start};
        s->argc++;
        start = i + 1;
    }
    return true;
}

/* Lines of 64 columns up to the first shorter one, each canonical base64. */
static bool read_body(struct ab_age_cursor *c, struct ab_age_stanza *s, struct ab_err *err)
{
    uint8_t bytes[AB_AGE_LINE_BYTES];
    struct ab_slice line;
    size_t len;

    s->body_len = 0;
    do {
        if (!ab_age_stanza_line(c, &line) || line.len > AB_AGE_LINE_TEXT ||
            !ab_base64_decode(bytes, &len, (const char *)line.data, line.len, false))
            return ab_age_stanza_damaged(err, "the body of a stanza is not canonical base64");
        if (s->body_len + len <= sizeof s->body)
            memcpy(s->body + s->body_len, bytes, len);
        s->body_len += len;
    } while (line.len == AB_AGE_LINE_TEXT);
    return true;
}

bool ab_age_stanza_read(struct ab_age_cursor *c, struct ab_age_stanza *s, struct ab_err *err)
{
    struct ab_slice line;

    if (!ab_age_stanza_here(c) || !ab_age_stanza_line(c, &line))
        return ab_age_stanza_damaged(err, "a stanza does not begin with \"-> \"");
    return read_args(line, s, err) && read_body(c, s, err);
}

bool ab_age_stanza_bytes(struct ab_slice arg, uint8_t *out, size_t len)
{
    uint8_t bytes[AB_AGE_LINE_BYTES];
    size_t got;

    if (arg.len > AB_AGE_LINE_TEXT ||
        !ab_base64_decode(bytes, &got, (const char *)arg.data, arg.len, false) || got != len)
        return false;
    memcpy(out, bytes, len);
    return true;
}

bool ab_age_stanza_add_bytes(struct ab_buf *out, const uint8_t *bytes, size_t len,
                             struct ab_err *err)
{
    char text[AB_AGE_LINE_TEXT];

    return ab_buf_add(out, text, ab_base64_encode(text, bytes, len, false), err);
}

bool ab_age_stanza_add_body(struct ab_buf *out, const uint8_t *bytes, size_t len,
                            struct ab_err *err)
{
    size_t n = AB_AGE_LINE_BYTES;

    for (size_t at = 0; n == AB_AGE_LINE_BYTES; at += n) {
        n = len - at < AB_AGE_LINE_BYTES ? len - at : AB_AGE_LINE_BYTES;
        if (!ab_buf_add_byte(out, '\n', err) || !ab_age_stanza_add_bytes(out, bytes + at, n, err))
            return false;
    }
    return ab_buf_add_byte(out, '\n', err);
}

static const uint8_t zeros[AB_AEAD_NONCE]; /* the nonce: a wrapping key wraps once */

bool ab_age_stanza_seal(struct ab_buf *out, const uint8_t key[AB_AEAD_KEY],
                        const uint8_t file_key[AB_AGE_FILE_KEY], struct ab_err *err)
{
    uint8_t body[AB_AGE_FILE_KEY + AB_AEAD_TAG];
    struct ab_aead *aead = ab_aead_new(key, true, err);
    bool ok = aead && ab_aead_seal(aead, zeros, file_key, AB_AGE_FILE_KEY, body, err) &&
              ab_age_stanza_add_body(out, body, sizeof body, err);

    ab_aead_free(aead);
    return ok;
}

bool ab_age_stanza_open(const struct ab_age_stanza *s, const uint8_t key[AB_AEAD_KEY],
                        uint8_t file_key[AB_AGE_FILE_KEY], bool *opened, struct ab_err *err)
{
    struct ab_aead *aead;

    *opened = false;
    if (s->body_len != AB_AGE_FILE_KEY + AB_AEAD_TAG)
        return true;
    aead = ab_aead_new(key, false, err);
    if (!aead)
        return false;
    *opened = ab_aead_open(aead, zeros, s->body, s->body_len, file_key);
    ab_aead_free(aead);
    return true;
}
