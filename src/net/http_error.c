/* net/http_error.c - curl's codes as our errors: one sentence each, naming the host and the remedy.
 */
#include <ctype.h>
#include <errno.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "net/http_exchange.h"

/* curl's own words, or `otherwise`. Only for failures of TLS and of a proxy's tunnel: those quote
 * certificates, libraries and status codes, but no header, no body and no URL. */
static const char *detail(const struct ab_http *http, const char *otherwise)
{
    return http->curl_says[0] ? http->curl_says : otherwise;
}

/* The text of the system error that ended a connection attempt, in lower case: "connection
 * refused". */
static const char *system_text(const struct ab_http *http, char *text, size_t size)
{
    long number = 0;

    curl_easy_getinfo(http->transfer.easy, CURLINFO_OS_ERRNO, &number);
    const char *words = number != 0 ? strerrordesc_np((int)number) : NULL;
    snprintf(text, size, "%s", words ? words : "no connection");
    text[0] = (char)tolower((unsigned char)text[0]);
    return text;
}

static const char *peer(const struct ab_http *http)
{
    return http->way->proxy[0] ? http->way->proxy : http->way->host;
}

static bool fail_connect(const struct ab_http *http, struct ab_err *err)
{
    char text[64];

    if (http->way->proxy[0])
        return ab_fail(err, AB_NETWORK, "connect", "cannot connect to the proxy %s: %s",
                       http->way->proxy, system_text(http, text, sizeof text));
    return ab_fail(err, AB_NETWORK, "connect", "cannot connect to %s: %s", http->way->host,
                   system_text(http, text, sizeof text));
}

const char *ab_http_scheme_hint(const struct ab_http *http)
{
    char *scheme = NULL;
    long connections = 0;

    curl_easy_getinfo(http->transfer.easy, CURLINFO_SCHEME, &scheme);
    curl_easy_getinfo(http->transfer.easy, CURLINFO_NUM_CONNECTS, &connections);
    const bool kept = connections == 0 || http->sends > 1;
    if (http->way->proxy[0] || !scheme || strcasecmp(scheme, "http") != 0 || kept)
        return "";
    return "; if that port is for TLS, the endpoint's URL must begin with https://";
}

static bool fail_cut(const struct ab_http *http, struct ab_err *err)
{
    if (!http->head_over)
        return ab_fail(err, AB_NETWORK, "cut", "%s closed the connection before it answered%s",
                       http->way->host, http->head_bytes == 0 ? ab_http_scheme_hint(http) : "");
    if (http->length >= 0)
        return ab_fail(err, AB_NETWORK, "cut", "%s closed the connection after %lld of %lld bytes",
                       http->way->host, (long long)http->received, (long long)http->length);
    return ab_fail(err, AB_NETWORK, "cut",
                   "%s closed the connection within the reply, after %lld bytes", http->way->host,
                   (long long)http->received);
}

/* Whether OpenSSL's result of a certificate's check says that no issuer is known who is trusted: of
 * a date or a name nothing gets better by trusting more. curl has 1 there until it has checked. */
static bool is_distrust(long verified)
{
    switch (verified) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE: /* an issuer of that name with another key is */
    case X509_V_ERR_CERT_UNTRUSTED:
        return true;
    default:
        return false;
    }
}

/* An issuer nobody knows, a wrong name, an old protocol, or a connection that broke in the
 * handshake. */
static bool fail_tls(const struct ab_http *http, CURLcode code, struct ab_err *err)
{
    long verified = 0, proxy_verified = 0;

    if (code == CURLE_SSL_CONNECT_ERROR &&
        (strstr(http->curl_says, "SSL_ERROR_SYSCALL") || strstr(http->curl_says, "unexpected eof")))
        return ab_fail(
            err, AB_NETWORK, "connect",
            "%s closed the connection during the TLS handshake (TLS 1.2 or later is needed)",
            peer(http));
    curl_easy_getinfo(http->transfer.easy, CURLINFO_SSL_VERIFYRESULT, &verified);
    curl_easy_getinfo(http->transfer.easy, CURLINFO_PROXY_SSL_VERIFYRESULT, &proxy_verified);
    const bool of_proxy = proxy_verified != 0; /* not 0 from the beginning of its handshake on */
    const char *the = of_proxy ? "the proxy " : "";
    const char *who = of_proxy ? http->way->proxy : http->way->host;
    /* OpenSSL says so of a first record whose version is none of TLS. */
    if (strstr(http->curl_says, "wrong version number"))
        return ab_fail(err, AB_NETWORK, "tls",
                       "TLS with %s%s failed: what it sent is not TLS; check whether its URL is "
                       "http:// and not https://",
                       the, who);
    const char *words = detail(http, curl_easy_strerror(code));
    if (!is_distrust(of_proxy ? proxy_verified : verified))
        return ab_fail(err, AB_NETWORK, "tls", "TLS with %s%s failed: %s", the, who, words);
    return ab_fail(err, AB_NETWORK, "tls",
                   "TLS with %s%s failed: %s; %s can name a file with the certificates of the "
                   "issuers to trust",
                   the, who, words, of_proxy ? "proxy_ca_bundle" : "AWS_CA_BUNDLE");
}

