#include "stream/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"

enum { OPEN_FOLDER = O_RDONLY | O_DIRECTORY | O_CLOEXEC };

struct ab_folder *ab_folder_open(const char *path, struct ab_err *err)
{
    struct ab_folder *f = ab_calloc(1, sizeof *f);

    if (f)
        *f = (struct ab_folder){.refs = 1, .fd = -1};
    if (!f || !(f->path = ab_strdup(path))) {
        ab_fail_memory(err);
    } else {
        f->fd = open(path, OPEN_FOLDER);
        if (f->fd >= 0)
            return f;
        ab_fail_errno(err, errno, "cannot open the folder %s", path);
    }
    ab_folder_unref(f);
    return NULL;
}

struct ab_folder *ab_folder_ref(struct ab_folder *f)
{
    f->refs++;
    return f;
}

void ab_folder_unref(struct ab_folder *f)
{
    if (!f || --f->refs > 0)
        return;
    if (f->fd >= 0)
        close(f->fd);
    ab_free(f->path);
    ab_free(f);
}

bool ab_folder_check(const struct ab_folder *f, const char *path, struct ab_err *err)
{
    for (const char *part = path;;) {
        size_t len = strcspn(part, "/");
        bool is_dots = len > 0 && len <= 2 && strncmp(part, "..", len) == 0;
        if (len == 0 || is_dots)
            return ab_fail(err, AB_IO, "outside", "%.200s is no name of anything in %s", path,
                           f->path);
        if (part[len] == '\0')
            return true;
        part += len + 1;
    }
}

/* What an errno says of a path beneath; false. */
static bool fail(const struct ab_folder *f, const char *path, const char *what, struct ab_err *err)
{
    if (errno == ELOOP)
        return ab_fail(
            err, AB_IO, "link",
            "cannot %s %s/%s: a symbolic link is in the way, and it might lead out of %s", what,
            f->path, path, f->path);
    return ab_fail_errno(err, errno, "cannot %s %s/%s", what, f->path, path);
}

/* A new folder outlives a crash only when its name is on disk, too. */
static int make_folder(int at, const char *name, mode_t mode)
{
    if (mkdirat(at, name, mode) != 0)
        return errno == EEXIST ? 0 : -1;
    return fsync(at) == 0 || errno == EINVAL || errno == ENOTSUP ? 0 : -1;
}

/* openat(2) of one name, where a link is ELOOP also when a folder is wanted. */
static int open_part(int at, const char *name, int flags)
{
    struct stat st;
    int fd = openat(at, name, flags | O_NOFOLLOW);

    if (fd < 0 && errno == ENOTDIR && fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        errno = S_ISLNK(st.st_mode) ? ELOOP : ENOTDIR;
    return fd;
}

/* Open `path` part by part, and with `make` make the folders that are missing. */
static int walk(int at, char *path, int flags, mode_t make)
{
    int fd = -1;

    for (char *part = path;;) {
        char *slash = strchr(part, '/');
        if (slash)
            *slash = '\0';
        int next = make && make_folder(fd < 0 ? at : fd, part, make) != 0
                       ? -1
                       : open_part(fd < 0 ? at : fd, part, slash ? OPEN_FOLDER : flags);
        int why = errno;
        if (slash)
            *slash = '/';
        if (fd >= 0)
            close(fd);
        errno = why;
        if (next < 0 || !slash)
            return next;
        fd = next;
        part = slash + 1;
    }
}

static int open_at_once(int at, const char *path, int flags)
{
    struct open_how how = {
        .flags = (unsigned int)flags,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
    };

    return (int)syscall(SYS_openat2, at, path, &how, sizeof how);
}

/* Open what is beneath. A kernel, or a sandbox around us, that has no openat2 says ENOSYS or EPERM;
 * EAGAIN says that something was moved meanwhile. */
static int open_beneath(const struct ab_folder *f, const char *path, int flags, mode_t make)
{
    int fd = open_at_once(f->fd, path, flags);
    bool again = fd < 0 && (errno == ENOSYS || errno == EPERM || errno == EAGAIN);

    if (fd >= 0 || (!again && !(make && errno == ENOENT)))
        return fd;
    char *copy = ab_strdup(path);
    if (!copy) {
        errno = ENOMEM;
        return -1;
    }
    fd = walk(f->fd, copy, flags, make);
    int why = errno;
    ab_free(copy);
    errno = why;
    return fd;
}

/* Open the deepest folder of `path` that exists, cutting off the others. */
static int open_near(const struct ab_folder *f, char *path)
{
    int fd = open_beneath(f, path, OPEN_FOLDER, 0);

    while (fd < 0 && errno == ENOENT && *path != '\0') {
        char *slash = strrchr(path, '/');
        *(slash ? slash : path) = '\0';
        fd = slash ? open_beneath(f, path, OPEN_FOLDER, 0) : openat(f->fd, ".", OPEN_FOLDER);
    }
    return fd;
}

int ab_folder_near(const struct ab_folder *f, const char *path, bool *is_missing,
                   struct ab_err *err)
{
    if (!ab_folder_check(f, path, err))
        return -1;
    char *copy = ab_strdup(path);
    if (!copy) {
        ab_fail_memory(err);
        return -1;
    }
    int fd = open_near(f, copy);
    *is_missing = strcmp(copy, path) != 0;
    bool ok = fd >= 0 && (!*is_missing || faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) == 0);
    if (!ok)
        fail(f, path, "make the folder", err);
    ab_free(copy);
    if (!ok && fd >= 0)
        close(fd);
    return ok ? fd : -1;
}

