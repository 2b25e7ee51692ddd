/* stream/armor.c - age's ASCII armor in, the binary file out.
 *
 * Strict PEM (RFC 7468, figure 3): lines of exactly 64 columns but the last, canonical base64, LF
 * or CRLF, and nothing but white space around. Anything looser would let two texts be one file. */
#include <string.h>

#include "base/alloc.h"
#include "base/codec.h"
#include "stream/armor.h"
#include "stream/source.h"

enum { LINE = AB_ARMOR_LINE, LINE_BYTES = AB_ARMOR_LINE_BYTES, SPACE_MAX = 1024, IN_SIZE = 4096 };

struct armor {
    struct ab_source base;
    uint8_t bytes[LINE_BYTES]; /* decoded and not yet handed out */
    size_t at, len;
    bool last; /* a short line came: only the end line may follow */
    bool done;
    uint8_t in[IN_SIZE];
    size_t in_at, in_len;
};

static bool damaged(struct ab_err *err, const char *what)
{
    return ab_fail(err, AB_INTEGRITY, "age_armor", "the age armor is damaged: %s", what);
}

/* The next character, or -1 at the end. */
static bool next_char(struct armor *a, int *c, struct ab_err *err)
{
    if (a->in_at == a->in_len) {
        a->in_at = 0;
        if (!ab_source_read(a->base.from, a->in, sizeof a->in, &a->in_len, err))
            return false;
    }
    *c = a->in_len > 0 ? a->in[a->in_at++] : -1;
    return true;
}

/* The next line without its ending; the last line of the file needs none. */
static bool next_line(struct armor *a, char line[LINE + 1], size_t *len, struct ab_err *err)
{
    int c;

    for (*len = 0;;) {
        if (!next_char(a, &c, err))
            return false;
        if (c < 0 || c == '\n')
            break;
        if (*len > LINE)
            return damaged(err, "a line is longer than 64 columns");
        line[(*len)++] = (char)c;
    }
    if (*len > 0 && c == '\n' && line[*len - 1] == '\r')
        --*len;
    return *len <= LINE || damaged(err, "a line is longer than 64 columns");
}

static bool is_space(int c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool ab_armor_begins(struct ab_slice bytes)
{
    static const char magic[] = "-----BEGIN AGE";
    size_t len = sizeof magic - 1;

    while (bytes.len > 0 && is_space(bytes.data[0])) {
        bytes.data++;
        bytes.len--;
    }
    return bytes.len >= len && memcmp(bytes.data, magic, len) == 0;
}

/* White space up to the end of the file, and not much of it. */
static bool check_rest(struct armor *a, struct ab_err *err)
{
    int c = 0;

    for (size_t n = 0; n <= SPACE_MAX && c >= 0; n++) {
        if (!next_char(a, &c, err))
            return false;
        if (c >= 0 && !is_space(c))
            break;
    }
    return c < 0 || damaged(err, "data follows its end line");
}

static bool is_text(const char *line, size_t len, const char *text)
{
    return len == strlen(text) && memcmp(line, text, len) == 0;
}

static bool next_bytes(struct armor *a, struct ab_err *err)
{
    char line[LINE + 1];
    size_t len;

    if (!next_line(a, line, &len, err))
        return false;
    a->at = a->len = 0;
    if (is_text(line, len, AB_ARMOR_END)) {
        a->done = true;
        return check_rest(a, err);
    }
    if (a->last || len == 0)
        return damaged(err,
                       len == 0 ? "its end line is missing" : "a line is shorter than 64 columns");
    a->last = len < LINE;
    if (!ab_base64_decode(a->bytes, &a->len, line, len, true))
        return damaged(err, "a line is not canonical base64");
    a->last = a->last || a->len < LINE_BYTES; /* a full line may end in padding */
    return true;
}

static bool armor_read(struct ab_source *s, uint8_t *out, size_t len, size_t *got,
                       struct ab_err *err)
{
    struct armor *a = (struct armor *)s;

    while (a->at == a->len && !a->done)
        if (!next_bytes(a, err))
            return false;
    *got = len < a->len - a->at ? len : a->len - a->at;
    memcpy(out, a->bytes + a->at, *got);
    a->at += *got;
    return true;
}

static void armor_free(struct ab_source *s)
{
    ab_free(s);
}

/* White space, then the begin line. */
static bool read_begin(struct armor *a, struct ab_err *err)
{
    char line[LINE + 1];
    size_t len;
    int c = ' ';

    for (size_t n = 0; n <= SPACE_MAX && is_space(c); n++)
        if (!next_char(a, &c, err))
            return false;
    if (c >= 0)
        a->in_at--;
    return next_line(a, line, &len, err) &&
           (is_text(line, len, AB_ARMOR_BEGIN) || damaged(err, "its begin line is malformed"));
}

struct ab_source *ab_armor_source_new(struct ab_source *from, struct ab_err *err)
{
    static const struct ab_source_ops ops = {armor_read, armor_free};
    struct armor *a = ab_calloc(1, sizeof *a);

    if (!a) {
        ab_fail_memory(err);
        return NULL;
    }
    ab_source_init(&a->base, &ops, from);
    if (read_begin(a, err))
        return &a->base;
    ab_free(a);
    return NULL;
}
