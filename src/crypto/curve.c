#include "crypto/curve.h"

#include <openssl/err.h>
#include <openssl/evp.h>

static bool library_failed(struct ab_err *err)
{
    return ab_fail(err, AB_MEMORY, "curve", "libcrypto cannot compute on Curve25519");
}

/* Whether libcrypto failed for want of memory since the last ERR_clear_error(). */
static bool out_of_memory(void)
{
    for (unsigned long e; (e = ERR_get_error()) != 0;)
        if (ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE)
            return true;
    return false;
}

static bool public_of(int type, const uint8_t *secret, uint8_t *public_key, struct ab_err *err)
{
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(type, NULL, secret, AB_CURVE_KEY);
    size_t len = AB_CURVE_KEY;
    bool ok = key && EVP_PKEY_get_raw_public_key(key, public_key, &len) == 1;

    EVP_PKEY_free(key);
    return ok || library_failed(err);
}

bool ab_x25519_public(const uint8_t secret[AB_CURVE_KEY], uint8_t public_key[AB_CURVE_KEY],
                      struct ab_err *err)
{
    return public_of(EVP_PKEY_X25519, secret, public_key, err);
}

bool ab_ed25519_public(const uint8_t secret[AB_CURVE_KEY], uint8_t public_key[AB_CURVE_KEY],
                       struct ab_err *err)
{
    return public_of(EVP_PKEY_ED25519, secret, public_key, err);
}

bool ab_x25519_shared(const uint8_t secret[AB_CURVE_KEY], const uint8_t public_key[AB_CURVE_KEY],
                      uint8_t shared[AB_CURVE_KEY], struct ab_err *err)
{
    ERR_clear_error();
    EVP_PKEY *own = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret, AB_CURVE_KEY);
    EVP_PKEY *peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, public_key, AB_CURVE_KEY);
    EVP_PKEY_CTX *ctx = own ? EVP_PKEY_CTX_new(own, NULL) : NULL;
    size_t len = AB_CURVE_KEY;
    bool ready =
        peer && ctx && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, peer) == 1;
    /* libcrypto itself refuses a shared secret of zeros. */
    bool ok = ready && EVP_PKEY_derive(ctx, shared, &len) == 1;

    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(peer);
    EVP_PKEY_free(own);
    if (ready && !ok && !out_of_memory())
        return ab_fail(err, AB_INTEGRITY, "x25519", "a public key is a point of low order");
    return ok || library_failed(err);
}

bool ab_ed25519_sign(const uint8_t secret[AB_CURVE_KEY], struct ab_slice message,
                     uint8_t signature[AB_ED25519_SIGNATURE], struct ab_err *err)
{
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret, AB_CURVE_KEY);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t len = AB_ED25519_SIGNATURE;
    bool ok = key && ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
              EVP_DigestSign(ctx, signature, &len, message.data, message.len) == 1;

    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    return ok || library_failed(err);
}

static bool verify_once(const uint8_t *public_key, struct ab_slice message,
                        const uint8_t *signature, bool *valid)
{
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key, AB_CURVE_KEY);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ready = key && ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1;

    *valid = ready &&
             EVP_DigestVerify(ctx, signature, AB_ED25519_SIGNATURE, message.data, message.len) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    return ready;
}

bool ab_ed25519_verify(const uint8_t public_key[AB_CURVE_KEY], struct ab_slice message,
                       const uint8_t signature[AB_ED25519_SIGNATURE], bool *valid,
                       struct ab_err *err)
{
    bool ready = verify_once(public_key, message, signature, valid);

    /* libcrypto does not always tell want of memory from a wrong signature: ask twice. */
    if (ready && !*valid)
        ready = verify_once(public_key, message, signature, valid);
    return ready || library_failed(err);
}
