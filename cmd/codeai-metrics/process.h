/*
 * process.h: is a process that a segment lists one of this pid namespace?
 */
#ifndef PROCESS_H
#define PROCESS_H

#include <codeai/metrics_reader.h>

/*
 * Does the pid name it here?  That of another pid namespace is somebody else's,
 * whose name, most often, is another one.
 */
bool process_is_here(const struct cmxr_process *);

#endif
