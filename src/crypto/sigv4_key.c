#include "crypto/sigv4_key.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

#include "base/alloc.h"
#include "crypto/digest.h"
#include "crypto/p256.h"
#include "crypto/sigv4.h"

enum { DAY = 8, PARTS = 4 };

void ab_sigv4_key_init(struct ab_sigv4_key *key)
{
    ab_buf_init(&key->source, AB_SIGV4_TEXT_MAX);
    key->source.secret = true;
    key->mac = NULL;
    key->p256 = NULL;
}

void ab_sigv4_key_drop(struct ab_sigv4_key *key)
{
    ab_buf_drop(&key->source);
    EVP_MAC_CTX_free(key->mac);
    ab_p256_free(key->p256);
    key->mac = NULL;
    key->p256 = NULL;
}

/* What a key is derived from; that of SigV4A holds for all days, regions and services. */
static void list_parts(struct ab_slice parts[PARTS], const struct ab_sigv4 *r, const char *stamp)
{
    static const char asymmetric[] = "asymmetric";

    parts[3] = r->secret_key;
    if (r->asymmetric) {
        parts[0] = (struct ab_slice){(const uint8_t *)asymmetric, sizeof asymmetric - 1};
        parts[1] = r->access_key;
        parts[2] = (struct ab_slice){(const uint8_t *)asymmetric, 0};
        return;
    }
    parts[0] = (struct ab_slice){(const uint8_t *)stamp, DAY};
    parts[1] = r->region;
    parts[2] = r->service;
}

/* Each part is followed by a NUL, which no region or service has. */
static bool is_from(const struct ab_buf *source, const struct ab_slice parts[PARTS])
{
    size_t at = 0;

    for (int i = 0; i < PARTS; i++) {
        size_t len = parts[i].len;
        if (source->len - at < len + 1 || source->data[at + len] != 0 ||
            (len > 0 && memcmp(source->data + at, parts[i].data, len) != 0))
            return false;
        at += len + 1;
    }
    return at == source->len;
}

static bool remember(struct ab_buf *source, const struct ab_slice parts[PARTS], struct ab_err *err)
{
    for (int i = 0; i < PARTS; i++) {
        if (!ab_buf_add(source, parts[i].data, parts[i].len, err) ||
            !ab_buf_add_byte(source, 0, err))
            return false;
    }
    return true;
}

static bool hmac(const void *key, size_t len, struct ab_slice message, uint8_t out[AB_SIGV4_KEY],
                 struct ab_err *err)
{
    uint8_t digest[AB_DIGEST_MAX];
    size_t size;
    bool ok = ab_hmac("sha256", (struct ab_slice){key, len}, message, digest, &size, err);

    if (ok)
        memcpy(out, digest, AB_SIGV4_KEY);
    ab_wipe(digest, sizeof digest);
    return ok;
}

/* bytes = HMAC(bytes, message) */
static bool step(uint8_t bytes[AB_SIGV4_KEY], struct ab_slice message, struct ab_err *err)
{
    uint8_t next[AB_SIGV4_KEY];
    bool ok = hmac(bytes, AB_SIGV4_KEY, message, next, err);

    if (ok)
        memcpy(bytes, next, sizeof next);
    ab_wipe(next, sizeof next);
    return ok;
}

/* The first link of the chain: HMAC("AWS4" + secret, day). */
static bool day_key(struct ab_slice secret_key, struct ab_slice day, uint8_t out[AB_SIGV4_KEY],
                    struct ab_err *err)
{
    struct ab_buf secret;

    ab_buf_init(&secret, AB_SIGV4_TEXT_MAX);
    secret.secret = true;
    bool ok = ab_buf_add_text(&secret, "AWS4", err) &&
              ab_buf_add(&secret, secret_key.data, secret_key.len, err) &&
              hmac(secret.data, secret.len, day, out, err);
    ab_buf_drop(&secret);
    return ok;
}

/* The last link, as an HMAC ready for messages. NULL when memory is out. */
static EVP_MAC_CTX *new_mac(const uint8_t bytes[AB_SIGV4_KEY])
{
    char name[] = "SHA256";
    OSSL_PARAM options[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                            OSSL_PARAM_construct_end()};
    EVP_MAC *hmac_kind = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *mac = hmac_kind ? EVP_MAC_CTX_new(hmac_kind) : NULL;

    EVP_MAC_free(hmac_kind); /* the context holds it, too */
    if (mac && EVP_MAC_init(mac, bytes, AB_SIGV4_KEY, options) == 1)
        return mac;
    EVP_MAC_CTX_free(mac);
    return NULL;
}

