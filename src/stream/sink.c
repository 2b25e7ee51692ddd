#include "stream/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/codec.h"
#include "crypto/random.h"

enum { TEMP_MAX = 256, RANDOM_NAME_MAX = 40, DESCRIPTOR_MAX = 40, FOLDER_MODE = 0700 };

struct ab_sink {
    char *path;             /* owned; as given */
    const char *name;       /* its last part, inside path */
    int folder;             /* owned, unless it is root's */
    struct ab_folder *root; /* one reference, or NULL */
    struct ab_file *file;   /* one reference, when somebody asked for it; it owns fd then */
    int fd;                 /* owned */
    double mtime;           /* to be set at commit, or negative */
    bool keeps;             /* what is not committed */
    bool force;
    bool looks;  /* makes nothing: it is never written */
    bool is_new; /* its folder would be made, in the one that `folder` is then */
    bool committed;
    bool broken;         /* a write or a sync failed: never to be committed */
    char temp[TEMP_MAX]; /* name of the file in the folder; "" while it has none */
};

static const char *type_name(mode_t mode)
{
    return S_ISDIR(mode)    ? "a folder"
           : S_ISLNK(mode)  ? "a symbolic link"
           : S_ISFIFO(mode) ? "a named pipe"
           : S_ISSOCK(mode) ? "a socket"
                            : "a device";
}

