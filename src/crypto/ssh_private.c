/* crypto/ssh_private.c - files of private SSH keys: openssh-key-v1, and PEM of RSA and Ed25519. */
#include <limits.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/alloc.h"
#include "base/codec.h"
#include "crypto/ssh_key.h"
#include "crypto/ssh_wire.h"

#define BEGIN "-----BEGIN OPENSSH PRIVATE KEY-----"
#define END "-----END OPENSSH PRIVATE KEY-----"
#define MAGIC "openssh-key-v1" /* and a zero */

enum { PAD_MAX = 255, TYPE_SHOWN = 40 };

static void *refuse(struct ab_err *err, const char *what)
{
    ab_fail(err, AB_CONFIG, "key", "not an age identity but an SSH key %s", what);
    return NULL;
}

static void *damaged(struct ab_err *err)
{
    return refuse(err, "that is damaged or cut");
}

static void *locked(struct ab_err *err)
{
    return refuse(err, "locked with a passphrase, which awsbak cannot open: name a copy without "
                       "one (ssh-keygen -p -f COPY)");
}

/* The file's type goes into the message: only if it is a word. */
static void *other_type(struct ab_slice type, struct ab_err *err)
{
    char shown[TYPE_SHOWN + 1];
    size_t n = 0;

    while (n < type.len && n < TYPE_SHOWN && type.data[n] > ' ' && type.data[n] < 127) {
        shown[n] = (char)type.data[n];
        n++;
    }
    shown[n] = '\0';
    ab_fail(err, AB_CONFIG, "key",
            "not an age identity but an SSH key of type %s: only ssh-ed25519 and ssh-rsa open age "
            "files",
            shown);
    return NULL;
}

/* --- openssh-key-v1 ------------------------------------------------------------------------ */

/* Where the needle begins in the text, or NULL. */
static const uint8_t *find(struct ab_slice text, const char *needle)
{
    size_t len = strlen(needle);

    for (size_t i = 0; len <= text.len && i <= text.len - len; i++)
        if (memcmp(text.data + i, needle, len) == 0)
            return text.data + i;
    return NULL;
}

static bool is_blank(const uint8_t *from, const uint8_t *to)
{
    while (from < to && (*from == ' ' || *from == '\t' || *from == '\n' || *from == '\r'))
        from++;
    return from == to;
}

/* The text between the two lines without its line feeds, in `text`. */
static bool collect(struct ab_slice file, struct ab_buf *text, struct ab_err *err)
{
    const uint8_t *end = find(file, END);

    if (!end || !is_blank(end + sizeof END - 1, file.data + file.len))
        return damaged(err) != NULL;
    if (!ab_buf_reserve(text, file.len, err))
        return false;
    for (const uint8_t *c = file.data + sizeof BEGIN - 1; c < end; c++)
        if (*c != '\n' && *c != '\r')
            text->data[text->len++] = *c;
    return true;
}

/* After the comment come 1, 2, 3, ... up to a whole block. */
static bool is_padding(struct ab_slice rest)
{
    for (size_t i = 0; i < rest.len; i++)
        if (i >= PAD_MAX || rest.data[i] != i + 1)
            return false;
    return true;
}

static struct ab_ssh_key *read_ed25519(struct ab_slice *rest, struct ab_err *err)
{
    struct ab_slice public, both;

    if (!ab_ssh_wire_string(rest, &public) || public.len != AB_CURVE_KEY ||
        !ab_ssh_wire_string(rest, &both) || both.len != 2 * AB_CURVE_KEY ||
        memcmp(both.data + AB_CURVE_KEY, public.data, AB_CURVE_KEY) != 0)
        return damaged(err);
    return ab_ssh_key_ed25519(public.data, both.data, err);
}

static struct ab_ssh_key *read_rsa(struct ab_slice *rest, struct ab_err *err)
{
    struct ab_rsa_numbers numbers;
    struct ab_slice other;

