/* stream/folder.h - a folder, and what is beneath it and nowhere else.
 *
 * Names that come from outside (keys of a bucket) are opened here: whatever they are, and whatever
 * links somebody puts into the folder meanwhile, nothing outside of it is opened, made or removed.
 * Paths are relative, with "/" between names; kind io, code "outside", for one that is empty where
 * a name is wanted, begins with "/", or has an empty part, "." or ".."; code "link" where a part is
 * a symbolic link, wherever it leads. The folder itself is named by whoever uses this, and may be
 * one. (openat2(2), RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS; where the kernel has none, part by
 * part.) */
#ifndef AB_STREAM_FOLDER_H
#define AB_STREAM_FOLDER_H

#include <sys/stat.h>

#include "stream/file.h"

struct ab_folder {
    int refs;   /* of the loop's thread, as those of files are */
    int fd;     /* owned */
    char *path; /* owned; for messages */
};

/* Open a folder that exists. */
struct ab_folder *ab_folder_open(const char *path, struct ab_err *err);

/* Count one more owner; `f` itself. */
struct ab_folder *ab_folder_ref(struct ab_folder *f);

/* Drop a reference; the last one closes. NULL is fine. */
void ab_folder_unref(struct ab_folder *f);

/* A descriptor of the folder `path` beneath ("": the folder itself), for the caller to close; -1 on
 * failure. With `make`, those that are missing are made with these permissions, and their names
 * synced. */
int ab_folder_enter(const struct ab_folder *f, const char *path, mode_t make, struct ab_err *err);

/* As ab_folder_enter that makes what is missing, but nothing is made: where `path` is missing, the
 * folder that the next one would be made in, and `is_missing` is set. Fails as the other would. */
int ab_folder_near(const struct ab_folder *f, const char *path, bool *is_missing,
                   struct ab_err *err);

/* As lstat(2) of what is beneath. */
AB_MUST_USE bool ab_folder_stat(const struct ab_folder *f, const char *path, struct stat *st,
                                struct ab_err *err);

/* Open a regular file beneath to read; code "not_regular" for anything else. With `hold` as
 * ab_file_hold(). */
struct ab_file *ab_folder_file(const struct ab_folder *f, const char *path, bool hold,
                               struct ab_err *err);

/* Remove a file or a link, or with `folder` an empty folder. */
AB_MUST_USE bool ab_folder_remove(const struct ab_folder *f, const char *path, bool folder,
                                  struct ab_err *err);

/* Whether `path` is one of names, as told above. */
AB_MUST_USE bool ab_folder_check(const struct ab_folder *f, const char *path, struct ab_err *err);

#endif
