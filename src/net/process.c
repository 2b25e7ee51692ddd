#include "net/process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "net/process_start.h"
#include "net/source.h"

enum { READ_SIZE = 16 * 1024, NAME_MAX_SHOWN = 200 };

/* One of the child's outputs. */
struct output {
    struct ab_watch watch; /* its fd is -1 once the end has come */
    struct ab_process *process;
    struct ab_buf bytes;
};

struct wait_op {
    struct ab_op op;
    struct ab_process *process; /* an owner of it */
    bool for_line;
};

struct ab_process {
    struct ab_loop *loop; /* borrowed */
    int owners;
    pid_t pid;
    bool keep;
    bool talk; /* there may be more to send */
    char name[NAME_MAX_SHOWN];
    double timeout_s;
    struct ab_timer deadline;
    struct ab_watch exit; /* its fd, a pidfd, is readable when the child has ended */
    bool ended;
    int how; /* as waitpid says */
    struct ab_watch in;
    struct ab_buf to_send;
    size_t sent;
    struct output out;
    struct output err;
    bool failed; /* by `failure`: too late, too much */
    struct ab_err failure;
    struct wait_op *waiter;
    struct wait_op *line_waiter;
};

static void close_watch(struct ab_process *p, struct ab_watch *watch)
{
    ab_loop_unwatch(p->loop, watch);
    if (watch->fd >= 0)
        close(watch->fd);
    watch->fd = -1;
}

static bool has_line(const struct ab_process *p)
{
    bool is_last = p->out.watch.fd < 0 && !p->failed;

    return p->out.bytes.len > 0 && (is_last || memchr(p->out.bytes.data, '\n', p->out.bytes.len));
}

static void finish(struct wait_op **waiter, const struct ab_err *err)
{
    struct ab_op *op = &(*waiter)->op;

    *waiter = NULL;
    ab_op_finish(op, err);
}

/* Tell those who wait what has come true. */
static void tell(struct ab_process *p)
{
    if (p->line_waiter && p->failed && !has_line(p))
        finish(&p->line_waiter, &p->failure);
    if (p->line_waiter && (has_line(p) || p->out.watch.fd < 0))
        finish(&p->line_waiter, NULL);
    if (p->waiter && p->failed)
        finish(&p->waiter, &p->failure);
    else if (p->waiter && p->ended)
        finish(&p->waiter, NULL);
}

static void send_signal(const struct ab_process *p, int number)
{
    if (!p->ended)
        kill(p->keep ? -p->pid : p->pid, number);
}

static void fail(struct ab_process *p)
{
    p->failed = true;
    send_signal(p, SIGKILL);
    tell(p);
}

/* --- its input ------------------------------------------------------------------------------- */

/* write(2), but a child that stopped reading gives EPIPE and not the end of our own process. */
static ssize_t write_quietly(int fd, const void *data, size_t len)
{
    const struct timespec at_once = {0};
    sigset_t pipe_signal, before;

    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
    ssize_t n = write(fd, data, len);
    int number = errno;
    if (n < 0 && number == EPIPE)
        sigtimedwait(&pipe_signal, NULL, &at_once);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = number;
    return n;
}

static void can_send(struct ab_watch *watch)
{
    struct ab_process *p = AB_CONTAINER(watch, struct ab_process, in);
    size_t left = p->to_send.len - p->sent;
    ssize_t n = left > 0 ? write_quietly(watch->fd, p->to_send.data + p->sent, left) : 0;

    if (n > 0)
        p->sent += (size_t)n;
    bool all = p->sent == p->to_send.len;
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        int why = errno;
        close_watch(p, watch);
        if (why != EPIPE) { /* who wants no more has had enough */
            ab_fail_errno(&p->failure, why, "cannot send input to %s", p->name);
            fail(p);
        }
    } else if (all && !p->talk) {
        close_watch(p, watch);
    } else if (all) {
        ab_loop_unwatch(p->loop, watch);
    }
}

bool ab_process_send(struct ab_process *process, struct ab_slice bytes, struct ab_err *err)
{
    if (!process->talk || process->in.fd < 0)
        return ab_fail(err, AB_IO, "EPIPE", "%s takes no more input", process->name);
    if (process->sent > 0)
        ab_wipe(process->to_send.data, process->sent);
    ab_buf_shift(&process->to_send, process->sent);
    process->sent = 0;
    return ab_buf_add(&process->to_send, bytes.data, bytes.len, err) &&
           (process->in.set || ab_loop_watch(process->loop, &process->in, err));
}

void ab_process_end_input(struct ab_process *process)
{
    process->talk = false;
    if (process->in.fd >= 0 && process->sent == process->to_send.len)
        close_watch(process, &process->in);
}

