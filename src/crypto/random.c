#include "crypto/random.h"

#include <errno.h>
#include <sys/random.h>

bool ab_random(void *out, size_t len, struct ab_err *err)
{
    uint8_t *at = out;

    while (len > 0) {
        ssize_t n = getrandom(at, len, 0);
        if (n < 0 && errno != EINTR)
            return ab_fail_errno(err, errno, "cannot get random bytes");
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        }
    }
    return true;
}
