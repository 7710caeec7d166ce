/*
 * segment_path.h: where a segment is, and on what kind of file system.
 */
#ifndef CMXI_SEGMENT_PATH_H
#define CMXI_SEGMENT_PATH_H

#include <stdbool.h>

#include "codeai/metrics_base.h"

/*
 * The longest path of a segment, with its NUL.  Paths stand on the stack, and
 * none of this library's calls needs 8 KiB of that.
 */
#define CMXI_PATH_MAX 1024

/* Is the file system behind fd tmpfs, ramfs or hugetlbfs (or a memfd)? */
bool cmxi_fd_is_memory(int fd);

/*
 * Returns 0 where the file system behind fd is one of those, or may_be_any is
 * set; else CMX_ERR_FILESYSTEM, or CMX_ERR_SYSTEM where the kernel does not
 * say; name stands in the text.
 */
int cmxi_fd_check_filesystem(int fd, const char *name, bool may_be_any,
    struct cmx_error *);

/* The same for a directory. */
int cmxi_directory_check_filesystem(const char *directory, const char *name,
    bool may_be_any, struct cmx_error *);

/*
 * Programs print to the descriptors up to 2, so none of these is kept.  Returns
 * fd, or a duplicate above 2 and closes fd; or -1 and errno where fd is
 * negative or cannot be duplicated.
 */
int cmxi_fd_move_up(int fd);

/* Does the environment name the segment? */
bool cmxi_path_is_named(void);

/*
 * Make the directory of a default path, unless it exists: with mode 2770 for
 * root under /run, else 0700.  A directory that exists must belong to this user
 * or to root.
 */
int cmxi_path_make_directory(const char *path, struct cmx_error *);

/*
 * Copy the path that was given to buf, or the default one for null.  The
 * directory of a default path is made if may_create is set and the environment
 * does not name the segment.  Returns 0 or a negative enum cmx_err.
 */
int cmxi_path_choose(const char *segment, bool may_create, char *buf,
    size_t size, struct cmx_error *);

/* The directory of path, "." where it has none. */
void cmxi_path_directory(const char *path, char *buf, size_t size);

/* The part of path after the last slash. */
const char *cmxi_path_name(const char *path);

#endif
