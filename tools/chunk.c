#include "chunk.h"

#include <stdint.h>
#include <string.h>

/* Signature, version 5.4, format 0, LUAC_DATA; then sizes of an instruction, an integer and a
 * number. */
static const char HEADER[] = "\x1bLua\x54\x00\x19\x93\r\n\x1a\n\x04\x08\x08";

enum {
    SAMPLES = 16, /* bytes: an integer and a number to compare with */
    SAMPLES_END = sizeof HEADER - 1 + SAMPLES,
    INSTRUCTION = 4,
    UPVALUE = 3,
    TRAITS = 3, /* parameters, whether more may come, stack */
    NUMBER = 8,
    DEPTH_MAX = 100
};

enum constant { INTEGER = 0x03, FLOAT = 0x13, SHORT_STRING = 0x04, LONG_STRING = 0x14 };

struct walk {
    char *at, *end; /* read from */
    char *out;      /* written to; not after `at` */
    bool ok;
};

static void copy(struct walk *w, size_t len)
{
    if (!w->ok || len > (size_t)(w->end - w->at)) {
        w->ok = false;
        return;
    }
    memmove(w->out, w->at, len);
    w->out += len;
    w->at += len;
}

/* Seven bits a byte, the highest first; the last byte has the eighth bit. */
static size_t read_size(struct walk *w)
{
    size_t size = 0;

    while (w->ok && w->at < w->end && size <= SIZE_MAX >> 7) {
        unsigned char byte = (unsigned char)*w->at++;
        size = size << 7 | (byte & 0x7f);
        if (byte & 0x80)
            return size;
    }
    w->ok = false;
    return 0;
}

static size_t copy_size(struct walk *w)
{
    char *from = w->at;
    size_t size = read_size(w);
    size_t len = (size_t)(w->at - from);

    w->at = from;
    copy(w, len);
    return w->ok ? size : 0;
}

static void copy_string(struct walk *w)
{
    size_t size = copy_size(w); /* and one; 0 is none */

    if (size > 0)
        copy(w, size - 1);
}

static void copy_items(struct walk *w, size_t each)
{
    size_t count = copy_size(w);

    for (size_t i = 0; i < count && w->ok; i++)
        copy(w, each);
}

static void copy_constants(struct walk *w)
{
    size_t count = copy_size(w);

    for (size_t i = 0; i < count && w->ok; i++) {
        int kind = w->at < w->end ? *w->at : 0;
        copy(w, 1);
        if (kind == INTEGER || kind == FLOAT)
            copy(w, NUMBER);
        else if (kind == SHORT_STRING || kind == LONG_STRING)
            copy_string(w);
    }
}

static void copy_lines(struct walk *w)
{
    copy_items(w, 1);
    size_t count = copy_size(w);
    for (size_t i = 0; i < count && w->ok; i++) {
        copy_size(w);
        copy_size(w);
    }
}

static void drop_locals(struct walk *w)
{
    char *out = w->out;
    size_t count = copy_size(w);

    for (size_t i = 0; i < count && w->ok; i++) {
        copy_string(w);
        copy_size(w);
        copy_size(w);
    }
    if (w->ok) {
        w->out = out;
        *w->out++ = (char)0x80; /* none */
    }
}

static void copy_function(struct walk *w, int depth)
{
    if (depth > DEPTH_MAX)
        w->ok = false;
    copy_string(w); /* the source */
    copy_size(w);
    copy_size(w);
    copy(w, TRAITS);
    copy_items(w, INSTRUCTION);
    copy_constants(w);
    copy_items(w, UPVALUE);
    size_t count = copy_size(w);
    for (size_t i = 0; i < count && w->ok; i++)
        copy_function(w, depth + 1);
    copy_lines(w);
    drop_locals(w);
    size_t names = copy_size(w);
    for (size_t i = 0; i < names && w->ok; i++)
        copy_string(w);
}

bool ab_chunk_trim(char *chunk, size_t *len)
{
    struct walk w = {.at = chunk, .end = chunk + *len, .out = chunk, .ok = true};

    if (*len < SAMPLES_END || memcmp(chunk, HEADER, sizeof HEADER - 1) != 0)
        return false;
    copy(&w, SAMPLES_END + 1); /* and how many upvalues the main function has */
    copy_function(&w, 0);
    *len = (size_t)(w.out - chunk);
    return w.ok && w.at == w.end;
}
