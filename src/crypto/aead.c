#include "crypto/aead.h"

#include <limits.h>
#include <openssl/evp.h>

#include "base/alloc.h"

struct ab_aead {
    EVP_CIPHER_CTX *cipher; /* owned; keyed once */
};

struct ab_aead *ab_aead_new(const uint8_t key[AB_AEAD_KEY], bool seals, struct ab_err *err)
{
    struct ab_aead *a = ab_calloc(1, sizeof *a);

    if (a)
        a->cipher = EVP_CIPHER_CTX_new();
    if (a && a->cipher &&
        EVP_CipherInit_ex(a->cipher, EVP_chacha20_poly1305(), NULL, key, NULL, seals) == 1)
        return a;
    ab_aead_free(a);
    ab_fail_memory(err);
    return NULL;
}

void ab_aead_free(struct ab_aead *a)
{
    if (!a)
        return;
    EVP_CIPHER_CTX_free(a->cipher); /* wipes the key */
    ab_free(a);
}

bool ab_aead_seal(struct ab_aead *a, const uint8_t nonce[AB_AEAD_NONCE], const uint8_t *in,
                  size_t len, uint8_t *out, struct ab_err *err)
{
    int n = 0, rest = 0;

    if (len > INT_MAX || EVP_EncryptInit_ex(a->cipher, NULL, NULL, NULL, nonce) != 1 ||
        EVP_EncryptUpdate(a->cipher, out, &n, in, (int)len) != 1 ||
        EVP_EncryptFinal_ex(a->cipher, out + n, &rest) != 1 ||
        EVP_CIPHER_CTX_ctrl(a->cipher, EVP_CTRL_AEAD_GET_TAG, AB_AEAD_TAG, out + len) != 1)
        return ab_fail(err, AB_MEMORY, "aead", "libcrypto cannot encrypt");
    return true;
}

bool ab_aead_open(struct ab_aead *a, const uint8_t nonce[AB_AEAD_NONCE], const uint8_t *in,
                  size_t len, uint8_t *out)
{
    int n = 0, rest = 0;

    if (len < AB_AEAD_TAG || len > INT_MAX)
        return false;
    len -= AB_AEAD_TAG;
    if (EVP_DecryptInit_ex(a->cipher, NULL, NULL, NULL, nonce) == 1 &&
        EVP_DecryptUpdate(a->cipher, out, &n, in, (int)len) == 1 &&
        EVP_CIPHER_CTX_ctrl(a->cipher, EVP_CTRL_AEAD_SET_TAG, AB_AEAD_TAG, (void *)(in + len)) ==
            1 &&
        EVP_DecryptFinal_ex(a->cipher, out + n, &rest) == 1)
        return true;
    ab_wipe(out, len);
    return false;
}