int ab_folder_enter(const struct ab_folder *f, const char *path, mode_t make, struct ab_err *err)
{
    if (*path != '\0' && !ab_folder_check(f, path, err))
        return -1;
    int fd =
        *path == '\0' ? openat(f->fd, ".", OPEN_FOLDER) : open_beneath(f, path, OPEN_FOLDER, make);
    if (fd < 0)
        fail(f, path, make ? "make the folder" : "open the folder", err);
    return fd;
}

/* The folder that a path's last name is in, for leave(), and that name; -1 on failure. */
static int enter_above(const struct ab_folder *f, const char *path, const char **name,
                       struct ab_err *err)
{
    const char *slash = strrchr(path, '/');

    if (!ab_folder_check(f, path, err))
        return -1;
    *name = slash ? slash + 1 : path;
    if (!slash)
        return f->fd;
    char *above = ab_strdup(path);
    if (!above) {
        ab_fail_memory(err);
        return -1;
    }
    above[slash - path] = '\0';
    int fd = ab_folder_enter(f, above, 0, err);
    ab_free(above);
    return fd;
}

static void leave(const struct ab_folder *f, int above)
{
    if (above != f->fd)
        close(above);
}

bool ab_folder_stat(const struct ab_folder *f, const char *path, struct stat *st,
                    struct ab_err *err)
{
    const char *name;
    int at = enter_above(f, path, &name, err);

    if (at < 0)
        return false;
    bool ok = fstatat(at, name, st, AT_SYMLINK_NOFOLLOW) == 0 || fail(f, path, "examine", err);
    leave(f, at);
    return ok;
}

struct ab_file *ab_folder_file(const struct ab_folder *f, const char *path, bool hold,
                               struct ab_err *err)
{
    struct stat st;

    if (!ab_folder_check(f, path, err))
        return NULL;
    /* Without O_NONBLOCK, opening a fifo would wait for a writer. */
    int fd = open_beneath(f, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0 || fstat(fd, &st) != 0) {
        fail(f, path, "open", err);
    } else if (!S_ISREG(st.st_mode)) {
        ab_fail(err, AB_IO, "not_regular", "cannot read %s/%s: it is not a regular file", f->path,
                path);
    } else {
        struct ab_file *file = ab_file_adopt(fd, path, err);
        if (file && hold)
            ab_file_hold(file, &st);
        return file;
    }
    if (fd >= 0)
        close(fd);
    return NULL;
}

bool ab_folder_remove(const struct ab_folder *f, const char *path, bool folder, struct ab_err *err)
{
    const char *name;
    int at = enter_above(f, path, &name, err);

    if (at < 0)
        return false;
    bool ok = unlinkat(at, name, folder ? AT_REMOVEDIR : 0) == 0 || fail(f, path, "remove", err);
    leave(f, at);
    return ok;
}
