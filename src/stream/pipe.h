/* stream/pipe.h - a source, flows and a sink, worked by as many threads as come to help.
 *
 * Between each two neighbours lie a few chunks of fixed size: one that has no room ahead of it
 * stops, and that is all the back-pressure there is. A thread that calls ab_pipe_run() turns
 * whatever can go on, a chunk at a time, and leaves when nothing can: it never waits for what
 * only a script can give. Source and sink are files, or the script itself, which feeds and takes,
 * or gives room in its own files.
 *
 * A pipe is built on one thread, before the first run. Then feed, take, stop and the questions may
 * be asked on that thread while others run it. Whoever owns it frees it when nobody runs it. */
#ifndef AB_STREAM_PIPE_H
#define AB_STREAM_PIPE_H

#include "base/buf.h"
#include "crypto/digest.h"

struct ab_file;
struct ab_flow;
struct ab_pipe;
struct ab_sink;

enum { AB_PIPE_CHUNK = 256 * 1024, AB_PIPE_FLOWS_MAX = 16 };

enum ab_pipe_state {
    AB_PIPE_BUSY,   /* there is more to do */
    AB_PIPE_HUNGRY, /* nothing goes on before the script feeds */
    AB_PIPE_FULL,   /* nothing goes on before the script takes */
    AB_PIPE_LOCKED, /* nothing goes on before the script unlocks a flow that opens age files */
    AB_PIPE_DONE, /* a file sink has all, to be committed; a script has taken all, or knows of it */
};

/* A pipe without flows, that a script feeds and takes from. NULL when memory is out. */
struct ab_pipe *ab_pipe_new(struct ab_err *err);

/* Free it on the thread that built it; a sink that was not committed leaves nothing. NULL is fine.
 */
void ab_pipe_free(struct ab_pipe *p);

/* Read from `file` (of which it takes a reference), from its beginning to its end. */
void ab_pipe_set_file(struct ab_pipe *p, struct ab_file *file);

/* Add a flow behind those that are there; owns it in every case. Kind usage, code "too_many". */
AB_MUST_USE bool ab_pipe_adopt_flow(struct ab_pipe *p, struct ab_flow *flow, struct ab_err *err);

/* Write to `sink`, which it owns. */
void ab_pipe_adopt_sink(struct ab_pipe *p, struct ab_sink *sink);

/* Get the memory for all chunks; from now on nothing can be added. */
AB_MUST_USE bool ab_pipe_start(struct ab_pipe *p, struct ab_err *err);

/* How many threads can be of use at once, beside the script's. */
size_t ab_pipe_width(const struct ab_pipe *p);

/* Work until nothing can go on, or long enough for others to have their turn. On any thread, on
 * several at once. False when a part failed, with its error, in every run from then on. */
AB_MUST_USE bool ab_pipe_run(struct ab_pipe *p, struct ab_err *err);

/* The same, but leave, too, once there is room for what the script could not feed, or bytes where
 * it found none to take. One thread does so, and the others go on meanwhile. */
AB_MUST_USE bool ab_pipe_run_serving(struct ab_pipe *p, struct ab_err *err);

/* Commit the sink, which there must be, of a pipe that is done. On any thread. */
AB_MUST_USE bool ab_pipe_commit(struct ab_pipe *p, struct ab_err *err);

/* Which part failed: 0 the source, 1 and so on the flows, then the sink; -1 when none has. */
int ab_pipe_failed(struct ab_pipe *p);

/* What it needs to go on. */
enum ab_pipe_state ab_pipe_state(struct ab_pipe *p);

/* Copy as much of `bytes` in as there is room for; returns how much. When it is not all of them,
 * ab_pipe_run_serving() tells when there is room again. */
size_t ab_pipe_feed(struct ab_pipe *p, struct ab_slice bytes);

/* Say that nothing more will be fed. */
void ab_pipe_feed_end(struct ab_pipe *p);

/* The next bytes to take, valid until they are dropped; or nothing (len 0) while there are none:
 * ab_pipe_run_serving() tells when there are some. */
struct ab_slice ab_pipe_peek(struct ab_pipe *p);

/* The first `len` of them, at least one, were taken. */
void ab_pipe_drop(struct ab_pipe *p, size_t len);

/* Put what comes into `file` (of which it takes a reference), `size` bytes from `at` on; once
 * before the start, and each time the room before is used up. Nothing is to be peeked at then. */
void ab_pipe_set_room(struct ab_pipe *p, struct ab_file *file, int64_t at, size_t size);

/* Whether it has none, or none left. */
bool ab_pipe_is_roomless(struct ab_pipe *p);

/* How many bytes were put into the room since this was asked last; whether it is used up.
 * ab_pipe_run_serving() tells of the first ones, and of the last. */
size_t ab_pipe_filled(struct ab_pipe *p, bool *used_up);

/* The digest of all that went through flow `part` (from 1), which must be a digest's, and done;
 * else kind usage. */
AB_MUST_USE bool ab_pipe_digest(struct ab_pipe *p, size_t part, uint8_t out[AB_DIGEST_MAX],
                                size_t *len, struct ab_err *err);

/* Which flow (from 1) of a pipe in state AB_PIPE_LOCKED is to be unlocked, the header of its file
 * (borrowed until then) and why nothing opened it; 0 when none is. */
size_t ab_pipe_locked(struct ab_pipe *p, struct ab_slice *header, struct ab_err *why);

/* Unlock it with the file's key. Kind usage, code "file_key", when that cannot be one. */
AB_MUST_USE bool ab_pipe_unlock(struct ab_pipe *p, struct ab_slice file_key, struct ab_err *err);

/* Let runs end at the next chunk, with kind cancelled. */
void ab_pipe_stop(struct ab_pipe *p);

/* Bytes out of the source, and into the sink, so far. */
void ab_pipe_count(struct ab_pipe *p, uint64_t *in, uint64_t *out);

#endif
