#include "stream/path.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/signal.h"

enum { STEP = 16 * 1024, PATIENCE_S = 600 };

/* Wait until a pipe or device can be read. Whoever reads small files does it at once, so a writer
 * who does not come must not hold up everything for ever. */
static bool wait_readable(int fd, const char *path, struct ab_err *err)
{
    struct pollfd polled[] = {{fd, POLLIN, 0}, {ab_signal_fd(), POLLIN, 0}};
    int ready = poll(polled, 2, PATIENCE_S * 1000);

    if (ab_signal_pending() != 0)
        return ab_fail(err, AB_CANCELLED, "cancelled", "reading %s was interrupted", path);
    if (ready == 0)
        return ab_fail(err, AB_IO, "not_ready", "cannot read %s: nobody wrote into it for %d s",
                       path, PATIENCE_S);
    return ready > 0 || errno == EINTR || ab_fail_errno(err, errno, "cannot read %s", path);
}

static bool is_regular(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

static bool read_all(int fd, const char *path, size_t max, struct ab_buf *out, struct ab_err *err)
{
    bool waits = !is_regular(fd);

    for (;;) {
        if (!ab_buf_reserve(out, STEP, err) || (waits && !wait_readable(fd, path, err)))
            return false;
        ssize_t n = read(fd, out->data + out->len, STEP);
        if (n == 0)
            return true;
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return ab_fail_errno(err, errno, "cannot read %s", path);
        if (n > 0)
            out->len += (size_t)n;
        if (out->len > max)
            return ab_fail(err, AB_IO, "too_large", "%s is larger than %zu bytes", path, max);
    }
}

bool ab_path_read(const char *path, size_t max, struct ab_buf *out, struct ab_err *err)
{
    /* Without O_NONBLOCK, opening a fifo would wait for a writer. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0)
        return ab_fail_errno(err, errno, "cannot read %s", path);
    out->max = max + STEP;
    bool ok = read_all(fd, path, max, out, err);
    close(fd);
    return ok;
}

bool ab_path_stat(const char *path, bool link, struct stat *st, struct ab_err *err)
{
    if (fstatat(AT_FDCWD, path, st, link ? AT_SYMLINK_NOFOLLOW : 0) != 0)
        return ab_fail_errno(err, errno, "cannot examine %s", path);
    return true;
}

bool ab_path_make_folders(const char *path, mode_t mode, struct ab_err *err)
{
    char *copy = ab_strdup(path);
    struct stat st;
    int why = 0;

    if (!copy)
        return ab_fail_memory(err);
    for (char *at = copy + 1; *copy && why == 0; at++) {
        char end = *at;
        if (end != '/' && end != '\0')
            continue;
        *at = '\0';
        if (mkdir(copy, mode) != 0 && errno != EEXIST)
            why = errno;
        *at = end;
        if (end == '\0')
            break;
    }
    ab_free(copy);
    if (why == 0 && *path && stat(path, &st) != 0)
        why = errno; /* a link that leads nowhere has the name */
    else if (why == 0 && *path && !S_ISDIR(st.st_mode))
        why = ENOTDIR;
    return why == 0 || ab_fail_errno(err, why, "cannot make the folder %s", path);
}

/* Without the slashes at its end, which would follow a link; "/" stays. */
static void strip(char *path)
{
    for (size_t len = strlen(path); len > 1 && path[len - 1] == '/'; len--)
        path[len - 1] = '\0';
}

/* Cut off the last name: of "x" that leaves ".". False when there is none. */
static bool cut(char *path)
{
    char *slash = strrchr(path, '/');

    if (strcmp(path, ".") == 0 || strcmp(path, "/") == 0)
        return false;
    if (slash)
        slash[slash == path] = '\0';
    else
        memcpy(path, ".", 2);
    strip(path);
    return true;
}

/* Why a folder cannot be made; 0 when it can, or is there. */
static int why_not(char *path)
{
    struct stat st;
    bool is_missing = false;

    strip(path);
    while (lstat(path, &st) != 0 && errno == ENOENT && cut(path))
        is_missing = true;
    if (stat(path, &st) != 0) /* a link that leads nowhere */
        return errno;
    if (!S_ISDIR(st.st_mode))
        return ENOTDIR;
    return is_missing && faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) != 0 ? errno : 0;
}

bool ab_path_check_folders(const char *path, struct ab_err *err)
{
    char *copy = ab_strdup(path);

    if (!copy)
        return ab_fail_memory(err);
    int why = *copy ? why_not(copy) : 0;
    ab_free(copy);
    return why == 0 || ab_fail_errno(err, why, "cannot make the folder %s", path);
}
