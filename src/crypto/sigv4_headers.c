#include "crypto/sigv4_headers.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "crypto/sigv4.h"

enum { HEADERS_MAX = 200 };

static struct ab_slice text(const char *s)
{
    return (struct ab_slice){(const uint8_t *)s, strlen(s)};
}

static bool same_word(struct ab_slice a, const char *word)
{
    return a.len == strlen(word) && strncasecmp((const char *)a.data, word, a.len) == 0;
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

/* Changed on the way by clients and proxies, so never signed (botocore/auth.py, the same list). */
static bool unsigned_header(struct ab_slice name)
{
    static const char *const words[] = {"authorization",
                                        "baggage",
                                        "connection",
                                        "expect",
                                        "keep-alive",
                                        "proxy-authenticate",
                                        "proxy-authorization",
                                        "te",
                                        "traceparent",
                                        "tracestate",
                                        "trailer",
                                        "transfer-encoding",
                                        "upgrade",
                                        "user-agent",
                                        "x-amzn-trace-id",
                                        NULL};

    for (const char *const *word = words; *word; word++)
        if (same_word(name, *word))
            return true;
    return false;
}

static const char *token_header(const struct ab_sigv4 *r)
{
    return r->express ? "x-amz-s3session-token" : "x-amz-security-token";
}

/* Set by the signer, so what the caller has under these names (from an earlier attempt) is
 * replaced. */
static bool own_header(const struct ab_sigv4 *r, struct ab_slice name)
{
    return same_word(name, "x-amz-date") ||
           (r->session_token.len > 0 && same_word(name, token_header(r))) ||
           (r->s3 && !r->in_query && same_word(name, "x-amz-content-sha256")) ||
           (r->asymmetric && same_word(name, "x-amz-region-set"));
}

static int compare_headers(const void *left, const void *right)
{
    const struct ab_sigv4_entry *a = left, *b = right;
    size_t len = a->name.len < b->name.len ? a->name.len : b->name.len;

    for (size_t i = 0; i < len; i++)
        if (lower(a->name.data[i]) != lower(b->name.data[i]))
            return lower(a->name.data[i]) - lower(b->name.data[i]);
    if (a->name.len != b->name.len)
        return a->name.len < b->name.len ? -1 : 1;
    return a->place < b->place ? -1 : 1;
}

static void push(struct ab_sigv4_headers *h, const char *name, struct ab_slice value)
{
    h->list[h->count] = (struct ab_sigv4_entry){text(name), value, h->count};
    h->count++;
}

size_t ab_sigv4_added(const struct ab_sigv4 *r, const char *stamp, struct ab_slice authorization,
                      struct ab_sigv4_header added[AB_SIGV4_ADDED])
{
    size_t n = 0;

    added[n++] = (struct ab_sigv4_header){text("X-Amz-Date"), text(stamp)};
    if (r->s3)
        added[n++] = (struct ab_sigv4_header){text("X-Amz-Content-SHA256"), r->payload_hash};
    if (r->session_token.len > 0)
        added[n++] = (struct ab_sigv4_header){text(token_header(r)), r->session_token};
    if (r->asymmetric)
        added[n++] = (struct ab_sigv4_header){text("X-Amz-Region-Set"), r->region};
    added[n++] = (struct ab_sigv4_header){text("Authorization"), authorization};
    return n;
}

/* The headers that the signer adds. */
static void push_own(struct ab_sigv4_headers *h, const struct ab_sigv4 *r, const char *stamp)
{
    push(h, "x-amz-date", text(stamp));
    if (r->session_token.len > 0)
        push(h, token_header(r), r->session_token);
    if (r->s3)
        push(h, "x-amz-content-sha256", r->payload_hash);
    if (r->asymmetric)
        push(h, "x-amz-region-set", r->region);
}

bool ab_sigv4_headers_init(struct ab_sigv4_headers *out, const struct ab_sigv4 *r,
                           const char *stamp, struct ab_err *err)
{
    bool host = false;

    if (r->header_count > HEADERS_MAX)
        return ab_fail(err, AB_USAGE, "headers", "a request to sign has at most %d headers",
                       HEADERS_MAX);
    out->list = ab_calloc(r->header_count + AB_SIGV4_ADDED, sizeof *out->list);
    if (!out->list)
        return ab_fail_memory(err);
    for (size_t i = 0; i < r->header_count; i++) {
        const struct ab_sigv4_header *h = &r->headers[i];
        if (unsigned_header(h->name) || own_header(r, h->name))
            continue;
        host = host || same_word(h->name, "host");
        out->list[out->count] = (struct ab_sigv4_entry){h->name, h->value, out->count};
        out->count++;
    }
    if (!host)
        push(out, "host", r->host);
    if (!r->in_query)
        push_own(out, r, stamp);
    qsort(out->list, out->count, sizeof *out->list, compare_headers);
    return true;
}

static bool blank(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Blanks trimmed at both ends, runs of them within made one space. */
static bool add_trimmed(struct ab_buf *b, struct ab_slice value, struct ab_err *err)
{
    bool any = false, gap = false;

    if (!ab_buf_reserve(b, value.len, err)) /* it only gets shorter */
        return false;
    for (size_t i = 0; i < value.len; i++) {
        if (blank(value.data[i])) {
            gap = any;
            continue;
        }
        if (gap)
            b->data[b->len++] = ' ';
        b->data[b->len++] = value.data[i];
        any = true;
        gap = false;
    }
    return true;
}

static bool add_name(struct ab_buf *b, struct ab_slice name, struct ab_err *err)
{
    if (!ab_buf_reserve(b, name.len, err))
        return false;
    for (size_t i = 0; i < name.len; i++)
        b->data[b->len++] = lower(name.data[i]);
    return true;
}

static bool repeats(const struct ab_sigv4_headers *h, size_t i)
{
    if (i == 0 || h->list[i].name.len != h->list[i - 1].name.len)
        return false;
    return strncasecmp((const char *)h->list[i].name.data, (const char *)h->list[i - 1].name.data,
                       h->list[i].name.len) == 0;
}

bool ab_sigv4_headers_add(struct ab_buf *b, const struct ab_sigv4_headers *h, struct ab_err *err)
{
    for (size_t i = 0; i < h->count; i++) {
        bool more = repeats(h, i);
        if ((!more && i > 0 && !ab_buf_add_byte(b, '\n', err)) ||
            (!more && !add_name(b, h->list[i].name, err)) ||
            !ab_buf_add_byte(b, more ? ',' : ':', err) || !add_trimmed(b, h->list[i].value, err))
            return false;
    }
    return ab_buf_add_byte(b, '\n', err);
}

bool ab_sigv4_headers_add_names(struct ab_buf *b, const struct ab_sigv4_headers *h,
                                struct ab_err *err)
{
    for (size_t i = 0; i < h->count; i++)
        if (!repeats(h, i) &&
            ((i > 0 && !ab_buf_add_byte(b, ';', err)) || !add_name(b, h->list[i].name, err)))
            return false;
    return true;
}

void ab_sigv4_headers_drop(struct ab_sigv4_headers *h)
{
    ab_free(h->list);
    h->list = NULL;
    h->count = 0;
}
