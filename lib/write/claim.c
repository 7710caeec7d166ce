/*
 * claim.c: a slot of one's own: found, wiped, and held.
 *
 * A slot has two bytes that are locked: the first by whoever prepares or owns
 * it, the second, its beacon, by whoever owns it and has wiped it.  Both locks
 * are of one owner and drop together when it dies, so a reader never sees a
 * beacon over values of the dead.
 *
 * The owner of the locks is, where the file can be opened again, an open file
 * description that nothing but a MADV_DONTFORK mapping holds: no descriptor
 * that closefrom() could close or a child inherit.  A process that may not
 * open the file (it dropped its privileges, or lives in another root) locks as
 * a process, by the descriptor that it inherited (fcntl_locking(2), "POSIX
 * locks"): children do not inherit these either, and the kernel drops them at
 * its end, but also when the process closes any descriptor of the file.
 */
#include "write/claim.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/require.h"
#include "base/seqlock.h"
#include "base/utf8.h"
#include "segment/byte_lock.h"
#include "segment/opened.h"
#include "segment/procfs.h"

/* Finding a free slot */

/*
 * A lock costs the kernel a walk over all locks of the file.  So a claim tries
 * few slots where many were ever used, and all of them where few were.
 */
#define PROBE_WORK 4096
#define PROBES_MIN 3

/* The most slots that one claim tries where all were used. */
#define PROBES_MAX 1024

/* Lock the claim of a slot; FULL: another process has it. */
static enum cmxi_claim_result
try_slot(const struct cmxi_locker *by, uint64_t number)
{
	int64_t at = CMXI_CLAIM_BYTE(number);

	if (cmxi_bytes_lock(by, F_WRLCK, at, 1) == 0)
		return CMXI_CLAIM_OK;
	if (errno == ENOLCK || errno == ENOMEM)
		return CMXI_CLAIM_LATER;
	return cmxi_lock_was_refused() ? CMXI_CLAIM_FULL : CMXI_CLAIM_DENIED;
}

/* Try n slots of those below used, from one on. */
static enum cmxi_claim_result
try_slots(const struct cmxi_locker *by, uint64_t from, uint64_t used,
    uint64_t n, uint64_t *number)
{
	enum cmxi_claim_result r = CMXI_CLAIM_FULL;

	for (uint64_t i = 0; i < n && r == CMXI_CLAIM_FULL; i++) {
		*number = (from + i) % used;
		r = try_slot(by, *number);
	}
	return r;
}

/*
 * Take a slot that was never used.  The mark says how many were; whoever dies
 * after raising it leaves a free slot below it.
 */
static enum cmxi_claim_result
try_new_slot(const struct cmxi_segment *s, const struct cmxi_locker *by,
    uint64_t *number)
{
	uint64_t *mark = &cmxi_segment_header(s)->slots_used;
	/* relaxed: a mark for searches, it publishes nothing */
	uint64_t used = cmxi_load64_relaxed(mark);
	enum cmxi_claim_result r = CMXI_CLAIM_FULL;

	/* Bound: the number of slots; a turn is lost to another's success. */
	while (r == CMXI_CLAIM_FULL && used < s->fixed.n_slots) {
		*number = used;
		if (cmxi_cas64_relaxed(mark, &used, used + 1)) {
			r = try_slot(by, *number);
			used++;
		}
	}
	return r;
}

/* Lock a free slot: first the one that was claimed last, then others. */
static enum cmxi_claim_result
find_slot(const struct cmxi_segment *s, const struct cmxi_locker *by,
    uint64_t *number)
{
	struct cmxi_shm_header *h = cmxi_segment_header(s);
	/* relaxed: hints where to begin */
	uint64_t used = cmxi_load64_relaxed(&h->slots_used);
	uint64_t hint = cmxi_load64_relaxed(&h->slot_hint);
	/* Another place at each try, also for the first pids of namespaces. */
	uint64_t mixed = (uint64_t)getpid() ^ cmxi_wall_clock_ns();
	uint64_t start = mixed * CMXI_HASH_GOLDEN >> 32, n;
	enum cmxi_claim_result r = CMXI_CLAIM_FULL;

	if (used > s->fixed.n_slots)
		used = s->fixed.n_slots;
	if (used > 0) {
		n = PROBE_WORK / used;
		n = n < PROBES_MIN ? PROBES_MIN : n;
		if (n >= used)
			r = try_slots(by, 0, used, used, number);
		else {
			r = try_slots(by, hint, used, 1, number);
			if (r == CMXI_CLAIM_FULL)
				r = try_slots(by, start, used, n, number);
		}
	}
	if (r == CMXI_CLAIM_FULL)
		r = try_new_slot(s, by, number);
	if (r == CMXI_CLAIM_FULL)
		r = try_slots(by, start, s->fixed.n_slots,
		    s->fixed.n_slots < PROBES_MAX ? s->fixed.n_slots :
						    PROBES_MAX,
		    number);
	/* Taken by nobody who may write the file: only a read lock is there. */
	if (r == CMXI_CLAIM_FULL &&
	    cmxi_bytes_meet_lock(by, F_RDLCK, CMXI_CLAIM_BYTE(*number), 1) == 0)
		return CMXI_CLAIM_BLOCKED;
	if (r == CMXI_CLAIM_OK)
		cmxi_store64_relaxed(&h->slot_hint, *number);
	return r;
}

