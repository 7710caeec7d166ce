/*
 * process.h: the name that the kernel has of a process.
 */
#ifndef PROCESS_H
#define PROCESS_H

#include <codeai/metrics_reader.h>

/* Bytes of a name that the kernel keeps. */
#define PROCESS_NAME_SIZE 15

/* Returns false, and "", where there is no such process. */
bool process_name(uint32_t pid, char name[PROCESS_NAME_SIZE + 2]);

/*
 * Does the pid of a process that a segment lists name it here?  That of another
 * pid namespace is somebody else's, whose name, most often, is another one.
 */
bool process_is_here(const struct cmxr_process *);

#endif
