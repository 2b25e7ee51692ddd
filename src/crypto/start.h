/* crypto/start.h - OpenSSL made ready while failing is still harmless. */
#ifndef AB_CRYPTO_START_H
#define AB_CRYPTO_START_H

#include "base/err.h"

/* Initialise libcrypto; fine to call again, and cheap. When memory runs out in the middle of a
 * start that nobody asked for, libcrypto crashes instead of failing. Kind memory. */
AB_MUST_USE bool ab_crypto_start(struct ab_err *err);

/* The same of its random generator, for TLS: a tenth of the time that a process's first call takes,
 * and plain HTTP has no use for it. */
AB_MUST_USE bool ab_crypto_start_random(struct ab_err *err);

#endif
