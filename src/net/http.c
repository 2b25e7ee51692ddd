/* net/http.c - the life of an exchange: begin, end; and a stream's reads. */
#include "net/http.h"

#include <string.h>

#include "base/alloc.h"
#include "net/http_exchange.h"

enum { STREAM_RESUME_BELOW = 128 * 1024, STREAM_BODY_MAX = 1 << 20 };

const struct ab_http_request ab_http_defaults = {
    .method = "GET",
    .connect_s = 3.1,
    .first_byte_s = 60,
    .slow_s = 20,
    .max_body = 32 * 1024 * 1024,
};

/* --- reads of a stream ----------------------------------------------------------------------- */

struct ab_http_read {
    struct ab_op op;
    struct ab_http *http; /* an owner of it */
    bool whole;           /* wait for the end */
};

static void read_free(struct ab_op *op)
{
    struct ab_http_read *self = AB_CONTAINER(op, struct ab_http_read, op);

    if (self->http->reading == self)
        self->http->reading = NULL;
    ab_http_free(self->http);
    ab_op_drop(op);
    ab_free(self);
}

static const struct ab_op_class read_class = {read_free};

/* Finish the pending read when there is something to say. */
static void answer_read(struct ab_http *http)
{
    struct ab_http_read *reading = http->reading;

    if (!reading || ((reading->whole || http->body.len == 0) && !http->over))
        return;
    http->reading = NULL;
    bool failed = http->broken && (reading->whole || http->body.len == 0);
    ab_op_finish(&reading->op, failed ? &http->err : NULL);
}

/* A read that was not answered yet. */
static struct ab_http_read *new_read(struct ab_http *http, struct ab_err *err)
{
    if (http->reading) {
        ab_fail(err, AB_USAGE, "busy", "another read of this reply is under way");
        return NULL;
    }
    struct ab_http_read *self = ab_calloc(1, sizeof *self);
    if (!self) {
        ab_fail_memory(err);
        return NULL;
    }
    ab_op_init(&self->op, http->transfer.op.loop, &read_class);
    self->http = http;
    ab_http_retain(http);
    http->reading = self;
    return self;
}

struct ab_op *ab_http_read(struct ab_http *http, struct ab_err *err)
{
    struct ab_http_read *self = new_read(http, err);

    if (!self)
        return NULL;
    answer_read(http);
    return &self->op;
}

void ab_http_bytes_came(struct ab_http *http)
{
    answer_read(http);
}

bool ab_http_take(struct ab_http *http, size_t n, struct ab_err *err)
{
    ab_buf_shift(&http->body, n);
    if (!http->paused || http->over || http->body.len >= STREAM_RESUME_BELOW)
        return true;
    http->paused = false;
    http->slow_since_ns = ab_now_ns();
    http->slow_seen = http->received;
    CURLcode code = ab_loop_resume(http->transfer.op.loop, &http->transfer);
    if (code != CURLE_OK && http->broken) { /* what curl held came at once, and was refused */
        *err = http->err;
        return false;
    }
    return code == CURLE_OK || ab_http_fail(http, code, err);
}

/* --- the end --------------------------------------------------------------------------------- */

/* The exchange is over; tell whoever waits for it. With a non-NULL `err` it failed. */
static void end(struct ab_http *http, const struct ab_err *err)
{
    struct ab_op *op = &http->transfer.op;

    ab_loop_clear_timer(op->loop, &http->timer);
    ab_loop_clear_timer(op->loop, &http->turn.timer);
    http->over = true;
    if (err) {
        http->broken = true;
        http->err = *err;
    }
    if (!op->finished)
        ab_op_finish(op, err);
    answer_read(http);
}

void ab_http_resume(struct ab_http *http)
{
    struct ab_err err;

    http->slow_since_ns = http->silent_since_ns = ab_now_ns();
    http->slow_seen = http->received;
    CURLcode code = ab_loop_resume(http->transfer.op.loop, &http->transfer);
    if (code == CURLE_OK)
        return;
    if (http->broken) /* what curl held came at once, and was refused */
        err = http->err;
    else
        ab_http_fail(http, code, &err);
    ab_loop_withdraw(http->transfer.op.loop, &http->transfer);
    end(http, &err);
}

static void transfer_done(struct ab_transfer *transfer, CURLcode code)
{
    struct ab_http *http = AB_CONTAINER(transfer, struct ab_http, transfer);
    struct ab_err err;

    if (http->broken) {
        err = http->err;
        end(http, &err);
    } else if (code != CURLE_OK) {
        ab_http_fail(http, code, &err);
        end(http, &err);
    } else {
        end(http, ab_http_prove(http, &err) && ab_http_store_prove(http, &err) ? NULL : &err);
    }
}

/* What has come and what will come goes into the file; an exchange that is over is proven here. */
static bool move_body(struct ab_http *http, struct ab_err *err)
{
    if (!ab_http_store_add(http, http->body.data, http->body.len)) {
        *err = http->err;
        return false;
    }
    if (!ab_http_take(http, http->body.len, err))
        return false;
    return !http->over || ab_http_store_prove(http, err);
}

struct ab_op *ab_http_store(struct ab_http *http, const struct ab_region *where,
                            const char *const digests[AB_HTTP_DIGESTS], struct ab_err *err)
{
    struct ab_http_read *self = new_read(http, err);

    if (!self)
        return NULL;
    self->whole = true;
    if (!ab_http_store_begin(http, where, digests, err)) {
        ab_op_free(&self->op);
        return NULL;
    }
    struct ab_err failure;
    if (!http->broken && !move_body(http, &failure)) {
        ab_loop_withdraw(http->transfer.op.loop, &http->transfer);
        end(http, &failure);
    } else {
        answer_read(http);
    }
    return &self->op;
}

