#include "crypto/rsa.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "base/alloc.h"
#include "crypto/start.h"

enum { EXPONENT_BITS_MAX = 32 };

struct ab_rsa {
    EVP_PKEY *pkey; /* owned */
    bool private;
};

static bool refuse(struct ab_err *err, const char *what)
{
    return ab_fail(err, AB_CONFIG, "key", "the RSA key cannot be used: %s", what);
}

static bool check_numbers(const BIGNUM *n, const BIGNUM *e, const BIGNUM *d, struct ab_err *err)
{
    if (BN_num_bits(n) < AB_RSA_BITS_MIN)
        return refuse(err, "it has fewer than 2048 bits");
    if (BN_num_bits(n) > AB_RSA_BITS_MAX)
        return refuse(err, "it has more than 16384 bits");
    if (!BN_is_odd(n) || !BN_is_odd(e) || BN_is_one(e) || BN_num_bits(e) > EXPONENT_BITS_MAX)
        return refuse(err, "its public numbers are none of RSA");
    if (d && (!BN_is_odd(d) || BN_is_one(d) || BN_cmp(d, n) >= 0))
        return refuse(err, "its private number is none of RSA");
    return true;
}

/* NULL, with err, when memory is out or the number is longer than any of ours. */
static BIGNUM *number(struct ab_slice bytes, bool secret, struct ab_err *err)
{
    BIGNUM *n;

    if (bytes.len > AB_RSA_BYTES_MAX + 1) {
        refuse(err, "it has more than 16384 bits");
        return NULL;
    }
    n = secret ? BN_secure_new() : BN_new();
    if (n && BN_bin2bn(bytes.data, (int)bytes.len, n))
        return n;
    BN_clear_free(n);
    ab_fail_memory(err);
    return NULL;
}

static EVP_PKEY *make_pkey(const BIGNUM *n, const BIGNUM *e, const BIGNUM *d)
{
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM *params = NULL;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);

    if (build && ctx && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1 &&
        (!d || OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_D, d) == 1))
        params = OSSL_PARAM_BLD_to_param(build);
    if (!params || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, d ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, params) != 1)
        pkey = NULL;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return pkey;
}

struct ab_rsa *ab_rsa_new(const struct ab_rsa_numbers *numbers, struct ab_err *err)
{
    bool private = numbers->d.data != NULL;
    struct ab_rsa *key = NULL;
    BIGNUM *n = number(numbers->n, false, err);
    BIGNUM *e = n ? number(numbers->e, false, err) : NULL;
    BIGNUM *d = e && private ? number(numbers->d, true, err) : NULL;

    if (e && (d || !private) && check_numbers(n, e, d, err)) {
        key = ab_calloc(1, sizeof *key);
        if (d)
            BN_set_flags(d, BN_FLG_CONSTTIME);
        if (key) {
            key->private = private;
            key->pkey = make_pkey(n, e, d);
        }
        if (!key || !key->pkey) {
            ab_fail_memory(err); /* the numbers were checked */
            ab_rsa_free(key);
            key = NULL;
        }
    }
    BN_clear_free(d);
    BN_free(e);
    BN_free(n);
    return key;
}

void ab_rsa_free(struct ab_rsa *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->pkey);
    ab_free(key);
}

static bool set_oaep(EVP_PKEY_CTX *ctx, const char *label)
{
    size_t len = strlen(label);
    char *copy = OPENSSL_strdup(label);

    if (copy && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
        EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) == 1 &&
        EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) == 1 &&
        EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, copy, (int)len) == 1)
        return true; /* ctx owns the copy */
    OPENSSL_free(copy);
    return false;
}

bool ab_rsa_encrypt(const struct ab_rsa *key, const char *label, struct ab_slice plain,
                    uint8_t out[AB_RSA_BYTES_MAX], size_t *len, struct ab_err *err)
{
    if (!ab_crypto_start_random(err))
        return false;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key->pkey, NULL);
    *len = AB_RSA_BYTES_MAX;
    bool ok = ctx && EVP_PKEY_encrypt_init(ctx) == 1 && set_oaep(ctx, label) &&
              EVP_PKEY_encrypt(ctx, out, len, plain.data, plain.len) == 1;

    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return ok || ab_fail(err, AB_MEMORY, "rsa", "libcrypto cannot encrypt with RSA");
}

bool ab_rsa_decrypt(const struct ab_rsa *key, const char *label, struct ab_slice sealed,
                    uint8_t *out, size_t len, bool *opened, struct ab_err *err)
{
    uint8_t plain[AB_RSA_BYTES_MAX];
    size_t got = sizeof plain;

    *opened = false;
    if (!key->private)
        return ab_fail(err, AB_BUG, "rsa", "a public key cannot decrypt");
    if (!ab_crypto_start_random(err)) /* for blinding */
        return false;
    uint64_t refused = ab_alloc_failures();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key->pkey, NULL);
    bool ready = ctx && EVP_PKEY_decrypt_init(ctx) == 1 && set_oaep(ctx, label);
    *opened =
        ready && EVP_PKEY_decrypt(ctx, plain, &got, sealed.data, sealed.len) == 1 && got == len;
    bool failed = !*opened && ab_alloc_failures() != refused; /* libcrypto does not always tell */

    if (*opened)
        memcpy(out, plain, len);
    ab_wipe(plain, sizeof plain);
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return (ready && !failed) ||
           ab_fail(err, AB_MEMORY, "rsa", "libcrypto cannot decrypt with RSA");
}
