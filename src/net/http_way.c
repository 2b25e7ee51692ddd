#include "net/http_way.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "crypto/start.h"
#include "net/http_option.h"

enum { KEEPALIVE_S = 30, WAITING_MAX = 64 };

/* Bytes that curl takes from the network at once: objects come with fewer system calls, and small
 * replies with less memory. */
static const long STREAM_BUFFER = 256 * 1024;

/* --- where to -------------------------------------------------------------------------------- */

static bool is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    char bare[INET6_ADDRSTRLEN + 1] = "";

    if (strcasecmp(host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return (ntohl(v4.s_addr) >> 24) == IN_LOOPBACKNET;
    size_t len = strlen(host);
    if (len < 3 || len - 2 >= sizeof bare || host[0] != '[')
        return false;
    memcpy(bare, host + 1, len - 2);
    return inet_pton(AF_INET6, bare, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

/* The URL's host and port into `where` as "name:port". `fault` and `name` say what the URL is, for
 * errors. */
static bool find_host(const char *url, const char *fault, const char *name, bool *loopback,
                      char *where, struct ab_err *err)
{
    char *host = NULL, *port = NULL;
    CURLU *parts = curl_url();
    unsigned flags = CURLU_PATH_AS_IS | CURLU_NON_SUPPORT_SCHEME;

    if (!parts)
        return ab_fail_memory(err);
    CURLUcode code = curl_url_set(parts, CURLUPART_URL, url, flags);
    if (code == CURLUE_OK)
        code = curl_url_get(parts, CURLUPART_HOST, &host, 0);
    if (code == CURLUE_OK)
        code = curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
    if (code == CURLUE_OK) {
        snprintf(where, AB_HTTP_HOST_MAX, "%s:%s", host, port);
        *loopback = is_loopback(host);
    }
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(parts);
    if (code == CURLUE_OUT_OF_MEMORY)
        return ab_fail_memory(err);
    if (code != CURLUE_OK)
        return ab_fail(err, AB_USAGE, fault, "the %s is not valid: %s", name,
                       curl_url_strerror(code));
    return true;
}

/* "scheme://user@host": an at sign before the path. */
static bool has_user(const char *url)
{
    const char *authority = strstr(url, "://") + 3;

    return memchr(authority, '@', strcspn(authority, "/?#")) != NULL;
}

/* The proxy's host and port; "host:port" alone means http, as it does to curl and to botocore. */
static bool find_proxy(const char *proxy, char *where, struct ab_err *err)
{
    bool unused;
    struct ab_buf url;

    ab_buf_init(&url, SIZE_MAX);
    url.secret = true; /* a password may be in it */
    bool ok = (strstr(proxy, "://") || ab_buf_add_text(&url, "http://", err)) &&
              ab_buf_add(&url, proxy, strlen(proxy) + 1, err) &&
              find_host((const char *)url.data, "proxy_url", "proxy's URL", &unused, where, err);
    ab_buf_drop(&url);
    return ok;
}

static bool set_target(struct ab_http_way *way, const struct ab_http_request *request,
                       struct ab_err *err)
{
    bool loopback = false;

    if (!find_host(request->url, "url", "URL", &loopback, way->host, err))
        return false;
    if (has_user(request->url))
        return ab_fail(err, AB_USAGE, "url", "a URL must not hold a user name or password");
    if (request->loopback_only && !loopback)
        return ab_fail(err, AB_USAGE, "sandbox_host",
                       "%s is not in the sandbox: only this machine can be reached", way->host);
    if (request->proxy && *request->proxy && !request->loopback_only)
        return find_proxy(request->proxy, way->proxy, err);
    return true;
}

/* --- curl's options: everything said, nothing left to defaults ------------------------------- */

static CURLcode set_transport(CURL *easy, const struct ab_http_request *request)
{
    CURLcode code = CURLE_OK;

    AB_SET(CURLOPT_PATH_AS_IS, 1L);
    AB_SET(CURLOPT_PROTOCOLS_STR, "http,https");
    AB_SET(CURLOPT_FOLLOWLOCATION, 0L);
    AB_SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    AB_SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    AB_SET(CURLOPT_HTTP09_ALLOWED, 0L);
    AB_SET(CURLOPT_NOSIGNAL, 1L);
    AB_SET(CURLOPT_QUICK_EXIT, 1L); /* a cancelled look-up of a name must not hold up the loop */
    AB_SET(CURLOPT_TCP_KEEPALIVE, 1L);
    AB_SET(CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_S);
    AB_SET(CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_S);
    AB_SET(CURLOPT_BUFFERSIZE, request->stream ? STREAM_BUFFER : CURL_MAX_WRITE_SIZE);
    AB_SET(CURLOPT_CONNECTTIMEOUT_MS, (long)(request->connect_s * 1000));
    return code;
}

static CURLcode set_trust(CURL *easy, const struct ab_http_request *request)
{
    CURLcode code = CURLE_OK;

    AB_SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    AB_SET(CURLOPT_SSL_VERIFYPEER, 1L);
    AB_SET(CURLOPT_SSL_VERIFYHOST, 2L);
    AB_SET(CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (request->ca_file) {
        AB_SET(CURLOPT_CAINFO, request->ca_file);
        AB_SET(CURLOPT_CAPATH, NULL);
        AB_SET(CURLOPT_PROXY_CAINFO, request->ca_file);
        AB_SET(CURLOPT_PROXY_CAPATH, NULL);
    } else if (request->ca_path) {
        /* A hashed folder is looked into for one issuer; a bundle is parsed whole, 26-45 ms. */
        AB_SET(CURLOPT_CAINFO, NULL);
        AB_SET(CURLOPT_CAPATH, request->ca_path);
        AB_SET(CURLOPT_PROXY_CAINFO, NULL);
        AB_SET(CURLOPT_PROXY_CAPATH, request->ca_path);
    }
    return code;
}

static CURLcode set_proxy_trust(CURL *easy, const struct ab_http_request *request)
{
    CURLcode code = CURLE_OK;

    if (request->proxy_ca_file) {
        AB_SET(CURLOPT_PROXY_CAINFO, request->proxy_ca_file);
        AB_SET(CURLOPT_PROXY_CAPATH, NULL);
    }
    AB_SET(CURLOPT_PROXY_SSLCERT, request->proxy_cert_file);
    AB_SET(CURLOPT_PROXY_SSLKEY, request->proxy_cert_file);
    return code;
}

static CURLcode set_proxy(const struct ab_http_way *way, const struct ab_http_request *request)
{
    CURL *easy = way->easy;
    CURLcode code = CURLE_OK;

    AB_SET(CURLOPT_PROXY, way->proxy[0] ? request->proxy : "");
    if (way->proxy[0]) /* curl's own default for http is 1080 */
        AB_SET(CURLOPT_PROXYPORT, strtol(strrchr(way->proxy, ':') + 1, NULL, 10));
    AB_SET(CURLOPT_NOPROXY, request->no_proxy ? request->no_proxy : "");
    AB_SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    return code;
}

static bool set_options(struct ab_http_way *way, const struct ab_http_request *request,
                        struct ab_err *err)
{
    CURLcode code = set_transport(way->easy, request);

    if (code == CURLE_OK)
        code = set_proxy(way, request);
    if (code == CURLE_OK)
        code = set_trust(way->easy, request);
    if (code == CURLE_OK)
        code = set_proxy_trust(way->easy, request);
    return code == CURLE_OK || ab_fail_memory(err); /* there is no other reason */
}

static bool is_https(const char *url)
{
    return url && strncasecmp(url, "https://", 8) == 0;
}

static struct ab_http_way *new_way(const struct ab_buf *key, const struct ab_http_request *request,
                                   struct ab_err *err)
{
    if ((is_https(request->url) || is_https(request->proxy)) && !ab_crypto_start_random(err))
        return NULL;
    struct ab_http_way *way = ab_calloc(1, sizeof *way);
    if (!way) {
        ab_fail_memory(err);
        return NULL;
    }
    ab_buf_init(&way->key, SIZE_MAX);
    way->key.secret = true;
    if (request->ca_file)
        snprintf(way->ca_file, sizeof way->ca_file, "%s", request->ca_file);
    if (request->proxy_ca_file)
        snprintf(way->proxy_ca_file, sizeof way->proxy_ca_file, "%s", request->proxy_ca_file);
    way->easy = curl_easy_init();
    if (!way->easy)
        ab_fail_memory(err);
    if (!way->easy || !set_target(way, request, err) || !set_options(way, request, err) ||
        !ab_buf_add(&way->key, key->data, key->len, err)) {
        ab_http_way_free(way);
        return NULL;
    }
    return way;
}

void ab_http_way_free(struct ab_http_way *way)
{
    if (!way)
        return;
    curl_easy_cleanup(way->easy);
    ab_buf_drop(&way->key);
    ab_free(way);
}

/* --- those that wait ------------------------------------------------------------------------- */

void ab_http_ways_init(struct ab_http_ways *ways)
{
    *ways = (struct ab_http_ways){0};
    ab_buf_init(&ways->key, SIZE_MAX);
    ways->key.secret = true; /* a proxy's password may be in it */
}

void ab_http_ways_drop(struct ab_http_ways *ways)
{
    for (struct ab_http_way *way = ways->first, *next; way; way = next) {
        next = way->next;
        ab_http_way_free(way);
    }
    ab_buf_drop(&ways->key);
    ways->first = NULL;
    ways->count = 0;
}

static bool add_text(struct ab_buf *key, const char *text, struct ab_err *err)
{
    return (!text || ab_buf_add_text(key, text, err)) && ab_buf_add_byte(key, 0, err);
}

/* All that the options are made from; texts hold no NUL, which ends each of them. */
static bool write_key(struct ab_buf *key, const struct ab_http_request *r, struct ab_err *err)
{
    size_t scheme = strcspn(r->url, ":") + strlen("://");

    key->len = 0;
    return ab_buf_add(key, r->url, scheme + strcspn(r->url + scheme, "/?#"), err) &&
           add_text(key, r->proxy, err) && add_text(key, r->no_proxy, err) &&
           add_text(key, r->ca_file, err) && add_text(key, r->ca_path, err) &&
           add_text(key, r->proxy_ca_file, err) && add_text(key, r->proxy_cert_file, err) &&
           ab_buf_add(key, &r->connect_s, sizeof r->connect_s, err) &&
           ab_buf_add_byte(key, r->loopback_only, err) && ab_buf_add_byte(key, r->stream, err);
}

struct ab_http_way *ab_http_way_take(struct ab_http_ways *ways,
                                     const struct ab_http_request *request, struct ab_err *err)
{
    const struct ab_buf *key = &ways->key;

    if (strncmp(request->url, "http://", 7) != 0 && strncmp(request->url, "https://", 8) != 0) {
        ab_fail(err, AB_USAGE, "url", "a URL must begin with http:// or https://");
        return NULL;
    }
    if (!write_key(&ways->key, request, err))
        return NULL;
    for (struct ab_http_way **at = &ways->first; *at; at = &(*at)->next) {
        struct ab_http_way *way = *at;
        if (way->key.len == key->len && memcmp(way->key.data, key->data, key->len) == 0) {
            *at = way->next;
            ways->count--;
            return way;
        }
    }
    return new_way(key, request, err);
}

/* Free the one that has waited longest. */
static void free_last(struct ab_http_ways *ways)
{
    struct ab_http_way **at = &ways->first;

    while ((*at)->next)
        at = &(*at)->next;
    ab_http_way_free(*at);
    *at = NULL;
    ways->count--;
}

void ab_http_way_keep(struct ab_http_ways *ways, struct ab_http_way *way)
{
    /* The request's own memory goes with it. */
    curl_easy_setopt(way->easy, CURLOPT_ERRORBUFFER, NULL);
    curl_easy_setopt(way->easy, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(way->easy, CURLOPT_POSTFIELDS, NULL);
    way->next = ways->first;
    ways->first = way;
    if (++ways->count > WAITING_MAX)
        free_last(ways);
}
