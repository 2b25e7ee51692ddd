/* crypto/curve_map.c - Ed25519 keys as X25519 keys.
 *
 * With y of the point on edwards25519, u = (1 + y) / (1 - y) is that of curve25519 (RFC 7748,
 * section 4.1); the secret number is the first half of SHA-512 of the seed (RFC 8032, 5.1.5). */
#include <openssl/bn.h>
#include <string.h>

#include "base/alloc.h"
#include "crypto/curve.h"
#include "crypto/digest.h"

#define PRIME "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed"
#define CURVE_D "52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3"

/* Numbers modulo the prime. */
struct field {
    BN_CTX *ctx; /* owned, as all below */
    BIGNUM *p, *d, *y, *a, *b, *one;
};

static bool field_init(struct field *f)
{
    f->ctx = BN_CTX_new();
    f->y = BN_new();
    f->a = BN_new();
    f->b = BN_new();
    f->one = BN_new();
    return f->ctx && f->y && f->a && f->b && f->one && BN_one(f->one) == 1 &&
           BN_hex2bn(&f->p, PRIME) > 0 && BN_hex2bn(&f->d, CURVE_D) > 0;
}

static void field_drop(struct field *f)
{
    BN_free(f->one);
    BN_free(f->b);
    BN_free(f->a);
    BN_free(f->y);
    BN_free(f->d);
    BN_free(f->p);
    BN_CTX_free(f->ctx);
}

/* Whether a point has this y: (y^2 - 1) / (d y^2 + 1) is a square, and so is the product. */
static bool on_curve(struct field *f, bool *on)
{
    if (BN_mod_sqr(f->a, f->y, f->p, f->ctx) != 1 ||
        BN_mod_mul(f->b, f->a, f->d, f->p, f->ctx) != 1 ||
        BN_mod_add(f->b, f->b, f->one, f->p, f->ctx) != 1 ||
        BN_mod_sub(f->a, f->a, f->one, f->p, f->ctx) != 1 ||
        BN_mod_mul(f->a, f->a, f->b, f->p, f->ctx) != 1)
        return false;
    int symbol = BN_kronecker(f->a, f->p, f->ctx);
    *on = symbol == 1;
    return symbol >= -1;
}

/* u into `a`; `y` is neither 1 nor above the prime. */
static bool to_u(struct field *f)
{
    return BN_mod_sub(f->b, f->one, f->y, f->p, f->ctx) == 1 &&
           BN_mod_inverse(f->b, f->b, f->p, f->ctx) &&
           BN_mod_add(f->a, f->one, f->y, f->p, f->ctx) == 1 &&
           BN_mod_mul(f->a, f->a, f->b, f->p, f->ctx) == 1;
}

bool ab_ed25519_public_to_x25519(const uint8_t public_key[AB_CURVE_KEY], uint8_t out[AB_CURVE_KEY],
                                 struct ab_err *err)
{
    uint8_t bytes[AB_CURVE_KEY];
    struct field f = {0};
    bool on = false;

    memcpy(bytes, public_key, sizeof bytes);
    bytes[AB_CURVE_KEY - 1] &= 0x7f; /* the sign of x */
    bool ok = field_init(&f) && BN_lebin2bn(bytes, sizeof bytes, f.y);
    if (ok && BN_cmp(f.y, f.p) < 0)
        ok = on_curve(&f, &on);
    if (ok && on) /* of 1 and -1 the product is 0, so neither comes here */
        ok = to_u(&f) && BN_bn2lebinpad(f.a, out, AB_CURVE_KEY) == AB_CURVE_KEY;
    field_drop(&f);
    if (!ok)
        return ab_fail_memory(err);
    return on || ab_fail(err, AB_CONFIG, "key",
                         "the ssh-ed25519 key is mistyped: it is no point of the curve");
}

bool ab_ed25519_secret_to_x25519(const uint8_t seed[AB_CURVE_KEY], uint8_t out[AB_CURVE_KEY],
                                 struct ab_err *err)
{
    uint8_t digest[AB_DIGEST_MAX];
    size_t len;
    bool ok = ab_digest_once("sha512", (struct ab_slice){seed, AB_CURVE_KEY}, digest, &len, err);

    if (ok)
        memcpy(out, digest, AB_CURVE_KEY);
    ab_wipe(digest, sizeof digest);
    return ok;
}
