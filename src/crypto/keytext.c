#include "crypto/keytext.h"

#include <string.h>
#include <strings.h>

#include "base/alloc.h"

struct type {
    const char *prefix;
    const char *name;
};

static const struct type types[] = {
    [AB_AGE_IDENTITY] = {"AGE-SECRET-KEY-", "an age identity"},
    [AB_AGE_RECIPIENT] = {"age", "an age recipient"},
    [AB_SIGNING_KEY] = {"AWSBAK-SIGNING-KEY-", "a signing key"},
    [AB_SIGNER] = {"awsbaksig", "a signer"},
};

/* What people paste by mistake; the first that fits counts. */
static const struct {
    const char *begins;
    int type; /* of types[], or -1 for what awsbak does not support */
    const char *what;
} looks[] = {
    {"AGE-SECRET-KEY-PQ-", -1, "a post-quantum age identity"},
    {"AGE-SECRET-KEY-", AB_AGE_IDENTITY, NULL},
    {"AGE-PLUGIN-", -1, "an age plugin's identity"},
    {"AWSBAK-SIGNING-KEY-", AB_SIGNING_KEY, NULL},
    {"awsbaksig1", AB_SIGNER, NULL},
    {"age1pq1", -1, "a post-quantum age recipient"},
    {"age1", AB_AGE_RECIPIENT, NULL},
    {"ssh-", -1, "an SSH key"},
    {"-----BEGIN", -1, "a PEM file"},
};

void ab_keytext_write(char out[AB_KEYTEXT_MAX], enum ab_keytext type, const uint8_t key[AB_KEY])
{
    ab_bech32_encode(out, types[type].prefix, key, AB_KEY);
}

static bool begins(struct ab_slice text, const char *prefix)
{
    size_t len = strlen(prefix);

    return text.len >= len && strncasecmp((const char *)text.data, prefix, len) == 0;
}

/* `age1NAME1...` names a plugin; a plain recipient has no second "1", its alphabet lacks it. */
static bool is_plugin(struct ab_slice text)
{
    return begins(text, "age1") && text.len > 4 && memchr(text.data + 4, '1', text.len - 4);
}

static bool unsupported(const struct type *wanted, const char *what, struct ab_err *err)
{
    return ab_fail(err, AB_CONFIG, "key", "not %s but %s, which awsbak does not support",
                   wanted->name, what);
}

/* Say what `text`, which is no key of `type`, looks like. */
static bool refuse(enum ab_keytext type, struct ab_slice text, struct ab_err *err)
{
    const struct type *wanted = &types[type];
    size_t i = 0, count = sizeof looks / sizeof *looks;

    while (i < count && !begins(text, looks[i].begins))
        i++;
    if (i == count)
        return ab_fail(err, AB_CONFIG, "key", "not %s: it should begin with %s1", wanted->name,
                       wanted->prefix);
    if (looks[i].type < 0)
        return unsupported(wanted, looks[i].what, err);
    if (looks[i].type == AB_AGE_RECIPIENT && is_plugin(text))
        return unsupported(wanted, "an age plugin's recipient", err);
    if (looks[i].type == (int)type)
        return ab_fail(err, AB_CONFIG, "key", "not %s: it is mistyped or cut", wanted->name);
    return ab_fail(err, AB_CONFIG, "key", "not %s but %s", wanted->name, types[looks[i].type].name);
}

bool ab_keytext_read(uint8_t key[AB_KEY], enum ab_keytext type, struct ab_slice text,
                     struct ab_err *err)
{
    if (text.len > 0 &&
        ab_bech32_decode(key, AB_KEY, types[type].prefix, (const char *)text.data, text.len))
        return true;
    ab_wipe(key, AB_KEY);
    return refuse(type, text, err);
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct ab_slice trimmed(struct ab_slice s)
{
    while (s.len > 0 && is_blank(s.data[0])) {
        s.data++;
        s.len--;
    }
    while (s.len > 0 && is_blank(s.data[s.len - 1]))
        s.len--;
    return s;
}

bool ab_keytext_next_line(struct ab_slice *rest, struct ab_slice *line, size_t *number)
{
    while (rest->len > 0) {
        const uint8_t *feed = memchr(rest->data, '\n', rest->len);
        size_t len = feed ? (size_t)(feed - rest->data) : rest->len;
        size_t taken = feed ? len + 1 : len;
        *line = trimmed((struct ab_slice){rest->data, len});
        rest->data += taken;
        rest->len -= taken;
        ++*number;
        if (line->len > 0 && line->data[0] != '#')
            return true;
    }
    return false;
}
