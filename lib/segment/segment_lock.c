/*
 * segment_lock.c: the locks of a segment that are not those of slots.
 *
 * A lock of the kernel ends with its holder, but two things may come between:
 * a child that was forked meanwhile and inherited the descriptor, and a read
 * lock of somebody who may only read the file.  So a word in the header says
 * who applies, and a waiting process asks whether that one lives.
 */
#include "segment/segment_lock.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "segment/byte_lock.h"
#include "segment/procfs.h"

/* Tries at bytes that others may have; of 2^40 nobody meets one twice. */
#define WRITER_TRIES 4

/* The pause between two looks at a lock that another holds. */
#define APPLY_PAUSE_NS 2000000

/* The locks of this file are of the description that maps the segment. */
static int
set_lock(const struct cmxi_segment *s, short type, int64_t at)
{
	return cmxi_bytes_lock(&(struct cmxi_locker){ .fd = s->fd }, type, at,
	    1);
}

static int
meets_lock(const struct cmxi_segment *s, short type, int64_t at, int64_t n)
{
	return cmxi_bytes_meet_lock(&(struct cmxi_locker){ .fd = s->fd }, type,
	    at, n);
}

static const char *
name_of(const struct cmxi_segment *s)
{
	return s->path != NULL ? s->path : "segment";
}

/* Writers */

/*
 * A write lock on a byte of one's own, which nobody who may only read the file
 * can pretend; where such a one keeps all bytes locked, a read lock, and the
 * header tells that read locks count too.
 */
int
cmxi_segment_lock_as_writer(const struct cmxi_segment *s, struct cmx_error *err)
{
	for (int i = 0; i < WRITER_TRIES; i++) {
		int64_t at = CMXI_WRITERS_OFFSET + 1 +
		    (int64_t)(cmxi_random64() %
			(uint64_t)(CMXI_WRITERS_SIZE - 1));

		if (set_lock(s, F_WRLCK, at) == 0)
			return 0;
		if (!cmxi_lock_was_refused())
			break;
	}
	if (cmxi_lock_was_refused()) {
		cmxi_add64_relaxed(
		    &cmxi_segment_header(s)->n_read_locked_writers, 1);
		if (set_lock(s, F_RDLCK, CMXI_WRITERS_OFFSET) == 0)
			return 0;
	}
	return cmxi_error_system(err, CMX_ERR_SYSTEM, errno,
	    "%s: cannot lock it", name_of(s));
}

int
cmxi_segment_has_writers(const struct cmxi_segment *s)
{
	int found =
	    meets_lock(s, F_RDLCK, CMXI_WRITERS_OFFSET, CMXI_WRITERS_SIZE);

	/* relaxed: raised before the segment lost its name */
	if (found == 0 &&
	    cmxi_load64_relaxed(
		&cmxi_segment_header(s)->n_read_locked_writers) > 0)
		return meets_lock(s, F_WRLCK, CMXI_WRITERS_OFFSET, 1);
	return found;
}

/* Appliers */

/* Who applies, in one word: pid, start and namespace, cut to their low bits. */
#define PID_BITS   22
#define OTHER_BITS 21

static uint64_t
low_bits(uint64_t v, int bits)
{
	return v & ((UINT64_C(1) << bits) - 1);
}

static uint64_t
word_of(uint32_t pid, uint64_t start_ticks, uint64_t pid_namespace)
{
	return low_bits(pid, PID_BITS) |
	    low_bits(start_ticks, OTHER_BITS) << PID_BITS |
	    low_bits(pid_namespace, OTHER_BITS) << (PID_BITS + OTHER_BITS);
}

static uint64_t
our_word(void)
{
	struct cmxi_procfs_stat stat = { .start_ticks = 0 };

	cmxi_procfs_stat(0, cmxi_procfs_clock_offset(), &stat);
	return word_of((uint32_t)getpid(), stat.start_ticks,
	    cmxi_procfs_pid_namespace());
}

static pid_t
pid_of(uint64_t word)
{
	return (pid_t)low_bits(word, PID_BITS);
}

enum liveness { IS_DEAD, IS_ALIVE, IS_UNKNOWN };

static enum liveness
liveness_of(uint64_t word)
{
	struct cmxi_procfs_stat stat;
	pid_t pid = pid_of(word);

	if (word == 0)
		return IS_DEAD;
	if (word >> (PID_BITS + OTHER_BITS) !=
	    low_bits(cmxi_procfs_pid_namespace(), OTHER_BITS))
		return IS_UNKNOWN;
	if (cmxi_procfs_stat((uint32_t)pid, cmxi_procfs_clock_offset(), &stat))
		return word ==
			    word_of((uint32_t)pid, stat.start_ticks,
				cmxi_procfs_pid_namespace()) &&
			stat.state != 'Z' ?
		    IS_ALIVE :
		    IS_DEAD;
	return kill(pid, 0) != 0 && errno == ESRCH ? IS_DEAD : IS_UNKNOWN;
}

/* What one try at the right to apply found. */
enum applying { IS_OURS, IS_ANOTHERS, IS_READ_LOCKED, CANNOT_LOCK };

