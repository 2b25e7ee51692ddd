#include "crypto/age_header.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "crypto/aead.h"
#include "crypto/age_ssh.h"
#include "crypto/age_stanza.h"
#include "crypto/curve.h"
#include "crypto/digest.h"
#include "crypto/random.h"

#define VERSION_LINE AB_AGE_MAGIC "v1"
#define X25519_INFO "age-encryption.org/v1/X25519"
#define SCRYPT_SALT "age-encryption.org/v1/scrypt"

enum {
    BODY = AB_AGE_FILE_KEY + AB_AEAD_TAG, /* a wrapped file key: the only body we open */
    SALT = 16,
    MAC = AB_SHA256,
    MAC_TEXT = 43, /* 32 bytes, unpadded */
};

#define TEXT_SLICE(s) ((struct ab_slice){(const uint8_t *)(s), sizeof(s) - 1})

/* --- Reading ------------------------------------------------------------------------------- */

/* The decimal work factor without sign or leading zero, or 0; above the largest cap it stays there.
 */
static int read_work_factor(struct ab_slice arg)
{
    enum { ENOUGH = 1000 };
    int n = 0;

    if (arg.data[0] == '0')
        return 0;
    for (size_t i = 0; i < arg.len; i++) {
        if (arg.data[i] < '0' || arg.data[i] > '9')
            return 0;
        n = n < ENOUGH ? n * 10 + (arg.data[i] - '0') : ENOUGH;
    }
    return n;
}

/* The key that wraps the file key between two X25519 parties. */
static bool x25519_wrap_key(const uint8_t *secret, const uint8_t *peer, const uint8_t *share,
                            const uint8_t *recipient, uint8_t key[AB_SHA256], struct ab_err *err)
{
    uint8_t shared[AB_CURVE_KEY], salt[2 * AB_CURVE_KEY];

    memcpy(salt, share, AB_CURVE_KEY);
    memcpy(salt + AB_CURVE_KEY, recipient, AB_CURVE_KEY);
    bool ok = ab_x25519_shared(secret, peer, shared, err) &&
              ab_hkdf((struct ab_slice){shared, sizeof shared},
                      (struct ab_slice){salt, sizeof salt}, TEXT_SLICE(X25519_INFO), key, err);
    ab_wipe(shared, sizeof shared);
    return ok;
}

static bool try_identity(const uint8_t identity[AB_KEY], const uint8_t *share,
                         const struct ab_age_stanza *s, uint8_t *file_key, bool *opened,
                         struct ab_err *err)
{
    uint8_t recipient[AB_KEY], key[AB_SHA256];
    bool ok = ab_x25519_public(identity, recipient, err) &&
              x25519_wrap_key(identity, share, share, recipient, key, err) &&
              ab_age_stanza_open(s, key, file_key, opened, err);

    ab_wipe(key, sizeof key);
    return ok;
}

static bool try_x25519(const struct ab_age_stanza *s, const struct ab_age_with *with,
                       uint8_t *file_key, bool *opened, struct ab_err *err)
{
    uint8_t share[AB_CURVE_KEY];

    if (s->argc != 2 || !ab_age_stanza_bytes(s->args[1], share, sizeof share) ||
        s->body_len != BODY)
        return ab_age_stanza_damaged(err, "an X25519 stanza is malformed");
    for (size_t i = 0; i < ab_age_keys_count(with->keys) && !*opened; i++)
        if (!with->keys->key[i].ssh &&
            !try_identity(with->keys->key[i].x25519, share, s, file_key, opened, err))
            return strcmp(err->code, "x25519") == 0
                       ? ab_age_stanza_damaged(err, "a share is of low order")
                       : false;
    return true;
}

static bool scrypt_wrap_key(struct ab_slice passphrase, const uint8_t salt[SALT], int work_factor,
                            uint8_t key[AB_SHA256], struct ab_err *err)
{
    uint8_t whole[sizeof SCRYPT_SALT - 1 + SALT];

    memcpy(whole, SCRYPT_SALT, sizeof SCRYPT_SALT - 1);
    memcpy(whole + sizeof SCRYPT_SALT - 1, salt, SALT);
    return ab_scrypt(passphrase, (struct ab_slice){whole, sizeof whole}, work_factor, key, err);
}

static bool try_scrypt(const struct ab_age_stanza *s, const struct ab_age_with *with,
                       uint8_t *file_key, bool *opened, struct ab_err *err)
{
    uint8_t salt[SALT], key[AB_SHA256];
    int work_factor = s->argc == 3 ? read_work_factor(s->args[2]) : 0;

    if (work_factor == 0 || !ab_age_stanza_bytes(s->args[1], salt, sizeof salt) ||
        s->body_len != BODY)
        return ab_age_stanza_damaged(err, "an scrypt stanza is malformed");
    if (work_factor > with->max_work_factor)
        return ab_fail(err, AB_INTEGRITY, "age_work_factor",
                       "the passphrase's work factor is above the limit of %d: opening the file "
                       "would take too long and too much memory",
                       with->max_work_factor);
    if (!with->passphrase.data)
        return true;
    bool ok = scrypt_wrap_key(with->passphrase, salt, work_factor, key, err) &&
              ab_age_stanza_open(s, key, file_key, opened, err);
    ab_wipe(key, sizeof key);
    return ok;
}

