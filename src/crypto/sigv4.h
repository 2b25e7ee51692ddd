/* crypto/sigv4.h - AWS Signature Version 4, in headers or in a query (presigned), and its
 * asymmetric kin SigV4A, as pure functions of their input.
 *
 * Rules: "Create a signed AWS API request" (IAM user guide), "Signature calculations for the
 * authorization header: chunked uploads" (S3 API reference) and botocore/auth.py, crt/auth.py, with
 * which the specs compare it. The signer reads what will be sent and changes nothing: path and
 * query must already be percent-encoded, and are signed exactly as they stand. Everything in
 * `struct ab_sigv4` is borrowed. */
#ifndef AB_CRYPTO_SIGV4_H
#define AB_CRYPTO_SIGV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct ab_sigv4_key;

enum {
    AB_SIGV4_STAMP = 17,            /* "20150830T123600Z" and its NUL */
    AB_SIGV4_ADDED = 5,             /* headers that prove who sends a request, at most */
    AB_SIGV4_TEXT_MAX = 1024 * 1024 /* canonical request; headers alone are capped far below */
};

struct ab_sigv4_header {
    struct ab_slice name;
    struct ab_slice value;
};

struct ab_sigv4 {
    struct ab_slice method;
    struct ab_slice host;  /* with ":port" unless it is the scheme's own */
    struct ab_slice path;  /* empty means "/" */
    struct ab_slice query; /* without "?" */
    const struct ab_sigv4_header *headers;
    size_t header_count;
    struct ab_slice payload_hash; /* lower-case hex SHA-256, or a word like UNSIGNED-PAYLOAD */
    struct ab_slice access_key;
    struct ab_slice secret_key;
    struct ab_slice session_token; /* empty when there is none */
    struct ab_slice region;        /* of SigV4A a set of them: "us-east-1,eu-*" or "*" */
    struct ab_slice service;
    int64_t time;    /* seconds since the epoch */
    bool s3;         /* path signed as it is; x-amz-content-sha256 added */
    bool express;    /* the session token is one of S3 Express, with a header of its own */
    bool asymmetric; /* SigV4A */
    bool in_query;   /* presigned: nothing but host and `headers` is signed of headers */
};

/* Fill host, path and query from an absolute URL; slices point into `url`. False when it has no
 * scheme or host. A default port (80, 443) is left out of the host, as HTTP clients leave it. */
AB_MUST_USE bool ab_sigv4_url(struct ab_sigv4 *r, struct ab_slice url, struct ab_err *err);

/* Append the canonical request. The headers host, x-amz-date, x-amz-security-token (with a session
 * token) and x-amz-content-sha256 (with s3) are part of it whether or not `headers` has them;
 * headers that proxies change (user-agent, connection, ...) are not. */
AB_MUST_USE bool ab_sigv4_canonical(const struct ab_sigv4 *r, struct ab_buf *out,
                                    struct ab_err *err);

/* Write the time stamp that x-amz-date must carry, and append the value of Authorization. `key` is
 * the key of the last signature (crypto/sigv4_key.h), and that of this one afterwards. */
AB_MUST_USE bool ab_sigv4_sign(const struct ab_sigv4 *r, struct ab_sigv4_key *key,
                               char stamp[AB_SIGV4_STAMP], struct ab_buf *authorization,
                               struct ab_err *err);

/* List the headers that a signed request is sent with, of those names no other: of `stamp` and
 * `authorization` as ab_sigv4_sign made them, which are borrowed. Returns how many. */
size_t ab_sigv4_added(const struct ab_sigv4 *r, const char *stamp, struct ab_slice authorization,
                      struct ab_sigv4_header added[AB_SIGV4_ADDED]);

/* Append the query of a presigned URL that is good for `expires_s` seconds: `r->query` and the
 * signature's parameters. `r->in_query` is true. */
AB_MUST_USE bool ab_sigv4_presign(const struct ab_sigv4 *r, struct ab_sigv4_key *key,
                                  uint32_t expires_s, struct ab_buf *query, struct ab_err *err);

/* What a piece of an aws-chunked body is: data, or the trailing headers ("name:value\n" each). */
enum ab_sigv4_piece { AB_SIGV4_CHUNK, AB_SIGV4_TRAILER };

/* Append the hex signature of a piece, behind the piece (or the request) whose hex signature is
 * `previous`. */
AB_MUST_USE bool ab_sigv4_sign_piece(const struct ab_sigv4 *r, struct ab_sigv4_key *key,
                                     enum ab_sigv4_piece piece, struct ab_slice previous,
                                     struct ab_slice data, struct ab_buf *signature,
                                     struct ab_err *err);

#endif
