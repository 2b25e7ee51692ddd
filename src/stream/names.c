#include "stream/names.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* "cannot list" and why; false. */
static bool fail(const struct ab_names *n, int why, struct ab_err *err)
{
    return n->above ? ab_fail_errno(err, why, "cannot list %s/%s", n->above->path, n->path)
                    : ab_fail_errno(err, why, "cannot list %s", n->path);
}

bool ab_names_open(struct ab_names *n, const char *path, long long max, struct ab_err *err)
{
    *n = (struct ab_names){.path = path, .max = max};
    n->dir = opendir(path);
    return n->dir || fail(n, errno, err);
}

bool ab_names_beneath(struct ab_names *n, const struct ab_folder *f, const char *path,
                      long long max, struct ab_err *err)
{
    int fd = ab_folder_enter(f, path, 0, err);

    if (fd < 0)
        return false;
    *n = (struct ab_names){.above = f, .path = path, .max = max};
    n->dir = fdopendir(fd);
    if (n->dir)
        return true;
    fail(n, errno, err);
    close(fd);
    return false;
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

bool ab_names_next(struct ab_names *n, struct ab_err *err)
{
    const struct dirent *entry;

    do {
        errno = 0; /* a NULL of readdir(3) is the end, or an error */
        entry = readdir(n->dir);
    } while (entry && is_dots(entry->d_name));
    n->name = entry ? entry->d_name : NULL;
    if (!entry)
        return errno == 0 || fail(n, errno, err);
    if (n->count == n->max)
        return ab_fail(err, AB_IO, "too_many", "%s%s%s has more than %lld names in it",
                       n->above ? n->above->path : "", n->above ? "/" : "", n->path, n->max);
    n->count++;
    n->type = entry->d_type;
    return true;
}

bool ab_names_is_folder(const struct ab_names *n)
{
    struct stat st;

    if (n->type != DT_UNKNOWN)
        return n->type == DT_DIR;
    return fstatat(dirfd(n->dir), n->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

void ab_names_close(struct ab_names *n)
{
    closedir(n->dir);
}
