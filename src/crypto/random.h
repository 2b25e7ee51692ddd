/* crypto/random.h - bytes nobody can guess, from the kernel. */
#ifndef AB_CRYPTO_RANDOM_H
#define AB_CRYPTO_RANDOM_H

#include <stdint.h>

#include "base/err.h"

/* Fill `len` bytes at `out`; kind io when the kernel cannot. */
AB_MUST_USE bool ab_random(void *out, size_t len, struct ab_err *err);

#endif
