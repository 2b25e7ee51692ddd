#include "crypto/age_ssh.h"

#include "base/alloc.h"
#include "crypto/curve.h"
#include "crypto/digest.h"
#include "crypto/random.h"

#define ED25519_INFO "age-encryption.org/v1/ssh-ed25519"
#define RSA_LABEL "age-encryption.org/v1/ssh-rsa"
#define TEXT_SLICE(s) ((struct ab_slice){(const uint8_t *)(s), sizeof(s) - 1})

/* The key that wraps the file key: what both sides agree on, times a number made of the SSH key, so
 * that it is bound to this use of the key. */
static bool wrap_key(const uint8_t *secret, const uint8_t *peer, const uint8_t *share,
                     const struct ab_ssh_key *ssh, uint8_t key[AB_SHA256], struct ab_err *err)
{
    uint8_t shared[AB_CURVE_KEY], tweak[AB_SHA256], salt[2 * AB_CURVE_KEY];
    uint8_t tweaked[AB_CURVE_KEY];
    struct ab_slice blob = {ssh->blob.data, ssh->blob.len}, none = {NULL, 0};

    memcpy(salt, share, AB_CURVE_KEY);
    memcpy(salt + AB_CURVE_KEY, ssh->x25519_public, AB_CURVE_KEY);
    bool ok = ab_x25519_shared(secret, peer, shared, err) &&
              ab_hkdf(none, blob, TEXT_SLICE(ED25519_INFO), tweak, err) &&
              ab_x25519_shared(tweak, shared, tweaked, err) &&
              ab_hkdf((struct ab_slice){tweaked, sizeof tweaked},
                      (struct ab_slice){salt, sizeof salt}, TEXT_SLICE(ED25519_INFO), key, err);
    ab_wipe(shared, sizeof shared);
    ab_wipe(tweaked, sizeof tweaked);
    return ok;
}

static bool begin(struct ab_buf *out, const char *type, const struct ab_ssh_key *key,
                  struct ab_err *err)
{
    return ab_buf_add_text(out, type, err) &&
           ab_age_stanza_add_bytes(out, key->tag, AB_SSH_TAG, err);
}

static bool wrap_ed25519(struct ab_buf *out, const struct ab_ssh_key *ssh, const uint8_t *file_key,
                         struct ab_err *err)
{
    uint8_t secret[AB_CURVE_KEY], share[AB_CURVE_KEY], key[AB_SHA256];
    bool ok = ab_random(secret, sizeof secret, err) && ab_x25519_public(secret, share, err) &&
              wrap_key(secret, ssh->x25519_public, share, ssh, key, err) &&
              begin(out, "-> ssh-ed25519 ", ssh, err) && ab_buf_add_byte(out, ' ', err) &&
              ab_age_stanza_add_bytes(out, share, sizeof share, err) &&
              ab_age_stanza_seal(out, key, file_key, err);

    ab_wipe(secret, sizeof secret);
    ab_wipe(key, sizeof key);
    return ok;
}

static bool wrap_rsa(struct ab_buf *out, const struct ab_ssh_key *ssh, const uint8_t *file_key,
                     struct ab_err *err)
{
    uint8_t body[AB_RSA_BYTES_MAX];
    size_t len;

    return ab_rsa_encrypt(ssh->rsa, RSA_LABEL, (struct ab_slice){file_key, AB_AGE_FILE_KEY}, body,
                          &len, err) &&
           begin(out, "-> ssh-rsa ", ssh, err) && ab_age_stanza_add_body(out, body, len, err);
}

bool ab_age_ssh_wrap(struct ab_buf *out, const struct ab_ssh_key *key,
                     const uint8_t file_key[AB_AGE_FILE_KEY], struct ab_err *err)
{
    return key->rsa ? wrap_rsa(out, key, file_key, err) : wrap_ed25519(out, key, file_key, err);
}

/* Whether the stanza names this key; false for another, and with *damaged for none. */
static bool names(const struct ab_age_stanza *s, const struct ab_ssh_key *key, bool *damaged)
{
    uint8_t tag[AB_SSH_TAG];

    *damaged = s->argc < 2 || !ab_age_stanza_bytes(s->args[1], tag, sizeof tag);
    return !*damaged && memcmp(tag, key->tag, sizeof tag) == 0;
}

static bool unwrap_ed25519(const struct ab_age_stanza *s, const struct ab_ssh_key *ssh,
                           uint8_t *file_key, bool *opened, struct ab_err *err)
{
    uint8_t share[AB_CURVE_KEY], key[AB_SHA256];

    if (s->argc != 3 || !ab_age_stanza_bytes(s->args[2], share, sizeof share) ||
        s->body_len != AB_AGE_FILE_KEY + AB_AEAD_TAG)
        return ab_age_stanza_damaged(err, "an ssh-ed25519 stanza is malformed");
    if (!wrap_key(ssh->x25519_secret, share, share, ssh, key, err))
        return strcmp(err->code, "x25519") == 0
                   ? ab_age_stanza_damaged(err, "a share is of low order")
                   : false;
    bool ok = ab_age_stanza_open(s, key, file_key, opened, err);
    ab_wipe(key, sizeof key);
    return ok;
}

static bool unwrap_rsa(const struct ab_age_stanza *s, const struct ab_ssh_key *ssh,
                       uint8_t *file_key, bool *opened, struct ab_err *err)
{
    if (s->argc != 2 || s->body_len > AB_AGE_BODY_MAX)
        return ab_age_stanza_damaged(err, "an ssh-rsa stanza is malformed");
    return ab_rsa_decrypt(ssh->rsa, RSA_LABEL, (struct ab_slice){s->body, s->body_len}, file_key,
                          AB_AGE_FILE_KEY, opened, err);
}

bool ab_age_ssh_unwrap(const struct ab_age_stanza *s, const struct ab_ssh_key *key,
                       uint8_t file_key[AB_AGE_FILE_KEY], bool *opened, struct ab_err *err)
{
    bool damaged;

    *opened = false;
    if (ab_slice_is(s->args[0], "ssh-rsa") != (key->rsa != NULL))
        return true;
    if (!names(s, key, &damaged))
        return !damaged || ab_age_stanza_damaged(err, "an SSH stanza is malformed");
    return key->rsa ? unwrap_rsa(s, key, file_key, opened, err)
                    : unwrap_ed25519(s, key, file_key, opened, err);
}
