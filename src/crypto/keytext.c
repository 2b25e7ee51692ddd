#include "crypto/keytext.h"

#include <string.h>
#include <strings.h>

#include "base/alloc.h"

#define PLUGIN_IDENTITY "AGE-PLUGIN-"
#define PLUGIN_RECIPIENT "age1"

enum {
    BECH32_CHECKSUM = 6,
    PLUGIN_PREFIX_MAX = AB_PLUGIN_NAME_MAX + sizeof PLUGIN_IDENTITY + 1,
};

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
    int type; /* of types[], or -1 for what awsbak does not support, or -2 for what plugins do */
    const char *what;
} looks[] = {
    {"AGE-SECRET-KEY-PQ-", -1, "a post-quantum age identity"},
    {"AGE-SECRET-KEY-", AB_AGE_IDENTITY, NULL},
    {"AGE-PLUGIN-", -2, "an age plugin's identity"},
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

/* In this case and no other. */
static bool begins_exactly(struct ab_slice text, const char *prefix)
{
    size_t len = strlen(prefix);

    return text.len >= len && memcmp(text.data, prefix, len) == 0;
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
    if (looks[i].type == -1)
        return unsupported(wanted, looks[i].what, err);
    if (looks[i].type == -2 || (looks[i].type == AB_AGE_RECIPIENT && is_plugin(text)))
        return ab_fail(err, AB_CONFIG, "key", "not %s but %s", wanted->name,
                       looks[i].what ? looks[i].what : "an age plugin's recipient");
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

/* Where the last "1" is, which ends the prefix; 0 when there is none. */
static size_t prefix_length(struct ab_slice text)
{
    size_t i = text.len;

    while (i > 0 && text.data[i - 1] != '1')
        i--;
    return i > 0 ? i - 1 : 0;
}

/* Copy a plugin's name in lower case; false when it is in the other case, or could not be part of a
 * program's name. */
static bool copy_name(char name[AB_PLUGIN_NAME_MAX + 1], struct ab_slice from, bool upper)
{
    if (from.len == 0 || from.len > AB_PLUGIN_NAME_MAX)
        return false;
    for (size_t i = 0; i < from.len; i++) {
        char c = (char)from.data[i];
        bool letter = upper ? c >= 'A' && c <= 'Z' : c >= 'a' && c <= 'z';
        bool fits =
            letter || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.' || c == '_';
        if (!fits)
            return false;
        name[i] = letter && upper ? (char)(c + ('a' - 'A')) : c;
    }
    name[from.len] = '\0';
    return true;
}

/* The bytes behind the prefix, whose length the text's own tells. */
static bool plugin_data(struct ab_slice text, size_t prefix_len, uint8_t *data, size_t *len)
{
    char prefix[PLUGIN_PREFIX_MAX];
    size_t characters = text.len - prefix_len - 1;

    if (prefix_len >= sizeof prefix || characters < BECH32_CHECKSUM)
        return false;
    *len = (characters - BECH32_CHECKSUM) * 5 / 8;
    memcpy(prefix, text.data, prefix_len);
    prefix[prefix_len] = '\0';
    return *len <= AB_PLUGIN_DATA_MAX &&
           ab_bech32_decode(data, *len, prefix, (const char *)text.data, text.len);
}

int ab_keytext_plugin(struct ab_slice text, char name[AB_PLUGIN_NAME_MAX + 1],
                      uint8_t data[AB_PLUGIN_DATA_MAX], size_t *len, struct ab_err *err)
{
    bool identity = begins_exactly(text, PLUGIN_IDENTITY);
    size_t before = identity ? sizeof PLUGIN_IDENTITY - 1 : sizeof PLUGIN_RECIPIENT - 1;
    size_t prefix_len = prefix_length(text);

    if (!identity && (!is_plugin(text) || begins(text, "age1pq1")))
        return 0;
    /* An identity's name ends with the "-" before the "1". */
    if (prefix_len > before && (!identity || text.data[prefix_len - 1] == '-') &&
        copy_name(name, (struct ab_slice){text.data + before, prefix_len - before - identity},
                  identity) &&
        plugin_data(text, prefix_len, data, len))
        return 1;
    ab_fail(err, AB_CONFIG, "key", "the age plugin's %s is mistyped or cut",
            identity ? "identity" : "recipient");
    return -1;
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
