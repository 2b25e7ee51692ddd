/* net/http_pace.c - exchanges that share a rate: their turns. */
#include "net/http_pace.h"

#include "base/alloc.h"
#include "net/http_exchange.h"

/* A piece that is sent at once: a twentieth of a second's bytes, and at least PIECE_MIN of them. */
#define PIECES_PER_S 20.0
#define NS_PER_S 1e9
#define PIECE_NS_MAX 1e15 /* ten days: no sum of such overflows soon */

enum { PIECE_MIN = 512, PIECE_MAX = 64 * 1024 };

struct ab_http_pace {
    int owners;
    double bytes_per_s;
    int64_t free_ns; /* from when on nobody has taken the time yet */
};

struct ab_http_pace *ab_http_pace_new(double bytes_per_s, struct ab_err *err)
{
    struct ab_http_pace *pace = ab_calloc(1, sizeof *pace);

    if (!pace) {
        ab_fail_memory(err);
        return NULL;
    }
    pace->owners = 1;
    pace->bytes_per_s = bytes_per_s;
    return pace;
}

struct ab_http_pace *ab_http_pace_ref(struct ab_http_pace *pace)
{
    if (pace)
        pace->owners++;
    return pace;
}

void ab_http_pace_free(struct ab_http_pace *pace)
{
    if (pace && --pace->owners == 0)
        ab_free(pace);
}

/* Take the time of `len` bytes; when it begins. */
static int64_t take(struct ab_http_pace *pace, size_t len, int64_t now)
{
    double ns = (double)len / pace->bytes_per_s * NS_PER_S;
    int64_t at = pace->free_ns > now ? pace->free_ns : now;

    if (at < INT64_MAX / 2)
        pace->free_ns = at + (int64_t)(ns < PIECE_NS_MAX ? ns : PIECE_NS_MAX);
    return at;
}

/* Its turn has come: curl asks again for what it was told to wait with. */
static void turn_came(struct ab_timer *timer)
{
    struct ab_http *http = AB_CONTAINER(timer, struct ab_http, turn.timer);

    http->turn.waits = false;
    if (!http->paused) /* else the reader has its say first */
        ab_http_resume(http);
}

void ab_http_pace_init(struct ab_http *http, struct ab_http_pace *pace)
{
    http->turn.pace = ab_http_pace_ref(pace);
    http->turn.timer.fire = turn_came;
}

void ab_http_pace_drop(struct ab_http *http)
{
    ab_loop_clear_timer(http->transfer.op.loop, &http->turn.timer);
    ab_http_pace_free(http->turn.pace);
}

/* Make sure of the right to move `len` bytes. False while it must wait for it, or with
 * http->broken. */
static bool ready(struct ab_http *http, size_t len)
{
    struct ab_http_turn *turn = &http->turn;

    if (turn->waits)
        return false;
    if (turn->right >= len)
        return true;
    int64_t now = ab_now_ns();
    int64_t at = take(turn->pace, len - turn->right, now);
    turn->right = len;
    if (at <= now)
        return true;
    turn->waits = true;
    if (!ab_loop_set_timer(http->transfer.op.loop, &turn->timer, at, &http->err))
        http->broken = true;
    return false;
}

size_t ab_http_pace_send(struct ab_http *http, size_t most)
{
    struct ab_http_turn *turn = &http->turn;

    if (!turn->pace || most == 0)
        return most;
    double share = turn->pace->bytes_per_s / PIECES_PER_S;
    size_t piece = share < PIECE_MIN ? PIECE_MIN : share > PIECE_MAX ? PIECE_MAX : (size_t)share;
    if (piece > most)
        piece = most;
    if (turn->right == 0 ? !ready(http, piece) : turn->waits)
        return 0;
    if (piece > turn->right)
        piece = turn->right;
    turn->right -= piece;
    return piece;
}

bool ab_http_pace_receive(struct ab_http *http, size_t len)
{
    if (!http->turn.pace)
        return true;
    if (!ready(http, len))
        return false;
    http->turn.right -= len;
    return true;
}