/* Nothing but a regular file may be in the way, and that only with force. */
static bool check_target(const struct ab_sink *s, struct ab_err *err)
{
    struct stat st;

    if (fstatat(s->folder, s->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT || ab_fail_errno(err, errno, "cannot write %s", s->path);
    if (!S_ISREG(st.st_mode))
        return ab_fail(err, AB_IO, "not_regular", "cannot write %s: it is %s; name a file", s->path,
                       type_name(st.st_mode));
    if (!s->force)
        return ab_fail(err, AB_IO, "EEXIST", "%s exists already", s->path);
    return true;
}

/* The folder's part of the path, opened; the slash at its end stays: the folder of "/x" is "/". */
static bool open_named_folder(struct ab_sink *s, char *slash, struct ab_err *err)
{
    char first = slash ? slash[1] : '\0';

    if (slash)
        slash[1] = '\0';
    s->folder = open(slash ? s->path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int why = errno;
    if (slash)
        slash[1] = first;
    return s->folder >= 0 || ab_fail_errno(err, why, "cannot open the folder of %s", s->path);
}

/* The same beneath `root`, whose own path and a slash stand before. */
static bool enter_folder(struct ab_sink *s, struct ab_folder *root, char *slash, struct ab_err *err)
{
    char *beneath = s->path + strlen(root->path) + 1;

    if (slash < beneath) {
        s->root = ab_folder_ref(root);
        s->folder = root->fd;
        return true;
    }
    *slash = '\0';
    s->folder = s->looks ? ab_folder_near(root, beneath, &s->is_new, err)
                         : ab_folder_enter(root, beneath, FOLDER_MODE, err);
    *slash = '/';
    return s->folder >= 0;
}

static bool open_folder(struct ab_sink *s, struct ab_folder *root, struct ab_err *err)
{
    char *slash = strrchr(s->path, '/');

    if (root && !ab_folder_check(root, s->path + strlen(root->path) + 1, err))
        return false;
    s->name = slash ? slash + 1 : s->path;
    if (*s->name == '\0' || strcmp(s->name, ".") == 0 || strcmp(s->name, "..") == 0)
        return ab_fail(err, AB_IO, "not_regular", "cannot write %s: it is a folder; name a file",
                       s->path);
    return root ? enter_folder(s, root, slash, err) : open_named_folder(s, slash, err);
}

static bool make_temp_name(char temp[RANDOM_NAME_MAX], struct ab_err *err)
{
    uint8_t random[8];
    static const char prefix[] = ".awsbak-";

    if (!ab_random(random, sizeof random, err))
        return false;
    memcpy(temp, prefix, sizeof prefix - 1);
    ab_hex_encode(temp + sizeof prefix - 1, random, sizeof random);
    memcpy(temp + sizeof prefix - 1 + 2 * sizeof random, ".tmp", 5);
    return true;
}

/* A file without a name can get one only through /proc, which is there for good or never was. */
static bool can_name(int fd)
{
    static atomic_bool can;
    char descriptor[DESCRIPTOR_MAX];
    struct stat st;

    if (atomic_load(&can))
        return true;
    snprintf(descriptor, sizeof descriptor, "/proc/self/fd/%d", fd);
    atomic_store(&can, stat(descriptor, &st) == 0);
    return atomic_load(&can);
}

static bool open_named(struct ab_sink *s, struct ab_err *err)
{
    char temp[RANDOM_NAME_MAX];

    if (!make_temp_name(temp, err))
        return false;
    s->fd = openat(s->folder, temp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (s->fd < 0)
        return ab_fail_errno(err, errno, "cannot write %s", s->path);
    memcpy(s->temp, temp, sizeof temp);
    return true;
}

static bool open_file(struct ab_sink *s, mode_t mode, struct ab_err *err)
{
    s->fd = openat(s->folder, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
    if (s->fd >= 0 && !can_name(s->fd)) {
        close(s->fd);
        s->fd = -1;
        errno = EOPNOTSUPP;
    }
    if (s->fd < 0 && errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL && errno != ENOENT)
        return ab_fail_errno(err, errno, "cannot write %s", s->path);
    if (s->fd < 0 && !open_named(s, err))
        return false;
    if (fchmod(s->fd, mode) != 0)
        return ab_fail_errno(err, errno, "cannot set the permissions of %s", s->path);
    return true;
}

/* The named file of an earlier run, or a new one; nobody else may write it meanwhile. */
static bool open_part(struct ab_sink *s, const char *part, mode_t mode, struct ab_err *err)
{
    struct stat st;

    if (strlen(part) >= sizeof s->temp || strchr(part, '/'))
        return ab_fail(err, AB_USAGE, "part", "%.80s is no name for a part of a file", part);
    s->fd = openat(s->folder, part, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (s->fd < 0 && errno == ELOOP)
        return ab_fail(err, AB_IO, "not_regular",
                       "cannot write %s beside %s: it is a symbolic link; remove it", part,
                       s->path);
    if (s->fd < 0)
        return ab_fail_errno(err, errno, "cannot write %s beside %s", part, s->path);
    if (fstat(s->fd, &st) != 0)
        return ab_fail_errno(err, errno, "cannot examine %s beside %s", part, s->path);
    if (!S_ISREG(st.st_mode))
        return ab_fail(err, AB_IO, "not_regular",
                       "cannot write %s beside %s: it is no file; remove it", part, s->path);
    if (flock(s->fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK
                   ? ab_fail(err, AB_IO, "locked", "another process writes %s at the moment",
                             s->path)
                   : ab_fail_errno(err, errno, "cannot lock %s beside %s", part, s->path);
    memcpy(s->temp, part, strlen(part) + 1);
    s->keeps = true;
    if (fchmod(s->fd, mode) != 0)
        return ab_fail_errno(err, errno, "cannot set the permissions of %s", s->path);
    return true;
}

/* Adopts `path`, which is NULL when there was no memory for it. */
static struct ab_sink *alloc_sink(char *path, bool force, struct ab_err *err)
{
    struct ab_sink *s = path ? ab_calloc(1, sizeof *s) : NULL;

    if (!s) {
        ab_free(path);
        ab_fail_memory(err);
        return NULL;
    }
    s->folder = s->fd = -1;
    s->mtime = -1;
    s->force = force;
    s->path = path;
    return s;
}

/* Adopts `path` as alloc_sink() does. */
static struct ab_sink *new_sink(struct ab_folder *root, char *path, const char *part, bool force,
                                mode_t mode, struct ab_err *err)
{
    struct ab_sink *s = alloc_sink(path, force, err);

    if (s && open_folder(s, root, err) && check_target(s, err) &&
        (part ? open_part(s, part, mode, err) : open_file(s, mode, err)))
        return s;
    ab_sink_free(s);
    return NULL;
}

struct ab_sink *ab_sink_new(const char *path, bool force, mode_t mode, struct ab_err *err)
{
    return new_sink(NULL, ab_strdup(path), NULL, force, mode, err);
}

struct ab_sink *ab_sink_resume(const char *path, const char *part, bool force, mode_t mode,
                               struct ab_err *err)
{
    return new_sink(NULL, ab_strdup(path), part, force, mode, err);
}

/* NULL when there is no memory. */
static char *path_beneath(const struct ab_folder *f, const char *path)
{
    size_t size = strlen(f->path) + strlen(path) + 2;
    char *whole = ab_alloc(size);

    if (whole)
        snprintf(whole, size, "%s/%s", f->path, path);
    return whole;
}

struct ab_sink *ab_sink_beneath(struct ab_folder *f, const char *path, const char *part, bool force,
                                mode_t mode, struct ab_err *err)
{
    return new_sink(f, path_beneath(f, path), part, force, mode, err);
}

bool ab_sink_check(struct ab_folder *f, const char *path, bool force, struct ab_err *err)
{
    struct ab_sink *s = alloc_sink(path_beneath(f, path), force, err);

    if (s)
        s->looks = true;
    bool ok = s && open_folder(s, f, err) && (s->is_new || check_target(s, err));
    if (ok && !s->is_new && faccessat(s->folder, ".", W_OK | X_OK, AT_EACCESS) != 0)
        ok = ab_fail_errno(err, errno, "cannot write %s", s->path);
    ab_sink_free(s);
    return ok;
}

void ab_sink_discard(struct ab_sink *s)
{
    s->keeps = false;
}

/* False, with err, when nothing more can be done with it. */
static bool is_open(const struct ab_sink *s, struct ab_err *err)
{
    if (s->committed)
        return ab_fail(err, AB_IO, "committed", "%s is complete already", s->path);
    if (s->broken)
        return ab_fail(err, AB_IO, "broken", "cannot write %s: an earlier write failed", s->path);
    return true;
}

bool ab_sink_write(struct ab_sink *s, const void *data, size_t len, struct ab_err *err)
{
    if (!is_open(s, err))
        return false;
    s->broken = !ab_fd_write(s->fd, data, len, s->path, err);
    return !s->broken;
}

struct ab_file *ab_sink_file(struct ab_sink *s, struct ab_err *err)
{
    if (!is_open(s, err))
        return NULL;
    if (!s->file && !(s->file = ab_file_adopt(s->fd, s->path, err))) {
        s->fd = -1; /* closed */
        s->broken = true;
        return NULL;
    }
    return ab_file_ref(s->file);
}

/* Give the unnamed file a name in the folder; EEXIST when it is taken. By its descriptor alone, or
 * where that takes a privilege (ENOENT; before Linux 6.10) by the longer way (linkat(2)). */
static int name_file(const struct ab_sink *s, const char *name)
{
    char descriptor[DESCRIPTOR_MAX];

    if (linkat(s->fd, "", s->folder, name, AT_EMPTY_PATH) == 0)
        return 0;
    if (errno != ENOENT)
        return -1;
    snprintf(descriptor, sizeof descriptor, "/proc/self/fd/%d", s->fd);
    return linkat(AT_FDCWD, descriptor, s->folder, name, AT_SYMLINK_FOLLOW);
}

/* Rename without replacing; a file system that cannot do so in one step links and unlinks. */
static int rename_new(const struct ab_sink *s)
{
    int result = renameat2(s->folder, s->temp, s->folder, s->name, RENAME_NOREPLACE);

    if (result != 0 && (errno == EINVAL || errno == ENOSYS)) {
        result = linkat(s->folder, s->temp, s->folder, s->name, 0);
        if (result == 0)
            unlinkat(s->folder, s->temp, 0);
    }
    return result;
}

/* A new file under its final name. */
static int publish_new(struct ab_sink *s)
{
    if (s->temp[0] == '\0')
        return name_file(s, s->name);
    int result = rename_new(s);
    if (result == 0)
        s->temp[0] = '\0';
    return result;
}

/* Replace what is there; only a named file can. Where nothing is there it gets its name at once. */
static bool publish_over(struct ab_sink *s, struct ab_err *err)
{
    char temp[RANDOM_NAME_MAX];

    if (!check_target(s, err))
        return false;
    if (s->temp[0] == '\0') {
        if (name_file(s, s->name) == 0)
            return true;
        if (errno != EEXIST)
            return ab_fail_errno(err, errno, "cannot write %s", s->path);
        if (!make_temp_name(temp, err))
            return false;
        if (name_file(s, temp) != 0)
            return ab_fail_errno(err, errno, "cannot write %s", s->path);
        memcpy(s->temp, temp, sizeof temp);
    }
    if (renameat(s->folder, s->temp, s->folder, s->name) != 0)
        return ab_fail_errno(err, errno, "cannot write %s", s->path);
    s->temp[0] = '\0';
    return true;
}

static bool publish(struct ab_sink *s, struct ab_err *err)
{
    if (s->force)
        return publish_over(s, err);
    if (publish_new(s) == 0)
        return true;
    if (errno == EEXIST)
        return ab_fail(err, AB_IO, "EEXIST",
                       "%s appeared while it was being written; it is left alone", s->path);
    return ab_fail_errno(err, errno, "cannot write %s", s->path);
}

/* Make the new name last. Some file systems (FUSE, SMB) cannot sync a folder and say so. */
static bool sync_folder(const struct ab_sink *s, struct ab_err *err)
{
    if (fsync(s->folder) == 0 || errno == EINVAL || errno == ENOTSUP)
        return true;
    return ab_fail_errno(err, errno,
                         "%s is written, but a crash now may lose its name: its folder "
                         "cannot be synced",
                         s->path);
}

void ab_sink_set_time(struct ab_sink *s, double mtime)
{
    s->mtime = mtime;
}

bool ab_sink_commit(struct ab_sink *s, struct ab_err *err)
{
    if (!is_open(s, err))
        return false;
    s->broken = true; /* whatever happens below, there is no second try: after a failed sync the
                         kernel may have dropped the bytes and say nothing the next time */
    if (s->mtime >= 0 && !ab_fd_touch(s->fd, s->mtime, s->path, err))
        return false;
    if (fsync(s->fd) != 0)
        return ab_fail_errno(err, errno, "cannot write %s to disk", s->path);
    if (!publish(s, err))
        return false;
    s->committed = true;
    return sync_folder(s, err);
}

void ab_sink_free(struct ab_sink *s)
{
    if (!s)
        return;
    if (s->file)
        ab_file_unref(s->file);
    else if (s->fd >= 0)
        close(s->fd);
    if (s->temp[0] && !s->keeps)
        unlinkat(s->folder, s->temp, 0);
    if (s->root)
        ab_folder_unref(s->root);
    else if (s->folder >= 0)
        close(s->folder);
    ab_free(s->path);
    ab_free(s);
}

bool ab_sink_create(const char *path, const void *data, size_t len, mode_t mode, struct ab_err *err)
{
    struct ab_sink *s = ab_sink_new(path, false, mode, err);
    bool ok = s && ab_sink_write(s, data, len, err) && ab_sink_commit(s, err);

    ab_sink_free(s);
    return ok;
}
