#include "stream/file.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"

struct ab_file *ab_file_adopt(int fd, const char *path, struct ab_err *err)
{
    struct ab_file *f = ab_calloc(1, sizeof *f);
    char *copy = f ? ab_strdup(path) : NULL;

    if (!copy) {
        close(fd);
        ab_free(f);
        ab_fail_memory(err);
        return NULL;
    }
    *f = (struct ab_file){.refs = 1, .fd = fd, .path = copy};
    return f;
}

struct ab_file *ab_file_open(const char *path, bool hold, struct ab_err *err)
{
    /* Without O_NONBLOCK, opening a fifo would wait for a writer. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) != 0) {
        ab_fail_errno(err, errno, "cannot open %s", path);
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    if (S_ISREG(st.st_mode)) {
        struct ab_file *f = ab_file_adopt(fd, path, err);
        if (f && hold)
            ab_file_hold(f, &st);
        return f;
    }
    close(fd);
    ab_fail(err, AB_IO, "not_regular", "cannot read %s: it is not a regular file", path);
    return NULL;
}

struct ab_file *ab_file_journal(const char *path, struct ab_err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW, 0600);
    struct stat st;

    if (fd < 0) {
        ab_fail_errno(err, errno, "cannot open %s", path);
        return NULL;
    }
    if (fstat(fd, &st) != 0)
        ab_fail_errno(err, errno, "cannot examine %s", path);
    else if (!S_ISREG(st.st_mode))
        ab_fail(err, AB_IO, "not_regular", "cannot write %s: it is not a regular file", path);
    else if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return ab_file_adopt(fd, path, err);
    else if (errno == EWOULDBLOCK)
        ab_fail(err, AB_IO, "locked", "another process uses %s at the moment", path);
    else
        ab_fail_errno(err, errno, "cannot lock %s", path);
    close(fd);
    return NULL;
}

/* A file without a name; where the file system knows no O_TMPFILE, a named one is unlinked at once.
 */
static int open_unnamed(const char *folder)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
    char name[4096];

    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return fd;
    if (snprintf(name, sizeof name, "%s/.awsbak-XXXXXX", folder) >= (int)sizeof name) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = mkostemp(name, O_CLOEXEC);
    if (fd >= 0)
        unlink(name);
    return fd;
}

struct ab_file *ab_file_spool(const char *folder, struct ab_err *err)
{
    const char *tmpdir = getenv("TMPDIR");

    if (!folder && tmpdir && *tmpdir)
        folder = tmpdir;
    int fd = open_unnamed(folder ? folder : "/var/tmp");
    if (fd < 0 && !folder)
        fd = open_unnamed(folder = "/tmp");
    if (fd < 0) {
        ab_fail_errno(err, errno, "cannot make a temporary file in %s", folder);
        return NULL;
    }
    return ab_file_adopt(fd, "a temporary file", err);
}

struct ab_file *ab_file_memory(struct ab_err *err)
{
    static const char name[] = "a file in memory";
    int fd = memfd_create("awsbak", MFD_CLOEXEC);

    if (fd < 0) {
        ab_fail_errno(err, errno, "cannot make %s", name);
        return NULL;
    }
    struct ab_file *f = ab_file_adopt(fd, name, err);
    if (f)
        f->in_memory = true;
    return f;
}

struct ab_file *ab_file_ref(struct ab_file *f)
{
    f->refs++;
    return f;
}

void ab_file_unref(struct ab_file *f)
{
    if (!f || --f->refs > 0)
        return;
    if (f->fd >= 0)
        close(f->fd);
    ab_free(f->held);
    ab_free(f->path);
    ab_free(f);
}

bool ab_file_stat(const struct ab_file *f, struct stat *st, struct ab_err *err)
{
    if (f->held)
        *st = f->held->st;
    return f->held || fstat(f->fd, st) == 0 ||
           ab_fail_errno(err, errno, "cannot examine %s", f->path);
}

bool ab_file_size(const struct ab_file *f, int64_t *size, struct ab_err *err)
{
    struct stat st;

    if (!ab_file_stat(f, &st, err))
        return false;
    *size = st.st_size;
    return true;
}

bool ab_fd_touch(int fd, double mtime, const char *path, struct ab_err *err)
{
    double whole = floor(mtime);
    struct timespec at = {.tv_sec = (time_t)whole, .tv_nsec = (long)((mtime - whole) * 1e9)};
    const struct timespec times[] = {{.tv_nsec = UTIME_OMIT}, at};

    return futimens(fd, times) == 0 || ab_fail_errno(err, errno, "cannot set the time of %s", path);
}

bool ab_file_touch(const struct ab_file *f, double mtime, struct ab_err *err)
{
    return ab_fd_touch(f->fd, mtime, f->path, err);
}

bool ab_file_resize(const struct ab_file *f, int64_t size, struct ab_err *err)
{
    struct statvfs room;
    struct stat st;

    if (fstat(f->fd, &st) == 0 && fstatvfs(f->fd, &room) == 0) {
        if (size > st.st_size && (uint64_t)(size - st.st_size) / room.f_frsize > room.f_bavail)
            errno = ENOSPC;
        else if (ftruncate(f->fd, size) == 0)
            return true;
    }
    return ab_fail_errno(err, errno, "cannot make %s %lld bytes long", f->path, (long long)size);
}

bool ab_file_read(const struct ab_file *f, void *out, size_t len, int64_t offset, size_t *got,
                  struct ab_err *err)
{
    *got = f->held ? ab_file_copy_held(f, out, len, offset) : 0;
    while (!f->held && *got < len) {
        ssize_t n = pread(f->fd, (char *)out + *got, len - *got, offset + (int64_t)*got);
        if (n == 0)
            break;
        if (n < 0 && errno != EINTR)
            return ab_fail_errno(err, errno, "cannot read %s", f->path);
        if (n > 0)
            *got += (size_t)n;
    }
    return true;
}

bool ab_file_write(const struct ab_file *f, const void *data, size_t len, int64_t offset,
                   struct ab_err *err)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = pwrite(f->fd, (const char *)data + done, len - done, offset + (int64_t)done);
        if (n < 0 && errno != EINTR)
            return ab_fail_errno(err, errno, "cannot write %s", f->path);
        if (n > 0)
            done += (size_t)n;
    }
    return true;
}

bool ab_fd_write(int fd, const void *data, size_t len, const char *path, struct ab_err *err)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = write(fd, (const char *)data + done, len - done);
        if (n < 0 && errno != EINTR)
            return ab_fail_errno(err, errno, "cannot write %s", path);
        if (n > 0)
            done += (size_t)n;
    }
    return true;
}
