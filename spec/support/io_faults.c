/* Preloaded into a program, makes the n-th of its calls for files, sockets and threads fail.
 *
 *   IO_FAULT_AT=N     which call, from 1; 0 for none
 *   IO_FAULT_KIND     fail     it fails with an error that it can have
 *                     forever  so do all calls after it
 *                     short    it moves half of the bytes
 *                     eintr    it is interrupted
 *                     full     it writes half of the bytes, and from then on nothing finds room
 *   IO_FAULT_LOG      file to which the failing call's name is added; with N = 0 each call's
 *
 * Kinds count different calls: only what moves bytes can be short, only what waits interrupted.
 * Those of terminals, of other devices and of sockets to nobody else are left alone. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* What is said of a call: it moves bytes, may be interrupted, or takes room on a disk. */
enum { PLAIN = 1, MOVES = 2, WAITS = 4, ROOM = 8, ANY = 15 };

struct kind {
    const char *name;
    int counts;  /* calls of which any of these is said */
    bool lasts;  /* all that follow fail as well */
    bool halves; /* what moves bytes moves some */
    int error;   /* 0: one that fits the call */
};

static const struct kind kinds[] = {
    {"fail", ANY, false, false, 0},     {"forever", ANY, true, false, 0},
    {"short", MOVES, false, true, 0},   {"eintr", WAITS, false, false, EINTR},
    {"full", ROOM, true, true, ENOSPC},
};

static const struct kind *kind = kinds;
static unsigned long fail_at;
static const char *log_path;
static atomic_ulong calls;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static long (*call)(long, ...); /* syscall(2), which stands for openat2(2) below */

static void read_plan(void)
{
    const char *at = getenv("IO_FAULT_AT"), *name = getenv("IO_FAULT_KIND");

    for (size_t i = 0; name && i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, name) == 0)
            kind = &kinds[i];
    fail_at = at ? strtoul(at, NULL, 10) : 0;
    log_path = getenv("IO_FAULT_LOG");
    *(void **)&call = dlsym(RTLD_NEXT, "syscall");
}

static void note(const char *name)
{
    long fd = log_path ? call(SYS_openat, AT_FDCWD, log_path, O_WRONLY | O_APPEND) : -1;
    char line[64];

    if (fd < 0)
        return;
    call(SYS_write, fd, line, (size_t)snprintf(line, sizeof line, "%s\n", name));
    call(SYS_close, fd);
}

/* Whether the call goes on, with `*len` bytes at most; else errno is set. */
static bool may(const char *name, int traits, int error, size_t *len)
{
    pthread_once(&once, read_plan);
    if (!(kind->counts & traits))
        return true;
    unsigned long n = atomic_fetch_add(&calls, 1) + 1;
    if (n == fail_at || fail_at == 0)
        note(name);
    if (fail_at == 0 || n < fail_at || (n > fail_at && !kind->lasts))
        return true;
    if (n == fail_at && kind->halves && len && *len > 1) {
        *len /= 2;
        return true;
    }
    if (kind->halves && !kind->lasts)
        return true;
    errno = kind->error ? kind->error : error;
    return false;
}

/* Whether bytes of this descriptor are those of a file, a pipe or a connection to elsewhere. */
static bool is_outside(int fd)
{
    struct sockaddr_storage name;
    socklen_t size = sizeof name;
    struct stat st;

    pthread_once(&once, read_plan);
    if (call(SYS_newfstatat, fd, "", &st, 0x1000 /* AT_EMPTY_PATH */) != 0)
        return false;
    if (!S_ISSOCK(st.st_mode))
        return S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode);
    return call(SYS_getsockname, fd, &name, &size) == 0 && name.ss_family != AF_UNIX;
}

