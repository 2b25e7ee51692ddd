/* stream/passphrase.h - a passphrase that outlives its caller's, wiped at the end. */
#ifndef AB_STREAM_PASSPHRASE_H
#define AB_STREAM_PASSPHRASE_H

#include "base/buf.h"

/* An empty passphrase is still one. */
struct ab_passphrase {
    struct ab_buf text; /* owned, secret */
    bool any;
};

/* Copy `given` (data NULL: none). Drop it in every case. */
static inline bool ab_passphrase_keep(struct ab_passphrase *kept, struct ab_slice given,
                                      struct ab_err *err)
{
    ab_buf_init(&kept->text, given.len);
    kept->text.secret = true;
    kept->any = given.data != NULL;
    return !kept->any || ab_buf_add(&kept->text, given.data, given.len, err);
}

/* The same as it was given; borrowed. */
static inline struct ab_slice ab_passphrase_slice(const struct ab_passphrase *kept)
{
    static const uint8_t empty[1] = {0};

    if (!kept->any)
        return (struct ab_slice){NULL, 0};
    return (struct ab_slice){kept->text.data ? kept->text.data : empty, kept->text.len};
}

#endif