    if (!ab_ssh_wire_number(rest, &numbers.n) || !ab_ssh_wire_number(rest, &numbers.e) ||
        !ab_ssh_wire_number(rest, &numbers.d))
        return damaged(err);
    for (int i = 0; i < 3; i++) /* iqmp, p, q: they only make it faster */
        if (!ab_ssh_wire_number(rest, &other))
            return damaged(err);
    return ab_ssh_key_rsa(&numbers, err);
}

/* The decrypted part: check numbers, key, comment, padding. */
static struct ab_ssh_key *read_secret(struct ab_slice rest, struct ab_slice blob,
                                      struct ab_err *err)
{
    uint32_t check[2];
    struct ab_slice type, comment;
    struct ab_ssh_key *key;

    if (!ab_ssh_wire_uint32(&rest, &check[0]) || !ab_ssh_wire_uint32(&rest, &check[1]) ||
        check[0] != check[1] || !ab_ssh_wire_string(&rest, &type))
        return damaged(err);
    if (ab_slice_is(type, "ssh-ed25519"))
        key = read_ed25519(&rest, err);
    else if (ab_slice_is(type, "ssh-rsa"))
        key = read_rsa(&rest, err);
    else
        return other_type(type, err);
    if (!key)
        return NULL;
    if (ab_ssh_wire_string(&rest, &comment) && is_padding(rest) &&
        ab_slice_same((struct ab_slice){key->blob.data, key->blob.len}, blob))
        return key;
    ab_ssh_key_free(key);
    return damaged(err);
}

static struct ab_ssh_key *read_openssh(struct ab_slice rest, struct ab_err *err)
{
    struct ab_slice cipher, kdf, options, blob, secret;
    uint32_t count;

    if (rest.len < sizeof MAGIC || memcmp(rest.data, MAGIC, sizeof MAGIC) != 0)
        return damaged(err);
    rest.data += sizeof MAGIC;
    rest.len -= sizeof MAGIC;
    if (!ab_ssh_wire_string(&rest, &cipher) || !ab_ssh_wire_string(&rest, &kdf) ||
        !ab_ssh_wire_string(&rest, &options) || !ab_ssh_wire_uint32(&rest, &count) || count != 1 ||
        !ab_ssh_wire_string(&rest, &blob))
        return damaged(err);
    if (!ab_slice_is(cipher, "none") || !ab_slice_is(kdf, "none"))
        return locked(err);
    if (options.len != 0 || !ab_ssh_wire_string(&rest, &secret) || rest.len != 0)
        return damaged(err);
    return read_secret(secret, blob, err);
}

static struct ab_ssh_key *openssh(struct ab_slice file, struct ab_err *err)
{
    uint8_t *bytes = ab_secret_alloc(AB_SSH_FILE_MAX);
    size_t len;
    struct ab_buf text;
    struct ab_ssh_key *key = NULL;

    ab_buf_init(&text, AB_SSH_FILE_MAX);
    text.secret = true;
    if (!bytes)
        ab_fail_memory(err);
    else if (!collect(file, &text, err))
        key = NULL;
    else if (!ab_base64_decode(bytes, &len, (const char *)text.data, text.len, true))
        damaged(err);
    else
        key = read_openssh((struct ab_slice){bytes, len}, err);
    ab_buf_drop(&text);
    ab_secret_free(bytes, AB_SSH_FILE_MAX);
    return key;
}

/* --- PEM ----------------------------------------------------------------------------------- */

/* libcrypto would ask on the terminal. */
static int no_password(char *text, int size, int encrypts, void *data)
{
    (void)text;
    (void)size;
    (void)encrypts;
    (void)data;
    return -1;
}

static struct ab_ssh_key *pem_ed25519(const EVP_PKEY *pkey, struct ab_err *err)
{
    uint8_t seed[AB_CURVE_KEY], public_key[AB_CURVE_KEY];
    size_t seed_len = sizeof seed, public_len = sizeof public_key;
    struct ab_ssh_key *key = NULL;

