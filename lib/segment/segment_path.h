/*
 * segment_path.h: where a segment lies, and what kind of place that is.
 */
#ifndef CMXI_SEGMENT_PATH_H
#define CMXI_SEGMENT_PATH_H

#include <stdbool.h>

#include "codeai/metrics_base.h"

#define CMXI_PATH_MAX 4096

/* Is the file system behind fd tmpfs, ramfs or hugetlbfs (or a memfd)? */
bool cmxi_fd_is_memory(int fd, unsigned long *type);

/* Is it, or may it be any?  0 or CMX_ERR_FILESYSTEM; name is for the text. */
int cmxi_fd_check_filesystem(int fd, const char *name, bool may_be_any,
    struct cmx_error *);

/*
 * A descriptor above 2, where programs print: fd itself, or a duplicate, and
 * fd is closed.  -1 and errno for what is below 0 or cannot be duplicated.
 */
int cmxi_fd_move_up(int fd);

/* Does the environment name the segment? */
bool cmxi_path_is_named(void);

/*
 * Make the directory of a default path where it is missing: 2770 for root
 * under /run, else 0700.  A directory that is there already must belong to
 * this user or to root.
 */
int cmxi_path_make_directory(const char *path, struct cmx_error *);

/*
 * The path that was given, or the default one, into buf; the default one's
 * directory is made where the segment may be.  0 or a negative enum cmx_err.
 */
int cmxi_path_choose(const char *segment, bool may_create, char *buf,
    size_t size, struct cmx_error *);

/* The directory part of path, "." where it has none. */
void cmxi_path_directory(const char *path, char *buf, size_t size);

/* The part behind the last slash. */
const char *cmxi_path_name(const char *path);

#endif
