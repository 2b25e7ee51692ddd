/* stream/path.h - small files and folders by name: read whole, examine, make. */
#ifndef AB_STREAM_PATH_H
#define AB_STREAM_PATH_H

#include <sys/stat.h>

#include "base/buf.h"

/* Append the whole of a small file; kind io, code "too_large" above `max` bytes. Pipes
 * work too, if their writers keep writing: code "not_ready" after 10 min of silence, kind cancelled
 * when a signal ends the wait. */
AB_MUST_USE bool ab_path_read(const char *path, size_t max, struct ab_buf *out, struct ab_err *err);

/* As stat(2), or lstat(2) with `link`. */
AB_MUST_USE bool ab_path_stat(const char *path, bool link, struct stat *st, struct ab_err *err);

/* Make a folder and those above it that are missing, with permissions `mode`. */
AB_MUST_USE bool ab_path_make_folders(const char *path, mode_t mode, struct ab_err *err);

/* Whether ab_path_make_folders could; what keeps it from that, as it says it. Nothing is made. */
AB_MUST_USE bool ab_path_check_folders(const char *path, struct ab_err *err);

#endif