/*
 * Who has the lock may take a word of nobody who is known to live; who has it
 * not, because a dead one's child or a reader holds it, the word of somebody
 * who is known to be dead.  A lock without a word is that of somebody who is
 * about to write his word; for the whole wait, that of a child of one who was
 * killed before he did.  Were he only slow, his own exchange would fail.
 */
static bool
may_take(uint64_t word, bool is_locked, bool is_read_locked, bool is_last)
{
	enum liveness before = liveness_of(word);

	if (is_locked)
		return before != IS_ALIVE;
	if (before != IS_DEAD)
		return false;
	return is_read_locked || word != 0 || is_last;
}

static enum applying
try_apply(const struct cmxi_segment *s, uint64_t ours, bool is_last)
{
	uint64_t *word = &cmxi_segment_header(s)->applier;
	/* relaxed: the lock, or the death of the one before, orders the rest */
	uint64_t seen = cmxi_load64_relaxed(word);
	bool is_locked = set_lock(s, F_WRLCK, CMXI_APPLY_OFFSET) == 0;
	bool is_read_locked;

	if (!is_locked && !cmxi_lock_was_refused())
		return CANNOT_LOCK;
	is_read_locked =
	    !is_locked && meets_lock(s, F_RDLCK, CMXI_APPLY_OFFSET, 1) == 0;
	if (may_take(seen, is_locked, is_read_locked, is_last) &&
	    cmxi_cas64_relaxed(word, &seen, ours))
		return IS_OURS;
	if (is_locked)
		set_lock(s, F_UNLCK, CMXI_APPLY_OFFSET);
	return is_read_locked ? IS_READ_LOCKED : IS_ANOTHERS;
}

static uint64_t
wait_ns(void)
{
	const char *text = secure_getenv("CODEAI_METRICS_APPLY_WAIT");
	char *end = NULL;
	long ms = text == NULL ? 0 : strtol(text, &end, 10);

	/* What is no number of milliseconds is as if it were not there. */
	if (end == NULL || end == text || *end != '\0' || ms < 0 ||
	    ms > 1000 * CMXI_APPLY_WAIT_MS)
		ms = CMXI_APPLY_WAIT_MS;
	return (uint64_t)ms * (CMXI_NS_PER_SECOND / 1000);
}

static int
wait_error(const struct cmxi_segment *s, enum applying applying,
    struct cmx_error *err)
{
	uint64_t word = cmxi_load64_relaxed(&cmxi_segment_header(s)->applier);

	if (applying == CANNOT_LOCK)
		return cmxi_error_system(err, CMX_ERR_SYSTEM, errno,
		    "%s: cannot lock it", name_of(s));
	if (applying == IS_READ_LOCKED)
		return cmxi_error(err, CMX_ERR_SYSTEM,
		    "%s: a process that may only read it holds a lock on it, and process %d of another pid namespace may be applying a schema; \"lslocks\" shows who",
		    name_of(s), (int)pid_of(word));
	if (word == 0)
		return cmxi_error(err, CMX_ERR_SYSTEM,
		    "%s: another process holds the lock of those who apply a schema, and does not end; \"lslocks\" shows who",
		    name_of(s));
	return cmxi_error(err, CMX_ERR_SYSTEM,
	    "%s: process %d%s applies a schema to it and does not end; waited for it as long as is allowed",
	    name_of(s), (int)pid_of(word),
	    liveness_of(word) == IS_UNKNOWN ? " of another pid namespace" : "");
}

int
cmxi_segment_lock_apply(const struct cmxi_segment *s, struct cmx_error *err)
{
	const struct timespec pause = { .tv_nsec = APPLY_PAUSE_NS };
	uint64_t ours = our_word();
	uint64_t deadline = cmxi_clock_ns(CLOCK_MONOTONIC) + wait_ns();
	enum applying applying = try_apply(s, ours, false);

	while ((applying == IS_ANOTHERS || applying == IS_READ_LOCKED) &&
	    cmxi_clock_ns(CLOCK_MONOTONIC) < deadline) {
		nanosleep(&pause, NULL);
		applying = try_apply(s, ours, false);
	}
	if (applying == IS_ANOTHERS)
		applying = try_apply(s, ours, true);
	return applying == IS_OURS ? 0 : wait_error(s, applying, err);
}

bool
cmxi_segment_applies(const struct cmxi_segment *s)
{
	return cmxi_load64_relaxed(&cmxi_segment_header(s)->applier) ==
	    our_word();
}

void
cmxi_segment_unlock_apply(const struct cmxi_segment *s)
{
	uint64_t *word = &cmxi_segment_header(s)->applier;
	uint64_t seen = our_word();

	/*
	 * The lock first: who is killed in between leaves the word of a dead
	 * one, which says so, and not a child with a lock that nobody explains.
	 * By hand, because a child that was forked meanwhile has the descriptor
	 * too.
	 */
	if (cmxi_segment_owns_fd(s))
		set_lock(s, F_UNLCK, CMXI_APPLY_OFFSET);
	cmxi_cas64_relaxed(word, &seen, 0);
}