static bool fail_proxy(const struct ab_http *http, struct ab_err *err)
{
    return ab_fail(err, AB_NETWORK, "connect", "the proxy %s did not open a way to %s: %s",
                   http->way->proxy, http->way->host, detail(http, "it gave no reason"));
}

/* curl 7.88 also says that memory is out when a header is longer than its own limit, 100 KiB. */
static bool fail_memory(const struct ab_http *http, struct ab_err *err)
{
    if (ab_alloc_failures() != http->alloc_failures)
        return ab_fail_memory(err);
    return ab_fail(err, AB_REPLY, "too_large", "%s: the reply has a header that is too long",
                   http->way->host);
}

static bool fail_ca_file(const struct ab_http *http, struct ab_err *err)
{
    const struct ab_http_way *way = http->way;
    bool of_proxy = way->proxy_ca_file[0] && strstr(http->curl_says, way->proxy_ca_file);

    return ab_fail(err, AB_CONFIG, "ca_file",
                   "cannot use the CA file %s (%s): it is missing or holds no certificate",
                   of_proxy ? way->proxy_ca_file : way->ca_file,
                   of_proxy ? "proxy_ca_bundle" : "AWS_CA_BUNDLE");
}

/* curl says that a reply was of HTTP/0.9 when its first bytes are no version's. */
static bool fail_protocol(const struct ab_http *http, struct ab_err *err)
{
    if (strstr(http->curl_says, "HTTP/0.9"))
        return ab_fail(err, AB_REPLY, "protocol", "%s: the reply is not HTTP%s", http->way->host,
                       ab_http_scheme_hint(http));
    return ab_fail(err, AB_REPLY, "protocol", "%s: the reply is not HTTP that can be understood",
                   http->way->host);
}

/* Whether no connection was made. */
static bool is_unconnected(CURLcode code)
{
    return code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_CONNECT ||
           code == CURLE_OPERATION_TIMEDOUT || code == CURLE_SSL_CONNECT_ERROR ||
           code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_ISSUER_ERROR ||
           code == CURLE_SSL_CERTPROBLEM || code == CURLE_SSL_CIPHER;
}

/* Whether the request was sent all the same: when a kept connection breaks before it answers,
 * libcurl tries another one by itself. A proxy's CONNECT counts as sent, too: there this is not
 * known. */
static bool was_sent(const struct ab_http *http)
{
    long bytes = 0;

    curl_easy_getinfo(http->transfer.easy, CURLINFO_REQUEST_SIZE, &bytes);
    return bytes > 0 && !http->way->proxy[0];
}

bool ab_http_fail(const struct ab_http *http, CURLcode code, struct ab_err *err)
{
    if (http->transfer.refused)
        return ab_fail_errno(err, http->transfer.refused, "cannot wait for %s (epoll)", peer(http));
    if (is_unconnected(code) && was_sent(http))
        return fail_cut(http, err);
    switch (code) {
    case CURLE_OUT_OF_MEMORY:
        return fail_memory(http, err);
    case CURLE_FAILED_INIT:         /* also of what began after memory ran out */
    case CURLE_ABORTED_BY_CALLBACK: /* of going on: no memory for what the socket waits for */
        return ab_fail_memory(err);
    case CURLE_URL_MALFORMAT:
        return ab_fail(err, AB_USAGE, "url", "the URL is not valid");
    case CURLE_COULDNT_RESOLVE_HOST:
        return ab_fail(err, AB_NETWORK, "dns", "cannot find the host of %s: %s", http->way->host,
                       "its name has no address, or the name service does not answer");
    case CURLE_COULDNT_RESOLVE_PROXY:
        return ab_fail(err, AB_NETWORK, "dns", "cannot find the host of the proxy %s",
                       http->way->proxy);
    case CURLE_COULDNT_CONNECT:
        return fail_connect(http, err);
    case CURLE_PROXY:
        return fail_proxy(http, err);
    case CURLE_OPERATION_TIMEDOUT:
        return ab_fail(err, AB_TIMEOUT, "timeout_connect", "no connection to %s within %.3g s",
                       peer(http), http->connect_s);
    case CURLE_SSL_CACERT_BADFILE:
        return fail_ca_file(http, err);
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
        return fail_tls(http, code, err);
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        if (http->way->proxy[0] && http->first_ns == 0 && strstr(http->curl_says, "CONNECT"))
            return fail_proxy(http, err);
        return fail_cut(http, err);
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL: /* HTTP/0.9, or a version yet to come */
    case CURLE_BAD_CONTENT_ENCODING:
        return fail_protocol(http, err);
    default:
        return ab_fail(err, AB_NETWORK, "curl", "the request to %s failed: %s", http->way->host,
                       curl_easy_strerror(code));
    }
}
