/* Preloaded into a program, makes names in folders the same in upper and lower case, and in both
 * forms of an accent, as file systems of other systems do: a name means what is there under it in
 * any of them, and what is new keeps its own. Of calls by a folder's descriptor and a single name;
 * openat2(2) is not there. */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NAME_SIZE = 256 };

/* Looking for a name and making it is one step to a file system. */
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
static int (*real_openat)(int, const char *, int, ...);

__attribute__((constructor)) static void find_openat(void)
{
    *(void **)&real_openat = dlsym(RTLD_NEXT, "openat");
}

enum { ACUTE_E = 0x100 };

/* The next letter of a name: a byte of ASCII in lower case, an e with an acute accent in either
 * form (of all accents the only one), or another byte; 0 at its end. */
static int next_letter(const char **name)
{
    const char *at = *name;
    bool composed = strncmp(at, "\xc3\xa9", 2) == 0 || strncmp(at, "\xc3\x89", 2) == 0;
    bool apart = strncasecmp(at, "e\xcc\x81", 3) == 0;

    if (*at)
        *name += composed ? 2 : apart ? 3 : 1;
    return composed || apart ? ACUTE_E : tolower((unsigned char)*at);
}

static bool is_same(const char *a, const char *b)
{
    for (;;) {
        int letter = next_letter(&a);
        if (letter != next_letter(&b))
            return false;
        if (letter == 0)
            return true;
    }
}

/* The name of what is there, into `found`, or `name`. */
static const char *fold(int at, const char *name, char found[NAME_SIZE])
{
    const char *known = name;

    if (at == AT_FDCWD || *name == '\0' || *name == '.' || strchr(name, '/'))
        return name;
    int fd = real_openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir)
        return name;
    for (struct dirent *entry; (entry = readdir(dir));)
        if (is_same(entry->d_name, name)) {
            snprintf(found, NAME_SIZE, "%s", entry->d_name);
            known = found;
        }
    closedir(dir);
    return known;
}

int openat(int at, const char *name, int flags, ...)
{
    char found[NAME_SIZE];
    va_list more;

    va_start(more, flags);
    mode_t mode = va_arg(more, mode_t);
    va_end(more);
    pthread_mutex_lock(&one_at_a_time);
    int fd = real_openat(at, fold(at, name, found), flags, mode);
    pthread_mutex_unlock(&one_at_a_time);
    return fd;
}

/* A function of a folder and a name in it. */
#define STAND_IN(name, params, args)                                                               \
    int name params                                                                                \
    {                                                                                              \
        int(*real) params;                                                                         \
        char found[NAME_SIZE];                                                                     \
        *(void **)&real = dlsym(RTLD_NEXT, #name);                                                 \
        pthread_mutex_lock(&one_at_a_time);                                                        \
        path = fold(at, path, found);                                                              \
        int result = real args;                                                                    \
        pthread_mutex_unlock(&one_at_a_time);                                                      \
        return result;                                                                             \
    }

STAND_IN(fstatat, (int at, const char *path, struct stat *st, int flags), (at, path, st, flags))
STAND_IN(mkdirat, (int at, const char *path, mode_t mode), (at, path, mode))
STAND_IN(unlinkat, (int at, const char *path, int flags), (at, path, flags))
STAND_IN(linkat, (int from_at, const char *from, int at, const char *path, int flags),
         (from_at, from, at, path, flags))
STAND_IN(renameat, (int from_at, const char *from, int at, const char *path),
         (from_at, from, at, path))
STAND_IN(renameat2, (int from_at, const char *from, int at, const char *path, unsigned flags),
         (from_at, from, at, path, flags))

long syscall(long number, ...)
{
    long (*real)(long, ...);
    long a[6];
    va_list more;

    *(void **)&real = dlsym(RTLD_NEXT, "syscall");
    va_start(more, number);
    for (size_t i = 0; i < sizeof a / sizeof *a; i++)
        a[i] = va_arg(more, long);
    va_end(more);
    if (number == SYS_openat2) {
        errno = ENOSYS;
        return -1;
    }
    return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
