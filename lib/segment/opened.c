/*
 * opened.c: the files that this process has open for writing, each once.
 *
 * The mutex lies in a page that fork clears: the child of a thread that forks
 * while another one holds it finds it free.  The list is changed by one store,
 * so such a child finds a whole list too.
 */
#include "segment/opened.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/bytes.h"
#include "base/require.h"
#include "base/wiped_page.h"

static struct cmxi_opened *first;
static pthread_mutex_t *mutex;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* A cleared page is a mutex that nobody holds, as in glibc. */
static void
make_mutex(void)
{
	static const pthread_mutex_t unlocked = PTHREAD_MUTEX_INITIALIZER;

	if (cmxi_is_zero(&unlocked, sizeof(unlocked)))
		mutex = cmxi_wiped_page_new();
}

bool
cmxi_opened_lock(void)
{
	pthread_once(&once, make_mutex);
	return mutex != NULL && pthread_mutex_lock(mutex) == 0;
}

void
cmxi_opened_unlock(void)
{
	pthread_mutex_unlock(mutex);
}

struct cmxi_opened *
cmxi_opened_find(dev_t device, ino_t inode)
{
	struct cmxi_opened *o = first;

	while (o != NULL && (o->device != device || o->inode != inode))
		o = o->next;
	return o;
}

struct cmxi_opened *
cmxi_opened_add(dev_t device, ino_t inode, int fd, void *registry)
{
	struct cmxi_opened *o = calloc(1, sizeof(*o));

	if (o == NULL)
		return NULL;
	*o = (struct cmxi_opened){ .next = first,
		.device = device,
		.inode = inode,
		.fd = fd,
		.n_users = 1,
		.registry = registry };
	first = o;
	return o;
}

/* The application may have closed the descriptor, and opened another file. */
static bool
has_descriptor(const struct cmxi_opened *o)
{
	struct stat st;

	return fstat(o->fd, &st) == 0 && st.st_dev == o->device &&
	    st.st_ino == o->inode;
}

/* Would closing any descriptor of the file drop locks of this process? */
static bool
holds_locks(const struct cmxi_opened *o)
{
	/* relaxed: a claim that begins at this instant loses its slot (L8) */
	return cmxi_load64_relaxed(&o->has_process_locks) != 0;
}

struct cmxi_opened *
cmxi_opened_borrow(dev_t device, ino_t inode)
{
	struct cmxi_opened *o;

	if (first == NULL || !cmxi_opened_lock())
		return NULL;
	o = cmxi_opened_find(device, inode);
	if (o != NULL && holds_locks(o) && has_descriptor(o))
		o->n_users++;
	else
		o = NULL;
	cmxi_opened_unlock();
	return o;
}

int
cmxi_opened_join(struct cmxi_opened *o, int fd)
{
	o->n_users++;
	if (has_descriptor(o))
		close(fd);
	else
		o->fd = fd;
	return o->fd;
}

/* Take an entry out of the list.  Requires: the lock, and that it is there. */
static void
unlink_entry(const struct cmxi_opened *o)
{
	struct cmxi_opened **at = &first;

	while (*at != NULL && *at != o)
		at = &(*at)->next;
	if (*at == o)
		*at = o->next;
}

void
cmxi_opened_leave(struct cmxi_opened *o)
{
	bool is_last;

	if (!cmxi_opened_lock())
		return;
	REQUIRE(o->n_users > 0);
	is_last = --o->n_users == 0;
	if (is_last)
		unlink_entry(o);
	cmxi_opened_unlock();
	if (!is_last)
		return;
	if (has_descriptor(o))
		close(o->fd);
	free(o);
}

void
cmxi_opened_close(int fd, dev_t device, ino_t inode)
{
	const struct cmxi_opened *o = NULL;
	bool stays = false;

	if (first != NULL && cmxi_opened_lock()) {
		o = cmxi_opened_find(device, inode);
		stays = o != NULL && holds_locks(o);
		cmxi_opened_unlock();
	}
	if (!stays)
		close(fd);
}