    if (EVP_PKEY_get_raw_private_key(pkey, seed, &seed_len) == 1 &&
        EVP_PKEY_get_raw_public_key(pkey, public_key, &public_len) == 1)
        key = ab_ssh_key_ed25519(public_key, seed, err);
    else
        ab_fail_memory(err);
    ab_wipe(seed, sizeof seed);
    return key;
}

/* A number of the key into `out` (of AB_RSA_BYTES_MAX); data is NULL when there is none. */
static struct ab_slice pem_number(const EVP_PKEY *pkey, const char *name, uint8_t *out)
{
    BIGNUM *n = NULL;
    struct ab_slice number = {NULL, 0};

    if (EVP_PKEY_get_bn_param(pkey, name, &n) == 1 && BN_num_bytes(n) <= AB_RSA_BYTES_MAX)
        number = (struct ab_slice){out, (size_t)BN_bn2bin(n, out)};
    BN_clear_free(n);
    return number;
}

static struct ab_ssh_key *pem_rsa(const EVP_PKEY *pkey, struct ab_err *err)
{
    uint8_t n[AB_RSA_BYTES_MAX], e[AB_RSA_BYTES_MAX], d[AB_RSA_BYTES_MAX];
    struct ab_rsa_numbers numbers = {pem_number(pkey, OSSL_PKEY_PARAM_RSA_N, n),
                                     pem_number(pkey, OSSL_PKEY_PARAM_RSA_E, e),
                                     pem_number(pkey, OSSL_PKEY_PARAM_RSA_D, d)};
    struct ab_ssh_key *key = numbers.n.data && numbers.e.data && numbers.d.data
                                 ? ab_ssh_key_rsa(&numbers, err)
                                 : damaged(err);

    ab_wipe(d, sizeof d);
    return key;
}

static struct ab_ssh_key *pem(struct ab_slice file, struct ab_err *err)
{
    uint64_t refused = ab_alloc_failures();
    BIO *text = BIO_new_mem_buf(file.data, (int)file.len);
    EVP_PKEY *pkey = text ? PEM_read_bio_PrivateKey(text, NULL, no_password, NULL) : NULL;
    struct ab_ssh_key *key = NULL;

    if (!pkey && find(file, "ENCRYPTED"))
        locked(err);
    else if (!pkey)
        damaged(err);
    else if (EVP_PKEY_is_a(pkey, "ED25519"))
        key = pem_ed25519(pkey, err);
    else if (EVP_PKEY_is_a(pkey, "RSA"))
        key = pem_rsa(pkey, err);
    else
        refuse(err, "of another type: only ssh-ed25519 and ssh-rsa open age files");
    if (!key && (!text || ab_alloc_failures() != refused)) /* libcrypto does not always tell */
        ab_fail_memory(err);
    EVP_PKEY_free(pkey);
    BIO_free(text);
    ERR_clear_error();
    return key;
}

/* Formats that libcrypto reads: anything else in PEM is no private key of SSH. */
static bool is_pem_key(struct ab_slice file)
{
    static const char *const begins[] = {
        "-----BEGIN RSA PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----", "-----BEGIN EC PRIVATE KEY-----"};

    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
        if (file.len >= strlen(begins[i]) && memcmp(file.data, begins[i], strlen(begins[i])) == 0)
            return true;
    return false;
}

struct ab_ssh_key *ab_ssh_key_private(struct ab_slice file, struct ab_err *err)
{
    if (file.len > AB_SSH_FILE_MAX)
        return refuse(err, "that is longer than 64 KiB");
    if (file.len >= sizeof BEGIN - 1 && memcmp(file.data, BEGIN, sizeof BEGIN - 1) == 0)
        return openssh(file, err);
    if (is_pem_key(file))
        return pem(file, err);
    ab_fail(err, AB_CONFIG, "key", "not an age identity but a PEM file that is no private SSH key");
    return NULL;
}
