#include "wire/json.h"

#include <string.h>

#include "wire/utf8.h"

enum { /* ab_json.expect */
       EXPECT_VALUE,
       EXPECT_ELEMENT, /* a value, or the end of an array just opened */
       EXPECT_FIRST,   /* a key, or the end of an object just opened */
       EXPECT_KEY,
       EXPECT_COMMA, /* after a value: a comma, the container's end, or the end of the text */
};

void ab_json_init(struct ab_json *json, struct ab_slice text, uint32_t depth_max)
{
    json->start = json->at = text.data;
    json->end = text.data + text.len;
    json->depth = 0;
    json->depth_max = depth_max;
    json->expect = EXPECT_VALUE;
}

static bool fail_at(const struct ab_json *json, const uint8_t *at, struct ab_err *err,
                    const char *what)
{
    return ab_fail(err, AB_REPLY, "json", "JSON: %s at byte %zu", what,
                   (size_t)(at - json->start) + 1);
}

static bool fail_unexpected(const struct ab_json *json, struct ab_err *err)
{
    size_t at = (size_t)(json->at - json->start);

    if (json->start == json->end)
        return ab_fail(err, AB_REPLY, "json", "JSON: the text is empty");
    if (json->at == json->end)
        return ab_fail(err, AB_REPLY, "json", "JSON: the text ends too early, after %zu bytes", at);
    if (*json->at > 0x20 && *json->at < 0x7f)
        return ab_fail(err, AB_REPLY, "json", "JSON: unexpected '%c' at byte %zu", *json->at,
                       at + 1);
    return ab_fail(err, AB_REPLY, "json", "JSON: unexpected byte 0x%02x at byte %zu", *json->at,
                   at + 1);
}