/* Taking it over */

static struct cmxi_shm_slot *
slot_record(const struct cmxi_segment *s, uint64_t number)
{
	return (struct cmxi_shm_slot *)(void *)(s->base +
		   s->fixed.slot_offset) +
	    number;
}

int
cmxi_claim_reserve(const struct cmxi_segment *s, uint64_t number, uint64_t end)
{
	uint64_t page = s->fixed.page_size;
	int r;

	REQUIRE(number < s->fixed.n_slots);
	end = (end + page - 1) / page * page;
	r = cmxi_segment_reserve(s,
	    s->fixed.gauge_offset + number * s->fixed.gauge_stripe_size, end);
	if (r == 0)
		/*
		 * (K) release, pairs with (L).
		 * Orders the pages before the mark.  Without it a reader could
		 * allocate a page here by looking at it.
		 */
		cmxi_max64_release(&slot_record(s, number)->ready, end);
	return r;
}

bool
cmxi_claim_is_current(const struct cmxi_segment *s, uint64_t number,
    uint32_t generation)
{
	return cmxi_load32_relaxed(&slot_record(s, number)->generation) ==
	    generation;
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
	    cmxi_procfs_stat(0, cmxi_procfs_clock_offset(), &stat) ?
		stat.start_ticks :
		0);
	cmxi_store64_relaxed(&slot->pid_namespace, cmxi_procfs_pid_namespace());
	cmxi_store64_relaxed(&slot->claimed_ns, cmxi_wall_clock_ns());
}

/*
 * Take possession of a claimed slot: wipe its values while its generation is
 * odd.  A process that is killed meanwhile loses the claim, and the slot is
 * free.
 */
static int
take_over(const struct cmxi_segment *s, const struct cmxi_own_page *own,
    uint64_t end, struct cmxi_claim *claim)
{
	struct cmxi_shm_slot *slot = slot_record(s, claim->number);
	unsigned char *stripe = cmxi_segment_gauge_stripe(s, claim->number);
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
		r = cmxi_claim_reserve(s, claim->number, used);
	if (r != 0)
		return r;
	claim->pages = used;
	generation = cmxi_seqlock_begin_write(&slot->generation);
	for (uint64_t i = 0; i < used; i += sizeof(uint64_t))
		/* relaxed: between begin and end of a seqlock */
		cmxi_store64_relaxed((uint64_t *)(void *)(stripe + i), 0);
	describe_owner(slot, own);
	cmxi_seqlock_end_write(&slot->generation, generation);
	claim->generation = generation + 1;
	return 0;
}

/*
 * Change the role of our slot.  Two threads that do so at once leave either
 * role or a mixture of both; readers cut a text at its first invalid byte.
 */
void
cmxi_claim_write_role(const struct cmxi_segment *s, uint64_t number,
    const struct cmxi_own_page *own)
{
	struct cmxi_shm_slot *slot = slot_record(s, number);
	uint64_t role[CMXI_ROLE_SIZE / 8];
	uint32_t version;

	role_text(own, role);
	version = cmxi_seqlock_begin_write(&slot->role_version);
	store_words(slot->role, role, CMXI_ROLE_SIZE);
	cmxi_seqlock_end_write(&slot->role_version, version);
}

