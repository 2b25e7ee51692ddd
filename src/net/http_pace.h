/* net/http_pace.h - a rate that exchanges share: so many bytes of bodies a second, sent and
 * received, all of them together.
 *
 * Who wants to move bytes takes the next free span of time for them and is paused until it comes:
 * no burst is larger than a piece, and those that run get their turns one after the other. Heads of
 * requests and replies are not counted. */
#ifndef AB_NET_HTTP_PACE_H
#define AB_NET_HTTP_PACE_H

#include <stdint.h>

#include "base/err.h"

struct ab_http_pace;

/* A rate of at least one byte a second. NULL on failure. */
struct ab_http_pace *ab_http_pace_new(double bytes_per_s, struct ab_err *err);

/* Count one more owner; each ends with ab_http_pace_free (NULL is fine). */
struct ab_http_pace *ab_http_pace_ref(struct ab_http_pace *pace);
void ab_http_pace_free(struct ab_http_pace *pace);

#endif