static bool try_ssh(const struct ab_age_stanza *s, const struct ab_age_with *with,
                    uint8_t *file_key, bool *opened, struct ab_err *err)
{
    for (size_t i = 0; i < ab_age_keys_count(with->keys) && !*opened; i++)
        if (with->keys->key[i].ssh &&
            !ab_age_ssh_unwrap(s, with->keys->key[i].ssh, file_key, opened, err))
            return false;
    return true;
}

/* Check and try one stanza; those of unknown types are passed over. */
static bool try_stanza(const struct ab_age_stanza *s, const struct ab_age_with *with,
                       uint8_t *file_key, bool *opened, struct ab_err *err)
{
    uint8_t found[AB_AGE_FILE_KEY];
    bool mine = false, ok = true;

    if (ab_slice_is(s->args[0], "X25519"))
        ok = try_x25519(s, with, found, &mine, err);
    else if (ab_slice_is(s->args[0], "scrypt"))
        ok = try_scrypt(s, with, found, &mine, err);
    else if (ab_slice_is(s->args[0], "ssh-ed25519") || ab_slice_is(s->args[0], "ssh-rsa"))
        ok = try_ssh(s, with, found, &mine, err);
    if (ok && mine && !*opened) {
        memcpy(file_key, found, sizeof found);
        *opened = true;
    }
    if (mine)
        ab_wipe(found, sizeof found);
    return ok;
}

/* What people need to know when nothing fits. */
static bool no_match(const struct ab_age_with *with, bool has_scrypt, struct ab_err *err)
{
    const char *why = "none of the identities given can open this archive";

    if (has_scrypt)
        why = with->passphrase.data ? "the passphrase is wrong"
                                    : "the archive is locked with a passphrase, and none was given";
    else if (ab_age_keys_is_empty(with->keys))
        why = "the archive is encrypted, and no identity was given to open it";
    return ab_fail(err, AB_INTEGRITY, "age_no_match", "%s", why);
}

static bool header_mac(const uint8_t *file_key, struct ab_slice header, uint8_t mac[AB_DIGEST_MAX],
                       struct ab_err *err)
{
    uint8_t key[AB_SHA256];
    size_t len;
    bool ok = ab_hkdf((struct ab_slice){file_key, AB_AGE_FILE_KEY}, (struct ab_slice){NULL, 0},
                      TEXT_SLICE("header"), key, err) &&
              ab_hmac("sha256", (struct ab_slice){key, sizeof key}, header, mac, &len, err);

    ab_wipe(key, sizeof key);
    return ok;
}

/* The last line, "--- MAC", of which the MAC covers the three dashes. */
static bool read_mac_line(struct ab_age_cursor *c, uint8_t mac[MAC], struct ab_err *err)
{
    struct ab_slice line;

    if (!ab_age_stanza_line(c, &line) || line.len != 4 + MAC_TEXT ||
        memcmp(line.data, "--- ", 4) != 0 ||
        !ab_age_stanza_bytes((struct ab_slice){line.data + 4, MAC_TEXT}, mac, MAC) ||
        c->at != c->end)
        return ab_age_stanza_damaged(err, "its last line is malformed");
    return true;
}

/* Whether `data`, as far as it goes, is how `line` begins. */
static bool begins(struct ab_slice data, const char *line)
{
    size_t len = strlen(line);

    return data.len == 0 || memcmp(data.data, line, data.len < len ? data.len : len) == 0;
}

bool ab_age_header_begins(struct ab_slice data, struct ab_err *err)
{
    if (!begins(data, AB_AGE_MAGIC))
        return ab_fail(err, AB_INTEGRITY, "not_age", "it is no age file");
    return begins(data, VERSION_LINE "\n") ||
           ab_fail(err, AB_INTEGRITY, "age_version",
                   "it is a file of another version of age than 1");
}

static bool read_version_line(struct ab_age_cursor *c, struct ab_err *err)
{
    struct ab_slice rest = {(const uint8_t *)c->at, (size_t)(c->end - c->at)}, line;

    return ab_age_header_begins(rest, err) &&
           (ab_age_stanza_line(c, &line) || ab_age_stanza_damaged(err, "it has no end"));
}

/* All stanzas: each checked, the first that opens wins, and an scrypt stanza must stand alone. */
static bool read_stanzas(struct ab_age_cursor *c, const struct ab_age_with *with, uint8_t *file_key,
                         struct ab_err *err)
{
    bool opened = with->keys && with->keys->has_file_key, has_scrypt = false;
    size_t count = 0;
    struct ab_age_stanza s = {0};
    struct ab_age_cursor scan = *c;

