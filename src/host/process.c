#include "host/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"

enum { EXIT_ERROR = 1, EXIT_BY_SIGNAL = 128 };

void ab_process_harden(void)
{
#ifndef __SANITIZE_ADDRESS__
    const struct rlimit none = {0, 0};

    prctl(PR_SET_DUMPABLE, 0);
    setrlimit(RLIMIT_CORE, &none);
#endif
}

int ab_process_open_standard(void)
{
    static const int modes[] = {O_WRONLY, O_RDONLY, O_RDWR}; /* of input, output and messages */

    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd)
            return 0;
    return 1;
}

void ab_process_faults(void)
{
#ifdef AB_FAULTS
    const char *at = getenv("AWSBAK_FAIL_ALLOC");

    if (at)
        ab_alloc_fail_at(strtoull(at, NULL, 10), getenv("AWSBAK_FAIL_FOREVER") != NULL);
#endif
}

int ab_process_output_closed(void)
{
    struct pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT};

    return poll(&output, 1, 0) > 0 && (output.revents & POLLERR) != 0;
}

void ab_process_say(const char *message)
{
    ssize_t n = write(STDERR_FILENO, message, strlen(message));
    (void)n; /* there is nobody else to tell */
}

int ab_process_finish(int code, bool was_said)
{
    int flushed = fflush(stdout);
    const char *why = flushed == 0 ? "some of it was lost" : strerror(errno);

    if (flushed == 0 && !ferror(stdout))
        return code;
    if (ab_process_output_closed())
        return EXIT_BY_SIGNAL + SIGPIPE;
    if (!was_said) {
        ab_process_say("awsbak: error: cannot write standard output: ");
        ab_process_say(why);
        ab_process_say("\n");
    }
    return code != 0 ? code : EXIT_ERROR;
}
