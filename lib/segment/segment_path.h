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

/* Does the environment name the segment? */
bool cmxi_path_is_named(void);

/*
 * Make the directory of a default path where it is missing: 2770 for root
 * under /run, else 0700.  A directory that is there already must belong to
 * this user or to root.
 */
int cmxi_path_make_directory(const char *path, struct cmx_error *);

/* The directory part of path, "." where it has none. */
void cmxi_path_directory(const char *path, char *buf, size_t size);

/* The part behind the last slash. */
const char *cmxi_path_name(const char *path);

#endif
