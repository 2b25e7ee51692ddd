#include "crypto/p256.h"

#include <limits.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include "base/alloc.h"

struct ab_p256 {
    EVP_PKEY *pkey; /* owned */
    uint8_t public_key[AB_P256_PUBLIC];
};

static bool fail_crypto(struct ab_err *err)
{
    return ab_fail(err, AB_BUG, "p256", "the elliptic curve P-256 cannot be computed with");
}

/* The point of the secret number. */
static bool multiply(const BIGNUM *secret, uint8_t public_key[AB_P256_PUBLIC])
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    EC_POINT *point = group ? EC_POINT_new(group) : NULL;
    bool ok = point && EC_POINT_mul(group, point, secret, NULL, NULL, NULL) == 1 &&
              EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, public_key,
                                 AB_P256_PUBLIC, NULL) == AB_P256_PUBLIC;

    EC_POINT_free(point);
    EC_GROUP_free(group);
    return ok;
}

static EVP_PKEY *make_pkey(const BIGNUM *secret, const uint8_t public_key[AB_P256_PUBLIC])
{
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM *params = NULL;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);

    if (build && ctx &&
        OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, secret) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, public_key,
                                         AB_P256_PUBLIC) == 1)
        params = OSSL_PARAM_BLD_to_param(build);
    if (!params || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params) != 1)
        pkey = NULL;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

/* Is the number within 1 and the order less one? */
static bool in_range(const BIGNUM *secret)
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    bool ok = group && !BN_is_zero(secret) && BN_cmp(secret, EC_GROUP_get0_order(group)) < 0;

    EC_GROUP_free(group);
    return ok;
}

struct ab_p256 *ab_p256_new(const uint8_t secret[AB_P256_KEY], struct ab_err *err)
{
    struct ab_p256 *key = ab_calloc(1, sizeof *key);
    BIGNUM *number = BN_secure_new();

    if (!key || !number || !BN_bin2bn(secret, AB_P256_KEY, number)) {
        ab_fail_memory(err);
    } else if (!in_range(number)) {
        ab_fail(err, AB_USAGE, "p256", "the number is no secret key of P-256");
    } else {
        BN_set_flags(number, BN_FLG_CONSTTIME);
        if (multiply(number, key->public_key))
            key->pkey = make_pkey(number, key->public_key);
        if (!key->pkey)
            fail_crypto(err);
    }
    BN_clear_free(number);
    if (key && key->pkey)
        return key;
    ab_p256_free(key);
    return NULL;
}

/* libcrypto would ask on the terminal. */
static int no_password(char *text, int size, int encrypts, void *data)
{
    (void)text;
    (void)size;
    (void)encrypts;
    (void)data;
    return -1;
}

static bool secret_of(const EVP_PKEY *pkey, uint8_t secret[AB_P256_KEY])
{
    char group[16] = "";
    BIGNUM *number = NULL;
    bool ok = EVP_PKEY_get_group_name(pkey, group, sizeof group, NULL) == 1 &&
              strcmp(group, SN_X9_62_prime256v1) == 0 &&
              EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, &number) == 1 &&
              BN_bn2binpad(number, secret, AB_P256_KEY) == AB_P256_KEY;

    BN_clear_free(number);
    return ok;
}

struct ab_p256 *ab_p256_from_pem(struct ab_slice pem, struct ab_err *err)
{
    uint8_t secret[AB_P256_KEY];
    BIO *text = pem.len <= INT_MAX ? BIO_new_mem_buf(pem.data, (int)pem.len) : NULL;
    EVP_PKEY *pkey = text ? PEM_read_bio_PrivateKey(text, NULL, no_password, NULL) : NULL;
    bool found = pkey && secret_of(pkey, secret);
    struct ab_p256 *key = found ? ab_p256_new(secret, err) : NULL;

    if (!found)
        ab_fail(err, AB_CONFIG, "p256", "there is no key of P-256 in PEM");
    ab_wipe(secret, sizeof secret);
    EVP_PKEY_free(pkey);
    BIO_free(text);
    ERR_clear_error();
    return key;
}

void ab_p256_free(struct ab_p256 *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->pkey);
    ab_free(key);
}

const uint8_t *ab_p256_public(const struct ab_p256 *key)
{
    return key->public_key;
}

bool ab_p256_sign_der(const struct ab_p256 *key, struct ab_slice message,
                      uint8_t der[AB_P256_DER_MAX], size_t *len, struct ab_err *err)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    *len = AB_P256_DER_MAX;
    bool ok = ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key->pkey) == 1 &&
              EVP_DigestSign(ctx, der, len, message.data, message.len) == 1;
    EVP_MD_CTX_free(ctx);
    return ok || fail_crypto(err);
}

bool ab_p256_sign(const struct ab_p256 *key, struct ab_slice message,
                  uint8_t signature[AB_P256_SIGNATURE], struct ab_err *err)
{
    uint8_t der[AB_P256_DER_MAX];
    const uint8_t *at = der;
    size_t len;

    if (!ab_p256_sign_der(key, message, der, &len, err))
        return false;
    ECDSA_SIG *parts = d2i_ECDSA_SIG(NULL, &at, (long)len);
    bool ok = parts && BN_bn2binpad(ECDSA_SIG_get0_r(parts), signature, 32) == 32 &&
              BN_bn2binpad(ECDSA_SIG_get0_s(parts), signature + 32, 32) == 32;
    ECDSA_SIG_free(parts);
    return ok || fail_crypto(err);
}