static void skip_blanks(struct ab_json *json)
{
    const uint8_t *p = json->at;

    while (p < json->end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    json->at = p;
}

/* The byte at the reading position, or 0 (which starts no token) at the end. */
static uint8_t peek(const struct ab_json *json)
{
    return json->at < json->end ? *json->at : 0;
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

/* The four hexadecimal digits at `p`, or -1. */
static int32_t hex4(const uint8_t *p, const uint8_t *end)
{
    int32_t code = 0;

    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        uint8_t c = (uint8_t)(p[i] | 0x20); /* lower case */
        if (is_digit(p[i]))
            code = code << 4 | (p[i] - '0');
        else if (c >= 'a' && c <= 'f')
            code = code << 4 | (c - 'a' + 10);
        else
            return -1;
    }
    return code;
}

static bool is_high(int32_t code)
{
    return code >= 0xd800 && code <= 0xdbff;
}

static bool is_low(int32_t code)
{
    return code >= 0xdc00 && code <= 0xdfff;
}

/* Step over the escape at `p` (a backslash); NULL when it is none, or half of a surrogate pair. */
static const uint8_t *skip_escape(const uint8_t *p, const uint8_t *end)
{
    if (end - p < 2)
        return NULL;
    if (p[1] != 'u')
        return p[1] && strchr("\"\\/bfnrt", p[1]) ? p + 2 : NULL;
    int32_t code = hex4(p + 2, end);
    if (code < 0 || is_low(code))
        return NULL;
    if (!is_high(code))
        return p + 6;
    if (end - p < 12 || p[6] != '\\' || p[7] != 'u' || !is_low(hex4(p + 8, end)))
        return NULL;
    return p + 12;
}

/* The string whose opening quote is at json->at; leaves json->at behind the closing one. */
static bool read_string(struct ab_json *json, struct ab_json_token *token, struct ab_err *err)
{
    const uint8_t *p = json->at + 1, *first = p, *end = json->end;

    token->escaped = false;
    while (p < end && *p != '"') {
        if (*p >= 0x20 && *p < 0x80 && *p != '\\') {
            p++;
        } else if (*p == '\\') {
            const uint8_t *next = skip_escape(p, end);
            if (!next)
                return fail_at(json, p, err, "bad escape in a string");
            token->escaped = true;
            p = next;
        } else if (*p < 0x20) {
            return fail_at(json, p, err, "unescaped control character in a string");
        } else {
            size_t length = ab_utf8_length(p, end);
            if (length == 0)
                return fail_at(json, p, err, "a string is not UTF-8");
            p += length;
        }
    }
    if (p == end)
        return ab_fail(err, AB_REPLY, "json",
                       "JSON: the text ends inside a string, after %zu bytes",
                       (size_t)(p - json->start));
    token->text = (struct ab_slice){first, (size_t)(p - first)};
    json->at = p + 1;
    return true;
}

/* Digits of `text` (an optional minus and digits only) as int64_t; false when it does not fit. */
static bool to_integer(struct ab_slice text, int64_t *out)
{
    bool negative = text.data[0] == '-';
    int64_t n = 0;

    for (size_t i = negative; i < text.len; i++) {
        int digit = text.data[i] - '0';
        if (__builtin_mul_overflow(n, 10, &n) ||
            __builtin_sub_overflow(n, digit, &n)) /* negative: its range is one larger */
            return false;
    }
    return negative ? (*out = n, true) : !__builtin_sub_overflow(0, n, out);
}

static const uint8_t *skip_digits(const uint8_t *p, const uint8_t *end)
{
    while (p < end && is_digit(*p))
        p++;
    return p;
}

/* Step over the number at `p`, telling whether it is only digits; NULL when malformed. */
static const uint8_t *skip_number(const uint8_t *p, const uint8_t *end, bool *integer)
{
    const uint8_t *digits = p + (*p == '-');
    const uint8_t *q = skip_digits(digits, end);

    if (q == digits || (*digits == '0' && q - digits > 1))
        return NULL;
    *integer = true;
    if (q < end && *q == '.') {
        digits = q + 1;
        q = skip_digits(digits, end);
        *integer = false;
        if (q == digits)
            return NULL;
    }
    if (q < end && (*q == 'e' || *q == 'E')) {
        digits = q + 1;
        digits += digits < end && (*digits == '+' || *digits == '-');
        q = skip_digits(digits, end);
        *integer = false;
        if (q == digits)
            return NULL;
    }
    return q;
}

static bool read_number(struct ab_json *json, struct ab_json_token *token, struct ab_err *err)
{
    bool integer;
    const uint8_t *end = skip_number(json->at, json->end, &integer);

    if (!end)
        return fail_at(json, json->at, err, "malformed number");
    token->text = (struct ab_slice){json->at, (size_t)(end - json->at)};
    if (token->text.len > AB_JSON_NUMBER_MAX)
        return fail_at(json, json->at, err, "number of more than 400 characters");
    token->kind =
        integer && to_integer(token->text, &token->integer) ? AB_JSON_INTEGER : AB_JSON_NUMBER;
    json->at = end;
    return true;
}

static bool read_word(struct ab_json *json, const char *word, struct ab_err *err)
{
    size_t len = strlen(word);

    if ((size_t)(json->end - json->at) < len || memcmp(json->at, word, len) != 0)
        return fail_unexpected(json, err);
    json->at += len;
    return true;
}

static bool open_container(struct ab_json *json, struct ab_json_token *token, struct ab_err *err)
{
    bool object = *json->at == '{';

    if (json->depth == json->depth_max)
        return ab_fail(err, AB_REPLY, "json", "JSON: nested more than %u deep", json->depth_max);
    token->kind = object ? AB_JSON_OBJECT : AB_JSON_ARRAY;
    json->nest[json->depth++] = (uint8_t)token->kind;
    json->expect = object ? EXPECT_FIRST : EXPECT_ELEMENT;
    json->at++;
    return true;
}

static bool close_container(struct ab_json *json, struct ab_json_token *token)
{
    json->depth--;
    token->kind =
        json->nest[json->depth] == AB_JSON_OBJECT ? AB_JSON_OBJECT_END : AB_JSON_ARRAY_END;
    json->expect = EXPECT_COMMA;
    json->at++;
    return true;
}

static bool read_value(struct ab_json *json, struct ab_json_token *token, struct ab_err *err)
{
    uint8_t c = peek(json);

    if (c == '{' || c == '[')
        return open_container(json, token, err);
    json->expect = EXPECT_COMMA;
    switch (c) {
    case '"':
        token->kind = AB_JSON_STRING;
        return read_string(json, token, err);
    case 't':
        token->kind = AB_JSON_TRUE;
        return read_word(json, "true", err);
    case 'f':
        token->kind = AB_JSON_FALSE;
        return read_word(json, "false", err);
    case 'n':
        token->kind = AB_JSON_NULL;
        return read_word(json, "null", err);
    default:
        if (c == '-' || is_digit(c))
            return read_number(json, token, err);
        return fail_unexpected(json, err);
    }
}

static bool read_key(struct ab_json *json, struct ab_json_token *token, struct ab_err *err)
{
    if (peek(json) != '"')
        return fail_unexpected(json, err);
    token->kind = AB_JSON_KEY;
    if (!read_string(json, token, err))
        return false;
    skip_blanks(json);
    if (peek(json) != ':')
        return fail_unexpected(json, err);
    json->at++;
    json->expect = EXPECT_VALUE;
    return true;
}

/* After a value: what closes or continues the container it is in, or the end of the text. */
static bool read_after(struct ab_json *json, struct ab_json_token *token, struct ab_err *err)
{
    if (json->depth == 0) {
        token->kind = AB_JSON_END;
        return json->at == json->end || fail_unexpected(json, err);
    }
    bool object = json->nest[json->depth - 1] == AB_JSON_OBJECT;
    if (peek(json) == (object ? '}' : ']'))
        return close_container(json, token);
    if (peek(json) != ',')
        return fail_unexpected(json, err);
    json->at++;
    skip_blanks(json);
    return object ? read_key(json, token, err) : read_value(json, token, err);
}

bool ab_json_next(struct ab_json *json, struct ab_json_token *token, struct ab_err *err)
{
    skip_blanks(json);
    switch (json->expect) {
    case EXPECT_COMMA:
        return read_after(json, token, err);
    case EXPECT_FIRST:
        if (peek(json) == '}')
            return close_container(json, token);
        return read_key(json, token, err);
    case EXPECT_ELEMENT:
        if (peek(json) == ']')
            return close_container(json, token);
        return read_value(json, token, err);
    default:
        return read_value(json, token, err);
    }
}

/* The character a one-letter escape stands for. */
static uint8_t short_escape(uint8_t letter)
{
    switch (letter) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return letter;
    }
}

size_t ab_json_unescape(struct ab_slice text, uint8_t *out)
{
    const uint8_t *p = text.data, *end = text.data + text.len;
    uint8_t *o = out;

    while (p < end) {
        if (*p != '\\') {
            *o++ = *p++;
        } else if (p[1] != 'u') {
            *o++ = short_escape(p[1]);
            p += 2;
        } else {
            int32_t code = hex4(p + 2, end);
            p += 6;
            if (is_high(code)) {
                code = 0x10000 + ((code - 0xd800) << 10) + (hex4(p + 2, end) - 0xdc00);
                p += 6;
            }
            o += ab_utf8_put((uint32_t)code, o);
        }
    }
    return (size_t)(o - out);
}
