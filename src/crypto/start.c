#include "crypto/start.h"

#include <openssl/crypto.h>

bool ab_crypto_start(struct ab_err *err)
{
    if (OPENSSL_init_crypto(0, NULL) == 1 && OSSL_LIB_CTX_get0_global_default())
        return true;
    return ab_fail(err, AB_MEMORY, "openssl", "out of memory while OpenSSL starts");
}
