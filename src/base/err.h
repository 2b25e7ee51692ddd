/* base/err.h - one error value for the whole C core.
 *
 * A fallible function takes `struct ab_err *err` last and returns false (or NULL) after filling it
 * with ab_fail(). The kind decides the exit code (docs/ARCHITECTURE.md, "Errors"); the code is a
 * short word for programs (an errno name, or the name of the fault); the message is a sentence for
 * people and never holds a secret. Nothing is owned: an ab_err is copied freely. */
#ifndef AB_BASE_ERR_H
#define AB_BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>

#define AB_MUST_USE __attribute__((warn_unused_result))
#define AB_PRINTF(f, a) __attribute__((format(printf, f, a)))

enum ab_kind {
    AB_BUG,
    AB_USAGE,
    AB_CONFIG,
    AB_CREDENTIALS,
    AB_NETWORK,
    AB_TIMEOUT,
    AB_CANCELLED,
    AB_REPLY,
    AB_INTEGRITY,
    AB_IO,
    AB_MEMORY,
};

enum { AB_ERR_CODE_MAX = 40, AB_ERR_MESSAGE_MAX = 400 };

struct ab_err {
    enum ab_kind kind;
    char code[AB_ERR_CODE_MAX];
    char message[AB_ERR_MESSAGE_MAX];
};

/* Fill `err` (never NULL) with `kind`, `code` (one word) and the formatted message, cut at
 * AB_ERR_MESSAGE_MAX. Always returns false, so that `return ab_fail(...)` reads well. */
bool ab_fail(struct ab_err *err, enum ab_kind kind, const char *code, const char *format, ...)
    AB_PRINTF(4, 5);

/* As ab_fail with kind AB_IO (AB_MEMORY for ENOMEM), the errno's name as code ("ENOSPC") and its
 * text appended after ": ". */
bool ab_fail_errno(struct ab_err *err, int number, const char *format, ...) AB_PRINTF(3, 4);

/* The static out-of-memory error; needs no memory. Always false. */
bool ab_fail_memory(struct ab_err *err);

/* The kind as scripts see it: "usage", "network", "integrity", ... */
const char *ab_kind_name(enum ab_kind kind);

#endif