static bool derive(struct ab_sigv4_key *key, const struct ab_slice parts[PARTS], struct ab_err *err)
{
    static const char terminator[] = "aws4_request";
    struct ab_slice day = parts[0], region = parts[1], service = parts[2], secret = parts[3];
    struct ab_slice last = {(const uint8_t *)terminator, sizeof terminator - 1};
    uint8_t bytes[AB_SIGV4_KEY];
    bool ok = day_key(secret, day, bytes, err) && step(bytes, region, err) &&
              step(bytes, service, err) && step(bytes, last, err);

    if (ok) {
        key->mac = new_mac(bytes);
        ok = key->mac ? remember(&key->source, parts, err) : ab_fail_memory(err);
    }
    ab_wipe(bytes, sizeof bytes);
    return ok;
}

/* The bytes that a candidate key is made from (NIST SP 800-108, counter mode, one block; AWS's
 * aws-c-auth, key_derivation.c). */
static bool candidate(struct ab_slice access_key, uint8_t counter, struct ab_buf *out,
                      struct ab_err *err)
{
    static const uint8_t one[] = {0, 0, 0, 1}, bits[] = {0, 0, 1, 0};

    return ab_buf_add(out, one, sizeof one, err) &&
           ab_buf_add_text(out, "AWS4-ECDSA-P256-SHA256", err) && ab_buf_add_byte(out, 0, err) &&
           ab_buf_add(out, access_key.data, access_key.len, err) &&
           ab_buf_add_byte(out, counter, err) && ab_buf_add(out, bits, sizeof bits, err);
}

/* bytes += 1, big-endian; the bytes are below the order of the curve and do not wrap. */
static void increment(uint8_t bytes[AB_P256_KEY])
{
    for (int i = AB_P256_KEY - 1; i >= 0 && ++bytes[i] == 0; i--)
        continue;
}

/* Is the number at most the order of P-256 less two? Takes the same time for all. */
static bool is_usable(const uint8_t bytes[AB_P256_KEY])
{
    static const uint8_t limit[AB_P256_KEY] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00,
                                               0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                               0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84,
                                               0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x4f};
    uint32_t borrow = 0;

    for (int i = AB_P256_KEY - 1; i >= 0; i--)
        borrow = ((uint32_t)limit[i] - bytes[i] - borrow) >> 31;
    return borrow == 0;
}

/* The SigV4A key of an access key: the first candidate that is a number of the curve. */
static bool derive_asymmetric(struct ab_sigv4_key *key, const struct ab_slice parts[PARTS],
                              struct ab_err *err)
{
    struct ab_buf secret, input;
    uint8_t bytes[AB_P256_KEY];
    bool ok = true, found = false;

    ab_buf_init(&secret, AB_SIGV4_TEXT_MAX);
    ab_buf_init(&input, AB_SIGV4_TEXT_MAX);
    secret.secret = true;
    ok = ab_buf_add_text(&secret, "AWS4A", err) &&
         ab_buf_add(&secret, parts[3].data, parts[3].len, err);
    for (uint8_t counter = 1; ok && !found && counter < UINT8_MAX; counter++) {
        input.len = 0;
        ok = candidate(parts[1], counter, &input, err) &&
             hmac(secret.data, secret.len, (struct ab_slice){input.data, input.len}, bytes, err);
        found = ok && is_usable(bytes);
    }
    if (ok && found) {
        increment(bytes);
        key->p256 = ab_p256_new(bytes, err);
        ok = key->p256 && remember(&key->source, parts, err);
    } else if (ok) {
        ok = ab_fail(err, AB_BUG, "sigv4a", "no signing key can be derived");
    }
    ab_wipe(bytes, sizeof bytes);
    ab_buf_drop(&secret);
    ab_buf_drop(&input);
    return ok;
}

bool ab_sigv4_key_derive(struct ab_sigv4_key *key, const struct ab_sigv4 *r, const char *stamp,
                         struct ab_err *err)
{
    struct ab_slice parts[PARTS];

    list_parts(parts, r, stamp);
    if (is_from(&key->source, parts))
        return true;
    ab_sigv4_key_drop(key);
    if (r->asymmetric ? derive_asymmetric(key, parts, err) : derive(key, parts, err))
        return true;
    ab_sigv4_key_drop(key);
    return false;
}

bool ab_sigv4_key_sign(const struct ab_sigv4_key *key, const struct ab_buf *message,
                       uint8_t signature[AB_SIGV4_SIGNATURE_MAX], size_t *len, struct ab_err *err)
{
    if (key->p256)
        return ab_p256_sign_der(key->p256, (struct ab_slice){message->data, message->len},
                                signature, len, err);
    if (EVP_MAC_init(key->mac, NULL, 0, NULL) != 1 || /* again with the same key */
        EVP_MAC_update(key->mac, message->data, message->len) != 1 ||
        EVP_MAC_final(key->mac, signature, len, AB_SIGV4_KEY) != 1)
        return ab_fail(err, AB_MEMORY, "digest", "libcrypto cannot compute an HMAC");
    return true;
}
