#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void set_code(struct ab_err *err, const char *code)
{
    snprintf(err->code, sizeof err->code, "%s", code);
}

bool ab_fail(struct ab_err *err, enum ab_kind kind, const char *code, const char *format, ...)
{
    va_list args;

    err->kind = kind;
    set_code(err, code);
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    return false;
}

bool ab_fail_errno(struct ab_err *err, int number, const char *format, ...)
{
    va_list args;
    const char *name = strerrorname_np(number);

    err->kind = number == ENOMEM ? AB_MEMORY : AB_IO;
    set_code(err, name ? name : "errno");
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    size_t used = strlen(err->message);
    const char *text = strerrordesc_np(number);
    snprintf(err->message + used, sizeof err->message - used, ": %s",
             text ? text : "unknown error");
    return false;
}

bool ab_fail_memory(struct ab_err *err)
{
    return ab_fail(err, AB_MEMORY, "ENOMEM", "out of memory");
}

const char *ab_kind_name(enum ab_kind kind)
{
    static const char *const names[] = {
        [AB_BUG] = "bug",
        [AB_USAGE] = "usage",
        [AB_CONFIG] = "config",
        [AB_NETWORK] = "network",
        [AB_CREDENTIALS] = "credentials",
        [AB_TIMEOUT] = "timeout",
        [AB_REPLY] = "reply",
        [AB_CANCELLED] = "cancelled",
        [AB_INTEGRITY] = "integrity",
        [AB_IO] = "io",
        [AB_MEMORY] = "memory",
    };
    return names[kind];
}
