/* crypto/keytext.h - keys as people see them: age's identities and recipients, our signing keys.
 *
 *   AGE-SECRET-KEY-1...      identity, opens archives (secret)          age1...       its recipient
 *   AWSBAK-SIGNING-KEY-1...  Ed25519 key, signs archives (secret)       awsbaksig1... its signer
 *
 * The first pair is age's own (C2SP age.md, "The X25519 recipient type"); the second is ours, in
 * the same encoding, so that a mistyped key is noticed and no key passes for one of another
 * purpose. */
#ifndef AB_CRYPTO_KEYTEXT_H
#define AB_CRYPTO_KEYTEXT_H

#include "base/buf.h"
#include "crypto/bech32.h"

enum { AB_KEY = 32, AB_KEYTEXT_MAX = 96 }; /* the latter holds any key's text and its zero */

enum ab_keytext {
    AB_AGE_IDENTITY,
    AB_AGE_RECIPIENT,
    AB_SIGNING_KEY,
    AB_SIGNER,
};

/* Write the text of a key and a zero. */
void ab_keytext_write(char out[AB_KEYTEXT_MAX], enum ab_keytext type, const uint8_t key[AB_KEY]);

/* Read a key of the wanted type; anything else is kind config, code "key", and a message that says
 * what it looks like instead. The message shows nothing of a secret key. */
AB_MUST_USE bool ab_keytext_read(uint8_t key[AB_KEY], enum ab_keytext type, struct ab_slice text,
                                 struct ab_err *err);

enum { AB_PLUGIN_NAME_MAX = 64, AB_PLUGIN_DATA_MAX = 4096 };

/* Read a plugin's recipient (age1NAME1...) or identity (AGE-PLUGIN-NAME-1...; C2SP age-plugin.md):
 * its name in lower case, ended by a zero, and its bytes, of which there may be none. 1, or 0 when
 * `text` does not look like one, or -1 with kind config, code "key" when it is mistyped. */
int ab_keytext_plugin(struct ab_slice text, char name[AB_PLUGIN_NAME_MAX + 1],
                      uint8_t data[AB_PLUGIN_DATA_MAX], size_t *len, struct ab_err *err);

/* The next line of a key file that is neither blank nor a comment (#), without the blanks around
 * it. Takes it, and all before it, off `rest`, and counts lines in *number. False at the end. */
bool ab_keytext_next_line(struct ab_slice *rest, struct ab_slice *line, size_t *number);

#endif