/* A function that fails with -1 and `error`; `real` is the one it stands before. */
#define STAND_IN(type, name, params, args, traits, error)                                          \
    type name params                                                                               \
    {                                                                                              \
        type(*real) params;                                                                        \
        *(void **)&real = dlsym(RTLD_NEXT, #name);                                                 \
        return may(#name, traits, error, NULL) ? real args : (type)-1;                             \
    }

/* The same of one that moves `len` bytes by `fd`. */
#define STAND_IN_MOVING(name, params, args, traits, error)                                         \
    ssize_t name params                                                                            \
    {                                                                                              \
        ssize_t(*real) params;                                                                     \
        *(void **)&real = dlsym(RTLD_NEXT, #name);                                                 \
        if (is_outside(fd) && !may(#name, MOVES | WAITS | (traits), error, &len))                  \
            return -1;                                                                             \
        return real args;                                                                          \
    }

STAND_IN_MOVING(read, (int fd, void *data, size_t len), (fd, data, len), PLAIN, EIO)
STAND_IN_MOVING(pread, (int fd, void *data, size_t len, off_t at), (fd, data, len, at), PLAIN, EIO)
STAND_IN_MOVING(write, (int fd, const void *data, size_t len), (fd, data, len), ROOM, ENOSPC)
STAND_IN_MOVING(pwrite, (int fd, const void *data, size_t len, off_t at), (fd, data, len, at), ROOM,
                ENOSPC)
STAND_IN_MOVING(recv, (int fd, void *data, size_t len, int flags), (fd, data, len, flags), PLAIN,
                ECONNRESET)
STAND_IN_MOVING(send, (int fd, const void *data, size_t len, int flags), (fd, data, len, flags),
                PLAIN, ECONNRESET)

/* EAGAIN: the system's cache has none of it. */
STAND_IN(ssize_t, preadv2, (int fd, const struct iovec *to, int count, off_t at, int flags),
         (fd, to, count, at, flags), PLAIN, EAGAIN)
STAND_IN(int, memfd_create, (const char *name, unsigned flags), (name, flags), PLAIN, EMFILE)
STAND_IN(int, fsync, (int fd), (fd), ROOM, EIO)
STAND_IN(int, ftruncate, (int fd, off_t size), (fd, size), ROOM, EFBIG)
STAND_IN(int, fstat, (int fd, struct stat *st), (fd, st), PLAIN, EIO)
STAND_IN(int, fstatat, (int at, const char *path, struct stat *st, int flags),
         (at, path, st, flags), PLAIN, EACCES)
STAND_IN(int, stat, (const char *path, struct stat *st), (path, st), PLAIN, EACCES)
STAND_IN(int, fstatvfs, (int fd, struct statvfs *room), (fd, room), PLAIN, EIO)
STAND_IN(int, flock, (int fd, int how), (fd, how), PLAIN, ENOLCK)
STAND_IN(int, fchmod, (int fd, mode_t mode), (fd, mode), PLAIN, EPERM)
STAND_IN(int, futimens, (int fd, const struct timespec times[2]), (fd, times), PLAIN, EPERM)
STAND_IN(int, mkdir, (const char *path, mode_t mode), (path, mode), ROOM, EROFS)
STAND_IN(int, mkdirat, (int at, const char *path, mode_t mode), (at, path, mode), ROOM, EROFS)
STAND_IN(int, unlink, (const char *path), (path), PLAIN, EROFS)
STAND_IN(int, unlinkat, (int at, const char *path, int flags), (at, path, flags), PLAIN, EROFS)
STAND_IN(int, rename, (const char *from, const char *to), (from, to), ROOM, EIO)
STAND_IN(int, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to), ROOM,
         EIO)
STAND_IN(int, renameat2, (int a, const char *from, int b, const char *to, unsigned flags),
         (a, from, b, to, flags), ROOM, EIO)
STAND_IN(int, linkat, (int a, const char *from, int b, const char *to, int flags),
         (a, from, b, to, flags), ROOM, EMLINK)
STAND_IN(int, socket, (int domain, int type, int protocol), (domain, type, protocol), PLAIN, EMFILE)
STAND_IN(int, connect, (int fd, const struct sockaddr *to, socklen_t size), (fd, to, size), PLAIN,
         ECONNREFUSED)
STAND_IN(int, poll, (struct pollfd * polled, nfds_t count, int ms), (polled, count, ms), WAITS,
         ENOMEM)

/* What is watched no longer is forgotten without fail. */
int epoll_ctl(int epoll_fd, int op, int fd, struct epoll_event *event)
{
    int (*real)(int, int, int, struct epoll_event *);

    *(void **)&real = dlsym(RTLD_NEXT, "epoll_ctl");
    bool takes = op != EPOLL_CTL_DEL;
    return !takes || may("epoll_ctl", PLAIN, ENOSPC, NULL) ? real(epoll_fd, op, fd, event) : -1;
}

STAND_IN(int, epoll_create1, (int flags), (flags), PLAIN, EMFILE)
STAND_IN(int, epoll_wait, (int fd, struct epoll_event *events, int count, int ms),
         (fd, events, count, ms), WAITS, EBADF)
STAND_IN(int, eventfd, (unsigned count, int flags), (count, flags), PLAIN, EMFILE)

/* A folder that is read: NULL is its end, too, and so an error only with errno. */
DIR *fdopendir(int fd)
{
    DIR *(*real)(int);

    *(void **)&real = dlsym(RTLD_NEXT, "fdopendir");
    return may("fdopendir", PLAIN, ENOMEM, NULL) ? real(fd) : NULL;
}

struct dirent *readdir(DIR *dir)
{
    struct dirent *(*real)(DIR *);

    *(void **)&real = dlsym(RTLD_NEXT, "readdir");
    return may("readdir", PLAIN, EIO, NULL) ? real(dir) : NULL;
}

/* pthread_create(3) gives its error back. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
    int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

    *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
    return may("pthread_create", PLAIN, EAGAIN, NULL) ? real(thread, attr, run, arg) : EAGAIN;
}

/* Opening takes room only where it makes a file. */
static bool may_open(const char *name, int flags)
{
    bool makes = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;

    return may(name, makes ? PLAIN | ROOM : PLAIN, EMFILE, NULL);
}

static mode_t mode_of(va_list more)
{
    return va_arg(more, mode_t);
}

int open(const char *path, int flags, ...)
{
    int (*real)(const char *, int, ...);
    va_list more;

    va_start(more, flags);
    mode_t mode = mode_of(more);
    va_end(more);
    *(void **)&real = dlsym(RTLD_NEXT, "open");
    return may_open("open", flags) ? real(path, flags, mode) : -1;
}

int openat(int at, const char *path, int flags, ...)
{
    int (*real)(int, const char *, int, ...);
    va_list more;

    va_start(more, flags);
    mode_t mode = mode_of(more);
    va_end(more);
    *(void **)&real = dlsym(RTLD_NEXT, "openat");
    return may_open("openat", flags) ? real(at, path, flags, mode) : -1;
}

int fcntl(int fd, int command, ...)
{
    int (*real)(int, int, ...);
    va_list more;

    va_start(more, command);
    void *argument = va_arg(more, void *);
    va_end(more);
    *(void **)&real = dlsym(RTLD_NEXT, "fcntl");
    if (command == F_DUPFD_CLOEXEC && !may("fcntl", PLAIN, EMFILE, NULL))
        return -1;
    return real(fd, command, argument);
}

/* libc has no function for openat2(2). */
long syscall(long number, ...)
{
    long a[6];
    va_list more;

    pthread_once(&once, read_plan);
    va_start(more, number);
    for (size_t i = 0; i < sizeof a / sizeof *a; i++)
        a[i] = va_arg(more, long);
    va_end(more);
    const struct open_how *how = (const struct open_how *)a[2];
    if (number == SYS_openat2 && !may_open("openat2", (int)how->flags))
        return -1;
    return call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