void
cmxi_claim_set_role(struct cmxi_own_page *own, const char *text)
{
	uint64_t role[CMXI_ROLE_SIZE / 8] = { 0 };

	put_text((char *)role, sizeof(role), text == NULL ? "" : text);
	for (size_t i = 0; i < CMXI_ROLE_SIZE / 8; i++)
		/* relaxed: a text for people publishes nothing */
		cmxi_store64_relaxed(&own->role[i], role[i]);
}

/* Claiming */

/* Find a slot, wipe it, and only then show its beacon. */
static enum cmxi_claim_result
take_by(const struct cmxi_segment *s, const struct cmxi_own_page *own,
    uint64_t end, const struct cmxi_locker *by, struct cmxi_claim *claim)
{
	enum cmxi_claim_result r = find_slot(s, by, &claim->number);

	if (r != CMXI_CLAIM_OK)
		return r;
	if (take_over(s, own, end, claim) != 0)
		r = CMXI_CLAIM_LATER;
	else if (cmxi_bytes_lock(by, F_WRLCK, CMXI_BEACON_BYTE(claim->number),
		     1) != 0)
		r = cmxi_lock_was_refused() ? CMXI_CLAIM_BLOCKED :
					      CMXI_CLAIM_LATER;
	if (r != CMXI_CLAIM_OK)
		cmxi_bytes_lock(by, F_UNLCK, CMXI_CLAIM_BYTE(claim->number), 2);
	return r;
}

/*
 * Open the segment again, for an open file description of its own; -1 where
 * that fails, and errno is that of the path.
 */
static int
open_again(const struct cmxi_segment *s)
{
	char self[CMXI_PROC_PATH_MAX];
	int fd = -1, saved = ENOENT;

	if (s->path != NULL)
		fd = open(s->path,
		    O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (cmxi_segment_is_file(s, fd))
		return fd;
	if (fd >= 0)
		close(fd);
	else if (s->path != NULL)
		saved = errno;
	if (cmxi_segment_owns_fd(s)) {
		/* The path names no file or another one: by our descriptor. */
		cmxi_procfs_own_fd(s->fd, self);
		fd = open(self, O_RDWR | O_CLOEXEC);
		if (cmxi_segment_is_file(s, fd))
			return fd;
		if (fd >= 0)
			close(fd);
	}
	errno = saved;
	return -1;
}

/* Claim by a description that only a mapping holds. */
static enum cmxi_claim_result
take_by_mapping(const struct cmxi_segment *s, const struct cmxi_own_page *own,
    uint64_t end, int fd, struct cmxi_claim *claim)
{
	const struct cmxi_locker by = { .fd = fd };
	enum cmxi_claim_result r = CMXI_CLAIM_LATER;
	void *beacon =
	    mmap(NULL, s->fixed.page_size, PROT_READ, MAP_SHARED, fd, 0);

	if (beacon != MAP_FAILED &&
	    madvise(beacon, s->fixed.page_size, MADV_DONTFORK) == 0)
		r = take_by(s, own, end, &by, claim);
	close(fd);
	claim->beacon = beacon;
	if (r != CMXI_CLAIM_OK && beacon != MAP_FAILED)
		munmap(beacon, s->fixed.page_size);
	return r;
}

enum cmxi_claim_result
cmxi_claim_take(const struct cmxi_segment *s, const struct cmxi_own_page *own,
    uint64_t end, struct cmxi_claim *claim)
{
	const struct cmxi_locker process = { .fd = s->fd, .as_process = true };
	int fd = open_again(s);

	*claim = (struct cmxi_claim){ .beacon = NULL };
	if (fd >= 0)
		return take_by_mapping(s, own, end, fd, claim);
	if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
		return CMXI_CLAIM_LATER;
	if (!cmxi_segment_owns_fd(s))
		return CMXI_CLAIM_DENIED;
	/* From here on this process keeps its descriptors of the file. */
	if (s->opened != NULL)
		cmxi_store64_relaxed(&s->opened->has_process_locks, 1);
	return take_by(s, own, end, &process, claim);
}

void
cmxi_claim_drop(const struct cmxi_segment *s, const struct cmxi_claim *claim)
{
	const struct cmxi_locker process = { .fd = s->fd, .as_process = true };

	if (claim->beacon != NULL)
		munmap(claim->beacon, s->fixed.page_size);
	else if (cmxi_segment_owns_fd(s))
		cmxi_bytes_lock(&process, F_UNLCK,
		    CMXI_CLAIM_BYTE(claim->number), 2);
}
