/* net/process.h - child processes: run one and collect what it says, or keep one and read its
 * lines.
 *
 * Children are forked on the loop's thread. They inherit no descriptor but 0, 1 and 2, no blocked
 * or ignored signals, and stdin is /dev/null unless there is something to send. Freeing a process
 * that still runs kills it. */
#ifndef AB_NET_PROCESS_H
#define AB_NET_PROCESS_H

#include <sys/types.h>

#include "base/buf.h"
#include "net/loop.h"

struct ab_process;

enum { AB_PROCESS_SEND_MAX = 1024 * 1024 };

struct ab_process_options {
    char *const *argv;           /* borrowed for the call; argv[0] is looked up in PATH */
    char *const *env;            /* "NAME=value" strings, NULL at the end; or NULL: our own */
    struct ab_slice stdin_bytes; /* copied */
    bool talk;                   /* stdin stays open, for ab_process_send */
    bool keep; /* a lasting helper: its own process group, stderr ours, lines of stdout */
    bool die_with_parent; /* killed by the kernel when this thread ends */
    double timeout_s;     /* killed then; 0 for never */
    size_t max_output;    /* bytes of stdout, and of stderr: more is a failure; of `keep` without
                             `talk`,    the last are kept */
};

/* Start a child. NULL on failure, also when the program cannot be executed. */
struct ab_process *ab_process_start(struct ab_loop *loop, const struct ab_process_options *options,
                                    struct ab_err *err);

/* Count one more owner; each ends with ab_process_free (NULL is fine), the last one kills. */
void ab_process_retain(struct ab_process *process);
void ab_process_free(struct ab_process *process);

/* The child's process id, also after it has ended. */
pid_t ab_process_pid(const struct ab_process *process);

/* Send a signal (to the group of a `keep` child); fine when it has ended. */
void ab_process_kill(struct ab_process *process, int number);

/* Send bytes to the stdin of a `talk` child, without waiting until they are taken. Kind io, code
 * EPIPE when it reads no more; kind reply, code too_large when AB_PROCESS_SEND_MAX bytes wait. */
AB_MUST_USE bool ab_process_send(struct ab_process *process, struct ab_slice bytes,
                                 struct ab_err *err);

/* Close its stdin, once all was sent. */
void ab_process_end_input(struct ab_process *process);

/* An operation that finishes when the child has ended and its output is read; fails when it took
 * too long or said too much. NULL on failure: one at a time. */
struct ab_op *ab_process_wait(struct ab_process *process, struct ab_err *err);

/* An operation that finishes when a line of stdout is there, or its end. One at a time. */
struct ab_op *ab_process_await_line(struct ab_process *process, struct ab_err *err);

/* Of an ended child: its exit status, or -1; the signal that ended it, or 0. */
int ab_process_status(const struct ab_process *process);
int ab_process_signal(const struct ab_process *process);

/* What was read and not taken. */
struct ab_slice ab_process_stdout(const struct ab_process *process);
struct ab_slice ab_process_stderr(const struct ab_process *process);

/* The first line with its line feed (or the rest, at the end); empty when there is none. */
struct ab_slice ab_process_line(const struct ab_process *process);

/* Take `n` bytes off the front of stdout. */
void ab_process_take(struct ab_process *process, size_t n);

#endif
