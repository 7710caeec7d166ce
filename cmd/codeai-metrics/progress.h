/*
 * progress.h: how far something is that takes longer than a second.
 */
#ifndef PROGRESS_H
#define PROGRESS_H

/*
 * Show a bar on stderr, where that is a terminal and more than a second has
 * passed since the first call; part is 0 to 1.  At 1 it goes away.
 */
void progress_show(const char *what, double part);
/* Sleep, and show how much of it is over. */
void progress_sleep(const char *what, double seconds);

#endif
