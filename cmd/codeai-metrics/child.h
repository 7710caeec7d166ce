/*
 * child.h: run another program on behalf of our caller.
 */
#ifndef RUN_H
#define RUN_H

#include "cmd.h"

/*
 * Run a command, and pass our signals on to it.  Returns its wait status and
 * stores its duration; or prints why it could not be started, and returns -1.
 */
int run_command(const struct globals *, char *argv[], double *seconds);

/*
 * Record in a process of its own, and wait for it, for ten seconds at most.
 * What goes wrong is printed and changes nothing.
 */
void record_aside(void (*record)(void *), void *arg);

/* End as the command ended: with its code, or by its signal. */
int end_as(int status);

#endif
