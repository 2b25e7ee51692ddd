/* host/process.h - the process around it all: what others may see of it, and its standard output.
 */
#ifndef AB_HOST_PROCESS_H
#define AB_HOST_PROCESS_H

#include <stdbool.h>

/* Nobody may read our memory: not dumpable (so no ptrace by others of the same user, no core file).
 * First thing in main. Builds with sanitizers stay as they are, since those look into themselves.
 */
void ab_process_harden(void);

/* Whether descriptors 0, 1 and 2 are open now. One that was closed would become the next file that
 * is opened: an archive, with the log's lines in it. Standing in for input and output is a
 * /dev/null that can be neither read nor written, so that a use fails; messages just vanish. */
int ab_process_open_standard(void);

/* In builds with AB_FAULTS: AWSBAK_FAIL_ALLOC=N makes the n-th allocation fail, with
 * AWSBAK_FAIL_FOREVER=1 all that follow as well. Does nothing in other builds. */
void ab_process_faults(void);

/* Whether the reader of standard output went away. */
int ab_process_output_closed(void);

/* Write `message` to standard error without needing memory. */
void ab_process_say(const char *message);

/* Flush standard output at the end of a run that ends with `code`; the code to exit with. A reader
 * that went away ends quietly, as by SIGPIPE; another failure to write is an error, which is said
 * here unless it `was_said`. */
int ab_process_finish(int code, bool was_said);

#endif
