#include "crypto/sigv4.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/alloc.h"
#include "base/codec.h"
#include "crypto/digest.h"
#include "crypto/sigv4_headers.h"
#include "crypto/sigv4_key.h"

#define SYMMETRIC "AWS4-HMAC-SHA256"
#define ASYMMETRIC "AWS4-ECDSA-P256-SHA256"
#define TERMINATOR "aws4_request"

static const char *algorithm(const struct ab_sigv4 *r)
{
    return r->asymmetric ? ASYMMETRIC : SYMMETRIC;
}

/* A part of a query or, with its name alone, of a path. */
struct pair {
    struct ab_slice name;
    struct ab_slice value;
};

struct pairs {
    struct pair *list; /* owned */
    size_t count;
};

/* Memory for as many pairs as `s` has parts between `separator`s. */
static bool room_for(struct pairs *out, struct ab_slice s, uint8_t separator, struct ab_err *err)
{
    size_t parts = 1;

    for (size_t i = 0; i < s.len; i++)
        parts += s.data[i] == separator;
    out->list = ab_calloc(parts, sizeof *out->list);
    return out->list ? true : ab_fail_memory(err);
}

static bool add_slice(struct ab_buf *b, struct ab_slice s, struct ab_err *err)
{
    return ab_buf_add(b, s.data, s.len, err);
}

static bool add_hex(struct ab_buf *b, const uint8_t *data, size_t len, struct ab_err *err)
{
    if (!ab_buf_reserve(b, 2 * len, err))
        return false;
    ab_hex_encode((char *)b->data + b->len, data, len);
    b->len += 2 * len;
    return true;
}

bool ab_sigv4_url(struct ab_sigv4 *r, struct ab_slice url, struct ab_err *err)
{
    const char *at = (const char *)url.data, *end = at + url.len;
    bool https = url.len > 8 && strncasecmp(at, "https://", 8) == 0;

    if (!https && !(url.len > 7 && strncasecmp(at, "http://", 7) == 0))
        return ab_fail(err, AB_USAGE, "url", "a URL to sign starts with http:// or https://");
    at += https ? 8 : 7;
    const char *stop = at;
    while (stop < end && *stop != '/' && *stop != '?')
        stop++;
    const char *user = memchr(at, '@', (size_t)(stop - at));
    if (user)
        at = user + 1;
    const char *port = https ? ":443" : ":80";
    size_t host = (size_t)(stop - at), tail = strlen(port);
    if (host > tail && memcmp(stop - tail, port, tail) == 0)
        host -= tail;
    if (host == 0)
        return ab_fail(err, AB_USAGE, "url", "a URL to sign has a host");
    r->host = (struct ab_slice){(const uint8_t *)at, host};
    const char *query = memchr(stop, '?', (size_t)(end - stop));
    const char *path_end = query ? query : end;
    r->path = (struct ab_slice){(const uint8_t *)stop, (size_t)(path_end - stop)};
    r->query = (struct ab_slice){(const uint8_t *)(query ? query + 1 : end),
                                 query ? (size_t)(end - query) - 1 : 0};
    return true;
}

/* ---- path ------------------------------------------------------------------------------------ */

static bool add_escaped(struct ab_buf *b, struct ab_slice s, struct ab_err *err)
{
    size_t most = s.len < AB_SIGV4_TEXT_MAX ? 3 * s.len : SIZE_MAX; /* the latter is refused */

    if (!ab_buf_reserve(b, most, err))
        return false;
    b->len += ab_uri_encode((char *)b->data + b->len, (const char *)s.data, s.len, false);
    return true;
}

/* The segments of `path` with empty ones, "." and ".." resolved. */
static bool segments_of(struct ab_slice path, struct pairs *out, struct ab_err *err)
{
    const uint8_t *at = path.data, *end = path.data + path.len;

    if (!room_for(out, path, '/', err))
        return false;
    while (at < end) {
        const uint8_t *stop = memchr(at, '/', (size_t)(end - at));
        if (!stop)
            stop = end;
        struct ab_slice s = {at, (size_t)(stop - at)};
        at = stop + 1;
        if (s.len == 0 || ab_slice_is(s, "."))
            continue;
        if (ab_slice_is(s, "..")) {
            out->count -= out->count > 0;
            continue;
        }
        out->list[out->count++].name = s;
    }
    return true;
}

