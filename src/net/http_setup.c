/* net/http_setup.c - the options of curl's easy handle: everything said, nothing left to defaults.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "net/http_exchange.h"

enum { KEEPALIVE_S = 30 };

/* Remember the first option that curl refuses; only memory can be the reason. */
#define SET(option, value)                                                                         \
    do {                                                                                           \
        if (code == CURLE_OK)                                                                      \
            code = curl_easy_setopt(easy, option, value);                                          \
    } while (0)

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

/* The URL's host and port into `where` as "name:port". `name` says what the URL is, for messages.
 */
static bool find_host(const char *url, const char *name, bool *loopback, char *where,
                      struct ab_err *err)
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
        return ab_fail(err, AB_USAGE, "url", "the %s is not valid: %s", name,
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
              find_host((const char *)url.data, "proxy's URL", &unused, where, err);
    ab_buf_drop(&url);
    return ok;
}

static bool set_target(struct ab_http *http, const struct ab_http_request *request,
                       struct ab_err *err)
{
    bool loopback = false;

    if (strncmp(request->url, "http://", 7) != 0 && strncmp(request->url, "https://", 8) != 0)
        return ab_fail(err, AB_USAGE, "url", "a URL must begin with http:// or https://");
    if (!find_host(request->url, "URL", &loopback, http->host, err))
        return false;
    if (has_user(request->url))
        return ab_fail(err, AB_USAGE, "url", "a URL must not hold a user name or password");
    if (request->loopback_only && !loopback)
        return ab_fail(err, AB_USAGE, "sandbox_host",
                       "%s is not in the sandbox: only this machine can be reached", http->host);
    if (request->proxy && *request->proxy && !request->loopback_only)
        return find_proxy(request->proxy, http->proxy, err);
    return true;
}

static CURLcode set_proxy(struct ab_http *http, const struct ab_http_request *request)
{
    CURL *easy = http->transfer.easy;
    CURLcode code = CURLE_OK;

    SET(CURLOPT_PROXY, http->proxy[0] ? request->proxy : "");
    if (http->proxy[0]) /* curl's own default for http is 1080 */
        SET(CURLOPT_PROXYPORT, strtol(strrchr(http->proxy, ':') + 1, NULL, 10));
    SET(CURLOPT_NOPROXY, request->no_proxy ? request->no_proxy : "");
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    return code;
}

static CURLcode set_transport(CURL *easy, const struct ab_http_request *request)
{
    CURLcode code = CURLE_OK;

    SET(CURLOPT_URL, request->url);
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    SET(CURLOPT_HTTP09_ALLOWED, 0L);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L); /* a cancelled look-up of a name must not hold up the loop */
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_S);
    SET(CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_S);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)(request->connect_s * 1000));
    return code;
}

static CURLcode set_trust(CURL *easy, const struct ab_http_request *request)
{
    CURLcode code = CURLE_OK;

    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (request->ca_file) {
        SET(CURLOPT_CAINFO, request->ca_file);
        SET(CURLOPT_CAPATH, NULL);
        SET(CURLOPT_PROXY_CAINFO, request->ca_file);
        SET(CURLOPT_PROXY_CAPATH, NULL);
    } else if (request->ca_path) {
        /* A hashed folder is looked into for one issuer; a bundle is parsed whole, 26-45 ms. */
        SET(CURLOPT_CAINFO, NULL);
        SET(CURLOPT_CAPATH, request->ca_path);
        SET(CURLOPT_PROXY_CAINFO, NULL);
        SET(CURLOPT_PROXY_CAPATH, request->ca_path);
    }
    return code;
}

static CURLcode set_message(CURL *easy, const struct ab_http_request *request, bool is_head)
{
    CURLcode code = CURLE_OK;

    if (is_head) {
        SET(CURLOPT_NOBODY, 1L);
        return code;
    }
    if (request->has_body) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
        SET(CURLOPT_POSTFIELDS, request->body.len > 0 ? (const char *)request->body.data : "");
    }
    SET(CURLOPT_CUSTOMREQUEST, request->method);
    return code;
}

static CURLcode set_callbacks(CURL *easy, struct ab_http *http)
{
    CURLcode code = CURLE_OK;

    SET(CURLOPT_HEADERFUNCTION, ab_http_on_header);
    SET(CURLOPT_HEADERDATA, http);
    SET(CURLOPT_WRITEFUNCTION, ab_http_on_body);
    SET(CURLOPT_WRITEDATA, http);
    SET(CURLOPT_ERRORBUFFER, http->curl_says);
    return code;
}

bool ab_http_setup(struct ab_http *http, const struct ab_http_request *request, struct ab_err *err)
{
    CURL *easy = http->transfer.easy;

    if (!set_target(http, request, err))
        return false;
    if (request->ca_file)
        snprintf(http->ca_file, sizeof http->ca_file, "%s", request->ca_file);
    CURLcode code = set_transport(easy, request);
    if (code == CURLE_OK)
        code = set_proxy(http, request);
    if (code == CURLE_OK)
        code = set_trust(easy, request);
    if (code == CURLE_OK)
        code = set_message(easy, request, http->is_head);
    if (code == CURLE_OK)
        code = set_callbacks(easy, http);
    return code == CURLE_OK || ab_http_fail(http, code, err);
}
