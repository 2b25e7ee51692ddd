#include "crypto/start.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

static bool done(bool ok, struct ab_err *err)
{
    return ok || ab_fail(err, AB_MEMORY, "openssl", "out of memory while OpenSSL starts");
}

bool ab_crypto_start(struct ab_err *err)
{
    return done(OPENSSL_init_crypto(0, NULL) == 1 && OSSL_LIB_CTX_get0_global_default(), err);
}

bool ab_crypto_start_random(struct ab_err *err)
{
    return done(RAND_status() == 1, err);
}