    for (; count == 0 || ab_age_stanza_here(&scan); count++) {
        if (!ab_age_stanza_read(&scan, &s, err))
            return false;
        has_scrypt = has_scrypt || ab_slice_is(s.args[0], "scrypt");
    }
    if (has_scrypt && count > 1)
        return ab_age_stanza_damaged(err, "an scrypt stanza stands beside another");
    if (opened)
        memcpy(file_key, with->keys->file_key, AB_AGE_FILE_KEY);
    while (ab_age_stanza_here(c))
        if (!ab_age_stanza_read(c, &s, err) || !try_stanza(&s, with, file_key, &opened, err))
            return false;
    return opened || no_match(with, has_scrypt, err);
}

size_t ab_age_header_length(struct ab_slice data)
{
    struct ab_age_cursor c = {(const char *)data.data, (const char *)data.data + data.len};
    struct ab_slice line;

    while (ab_age_stanza_line(&c, &line))
        if (line.len >= 3 && memcmp(line.data, "---", 3) == 0)
            return (size_t)(c.at - (const char *)data.data);
    return 0;
}

bool ab_age_header_open(struct ab_slice header, const struct ab_age_with *with,
                        uint8_t file_key[AB_AGE_FILE_KEY], struct ab_err *err)
{
    struct ab_age_cursor c = {(const char *)header.data, (const char *)header.data + header.len};
    uint8_t wanted[MAC], mac[AB_DIGEST_MAX];

    if (!read_version_line(&c, err) || !read_stanzas(&c, with, file_key, err))
        return false;
    struct ab_slice covered = {header.data, (size_t)(c.at - (const char *)header.data) + 3};
    if (!read_mac_line(&c, wanted, err) || !header_mac(file_key, covered, mac, err))
        return false;
    if (!ab_same(mac, wanted, MAC))
        return ab_fail(err, AB_INTEGRITY, "age_mac", "the age header was altered");
    return true;
}

/* --- Writing ------------------------------------------------------------------------------- */

static bool add_x25519(struct ab_buf *out, const uint8_t recipient[AB_KEY], const uint8_t *file_key,
                       struct ab_err *err)
{
    uint8_t secret[AB_CURVE_KEY], share[AB_CURVE_KEY], key[AB_SHA256];
    bool ok = ab_random(secret, sizeof secret, err) && ab_x25519_public(secret, share, err) &&
              x25519_wrap_key(secret, recipient, share, recipient, key, err) &&
              ab_buf_add_text(out, "-> X25519 ", err) &&
              ab_age_stanza_add_bytes(out, share, sizeof share, err) &&
              ab_age_stanza_seal(out, key, file_key, err);

    ab_wipe(secret, sizeof secret);
    ab_wipe(key, sizeof key);
    return ok;
}

static bool add_scrypt(struct ab_buf *out, const struct ab_age_to *to, const uint8_t *file_key,
                       struct ab_err *err)
{
    uint8_t salt[SALT], key[AB_SHA256];
    char factor[16];

    snprintf(factor, sizeof factor, " %d", to->work_factor);
    bool ok = ab_random(salt, sizeof salt, err) &&
              scrypt_wrap_key(to->passphrase, salt, to->work_factor, key, err) &&
              ab_buf_add_text(out, "-> scrypt ", err) &&
              ab_age_stanza_add_bytes(out, salt, sizeof salt, err) &&
              ab_buf_add_text(out, factor, err) && ab_age_stanza_seal(out, key, file_key, err);
    ab_wipe(key, sizeof key);
    return ok;
}

static bool add_recipient(struct ab_buf *out, const struct ab_age_key *key, const uint8_t *file_key,
                          struct ab_err *err)
{
    return key->ssh ? ab_age_ssh_wrap(out, key->ssh, file_key, err)
                    : add_x25519(out, key->x25519, file_key, err);
}

bool ab_age_header_write(struct ab_buf *out, const struct ab_age_to *to,
                         const uint8_t file_key[AB_AGE_FILE_KEY], struct ab_err *err)
{
    size_t start = out->len;
    uint8_t mac[AB_DIGEST_MAX];

    if (!ab_buf_add_text(out, VERSION_LINE "\n", err))
        return false;
    if (to->passphrase.data && !add_scrypt(out, to, file_key, err))
        return false;
    for (size_t i = 0; i < ab_age_keys_count(to->keys); i++)
        if (!add_recipient(out, &to->keys->key[i], file_key, err))
            return false;
    if (to->keys && !ab_buf_add(out, to->keys->stanzas.data, to->keys->stanzas.len, err))
        return false;
    return ab_buf_add_text(out, "---", err) &&
           header_mac(file_key, (struct ab_slice){out->data + start, out->len - start}, mac, err) &&
           ab_buf_add_byte(out, ' ', err) && ab_age_stanza_add_bytes(out, mac, MAC, err) &&
           ab_buf_add_byte(out, '\n', err);
}

bool ab_age_payload_key(const uint8_t file_key[AB_AGE_FILE_KEY], const uint8_t nonce[16],
                        uint8_t key[AB_KEY], struct ab_err *err)
{
    return ab_hkdf((struct ab_slice){file_key, AB_AGE_FILE_KEY}, (struct ab_slice){nonce, 16},
                   TEXT_SLICE("payload"), key, err);
}
