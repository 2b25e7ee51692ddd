/* stream/file_hold.c - small files that are read when they are opened: on the loop's thread, which
 * must not wait for a disk. */
#include <errno.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "stream/file.h"

#define TICK_MAX_S 0.02 /* of a file system's clock: 10 ms at most (CONFIG_HZ=100) */

/* Whether the time of a file's last change would tell of the next one: two changes in one
 * tick look like one. */
static bool is_settled(const struct stat *st)
{
    struct timespec now;
    double age;

    if (clock_gettime(CLOCK_REALTIME, &now) != 0)
        return false;
    age = difftime(now.tv_sec, st->st_mtim.tv_sec) +
          (double)(now.tv_nsec - st->st_mtim.tv_nsec) / 1e9;
    return age > TICK_MAX_S;
}

/* Read what is there without waiting for a disk; a file system in memory has no such reading, and
 * needs none. */
static bool read_at_once(int fd, void *out, size_t len)
{
    struct iovec piece = {.iov_base = out, .iov_len = len};
    struct statfs kind;
    ssize_t got = preadv2(fd, &piece, 1, 0, RWF_NOWAIT);

    if (got < 0 && errno == EOPNOTSUPP && fstatfs(fd, &kind) == 0 && kind.f_type == TMPFS_MAGIC)
        got = pread(fd, out, len, 0);
    return got >= 0 && (size_t)got == len;
}

void ab_file_hold(struct ab_file *f, const struct stat *st)
{
    size_t size = (size_t)st->st_size;
    struct stat now;

    if (st->st_size == 0 || st->st_size > AB_FILE_HELD_MAX || !is_settled(st))
        return; /* without a size it may have bytes, as files of /proc do: who reads it looks */
    struct ab_file_held *held = ab_alloc(sizeof *held + size);
    if (held && read_at_once(f->fd, held->bytes, size) && fstat(f->fd, &now) == 0 &&
        now.st_size == st->st_size && now.st_mtim.tv_sec == st->st_mtim.tv_sec &&
        now.st_mtim.tv_nsec == st->st_mtim.tv_nsec) {
        held->st = now;
        f->held = held;
        close(f->fd);
        f->fd = -1;
    } else {
        ab_free(held);
    }
}

size_t ab_file_copy_held(const struct ab_file *f, void *out, size_t len, int64_t offset)
{
    int64_t left = offset < f->held->st.st_size ? f->held->st.st_size - offset : 0;
    size_t got = (uint64_t)left < len ? (size_t)left : len;

    if (got > 0)
        memcpy(out, f->held->bytes + offset, got);
    return got;
}
