/* stream/age_payload.h - what both directions of an age payload share: chunk sizes and nonces.
 *
 * The payload is a 16-byte nonce, then chunks of 64 KiB, each sealed under a counter and a flag
 * that marks the last one (C2SP age.md, "Payload"). */
#ifndef AB_STREAM_AGE_PAYLOAD_H
#define AB_STREAM_AGE_PAYLOAD_H

#include "crypto/aead.h"

enum {
    AB_AGE_NONCE = 16,
    AB_AGE_CHUNK = 64 * 1024,
    AB_AGE_SEALED = AB_AGE_CHUNK + AB_AEAD_TAG,
    AB_AGE_FINAL = AB_AEAD_NONCE - 1, /* index of the flag in a chunk's nonce */
};

/* Count one chunk: the first 11 bytes are a big-endian number, which cannot wrap in practice. */
static inline void ab_age_next_chunk(uint8_t nonce[AB_AEAD_NONCE])
{
    for (int i = AB_AGE_FINAL; i > 0 && ++nonce[i - 1] == 0; i--)
        continue;
}

#endif