/* --- its output ------------------------------------------------------------------------------ */

/* Make room for a read. A lasting child's old lines make way, unless it talks: who waits for
 * answers does not say more than this at once. */
static bool make_room(struct output *output, struct ab_err *err)
{
    struct ab_buf *bytes = &output->bytes;

    bool forgets = output->process->keep && !output->process->talk;

    if (bytes->len + READ_SIZE > bytes->max && forgets)
        ab_buf_shift(bytes, bytes->len < READ_SIZE ? bytes->len : READ_SIZE);
    if (ab_buf_reserve(bytes, READ_SIZE, err))
        return true;
    if (err->kind != AB_MEMORY)
        ab_fail(err, AB_IO, "too_large", "%s wrote more than %zu bytes", output->process->name,
                bytes->max - READ_SIZE);
    return false;
}

/* Read what is there. True when it was not all: at the end, or at a failure, the watch is closed.
 */
static bool read_some(struct output *output)
{
    struct ab_process *p = output->process;

    if (output->watch.fd < 0)
        return false;
    if (!make_room(output, &p->failure)) {
        close_watch(p, &output->watch);
        fail(p);
        return false;
    }
    ssize_t n = read(output->watch.fd, output->bytes.data + output->bytes.len, READ_SIZE);
    if (n > 0) {
        output->bytes.len += (size_t)n;
    } else if (n == 0) {
        close_watch(p, &output->watch);
    } else if (errno != EAGAIN && errno != EINTR) {
        ab_fail_errno(&p->failure, errno, "cannot read what %s writes", p->name);
        close_watch(p, &output->watch);
        fail(p);
    }
    return n > 0;
}

static void can_read(struct ab_watch *watch)
{
    struct output *output = AB_CONTAINER(watch, struct output, watch);

    read_some(output);
    tell(output->process);
}

/* --- its end --------------------------------------------------------------------------------- */

static void has_ended(struct ab_watch *watch)
{
    struct ab_process *p = AB_CONTAINER(watch, struct ab_process, exit);

    pid_t done = waitpid(p->pid, &p->how, WNOHANG);
    if (done == 0)
        return;
    if (done < 0 && !p->failed) { /* someone else took the status: it is not known to be 0 */
        p->failed = true;
        ab_fail_errno(&p->failure, errno, "cannot tell how %s ended", p->name);
    }
    p->ended = true;
    close_watch(p, watch);
    ab_loop_clear_timer(p->loop, &p->deadline);
    /* All it wrote is in the pipes. A grandchild may hold them open: that is not waited for. */
    while (read_some(&p->out) || read_some(&p->err))
        continue;
    close_watch(p, &p->in);
    close_watch(p, &p->out.watch);
    close_watch(p, &p->err.watch);
    tell(p);
}

static void too_late(struct ab_timer *timer)
{
    struct ab_process *p = AB_CONTAINER(timer, struct ab_process, deadline);

    ab_fail(&p->failure, AB_TIMEOUT, "timeout_process", "%s did not end within %.6g s", p->name,
            p->timeout_s);
    fail(p);
}

/* --- its life -------------------------------------------------------------------------------- */

static void set_watch(struct ab_watch *watch, int fd, short events,
                      void (*ready)(struct ab_watch *))
{
    watch->fd = fd;
    watch->events = events;
    watch->ready = ready;
}

static void set_output(struct ab_process *p, struct output *output, int fd, size_t max)
{
    set_watch(&output->watch, fd, POLLIN, can_read);
    output->process = p;
    ab_buf_init(&output->bytes, max + READ_SIZE);
    output->bytes.secret = true; /* credentials, of a program that gives them */
}

static bool watch_all(struct ab_process *p, struct ab_err *err)
{
    struct ab_watch *watches[] = {&p->exit, &p->in, &p->out.watch, &p->err.watch};

    if (p->exit.fd < 0)
        return ab_fail_errno(err, errno, "cannot watch process %s", p->name);
    for (size_t i = 0; i < sizeof watches / sizeof watches[0]; i++)
        if (watches[i]->fd >= 0 && !ab_loop_watch(p->loop, watches[i], err))
            return false;
    return p->timeout_s <= 0 ||
           ab_loop_set_timer(p->loop, &p->deadline, ab_deadline_ns(p->timeout_s), err);
}

struct ab_process *ab_process_start(struct ab_loop *loop, const struct ab_process_options *options,
                                    struct ab_err *err)
{
    struct ab_child child;
    struct ab_process *p = ab_calloc(1, sizeof *p);

