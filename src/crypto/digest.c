#include "crypto/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "crypto/crc.h"

struct kind {
    const char *name;
    const char *hash; /* as libcrypto calls it; NULL for a checksum */
    uint64_t poly;
    int bits;
    bool portable;
};

static const struct kind kinds[] = {
    {"sha256", "SHA2-256", 0, 256, false},
    {"sha512", "SHA2-512", 0, 512, false},
    {"sha1", "SHA1", 0, 160, false},
    {"md5", "MD5", 0, 128, false},
    {"crc32", NULL, AB_CRC32_POLY, 32, false},
    {"crc32c", NULL, AB_CRC32C_POLY, 32, false},
    {"crc64nvme", NULL, AB_CRC64NVME_POLY, 64, false},
    {"crc32-portable", NULL, AB_CRC32_POLY, 32, true},
    {"crc32c-portable", NULL, AB_CRC32C_POLY, 32, true},
    {"crc64nvme-portable", NULL, AB_CRC64NVME_POLY, 64, true},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

/* libcrypto looks an EVP_sha256() up anew for each digest, which takes longer than that of a short
 * text (OpenSSL, crypto(7), "Explicit fetching"). Fetched once, for the life of the process. */
static _Atomic(EVP_MD *) fetched[KINDS];

struct ab_digest {
    const struct kind *kind;
    EVP_MD_CTX *md;     /* owned; NULL for a checksum */
    struct ab_crc *crc; /* owned; NULL for a hash */
};

static const struct kind *find_kind(const char *name, struct ab_err *err)
{
    for (size_t i = 0; i < KINDS; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    ab_fail(err, AB_USAGE, "digest", "no digest is called '%.20s'", name);
    return NULL;
}

static bool library_failed(struct ab_err *err)
{
    return ab_fail(err, AB_MEMORY, "digest", "libcrypto cannot compute a digest");
}

/* The hash of a kind; NULL when memory is out, or the library has no such hash. */
static const EVP_MD *md_of(const struct kind *kind)
{
    _Atomic(EVP_MD *) *place = &fetched[kind - kinds];
    EVP_MD *known = atomic_load(place);

    if (known)
        return known;
    EVP_MD *md = EVP_MD_fetch(NULL, kind->hash, NULL);
    if (md && !atomic_compare_exchange_strong(place, &known, md)) {
        EVP_MD_free(md); /* another thread was first */
        md = known;
    }
    return md;
}

struct ab_digest *ab_digest_new(const char *name, struct ab_err *err)
{
    const struct kind *kind = find_kind(name, err);
    struct ab_digest *d = kind ? ab_calloc(1, sizeof *d) : NULL;

    if (!kind)
        return NULL;
    if (!d)
        goto fail;
    d->kind = kind;
    if (kind->hash) {
        const EVP_MD *md = md_of(kind);
        d->md = md ? EVP_MD_CTX_new() : NULL;
        if (!d->md || EVP_DigestInit_ex(d->md, md, NULL) != 1)
            goto fail;
    } else {
        d->crc = ab_alloc(sizeof *d->crc);
        if (!d->crc)
            goto fail;
        ab_crc_init(d->crc, kind->poly, kind->bits, kind->portable);
    }
    return d;

fail:
    ab_digest_free(d);
    ab_fail_memory(err);
    return NULL;
}

void ab_digest_free(struct ab_digest *d)
{
    if (!d)
        return;
    EVP_MD_CTX_free(d->md);
    ab_free(d->crc);
    ab_free(d);
}

bool ab_digest_add(struct ab_digest *d, const void *data, size_t len, struct ab_err *err)
{
    if (d->crc)
        ab_crc_add(d->crc, data, len);
    else if (EVP_DigestUpdate(d->md, data, len) != 1)
        return library_failed(err);
    return true;
}

static size_t crc_bytes(uint64_t value, int bits, uint8_t *out)
{
    size_t len = (size_t)bits / 8;

    for (size_t i = len; i > 0; i--, value >>= 8)
        out[i - 1] = (uint8_t)value;
    return len;
}

bool ab_digest_peek(const struct ab_digest *d, uint8_t out[AB_DIGEST_MAX], size_t *len,
                    struct ab_err *err)
{
    if (d->crc) {
        *len = crc_bytes(ab_crc_value(d->crc), d->kind->bits, out);
        return true;
    }
    EVP_MD_CTX *copy = EVP_MD_CTX_new();
    unsigned size = 0;
    bool ok =
        copy && EVP_MD_CTX_copy_ex(copy, d->md) == 1 && EVP_DigestFinal_ex(copy, out, &size) == 1;
    EVP_MD_CTX_free(copy);
    *len = size;
    return ok || library_failed(err);
}

bool ab_digest_once(const char *name, struct ab_slice data, uint8_t out[AB_DIGEST_MAX], size_t *len,
                    struct ab_err *err)
{
    const struct kind *kind = find_kind(name, err);
    unsigned size = 0;

    if (!kind)
        return false;
    if (kind->hash) {
        const EVP_MD *md = md_of(kind);
        bool done = md && EVP_Digest(data.data, data.len, out, &size, md, NULL) == 1;
        *len = size;
        return done || library_failed(err);
    }
    struct ab_digest *d = ab_digest_new(name, err);
    bool ok = d && ab_digest_add(d, data.data, data.len, err) && ab_digest_peek(d, out, len, err);

    ab_digest_free(d);
    return ok;
}

static uint64_t load_be(struct ab_slice bytes)
{
    uint64_t value = 0;

    for (size_t i = 0; i < bytes.len; i++)
        value = value << 8 | bytes.data[i];
    return value;
}

bool ab_digest_combine(const char *name, struct ab_slice first, struct ab_slice second,
                       uint64_t second_len, uint8_t out[AB_DIGEST_MAX], size_t *len,
                       struct ab_err *err)
{
    const struct kind *kind = find_kind(name, err);

    if (!kind)
        return false;
    if (kind->hash)
        return ab_fail(err, AB_USAGE, "digest", "%s is a hash: two cannot be combined", name);
    size_t size = (size_t)kind->bits / 8;
    if (first.len != size || second.len != size)
        return ab_fail(err, AB_USAGE, "digest", "a %s has %zu bytes", name, size);
    uint64_t value =
        ab_crc_combine(kind->poly, kind->bits, load_be(first), load_be(second), second_len);
    *len = crc_bytes(value, kind->bits, out);
    return true;
}

bool ab_hmac(const char *name, struct ab_slice key, struct ab_slice data,
             uint8_t out[AB_DIGEST_MAX], size_t *len, struct ab_err *err)
{
    const struct kind *kind = find_kind(name, err);
    unsigned size = 0;

    if (!kind)
        return false;
    if (!kind->hash)
        return ab_fail(err, AB_USAGE, "digest", "%s is a checksum: it makes no HMAC", name);
    if (key.len > INT32_MAX)
        return ab_fail(err, AB_USAGE, "key", "the key of an HMAC is too long");
    const EVP_MD *md = md_of(kind);
    if (!md || !HMAC(md, key.len ? (const void *)key.data : "", (int)key.len, data.data, data.len,
                     out, &size))
        return library_failed(err);
    *len = size;
    return true;
}

bool ab_hkdf(struct ab_slice key, struct ab_slice salt, struct ab_slice info,
             uint8_t out[AB_SHA256], struct ab_err *err)
{
    uint8_t prk[AB_DIGEST_MAX], block[AB_DIGEST_MAX];
    struct ab_buf t;
    size_t len;

    /* 32 bytes are a single block: HMAC(PRK, info || 0x01). An absent salt is 32 zeros to HMAC. */
    ab_buf_init(&t, info.len + 1);
    bool ok = ab_hmac("sha256", salt, key, prk, &len, err) &&
              ab_buf_add(&t, info.data, info.len, err) && ab_buf_add_byte(&t, 1, err) &&
              ab_hmac("sha256", (struct ab_slice){prk, AB_SHA256}, (struct ab_slice){t.data, t.len},
                      block, &len, err);
    if (ok)
        memcpy(out, block, AB_SHA256);
    ab_buf_drop(&t);
    ab_wipe(prk, sizeof prk);
    ab_wipe(block, sizeof block);
    return ok;
}

bool ab_scrypt(struct ab_slice password, struct ab_slice salt, int log_n, uint8_t out[AB_SHA256],
               struct ab_err *err)
{
    enum { R = 8, P = 1, SLACK = 4 << 20 };
    uint64_t n = UINT64_C(1) << log_n;

    /* 128 * N * r bytes are what the algorithm needs; libcrypto asks for a little more. */
    if (EVP_PBE_scrypt((const char *)password.data, password.len, salt.data, salt.len, n, R, P,
                       128 * R * n + SLACK, out, AB_SHA256) != 1)
        return ab_fail(err, AB_MEMORY, "scrypt", "scrypt with work factor %d needs %llu MiB", log_n,
                       (unsigned long long)(n >> 10));
    return true;
}

bool ab_same(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}