/* All services but S3 normalise the path (RFC 3986, 5.2.4) and encode it a second time. */
static bool add_normal_path(struct ab_buf *b, struct ab_slice path, struct ab_err *err)
{
    struct pairs segments = {0};
    bool ok = segments_of(path, &segments, err);

    for (size_t i = 0; ok && i < segments.count; i++)
        ok = ab_buf_add_byte(b, '/', err) && add_escaped(b, segments.list[i].name, err);
    bool slash = segments.count == 0 || path.data[path.len - 1] == '/';
    ok = ok && (!slash || ab_buf_add_byte(b, '/', err));
    ab_free(segments.list);
    return ok;
}

static bool add_path(struct ab_buf *b, const struct ab_sigv4 *r, struct ab_err *err)
{
    if (r->path.len == 0 || (r->path.len == 1 && r->path.data[0] == '/'))
        return ab_buf_add_byte(b, '/', err);
    return r->s3 ? add_slice(b, r->path, err) : add_normal_path(b, r->path, err);
}

/* ---- query ----------------------------------------------------------------------------------- */

static int compare_bytes(struct ab_slice a, struct ab_slice b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len ? memcmp(a.data, b.data, len) : 0;

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_query(const void *left, const void *right)
{
    const struct pair *a = left, *b = right;
    int order = compare_bytes(a->name, b->name);

    return order ? order : compare_bytes(a->value, b->value);
}

static bool split_query(struct ab_slice query, struct pairs *out, struct ab_err *err)
{
    const uint8_t *at = query.data, *end = query.data + query.len;

    if (!room_for(out, query, '&', err))
        return false;
    while (at < end) {
        const uint8_t *stop = memchr(at, '&', (size_t)(end - at));
        if (!stop)
            stop = end;
        const uint8_t *sign = memchr(at, '=', (size_t)(stop - at));
        const uint8_t *name_end = sign ? sign : stop, *value = sign ? sign + 1 : stop;
        if (stop > at)
            out->list[out->count++] = (struct pair){.name = {at, (size_t)(name_end - at)},
                                                    .value = {value, (size_t)(stop - value)}};
        at = stop + 1;
    }
    return true;
}

static bool add_query(struct ab_buf *b, struct ab_slice query, struct ab_err *err)
{
    struct pairs pairs = {0};

    if (query.len == 0)
        return true;
    bool ok = split_query(query, &pairs, err);
    if (ok && pairs.count > 1)
        qsort(pairs.list, pairs.count, sizeof *pairs.list, compare_query);
    for (size_t i = 0; ok && i < pairs.count; i++)
        ok = (i == 0 || ab_buf_add_byte(b, '&', err)) && add_slice(b, pairs.list[i].name, err) &&
             ab_buf_add_byte(b, '=', err) && add_slice(b, pairs.list[i].value, err);
    ab_free(pairs.list);
    return ok;
}

/* ---- the request ----------------------------------------------------------------------------- */

static bool make_stamp(const struct ab_sigv4 *r, char stamp[AB_SIGV4_STAMP], struct ab_err *err)
{
    time_t seconds = (time_t)r->time;
    struct tm utc;

    if (!gmtime_r(&seconds, &utc) ||
        strftime(stamp, AB_SIGV4_STAMP, "%Y%m%dT%H%M%SZ", &utc) != AB_SIGV4_STAMP - 1)
        return ab_fail(err, AB_USAGE, "time", "a signing time is within the years 1000 to 9999");
    return true;
}

static bool add_canonical(struct ab_buf *b, const struct ab_sigv4 *r,
                          const struct ab_sigv4_headers *headers, struct ab_err *err)
{
    return add_slice(b, r->method, err) && ab_buf_add_byte(b, '\n', err) && add_path(b, r, err) &&
           ab_buf_add_byte(b, '\n', err) && add_query(b, r->query, err) &&
           ab_buf_add_byte(b, '\n', err) && ab_sigv4_headers_add(b, headers, err) &&
           ab_buf_add_byte(b, '\n', err) && ab_sigv4_headers_add_names(b, headers, err) &&
           ab_buf_add_byte(b, '\n', err) && add_slice(b, r->payload_hash, err);
}

bool ab_sigv4_canonical(const struct ab_sigv4 *r, struct ab_buf *out, struct ab_err *err)
{
    char stamp[AB_SIGV4_STAMP];
    struct ab_sigv4_headers headers = {0};
    bool ok = make_stamp(r, stamp, err) && ab_sigv4_headers_init(&headers, r, stamp, err) &&
              add_canonical(out, r, &headers, err);

    ab_sigv4_headers_drop(&headers);
    return ok;
}

/* "20150830/us-east-1/iam/aws4_request"; SigV4A's names no region */
static bool add_scope(struct ab_buf *b, const struct ab_sigv4 *r, const char *stamp,
                      struct ab_err *err)
{
    return ab_buf_add(b, stamp, 8, err) && ab_buf_add_byte(b, '/', err) &&
           (r->asymmetric || (add_slice(b, r->region, err) && ab_buf_add_byte(b, '/', err))) &&
           add_slice(b, r->service, err) && ab_buf_add_text(b, "/" TERMINATOR, err);
}

static bool add_hash(struct ab_buf *b, struct ab_slice data, struct ab_err *err)
{
    uint8_t hash[AB_DIGEST_MAX];
    size_t len;

    return ab_digest_once("sha256", data, hash, &len, err) && add_hex(b, hash, len, err);
}

/* The first three lines of what is signed; `suffix` goes to the algorithm's name. */
static bool add_preamble(struct ab_buf *b, const struct ab_sigv4 *r, const char *stamp,
                         const char *suffix, struct ab_err *err)
{
    return ab_buf_add_text(b, algorithm(r), err) && ab_buf_add_text(b, suffix, err) &&
           ab_buf_add_byte(b, '\n', err) && ab_buf_add_text(b, stamp, err) &&
           ab_buf_add_byte(b, '\n', err) && add_scope(b, r, stamp, err) &&
           ab_buf_add_byte(b, '\n', err);
}

/* Append the hex signature of `message`. */
static bool add_signature(struct ab_buf *b, const struct ab_sigv4 *r, struct ab_sigv4_key *key,
                          const char *stamp, const struct ab_buf *message, struct ab_err *err)
{
    uint8_t signature[AB_SIGV4_SIGNATURE_MAX];
    size_t len;

    return ab_sigv4_key_derive(key, r, stamp, err) &&
           ab_sigv4_key_sign(key, message, signature, &len, err) && add_hex(b, signature, len, err);
}

/* Append the hex signature of the request. */
static bool add_request_signature(struct ab_buf *b, const struct ab_sigv4 *r,
                                  struct ab_sigv4_key *key, const char *stamp,
                                  const struct ab_sigv4_headers *headers, struct ab_err *err)
{
    struct ab_buf canonical, message;

    ab_buf_init(&canonical, AB_SIGV4_TEXT_MAX);
    ab_buf_init(&message, AB_SIGV4_TEXT_MAX);
    bool ok = add_canonical(&canonical, r, headers, err) &&
              add_preamble(&message, r, stamp, "", err) &&
              add_hash(&message, (struct ab_slice){canonical.data, canonical.len}, err) &&
              add_signature(b, r, key, stamp, &message, err);
    ab_buf_drop(&canonical);
    ab_buf_drop(&message);
    return ok;
}

static bool add_authorization(struct ab_buf *b, const struct ab_sigv4 *r, const char *stamp,
                              const struct ab_sigv4_headers *headers, struct ab_err *err)
{
    return ab_buf_add_text(b, algorithm(r), err) && ab_buf_add_text(b, " Credential=", err) &&
           add_slice(b, r->access_key, err) && ab_buf_add_byte(b, '/', err) &&
           add_scope(b, r, stamp, err) && ab_buf_add_text(b, ", SignedHeaders=", err) &&
           ab_sigv4_headers_add_names(b, headers, err) && ab_buf_add_text(b, ", Signature=", err);
}

bool ab_sigv4_sign(const struct ab_sigv4 *r, struct ab_sigv4_key *key, char stamp[AB_SIGV4_STAMP],
                   struct ab_buf *authorization, struct ab_err *err)
{
    struct ab_sigv4_headers headers = {0};
    bool ok = make_stamp(r, stamp, err) && ab_sigv4_headers_init(&headers, r, stamp, err) &&
              add_authorization(authorization, r, stamp, &headers, err) &&
              add_request_signature(authorization, r, key, stamp, &headers, err);

    ab_sigv4_headers_drop(&headers);
    return ok;
}

/* Append "&name=value", or without "&" at the beginning; the value is encoded. */
static bool add_parameter(struct ab_buf *b, const char *name, struct ab_slice value,
                          struct ab_err *err)
{
    return (b->len == 0 || ab_buf_add_byte(b, '&', err)) && ab_buf_add_text(b, name, err) &&
           ab_buf_add_byte(b, '=', err) && add_escaped(b, value, err);
}

static struct ab_slice slice_of(const struct ab_buf *b)
{
    return (struct ab_slice){b->data, b->len};
}

/* The parameters of a presigned query, in botocore's order. `scratch` is emptied before each use.
 */
static bool add_parameters(struct ab_buf *b, const struct ab_sigv4 *r, const char *stamp,
                           uint32_t expires_s, const struct ab_sigv4_headers *headers,
                           struct ab_buf *scratch, struct ab_err *err)
{
    struct ab_slice name = {(const uint8_t *)algorithm(r), strlen(algorithm(r))};
    struct ab_slice time = {(const uint8_t *)stamp, strlen(stamp)};
    char seconds[16];
    const char *token = r->express ? "X-Amz-S3session-Token" : "X-Amz-Security-Token";
    bool ok = add_parameter(b, "X-Amz-Algorithm", name, err) &&
              add_slice(scratch, r->access_key, err) && ab_buf_add_byte(scratch, '/', err) &&
              add_scope(scratch, r, stamp, err) &&
              add_parameter(b, "X-Amz-Credential", slice_of(scratch), err) &&
              add_parameter(b, "X-Amz-Date", time, err);

    int len = snprintf(seconds, sizeof seconds, "%u", (unsigned)expires_s);
    ok = ok && add_parameter(b, "X-Amz-Expires",
                             (struct ab_slice){(const uint8_t *)seconds, (size_t)len}, err);
    scratch->len = 0;
    ok = ok && ab_sigv4_headers_add_names(scratch, headers, err) &&
         add_parameter(b, "X-Amz-SignedHeaders", slice_of(scratch), err);
    ok = ok && (!r->asymmetric || add_parameter(b, "X-Amz-Region-Set", r->region, err));
    return ok && (r->session_token.len == 0 || add_parameter(b, token, r->session_token, err));
}

bool ab_sigv4_presign(const struct ab_sigv4 *r, struct ab_sigv4_key *key, uint32_t expires_s,
                      struct ab_buf *query, struct ab_err *err)
{
    char stamp[AB_SIGV4_STAMP];
    struct ab_sigv4_headers headers = {0};
    struct ab_sigv4 signed_request = *r;
    struct ab_buf scratch;

    ab_buf_init(&scratch, AB_SIGV4_TEXT_MAX);
    bool ok = make_stamp(r, stamp, err) && ab_sigv4_headers_init(&headers, r, stamp, err) &&
              add_slice(query, r->query, err) &&
              add_parameters(query, r, stamp, expires_s, &headers, &scratch, err);
    scratch.len = 0;
    if (ok) {
        signed_request.query = slice_of(query);
        ok = add_request_signature(&scratch, &signed_request, key, stamp, &headers, err) &&
             ab_buf_add_text(query, "&X-Amz-Signature=", err) &&
             add_slice(query, slice_of(&scratch), err);
    }
    ab_buf_drop(&scratch);
    ab_sigv4_headers_drop(&headers);
    return ok;
}

bool ab_sigv4_sign_piece(const struct ab_sigv4 *r, struct ab_sigv4_key *key,
                         enum ab_sigv4_piece piece, struct ab_slice previous, struct ab_slice data,
                         struct ab_buf *signature, struct ab_err *err)
{
    static const struct ab_slice nothing = {NULL, 0};
    char stamp[AB_SIGV4_STAMP];
    struct ab_buf message;

    ab_buf_init(&message, AB_SIGV4_TEXT_MAX);
    bool ok =
        make_stamp(r, stamp, err) &&
        add_preamble(&message, r, stamp, piece == AB_SIGV4_CHUNK ? "-PAYLOAD" : "-TRAILER", err) &&
        add_slice(&message, previous, err) && ab_buf_add_byte(&message, '\n', err);
    if (ok && piece == AB_SIGV4_CHUNK) /* a chunk has no headers, whose hash would stand here */
        ok = add_hash(&message, nothing, err) && ab_buf_add_byte(&message, '\n', err);
    ok = ok && add_hash(&message, data, err) &&
         add_signature(signature, r, key, stamp, &message, err);
    ab_buf_drop(&message);
    return ok;
}
