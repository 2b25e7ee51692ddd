/* net/http_deadlines.c - how long an exchange may take: to its first byte, in all, and how slow it
 * may be meanwhile. */
#include "net/http_exchange.h"

#define NS_PER_S 1e9

/* A reply may take this long, and a second more for each of these bytes. */
#define TOTAL_BASE_S 60.0
#define TOTAL_BYTES_PER_S 16384.0
#define LONGEST_S 1e9

enum { SLOW_BYTES_PER_S = 1024 };

/* A hostile length asks for more seconds than a count of nanoseconds holds. */
static int64_t after(int64_t ns, double seconds)
{
    return ns + (int64_t)((seconds < LONGEST_S ? seconds : LONGEST_S) * NS_PER_S);
}

/* When the whole reply must be there. A stream's reader may take its time: no such limit. */
static int64_t total_due(const struct ab_http *http)
{
    if (http->total_s > 0)
        return after(http->began_ns, http->total_s);
    if (http->first_ns == 0 || http->stream)
        return INT64_MAX;
    int64_t size = http->length > http->received ? http->length : http->received;
    return after(http->first_ns, TOTAL_BASE_S + (double)size / TOTAL_BYTES_PER_S);
}

/* When to look at the speed or the silence next. */
static int64_t pace_due(const struct ab_http *http)
{
    if (http->received > 0 && !http->paused)
        return after(http->slow_since_ns, http->slow_s);
    if (http->first_ns == 0)
        return after(http->silent_since_ns, http->first_byte_s);
    return after(http->first_ns, http->first_byte_s); /* a head without its body */
}

/* False, with err, when nothing was sent for first_byte_s either. */
static bool check_silence(struct ab_http *http, int64_t now, struct ab_err *err)
{
    curl_off_t sent = 0;

    curl_easy_getinfo(http->transfer.easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    if (sent == http->sent_seen)
        return ab_fail(err, AB_TIMEOUT, "timeout_first_byte", "%s did not answer within %.6g s",
                       http->way->host, http->first_byte_s);
    http->sent_seen = sent;
    http->silent_since_ns = now;
    return true;
}

static bool check_speed(struct ab_http *http, int64_t now, struct ab_err *err)
{
    int64_t came = http->received - http->slow_seen;

    if (came < (int64_t)(http->slow_s * SLOW_BYTES_PER_S))
        return ab_fail(err, AB_TIMEOUT, "timeout_slow", "%s sent %lld bytes in %.6g s",
                       http->way->host, (long long)came, http->slow_s);
    http->slow_seen = http->received;
    http->slow_since_ns = now;
    return true;
}

bool ab_http_deadlines_check(struct ab_http *http, struct ab_err *err)
{
    int64_t now = ab_now_ns();

    if (now >= total_due(http))
        return ab_fail(err, AB_TIMEOUT, "timeout_total",
                       "%s did not finish its reply within %.6g s", http->way->host,
                       (double)(now - http->began_ns) / NS_PER_S);
    if (now < pace_due(http) || http->paused || http->turn.waits)
        return true;
    return http->received > 0 ? check_speed(http, now, err) : check_silence(http, now, err);
}

bool ab_http_deadlines_set(struct ab_http *http, struct ab_err *err)
{
    int64_t now = ab_now_ns(), due = total_due(http), pace = pace_due(http);

    if (pace < due)
        due = pace;
    if (due <= now) /* paused: look again later */
        due = after(now, http->slow_s > 0 ? http->slow_s : 1);
    /* The deadlines change when the head comes and grow with the body: look at least that often. */
    if (due > after(now, 1))
        due = after(now, 1);
    return ab_loop_set_timer(http->transfer.op.loop, &http->timer, due, err);
}

void ab_http_body_began(struct ab_http *http)
{
    struct ab_err err;

    http->slow_since_ns = ab_now_ns();
    if (http->slow_s < 1) /* else the timer looks soon enough; moving a set timer cannot fail */
        (void)!ab_loop_set_timer(http->transfer.op.loop, &http->timer,
                                 after(http->slow_since_ns, http->slow_s), &err);
}
