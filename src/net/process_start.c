#include "net/process_start.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/close_range.h>

extern char **environ;

enum { EXEC_FAILED = 127, DESCRIPTORS = 1024 };

/* The child's ends, and ours. [0] is read, [1] is written. */
struct pipes {
    int in[2];
    int out[2];
    int err[2];
    int report[2]; /* an errno from the child when it cannot execute the program */
};

static void close_pair(int pair[2])
{
    for (int i = 0; i < 2; i++) {
        if (pair[i] >= 0)
            close(pair[i]);
        pair[i] = -1;
    }
}

static void close_pipes(struct pipes *pipes)
{
    close_pair(pipes->in);
    close_pair(pipes->out);
    close_pair(pipes->err);
    close_pair(pipes->report);
}

static bool open_pipes(struct pipes *pipes, const struct ab_process_options *options)
{
    *pipes = (struct pipes){{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};
    if (pipe2(pipes->report, O_CLOEXEC) != 0 || pipe2(pipes->out, O_CLOEXEC) != 0)
        return false;
    if (!options->keep && pipe2(pipes->err, O_CLOEXEC) != 0)
        return false;
    if (options->stdin_bytes.len > 0 || options->talk)
        return pipe2(pipes->in, O_CLOEXEC) == 0;
    pipes->in[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return pipes->in[0] >= 0;
}

/* --- in the child: only async-signal-safe calls, for other threads may have held locks ---------
 */

static void close_rest_on_exec(void)
{
    if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
        return;
    for (int fd = 3; fd < DESCRIPTORS; fd++)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static void default_signals(void)
{
    sigset_t none;

    for (int n = 1; n < NSIG; n++)
        signal(n, SIG_DFL); /* those that cannot be set stay as they are */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void become(const struct pipes *pipes, const struct ab_process_options *options,
                   pid_t parent)
{
    if (dup2(pipes->in[0], 0) < 0 || dup2(pipes->out[1], 1) < 0)
        return;
    if (!options->keep && dup2(pipes->err[1], 2) < 0)
        return;
    if (options->keep && setpgid(0, 0) != 0)
        return;
    if (options->die_with_parent && prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        return;
    if (options->die_with_parent && getppid() != parent)
        _exit(EXEC_FAILED); /* it died before the kernel knew what to do then */
    close_rest_on_exec();
    default_signals();
    execvpe(options->argv[0], options->argv, options->env ? options->env : environ);
}

static void child_main(const struct pipes *pipes, const struct ab_process_options *options,
                       pid_t parent)
{
    become(pipes, options, parent);
    int number = errno;
    ssize_t written = write(pipes->report[1], &number, sizeof number);
    (void)written;
    _exit(EXEC_FAILED);
}

/* --- in the parent -----------------------------------------------------------------------------
 */

/* The errno the child reported, or 0 once the program runs. */
static int read_report(int fd)
{
    int number = 0;
    ssize_t n;

    do
        n = read(fd, &number, sizeof number);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof number ? number : 0;
}

static bool unblock(int fd)
{
    return fd < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) == 0;
}

/* A descriptor out of the pipes, which then do not close it. */
static int keep_end(int *end)
{
    int fd = *end;

    *end = -1;
    return fd;
}

static bool parent_main(struct ab_child *child, struct pipes *pipes,
                        const struct ab_process_options *options, struct ab_err *err)
{
    close(keep_end(&pipes->report[1]));
    int number = read_report(pipes->report[0]);
    if (number == 0 && !(unblock(pipes->in[1]) && unblock(pipes->out[0]) && unblock(pipes->err[0])))
        number = errno;
    if (number != 0) {
        kill(child->pid, SIGKILL);
        while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
            continue;
        return ab_fail_errno(err, number, "cannot run %s", options->argv[0]);
    }
    child->in = keep_end(&pipes->in[1]);
    child->out = keep_end(&pipes->out[0]);
    child->err = keep_end(&pipes->err[0]);
    return true;
}

bool ab_child_start(struct ab_child *child, const struct ab_process_options *options,
                    struct ab_err *err)
{
    struct pipes pipes;
    pid_t parent = getpid();
    bool ok;

    if (!open_pipes(&pipes, options)) {
        ok = ab_fail_errno(err, errno, "cannot make pipes to run %s", options->argv[0]);
    } else {
        child->pid = fork();
        if (child->pid == 0)
            child_main(&pipes, options, parent); /* does not return */
        ok = child->pid > 0 ? parent_main(child, &pipes, options, err)
                            : ab_fail_errno(err, errno, "cannot start a process");
    }
    close_pipes(&pipes);
    return ok;
}
