/*
 * slot.c: a process's place for gauges, and its beacon.
 *
 * The beacon is an OFD lock whose open file description is held by nothing
 * but a MADV_DONTFORK mapping: no descriptor that closefrom() could close or
 * a child inherit.  The kernel drops it at exit, SIGKILL and exec, and
 * children do not carry it on.
 *
 * One gap is known: a fork() in another thread between the open and the close
 * below gives the child a descriptor of the same description, and the slot
 * then lives until that child ends or executes a program.
 */
#include "write/slot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "base/require.h"
#include "base/seqlock.h"
#include "base/utf8.h"
#include "segment/procfs.h"

static struct cmxi_shm_slot *
slot_record(const struct cmxi_segment *s, uint64_t number)
{
	return (struct cmxi_shm_slot *)(void *)(s->base +
		   s->fixed.slot_offset) +
	    number;
}

/*
 * Reserve the pages [0, end) of a slot's gauge stripe, and raise the slot's
 * mark. The shared stripe has no slot: the page of a cell is reserved with its
 * series.
 */
static int
make_stripe(const struct cmxi_segment *s, uint64_t number, uint64_t end)
{
	uint64_t page = s->fixed.page_size;
	int r;

	end = (end + page - 1) / page * page;
	r = cmxi_segment_reserve(s,
	    s->fixed.gauge_offset + number * s->fixed.gauge_stripe_size, end);
	if (r == 0 && number < s->fixed.n_slots)
		/*
		 * (K) release, pairs with (L).
		 * Orders the pages before the mark.  Without it a reader could
		 * allocate a page here by looking at it.
		 */
		cmxi_max64_release(&slot_record(s, number)->ready, end);
	return r;
}

/*
 * Open the segment again, for an open file description of its own; -1 where
 * that fails.
 */
