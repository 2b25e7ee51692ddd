/* Run a program and print what it cost: "wall_s user_s system_s peak_kib status" on stderr's last
 * line. A process inherits the peak memory of the one that started it, so a benchmark in Python
 * cannot read its children's: this small one can. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    struct rusage used;
    int status = 0;

    if (argc < 2)
        return 2;
    double start = now();
    pid_t pid = fork();
    if (pid == 0) {
        execvp(argv[1], argv + 1);
        _exit(127);
    }
    if (pid < 0 || wait4(pid, &status, 0, &used) != pid)
        return 2;
    fprintf(stderr, "\n%.6f %.6f %.6f %ld %d\n", now() - start, seconds(used.ru_utime),
            seconds(used.ru_stime), used.ru_maxrss, status);
    return 0;
}
