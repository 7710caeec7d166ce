/*
 * child.h: another program's run, between us and who called us.
 */
#ifndef RUN_H
#define RUN_H

#include "cmd.h"

/*
 * Run a command: what is sent to us is sent to it.  Its wait status, and how
 * long it took; -1, after saying why, where it could not be started.
 */
int run_command(const struct globals *, char *argv[], double *seconds);

/* End as the command has ended: its code, or by its signal. */
int end_as(int status);

#endif