static int
open_again(const struct cmxi_segment *s)
{
	char self[64];
	int fd = -1;

	if (s->path != NULL)
		fd = open(s->path,
		    O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (cmxi_segment_is_file(s, fd))
		return fd;
	if (fd >= 0)
		close(fd);
	if (!cmxi_segment_owns_fd(s))
		return -1;
	/*
	 * The path names no file or another one: reopen through our descriptor.
	 */
	snprintf(self, sizeof(self), "/proc/self/fd/%d", s->fd);
	fd = open(self, O_RDWR | O_CLOEXEC);
	if (cmxi_segment_is_file(s, fd))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* The results of a claim that got no slot. */
enum { NO_SLOT_NOW = -1, NO_SLOT_EVER = -2 };

/*
 * Find a free slot and lock it through fd.  Returns its number, or why there is
 * none.
 */
static int64_t
lock_free_slot(const struct cmxi_segment *s, int fd)
{
	for (uint64_t i = 0; i < s->fixed.n_slots; i++) {
		struct flock lock = { .l_type = F_WRLCK,
			.l_whence = SEEK_SET,
			.l_start = (off_t)(CMXI_BEACON_OFFSET + (int64_t)i),
			.l_len = 1 };

		if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
			return (int64_t)i;
		if (errno == ENOLCK || errno == ENOMEM)
			return NO_SLOT_NOW;
		if (errno != EAGAIN && errno != EACCES)
			return NO_SLOT_EVER;
	}
	return NO_SLOT_EVER;
}

/* Copy as much of a text as fits, as UTF-8, padded with zeros. */
static void
put_text(char *to, size_t size, const char *text)
{
	char repaired[256];
	size_t n = cmxi_utf8_repair(text, strnlen(text, size), repaired,
	    sizeof(repaired));

	REQUIRE(size > 0 && size <= 256);
	/* The repaired text is longer: cut it at the end of a character. */
	n = cmxi_utf8_valid_size(repaired, n < size ? n : size - 1);
	memset(to, 0, size);
	memcpy(to, repaired, n);
}

/* The role that the process set, or the name of its program. */
static void
role_text(const struct cmxi_own_page *own, uint64_t role[CMXI_ROLE_SIZE / 8])
{
	for (size_t i = 0; i < CMXI_ROLE_SIZE / 8; i++)
		/* relaxed: a text for people publishes nothing */
		role[i] = cmxi_load64_relaxed(&own->role[i]);
	if (*(const char *)role == '\0')
		put_text((char *)role, CMXI_ROLE_SIZE,
		    program_invocation_short_name);
}

/*
 * Store the words of a slot, each in one access, because readers copy them
 * meanwhile.
 */
static void
store_words(void *to, const void *from, size_t size)
{
	uint64_t word;

	for (size_t i = 0; i < size; i += sizeof(word)) {
		memcpy(&word, (const char *)from + i, sizeof(word));
		/* relaxed: between begin and end of a seqlock */
		cmxi_store64_relaxed((uint64_t *)(void *)((char *)to + i),
		    word);
	}
}

static void
describe_owner(struct cmxi_shm_slot *slot, const struct cmxi_own_page *own)
{
	struct cmxi_procfs_stat stat;
	uint64_t role[CMXI_ROLE_SIZE / 8], command[CMXI_COMMAND_SIZE / 8];

	role_text(own, role);
	put_text((char *)command, sizeof(command), program_invocation_name);
	store_words(slot->role, role, sizeof(role));
	store_words(slot->command, command, sizeof(command));
	/* relaxed: between begin and end of a seqlock */
	cmxi_store32_relaxed(&slot->pid, (uint32_t)getpid());
	cmxi_store64_relaxed(&slot->start_ticks,
	    cmxi_procfs_stat(0, &stat) ? stat.start_ticks : 0);
	cmxi_store64_relaxed(&slot->pid_namespace, cmxi_procfs_pid_namespace());
	cmxi_store64_relaxed(&slot->claimed_ns, cmxi_wall_clock_ns());
}

/*
 * Take possession of a claimed slot: wipe its values while its generation is
 * odd.  A process that is killed meanwhile loses the beacon, and the slot is
 * free.
 */
static int
take_over(const struct cmxi_segment *s, const struct cmxi_own_page *own,
    uint64_t number, uint64_t end)
{
	struct cmxi_shm_slot *slot = slot_record(s, number);
	unsigned char *stripe = cmxi_segment_gauge_stripe(s, number);
	uint64_t used =
	    cmxi_load64_relaxed(&cmxi_segment_header(s)->gauge_used);
	uint32_t generation;
	int r;

	if (used > s->fixed.gauge_stripe_size)
		used = s->fixed.gauge_stripe_size;
	if (used < end)
		used = end;
	r = cmxi_segment_reserve(s, (uint64_t)((unsigned char *)slot - s->base),
	    sizeof(*slot));
	if (r == 0)
		r = make_stripe(s, number, used);
	if (r != 0)
		return r;
	generation = cmxi_seqlock_begin_write(&slot->generation);
	for (uint64_t i = 0; i < used; i += sizeof(uint64_t))
		/* relaxed: between begin and end of a seqlock */
		cmxi_store64_relaxed((uint64_t *)(void *)(stripe + i), 0);
	describe_owner(slot, own);
	cmxi_seqlock_end_write(&slot->generation, generation);
	return 0;
}

/*
 * Claim a slot and hold its beacon by a mapping.  NO_SLOT_EVER: all slots are
 * taken, the kernel has no beacons, or the segment cannot be opened again.
 * NO_SLOT_NOW: descriptors, memory or pages are short, and a later call may
 * succeed.
 */
static int64_t
claim_slot(const struct cmxi_segment *s, const struct cmxi_own_page *own,
    uint64_t end, void **beacon)
{
	int64_t number = NO_SLOT_NOW;
	int fd = open_again(s);

	*beacon = MAP_FAILED;
	if (fd < 0)
		return errno == EMFILE || errno == ENFILE || errno == ENOMEM ?
		    NO_SLOT_NOW :
		    NO_SLOT_EVER;
	*beacon = mmap(NULL, s->fixed.page_size, PROT_READ, MAP_SHARED, fd, 0);
	if (*beacon != MAP_FAILED &&
	    madvise(*beacon, s->fixed.page_size, MADV_DONTFORK) == 0)
		number = lock_free_slot(s, fd);
	if (number >= 0 && take_over(s, own, (uint64_t)number, end) != 0)
		number = NO_SLOT_NOW;
	close(fd);
	if (number < 0 && *beacon != MAP_FAILED) {
		munmap(*beacon, s->fixed.page_size);
		*beacon = MAP_FAILED;
	}
	return number;
}

/* Claim a slot at the first use; two threads may do so at once. */
static void
claim_once(const struct cmxi_segment *s, struct cmxi_own_page *own,
    uint64_t end)
{
	uint64_t none = 0, slot;
	void *beacon;
	int64_t number = claim_slot(s, own, end, &beacon);

	if (number == NO_SLOT_NOW)
		return;
	slot =
	    (number == NO_SLOT_EVER ? s->fixed.n_slots : (uint64_t)number) + 1;
	/*
	 * relaxed: read by one process; the stripe behind a slot needs no order
	 */
	if (cmxi_cas64_relaxed(&own->slot, &none, slot)) {
		if (number == NO_SLOT_EVER)
			cmxi_segment_count(s, CMXI_STAT_SHARED_SLOT, 1);
		else
			cmxi_store64_relaxed(&own->beacon,
			    (uint64_t)(uintptr_t)beacon);
		return;
	}
	/* Another thread was faster: use its slot and free this one. */
	if (beacon != MAP_FAILED)
		munmap(beacon, s->fixed.page_size);
}

int64_t
cmxi_slot_for_gauge(const struct cmxi_segment *s, struct cmxi_own_page *own,
    uint64_t end)
{
	uint64_t ready = cmxi_load64_relaxed(&own->gauge_ready);
	int saved = errno;
	uint64_t number;

	REQUIRE(end > 0 && own != NULL);
	if (cmxi_load64_relaxed(&own->slot) == 0)
		claim_once(s, own, end);
	number = cmxi_load64_relaxed(&own->slot) - 1;
	if (number == UINT64_MAX ||
	    (ready < end && make_stripe(s, number, end) != 0)) {
		cmxi_segment_count(s, CMXI_STAT_DROPPED_GAUGES, 1);
		errno = saved;
		return -1;
	}
	if (ready < end) {
		/*
		 * (S) release, pairs with (T).
		 * Orders the claim of the slot and the pages before the mark.
		 */
		cmxi_max64_release(&own->gauge_ready, end);
	}
	errno = saved;
	return (int64_t)number;
}

void
cmxi_slot_claim(const struct cmxi_segment *s, struct cmxi_own_page *own)
{
	int saved = errno;

	claim_once(s, own, CMXI_STRIPE_HEADER);
	errno = saved;
}

/*
 * Change the role of our slot.  Two threads that do so at once leave either
 * role or a mixture of both; readers cut a text at its first invalid byte.
 */
static void
write_role(struct cmxi_shm_slot *slot, const uint64_t role[CMXI_ROLE_SIZE / 8])
{
	uint32_t version = cmxi_seqlock_begin_write(&slot->role_version);

	store_words(slot->role, role, CMXI_ROLE_SIZE);
	cmxi_seqlock_end_write(&slot->role_version, version);
}

void
cmxi_slot_set_role(const struct cmxi_segment *s, struct cmxi_own_page *own,
    const char *text)
{
	uint64_t role[CMXI_ROLE_SIZE / 8] = { 0 }, slot;

	put_text((char *)role, sizeof(role), text == NULL ? "" : text);
	for (size_t i = 0; i < CMXI_ROLE_SIZE / 8; i++)
		cmxi_store64_relaxed(&own->role[i], role[i]);
	cmxi_slot_ensure(s, own);
	slot = cmxi_load64_relaxed(&own->slot);
	if (slot == 0 || slot > s->fixed.n_slots)
		return;
	role_text(own, role);
	write_role(slot_record(s, slot - 1), role);
}

void
cmxi_slot_release(const struct cmxi_segment *s, struct cmxi_own_page *own)
{
	uint64_t beacon = cmxi_load64_relaxed(&own->beacon);

	if (beacon != 0)
		munmap((void *)(uintptr_t)beacon, s->fixed.page_size);
}
