/* net/process_start.h - fork and exec, for net/process.c alone. */
#ifndef AB_NET_PROCESS_START_H
#define AB_NET_PROCESS_START_H

#include "net/process.h"

/* Our ends of the child's pipes; -1 where there is none. Close-on-exec and non-blocking. */
struct ab_child {
    pid_t pid;
    int in;
    int out;
    int err;
};

/* Start the child; waits until it has executed the program or failed to. */
AB_MUST_USE bool ab_child_start(struct ab_child *child, const struct ab_process_options *options,
                                struct ab_err *err);

#endif
