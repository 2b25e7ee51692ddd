/* stream/sink.h - an output file that appears whole, or not at all.
 *
 * Bytes go to a file without a name (O_TMPFILE), or where the file system has none to a hidden one
 * beside the target. Commit syncs it, gives it its name and syncs the folder; anything that fails
 * before it has its name leaves the target as it was. Runs on one thread at a time. */
#ifndef AB_STREAM_SINK_H
#define AB_STREAM_SINK_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "stream/file.h"
#include "stream/folder.h"

struct ab_sink;

/* Open `path` for output with permissions `mode`, whatever the umask. With `force` a regular file
 * of that name is replaced at commit. Kind io; code EEXIST without `force`, "not_regular" for a
 * device, fifo, socket, link or folder, forced or not. */
struct ab_sink *ab_sink_new(const char *path, bool force, mode_t mode, struct ab_err *err);

/* As ab_sink_new, into the file `part` beside the target, which may have bytes of an earlier run
 * and is kept when it is not committed: for what can be resumed. Kind io, code "locked", while
 * another process writes it; "not_regular" when something else has its name. */
struct ab_sink *ab_sink_resume(const char *path, const char *part, bool force, mode_t mode,
                               struct ab_err *err);

/* As ab_sink_new, or with `part` as ab_sink_resume, beneath a folder (stream/folder.h); folders in
 * `path` that are missing are made, mode 0700. */
struct ab_sink *ab_sink_beneath(struct ab_folder *f, const char *path, const char *part, bool force,
                                mode_t mode, struct ab_err *err);

/* Whether ab_sink_beneath could open one; what keeps it from that, as it says it. Nothing is made.
 */
AB_MUST_USE bool ab_sink_check(struct ab_folder *f, const char *path, bool force,
                               struct ab_err *err);

/* The file, to be read and written at any place until the sink is committed; one more reference
 * for the caller. NULL on failure. */
struct ab_file *ab_sink_file(struct ab_sink *s, struct ab_err *err);

/* What was not committed is gone when the sink is freed, a part as well. */
void ab_sink_discard(struct ab_sink *s);

/* Append. After a failure the sink can only be freed. */
AB_MUST_USE bool ab_sink_write(struct ab_sink *s, const void *data, size_t len, struct ab_err *err);

/* The time of the last change that the file will have, in seconds since 1970; set by commit. */
void ab_sink_set_time(struct ab_sink *s, double mtime);

/* Sync, name, sync the folder (where the file system can). After success the file is the caller's
 * and safe on disk. It may fail with the file in place and only its folder not synced; the message
 * says so. Once only: code "committed" afterwards, and "broken" after a failure. */
AB_MUST_USE bool ab_sink_commit(struct ab_sink *s, struct ab_err *err);

/* Free; what was not committed is gone, but a part. NULL is fine. */
void ab_sink_free(struct ab_sink *s);

/* Create `path` with exactly these bytes, synced, as a sink does without `force`. */
AB_MUST_USE bool ab_sink_create(const char *path, const void *data, size_t len, mode_t mode,
                                struct ab_err *err);

#endif
