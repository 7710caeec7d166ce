/*
 * opened.h: the files that this process has open for writing, each once.
 *
 * A process has one registry for each file.  Where it holds its slot by POSIX
 * locks, which the kernel drops when any descriptor of the file is closed,
 * readers of the file in the same process use the registry's descriptor, and
 * none is closed.
 */
#ifndef CMXI_OPENED_H
#define CMXI_OPENED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct cmxi_opened {
	struct cmxi_opened *next;
	dev_t device;
	ino_t inode;
	int fd;
	unsigned int n_users;
	/* The registry, while it is open; opened.c does not look into it. */
	void *registry;
	/*
	 * Does this process hold POSIX locks on the file?
	 * Order: relaxed; set by a claim, read where descriptors are closed.
	 */
	uint64_t has_process_locks;
};

/*
 * The list is read and changed between these two.  They wait for other threads
 * of this process, for some instructions; a forked child finds the lock free.
 * Returns false where there is no memory for the lock: nothing is shared then.
 */
bool cmxi_opened_lock(void);
void cmxi_opened_unlock(void);

/* The entry of a file, or null.  Requires: the lock. */
struct cmxi_opened *cmxi_opened_find(dev_t, ino_t);

/* Add an entry for a descriptor, with one user; null: no memory.  Requires: the
 * lock. */
struct cmxi_opened *cmxi_opened_add(dev_t, ino_t, int fd, void *registry);

/*
 * One more user of an entry, with a descriptor of its own: it is closed, and
 * the entry's is returned; or it becomes the entry's, where the application has
 * closed that one.  Requires: the lock.
 */
int cmxi_opened_join(struct cmxi_opened *, int fd);

/*
 * For a reader of the file: one more user of its entry, or null where the
 * reader may have, and close, a descriptor of its own.
 */
struct cmxi_opened *cmxi_opened_borrow(dev_t, ino_t);

/* End a use.  The last one closes the descriptor, if it is still the file's. */
void cmxi_opened_leave(struct cmxi_opened *);

/*
 * Close a descriptor of a file that is not in an entry, unless that would drop
 * locks of this process: then it stays open.
 */
void cmxi_opened_close(int fd, dev_t, ino_t);

#endif
