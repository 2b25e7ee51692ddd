#include "net/http_headers.h"

#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "net/http.h"

enum { FIRST_BYTES = 1024 }; /* most requests to AWS fit */

void ab_http_headers_init(struct ab_http_headers *headers)
{
    *headers = (struct ab_http_headers){0};
    ab_buf_init(&headers->lines, SIZE_MAX);
    headers->lines.secret = true; /* the signature and the session token are among them */
}

void ab_http_headers_drop(struct ab_http_headers *headers)
{
    ab_buf_drop(&headers->lines);
    ab_free(headers->list);
    headers->list = NULL;
    headers->count = 0;
}

static bool add_line(struct ab_http_headers *headers, const char *name, const char *sign,
                     const char *value, struct ab_err *err)
{
    struct ab_buf *lines = &headers->lines;

    headers->count++;
    return (lines->cap > 0 || ab_buf_reserve(lines, FIRST_BYTES, err)) &&
           ab_buf_add_text(lines, name, err) && ab_buf_add_text(lines, sign, err) &&
           ab_buf_add_text(lines, value, err) && ab_buf_add_byte(lines, 0, err);
}

bool ab_http_headers_add(struct ab_http_headers *headers, const char *name, const char *value,
                         struct ab_err *err)
{
    if (strcasecmp(name, "content-length") == 0)
        return true; /* curl says it, and says it right */
    /* "name;" is curl's way to send an empty value; "name:" would remove the header. */
    return add_line(headers, name, *value ? ": " : ";", value, err);
}

static bool has(const struct ab_http_headers *headers, const char *name)
{
    const char *line = (const char *)headers->lines.data;
    size_t len = strlen(name);

    for (size_t i = 0; i < headers->count; i++, line += strlen(line) + 1)
        if (strncasecmp(line, name, len) == 0 && (line[len] == ':' || line[len] == ';'))
            return true;
    return false;
}

/* Keep curl from adding what the caller did not say. */
static bool refuse_additions(struct ab_http_headers *headers, struct ab_err *err)
{
    static const char *const names[] = {"Accept", "Content-Type", "Expect"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (!has(headers, names[i]) && !add_line(headers, names[i], ":", "", err))
            return false;
    return true;
}

struct curl_slist *ab_http_headers_list(struct ab_http_headers *headers, struct ab_err *err)
{
    if (!refuse_additions(headers, err))
        return NULL;
    struct curl_slist *list = ab_calloc(headers->count, sizeof *list);
    if (!list) {
        ab_fail_memory(err);
        return NULL;
    }
    char *line = (char *)headers->lines.data;
    for (size_t i = 0; i < headers->count; i++, line += strlen(line) + 1) {
        list[i].data = line;
        list[i].next = i + 1 < headers->count ? &list[i + 1] : NULL;
    }
    headers->list = list;
    return list;
}

bool ab_http_name_ok(const char *s, size_t len)
{
    static const char others[] = "!#$%&'*+-.^_`|~";

    for (size_t i = 0; i < len; i++) {
        char c = s[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && (c == 0 || !strchr(others, c)))
            return false;
    }
    return len > 0;
}

bool ab_http_value_ok(const char *s, size_t len)
{
    return !memchr(s, '\r', len) && !memchr(s, '\n', len) && !memchr(s, 0, len);
}