    if (!p) {
        ab_fail_memory(err);
        return NULL;
    }
    p->loop = loop;
    p->owners = 1;
    p->keep = options->keep;
    p->talk = options->talk;
    p->timeout_s = options->timeout_s;
    p->deadline.fire = too_late;
    strncpy(p->name, options->argv[0], sizeof p->name - 1);
    ab_buf_init(&p->to_send, p->talk ? AB_PROCESS_SEND_MAX : SIZE_MAX);
    p->to_send.secret = true; /* a passphrase, perhaps */
    if (!ab_buf_add(&p->to_send, options->stdin_bytes.data, options->stdin_bytes.len, err) ||
        !ab_child_start(&child, options, err)) {
        ab_buf_drop(&p->to_send);
        ab_free(p);
        return NULL;
    }
    p->pid = child.pid;
    set_watch(&p->exit, pidfd_open(p->pid, 0), POLLIN, has_ended);
    set_watch(&p->in, child.in, POLLOUT, can_send);
    set_output(p, &p->out, child.out, options->max_output);
    set_output(p, &p->err, child.err, options->max_output);
    if (!watch_all(p, err)) {
        ab_process_free(p);
        return NULL;
    }
    return p;
}

void ab_process_retain(struct ab_process *process)
{
    process->owners++;
}

void ab_process_free(struct ab_process *process)
{
    if (!process || --process->owners > 0)
        return;
    send_signal(process, SIGKILL);
    while (!process->ended && waitpid(process->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    ab_loop_clear_timer(process->loop, &process->deadline);
    close_watch(process, &process->exit);
    close_watch(process, &process->in);
    close_watch(process, &process->out.watch);
    close_watch(process, &process->err.watch);
    ab_buf_drop(&process->to_send);
    ab_buf_drop(&process->out.bytes);
    ab_buf_drop(&process->err.bytes);
    ab_free(process);
}

/* --- waiting for it -------------------------------------------------------------------------- */

static void wait_free(struct ab_op *op)
{
    struct wait_op *self = AB_CONTAINER(op, struct wait_op, op);
    struct ab_process *p = self->process;

    if (p->waiter == self)
        p->waiter = NULL;
    if (p->line_waiter == self)
        p->line_waiter = NULL;
    ab_op_drop(op);
    ab_free(self);
    ab_process_free(p);
}

static const struct ab_op_class wait_class = {wait_free};

static struct ab_op *wait_for(struct ab_process *p, struct wait_op **waiter, struct ab_err *err)
{
    if (*waiter) {
        ab_fail(err, AB_USAGE, "busy", "another task waits for this already");
        return NULL;
    }
    struct wait_op *self = ab_calloc(1, sizeof *self);
    if (!self) {
        ab_fail_memory(err);
        return NULL;
    }
    ab_op_init(&self->op, p->loop, &wait_class);
    self->process = p;
    ab_process_retain(p);
    *waiter = self;
    tell(p);
    return &self->op;
}

struct ab_op *ab_process_wait(struct ab_process *process, struct ab_err *err)
{
    return wait_for(process, &process->waiter, err);
}

struct ab_op *ab_process_await_line(struct ab_process *process, struct ab_err *err)
{
    return wait_for(process, &process->line_waiter, err);
}

/* --- what is known of it --------------------------------------------------------------------- */

pid_t ab_process_pid(const struct ab_process *process)
{
    return process->pid;
}

void ab_process_kill(struct ab_process *process, int number)
{
    send_signal(process, number);
}

int ab_process_status(const struct ab_process *process)
{
    return WIFEXITED(process->how) ? WEXITSTATUS(process->how) : -1;
}

int ab_process_signal(const struct ab_process *process)
{
    return WIFSIGNALED(process->how) ? WTERMSIG(process->how) : 0;
}

struct ab_slice ab_process_stdout(const struct ab_process *process)
{
    return (struct ab_slice){process->out.bytes.data, process->out.bytes.len};
}

struct ab_slice ab_process_stderr(const struct ab_process *process)
{
    return (struct ab_slice){process->err.bytes.data, process->err.bytes.len};
}

struct ab_slice ab_process_line(const struct ab_process *process)
{
    struct ab_slice all = ab_process_stdout(process);
    const uint8_t *end = all.len > 0 ? memchr(all.data, '\n', all.len) : NULL;

    if (end)
        all.len = (size_t)(end - all.data) + 1;
    else if (process->out.watch.fd >= 0)
        all.len = 0; /* the rest of the line is still to come */
    return all;
}

void ab_process_take(struct ab_process *process, size_t n)
{
    ab_buf_shift(&process->out.bytes, n);
}
