#include "crypto/ssh_key.h"

#include "base/alloc.h"
#include "base/codec.h"
#include "crypto/digest.h"
#include "crypto/ssh_wire.h"

#define ED25519 "ssh-ed25519"
#define RSA "ssh-rsa"
#define TEXT_SLICE(s) ((struct ab_slice){(const uint8_t *)(s), sizeof(s) - 1})

static void *refuse(struct ab_err *err, const char *what)
{
    ab_fail(err, AB_CONFIG, "key", "not an age recipient but an SSH key %s", what);
    return NULL;
}

static bool begins(struct ab_slice text, const char *prefix)
{
    size_t len = strlen(prefix);

    return text.len >= len && memcmp(text.data, prefix, len) == 0;
}

bool ab_ssh_key_is_public(struct ab_slice text)
{
    return begins(text, "ssh-") || begins(text, "ecdsa-sha2-") || begins(text, "sk-ssh-") ||
           begins(text, "sk-ecdsa-");
}

bool ab_ssh_key_is_private(struct ab_slice text)
{
    return begins(text, "-----BEGIN");
}

void ab_ssh_key_free(struct ab_ssh_key *key)
{
    if (!key)
        return;
    ab_buf_drop(&key->blob);
    ab_rsa_free(key->rsa);
    ab_secret_free(key, sizeof *key);
}

static struct ab_ssh_key *new_key(struct ab_err *err)
{
    struct ab_ssh_key *key = ab_secret_alloc(sizeof *key);

    if (!key) {
        ab_fail_memory(err);
        return NULL;
    }
    ab_buf_init(&key->blob, AB_SSH_BLOB_MAX);
    return key;
}

static bool make_tag(struct ab_ssh_key *key, struct ab_err *err)
{
    uint8_t digest[AB_DIGEST_MAX];
    size_t len;

    if (!ab_digest_once("sha256", (struct ab_slice){key->blob.data, key->blob.len}, digest, &len,
                        err))
        return false;
    memcpy(key->tag, digest, AB_SSH_TAG);
    return true;
}

/* The secret half, and that the public one belongs to it: a file may say anything. */
static bool set_seed(struct ab_ssh_key *key, const uint8_t *public_key, const uint8_t *seed,
                     struct ab_err *err)
{
    uint8_t own[AB_CURVE_KEY];

    if (!ab_ed25519_public(seed, own, err))
        return false;
    if (memcmp(own, public_key, sizeof own) != 0)
        return ab_fail(err, AB_CONFIG, "key", "the halves of the SSH key do not belong together");
    key->private = true;
    return ab_ed25519_secret_to_x25519(seed, key->x25519_secret, err);
}

struct ab_ssh_key *ab_ssh_key_ed25519(const uint8_t public_key[AB_CURVE_KEY], const uint8_t *seed,
                                      struct ab_err *err)
{
    struct ab_ssh_key *key = new_key(err);

    if (key && ab_ed25519_public_to_x25519(public_key, key->x25519_public, err) &&
        (!seed || set_seed(key, public_key, seed, err)) &&
        ab_ssh_wire_add_string(&key->blob, TEXT_SLICE(ED25519), err) &&
        ab_ssh_wire_add_string(&key->blob, (struct ab_slice){public_key, AB_CURVE_KEY}, err) &&
        make_tag(key, err))
        return key;
    ab_ssh_key_free(key);
    return NULL;
}

struct ab_ssh_key *ab_ssh_key_rsa(const struct ab_rsa_numbers *numbers, struct ab_err *err)
{
    struct ab_ssh_key *key = new_key(err);

    if (key && (key->rsa = ab_rsa_new(numbers, err)) != NULL &&
        ab_ssh_wire_add_string(&key->blob, TEXT_SLICE(RSA), err) &&
        ab_ssh_wire_add_number(&key->blob, numbers->e, err) &&
        ab_ssh_wire_add_number(&key->blob, numbers->n, err) && make_tag(key, err)) {
        key->private = numbers->d.data != NULL;
        return key;
    }
    ab_ssh_key_free(key);
    return NULL;
}

/* The key in the wire form `blob`, of which the line said the type `type`. */
static struct ab_ssh_key *read_blob(struct ab_slice type, struct ab_slice blob, struct ab_err *err)
{
    struct ab_slice inner, point;
    struct ab_rsa_numbers numbers = {0};

    if (!ab_ssh_wire_string(&blob, &inner) || !ab_slice_same(inner, type))
        return refuse(err, "that is mistyped or cut");
    if (ab_slice_is(type, ED25519))
        return ab_ssh_wire_string(&blob, &point) && point.len == AB_CURVE_KEY && blob.len == 0
                   ? ab_ssh_key_ed25519(point.data, NULL, err)
                   : refuse(err, "that is mistyped or cut");
    return ab_ssh_wire_number(&blob, &numbers.e) && ab_ssh_wire_number(&blob, &numbers.n) &&
                   blob.len == 0
               ? ab_ssh_key_rsa(&numbers, err)
               : refuse(err, "that is mistyped or cut");
}

/* The text up to the next blank; it, and the blanks after it, are taken off `rest`. */
static struct ab_slice take_word(struct ab_slice *rest)
{
    struct ab_slice word = {rest->data, 0};

    while (word.len < rest->len && word.data[word.len] != ' ' && word.data[word.len] != '\t')
        word.len++;
    rest->data += word.len;
    rest->len -= word.len;
    while (rest->len > 0 && (rest->data[0] == ' ' || rest->data[0] == '\t')) {
        rest->data++;
        rest->len--;
    }
    return word;
}

struct ab_ssh_key *ab_ssh_key_public(struct ab_slice line, struct ab_err *err)
{
    uint8_t blob[AB_SSH_BLOB_MAX];
    struct ab_slice rest = line, type = take_word(&rest), text = take_word(&rest);
    size_t len;

    if (!ab_slice_is(type, ED25519) && !ab_slice_is(type, RSA))
        return refuse(err, "of a type that age does not have: use ssh-ed25519 or ssh-rsa");
    if (text.len > sizeof blob / 3 * 4 ||
        !ab_base64_decode(blob, &len, (const char *)text.data, text.len, true))
        return refuse(err, "that is mistyped or cut");
    return read_blob(type, (struct ab_slice){blob, len}, err);
}

bool ab_ssh_key_line(const struct ab_ssh_key *key, struct ab_buf *out, struct ab_err *err)
{
    char text[AB_BASE64_SIZE(AB_SSH_BLOB_MAX)];

    return ab_buf_add_text(out, key->rsa ? RSA " " : ED25519 " ", err) &&
           ab_buf_add(out, text, ab_base64_encode(text, key->blob.data, key->blob.len, true), err);
}
