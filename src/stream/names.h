/* stream/names.h - the names in a folder, one after the other, in no order.
 *
 * A folder that cannot be read to its end is an error: half of its names, taken for all, would be
 * files that are not backed up, or are thought to be gone. */
#ifndef AB_STREAM_NAMES_H
#define AB_STREAM_NAMES_H

#include <dirent.h>

#include "stream/folder.h"

enum { AB_NAMES_MAX = 10 * 1000 * 1000 }; /* of one folder */

struct ab_names {
    DIR *dir;                      /* owned */
    const struct ab_folder *above; /* borrowed, as path is: for messages; NULL for a path alone */
    const char *path;
    long long max, count;
    const char *name;   /* borrowed from dir until the next one is asked for */
    unsigned char type; /* of what has it, as readdir(3) tells */
};

/* Begin with the folder `path`; ab_names_close() is due when this succeeded. More than `max` names
 * are an error of ab_names_next(), code "too_many". */
AB_MUST_USE bool ab_names_open(struct ab_names *n, const char *path, long long max,
                               struct ab_err *err);

/* The same of a folder beneath `f`, as ab_folder_enter() finds it. */
AB_MUST_USE bool ab_names_beneath(struct ab_names *n, const struct ab_folder *f, const char *path,
                                  long long max, struct ab_err *err);

/* Go to the next name but "." and "..": n->name, NULL at the end. Allocates nothing. */
AB_MUST_USE bool ab_names_next(struct ab_names *n, struct ab_err *err);

/* Whether n->name is a folder; a link to one is none. */
bool ab_names_is_folder(const struct ab_names *n);

/* Close what was opened. */
void ab_names_close(struct ab_names *n);

#endif