void ab_http_head_came(struct ab_http *http)
{
    if (http->stream && !http->transfer.op.finished)
        ab_op_finish(&http->transfer.op, NULL);
}

/* --- the beginning --------------------------------------------------------------------------- */

static void timer_fired(struct ab_timer *timer)
{
    struct ab_http *http = AB_CONTAINER(timer, struct ab_http, timer);
    struct ab_err err;

    if (ab_http_deadlines_check(http, &err) && ab_http_deadlines_set(http, &err))
        return;
    ab_loop_withdraw(http->transfer.op.loop, &http->transfer);
    end(http, &err);
}

static void op_free(struct ab_op *op)
{
    ab_http_free(AB_CONTAINER(op, struct ab_http, transfer.op));
}

static const struct ab_op_class http_class = {op_free};

struct ab_http *ab_http_new(struct ab_loop *loop, const struct ab_http_request *request,
                            struct ab_err *err)
{
    struct ab_http *http = ab_calloc(1, sizeof *http);

    if (!http) {
        ab_fail_memory(err);
        return NULL;
    }
    http->owners = 1;
    ab_op_init(&http->transfer.op, loop, &http_class);
    http->transfer.done = transfer_done;
    http->timer.fire = timer_fired;
    http->is_head = strcmp(request->method, "HEAD") == 0;
    http->stream = request->stream;
    http->region = request->region;
    if (http->region.file)
        ab_file_ref(http->region.file);
    http->bytes = request->body;
    ab_http_pace_init(http, request->pace);
    http->connect_s = request->connect_s;
    http->first_byte_s = request->first_byte_s;
    http->slow_s = request->slow_s;
    http->total_s = request->total_s;
    http->length = -1;
    ab_http_headers_init(&http->headers);
    ab_buf_init(&http->head, 2 * AB_HTTP_HEAD_BYTES_MAX);
    ab_buf_init(&http->body, request->stream ? STREAM_BODY_MAX : request->max_body);
    http->body.secret = true; /* values of parameters, credentials */
    http->way = ab_http_way_take(ab_loop_ways(loop), request, err);
    if (http->way)
        http->transfer.easy = http->way->easy;
    if (!http->way || !ab_http_setup(http, request, err)) {
        ab_http_free(http);
        return NULL;
    }
    return http;
}

bool ab_http_header(struct ab_http *http, const char *name, const char *value, struct ab_err *err)
{
    return ab_http_headers_add(&http->headers, name, value, err);
}

bool ab_http_begin(struct ab_http *http, struct ab_err *err)
{
    struct ab_loop *loop = http->transfer.op.loop;

    struct curl_slist *headers = ab_http_headers_list(&http->headers, err);
    if (!headers)
        return false;
    CURLcode code = curl_easy_setopt(http->transfer.easy, CURLOPT_HTTPHEADER, headers);
    if (code != CURLE_OK)
        return ab_http_fail(http, code, err);
    http->alloc_failures = ab_alloc_failures();
    http->began_ns = http->silent_since_ns = ab_now_ns();
    return ab_http_deadlines_set(http, err) && ab_loop_transfer(loop, &http->transfer, err);
}

void ab_http_retain(struct ab_http *http)
{
    http->owners++;
}

void ab_http_free(struct ab_http *http)
{
    if (!http || --http->owners > 0)
        return;
    struct ab_loop *loop = http->transfer.op.loop;
    ab_loop_withdraw(loop, &http->transfer);
    ab_loop_clear_timer(loop, &http->timer);
    ab_http_pace_drop(http);
    ab_op_drop(&http->transfer.op);
    if (http->over && !http->broken)
        ab_http_way_keep(ab_loop_ways(loop), http->way);
    else
        ab_http_way_free(http->way);
    ab_http_headers_drop(&http->headers);
    ab_buf_drop(&http->head);
    ab_buf_drop(&http->body);
    ab_file_unref(http->region.file);
    ab_http_store_drop(&http->store);
    ab_free(http);
}

/* --- the reply ------------------------------------------------------------------------------- */

struct ab_op *ab_http_op(struct ab_http *http)
{
    return &http->transfer.op;
}

bool ab_http_has_head(const struct ab_http *http)
{
    return http->head_over;
}

long ab_http_status(const struct ab_http *http)
{
    return http->status;
}

const char *ab_http_version(const struct ab_http *http)
{
    long version = CURL_HTTP_VERSION_NONE;

    curl_easy_getinfo(http->transfer.easy, CURLINFO_HTTP_VERSION, &version);
    return version == CURL_HTTP_VERSION_2_0   ? "2"
           : version == CURL_HTTP_VERSION_1_0 ? "1.0"
                                              : "1.1";
}

void ab_http_remote(const struct ab_http *http, char *text, size_t size)
{
    const char *address = NULL;
    long port = 0;

    curl_easy_getinfo(http->transfer.easy, CURLINFO_PRIMARY_IP, &address);
    curl_easy_getinfo(http->transfer.easy, CURLINFO_PRIMARY_PORT, &port);
    snprintf(text, size, "%s:%ld", address ? address : "", port);
}

size_t ab_http_next_header(const struct ab_http *http, size_t at, const char **name,
                           const char **value)
{
    if (at >= http->head.len)
        return 0;
    *name = (const char *)http->head.data + at;
    *value = *name + strlen(*name) + 1;
    return at + strlen(*name) + strlen(*value) + 2;
}

struct ab_slice ab_http_body(const struct ab_http *http)
{
    return (struct ab_slice){http->body.data, http->body.len};
}
