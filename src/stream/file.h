/* stream/file.h - an open file that is read and written at offsets, shared by counted references.
 *
 * References are taken and dropped on the loop's thread; reading and writing may happen on any. */
#ifndef AB_STREAM_FILE_H
#define AB_STREAM_FILE_H

#include <stdint.h>
#include <sys/stat.h>

#include "base/err.h"

struct ab_file_held {
    struct stat st;
    uint8_t bytes[]; /* st.st_size of them */
};

struct ab_file {
    int refs;
    int fd;     /* owned; -1 when it is held */
    char *path; /* owned; for messages */
    bool in_memory;
    struct ab_file_held *held; /* owned; NULL but for a file that is held */
};

/* Open a regular file to read; kind io, code "not_regular" for anything else that exists. With
 * `hold` as ab_file_hold(). */
struct ab_file *ab_file_open(const char *path, bool hold, struct ab_err *err);

enum { AB_FILE_HELD_MAX = 64 * 1024 }; /* bytes of a file that is held */

/* Read a small file at once and close it: what is said and read of it from now on is what it was.
 * `st` is of fstat(2) since it was opened. Nothing is done with a larger one, with one that would
 * have to be waited for (preadv2(2), RWF_NOWAIT), and with one that somebody writes. */
void ab_file_hold(struct ab_file *f, const struct stat *st);

/* Copy up to `len` bytes at `offset` of a file that is held; how many there are. */
size_t ab_file_copy_held(const struct ab_file *f, void *out, size_t len, int64_t offset);

/* Take over a descriptor, in every case; `path` is copied. */
struct ab_file *ab_file_adopt(int fd, const char *path, struct ab_err *err);

/* Open or make a file of mode 0600 to read and write, that this process alone uses: kind io, code
 * "locked", while another has it open so; "not_regular" for anything but a file. */
struct ab_file *ab_file_journal(const char *path, struct ab_err *err);

/* A new file of mode 0600 that has no name, in `folder` (NULL: $TMPDIR, else /var/tmp, else /tmp).
 */
struct ab_file *ab_file_spool(const char *folder, struct ab_err *err);

/* A new file in memory, which no disk ever sees (memfd_create(2)). */
struct ab_file *ab_file_memory(struct ab_err *err);

/* Count one more owner; `f` itself. */
struct ab_file *ab_file_ref(struct ab_file *f);

/* Drop a reference; the last one closes. NULL is fine. */
void ab_file_unref(struct ab_file *f);

/* As fstat(2). */
AB_MUST_USE bool ab_file_stat(const struct ab_file *f, struct stat *st, struct ab_err *err);

/* The size now, in bytes. */
AB_MUST_USE bool ab_file_size(const struct ab_file *f, int64_t *size, struct ab_err *err);

/* Make it `size` bytes long, when the disk has room for them now: a full one is told before the
 * bytes come. Nothing is reserved (a file system in memory would write zeros). */
AB_MUST_USE bool ab_file_resize(const struct ab_file *f, int64_t size, struct ab_err *err);

/* Set the time of the last change, in seconds since 1970. */
AB_MUST_USE bool ab_file_touch(const struct ab_file *f, double mtime, struct ab_err *err);

/* Read up to `len` bytes at `offset`; *got is less only at the end of the file. */
AB_MUST_USE bool ab_file_read(const struct ab_file *f, void *out, size_t len, int64_t offset,
                              size_t *got, struct ab_err *err);

/* Write all of `len` bytes at `offset`. */
AB_MUST_USE bool ab_file_write(const struct ab_file *f, const void *data, size_t len,
                               int64_t offset, struct ab_err *err);

/* As ab_file_touch(); `path` is for the message. */
AB_MUST_USE bool ab_fd_touch(int fd, double mtime, const char *path, struct ab_err *err);

/* As write(2) until all bytes are gone; `path` is for the message. */
AB_MUST_USE bool ab_fd_write(int fd, const void *data, size_t len, const char *path,
                             struct ab_err *err);

#endif
