#include "crypto/age_keys.h"

#include <assert.h>

#include "base/alloc.h"
#include "crypto/curve.h"

enum { STANZAS_MAX = 128 * 1024 }; /* half of what a header may be */

static size_t size_of(size_t capacity)
{
    return sizeof(struct ab_age_keys) + capacity * sizeof(struct ab_age_key);
}

struct ab_age_keys *ab_age_keys_new(size_t capacity, struct ab_err *err)
{
    struct ab_age_keys *keys = ab_secret_alloc(size_of(capacity));

    if (!keys) {
        ab_fail_memory(err);
        return NULL;
    }
    atomic_init(&keys->refs, 1);
    keys->capacity = capacity;
    ab_buf_init(&keys->stanzas, STANZAS_MAX);
    return keys;
}

struct ab_age_keys *ab_age_keys_ref(struct ab_age_keys *keys)
{
    if (keys)
        atomic_fetch_add(&keys->refs, 1);
    return keys;
}

void ab_age_keys_unref(struct ab_age_keys *keys)
{
    if (!keys || atomic_fetch_sub(&keys->refs, 1) > 1)
        return;
    for (size_t i = 0; i < keys->count; i++)
        ab_ssh_key_free(keys->key[i].ssh);
    ab_buf_drop(&keys->stanzas);
    ab_secret_free(keys, size_of(keys->capacity));
}

size_t ab_age_keys_count(const struct ab_age_keys *keys)
{
    return keys ? keys->count : 0;
}

bool ab_age_keys_add_recipient(struct ab_age_keys *keys, struct ab_slice text, struct ab_err *err)
{
    assert(keys->count < keys->capacity);
    struct ab_age_key *key = &keys->key[keys->count];

    bool ok;

    if (ab_ssh_key_is_public(text)) {
        key->ssh = ab_ssh_key_public(text, err);
        ok = key->ssh != NULL;
    } else {
        ok = ab_keytext_read(key->x25519, AB_AGE_RECIPIENT, text, err);
    }
    keys->count += ok;
    return ok;
}

bool ab_age_keys_add_identity(struct ab_age_keys *keys, struct ab_slice text, struct ab_err *err)
{
    assert(keys->count < keys->capacity);
    struct ab_age_key *key = &keys->key[keys->count];
    bool ok;

    if (ab_ssh_key_is_private(text)) {
        key->ssh = ab_ssh_key_private(text, err);
        ok = key->ssh != NULL;
    } else {
        ok = ab_keytext_read(key->x25519, AB_AGE_IDENTITY, text, err);
    }
    keys->count += ok;
    return ok;
}

bool ab_age_keys_set_file_key(struct ab_age_keys *keys, struct ab_slice file_key,
                              struct ab_err *err)
{
    if (file_key.len != AB_AGE_FILE_KEY)
        return ab_fail(err, AB_USAGE, "file_key", "a file key has %d bytes", AB_AGE_FILE_KEY);
    memcpy(keys->file_key, file_key.data, AB_AGE_FILE_KEY);
    keys->has_file_key = true;
    return true;
}

/* Types that only this code may write, or that must stand alone. */
static bool is_ours(struct ab_slice type)
{
    return ab_slice_is(type, "X25519") || ab_slice_is(type, "scrypt") ||
           ab_slice_is(type, "ssh-ed25519") || ab_slice_is(type, "ssh-rsa");
}

bool ab_age_keys_add_stanza(struct ab_age_keys *keys, struct ab_slice text, struct ab_err *err)
{
    struct ab_age_cursor c = {(const char *)text.data, (const char *)text.data + text.len};
    struct ab_age_stanza s;

    if (text.len == 0 || !ab_age_stanza_read(&c, &s, err))
        return text.len > 0 ? false : ab_age_stanza_damaged(err, "a stanza is empty");
    if (c.at != c.end)
        return ab_age_stanza_damaged(err, "text follows a stanza");
    if (is_ours(s.args[0]))
        return ab_age_stanza_damaged(err, "a stanza is of a type that awsbak makes itself");
    if (text.len > STANZAS_MAX - keys->stanzas.len)
        return ab_fail(err, AB_CONFIG, "stanzas",
                       "the stanzas of keys that others wrap have more than %d bytes in all",
                       STANZAS_MAX);
    return ab_buf_add(&keys->stanzas, text.data, text.len, err);
}

bool ab_age_keys_is_empty(const struct ab_age_keys *keys)
{
    return !keys || (keys->count == 0 && keys->stanzas.len == 0 && !keys->has_file_key);
}

static bool ssh_recipient(struct ab_slice text, struct ab_buf *out, struct ab_err *err)
{
    struct ab_ssh_key *key = ab_ssh_key_private(text, err);
    bool ok = key && ab_ssh_key_line(key, out, err);

    ab_ssh_key_free(key);
    return ok;
}

bool ab_age_keys_recipient_of(struct ab_slice text, struct ab_buf *out, struct ab_err *err)
{
    uint8_t identity[AB_KEY], recipient[AB_KEY];
    char line[AB_KEYTEXT_MAX];

    if (ab_ssh_key_is_private(text))
        return ssh_recipient(text, out, err);
    bool ok = ab_keytext_read(identity, AB_AGE_IDENTITY, text, err) &&
              ab_x25519_public(identity, recipient, err);
    ab_wipe(identity, sizeof identity);
    if (!ok)
        return false;
    ab_keytext_write(line, AB_AGE_RECIPIENT, recipient);
    return ab_buf_add_text(out, line, err);
}
