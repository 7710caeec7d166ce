/*
 * slot.c: the slot of this process: when it is claimed, and what is done where
 * it cannot be.
 */
#include "write/slot.h"

#include <errno.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "base/require.h"
#include "base/undisturbed.h"
#include "write/claim.h"

/* How long a process that was refused a slot waits before it asks again. */
#define REFUSED_NS (CMXI_NS_PER_SECOND / 2)

/*
 * How long a thread waits for the claim of another one of this process: turns
 * of YIELDS at once, then pauses.  A claim takes some hundred microseconds, and
 * more where the thread that makes it does not run.
 */
#define TURNS_MAX 2000
#define YIELDS    100
#define PAUSE_NS  100000

/* Count why the process has no slot, each reason once. */
static void
count_refusal(const struct cmxi_segment *s, struct cmxi_own_page *own,
    enum cmxi_claim_result reason)
{
	enum cmxi_stat stat = reason == CMXI_CLAIM_FULL ?
	    CMXI_STAT_NO_FREE_SLOT :
	    reason == CMXI_CLAIM_DENIED ? CMXI_STAT_SLOT_DENIED :
					  CMXI_STAT_SLOT_BLOCKED;
	uint64_t bit = UINT64_C(1) << reason;
	uint64_t seen = cmxi_load64_relaxed(&own->refusals);

	/* Bound: the number of reasons. */
	while ((seen & bit) == 0)
		if (cmxi_cas64_relaxed(&own->refusals, &seen, seen | bit))
			cmxi_segment_count(s, stat, 1);
}

static uint64_t
slot_word(const struct cmxi_claim *claim)
{
	return (uint64_t)claim->generation << 32 |
	    (claim->beacon == NULL ? CMXI_SLOT_AS_PROCESS : 0) |
	    (claim->number + 1);
}

static void
claim_undisturbed(const struct cmxi_segment *s, struct cmxi_own_page *own,
    uint64_t end)
{
	struct cmxi_claim claim;
	enum cmxi_claim_result r = cmxi_claim_take(s, own, end, &claim);
	uint64_t word = CMXI_SLOT_NONE;

	if (r == CMXI_CLAIM_OK) {
		word = slot_word(&claim);
		cmxi_store64_relaxed(&own->gauge_pages, claim.pages);
		cmxi_store64_relaxed(&own->beacon,
		    (uint64_t)(uintptr_t)claim.beacon);
	} else if (r != CMXI_CLAIM_LATER) {
		count_refusal(s, own, r);
		cmxi_store64_relaxed(&own->next_try_ns,
		    cmxi_clock_ns(CLOCK_MONOTONIC_COARSE) + REFUSED_NS);
	}
	/*
	 * (U) release, pairs with (V).
	 * Orders the wiping of the slot and its pages before the word that
	 * names it.  Without it another thread could store a value, and the
	 * wipe come after it.
	 */
	cmxi_store64_release(&own->slot, word);
}

static uint64_t
load_slot_word(const struct cmxi_own_page *own)
{
	/*
	 * (V) acquire, pairs with (U).
	 * Orders this load before stores to the slot's values.
	 */
	return cmxi_load64_acquire(&own->slot);
}

/* Was the process refused a slot just now?  Others end, so it asks again. */
static bool
was_refused(const struct cmxi_own_page *own)
{
	uint64_t next_try_ns = cmxi_load64_relaxed(&own->next_try_ns);

	return next_try_ns != 0 &&
	    cmxi_clock_ns(CLOCK_MONOTONIC_COARSE) < next_try_ns;
}

/* The bare call, because nanosleep(3) is a cancellation point. */
static void
wait_a_turn(int turn)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };

	if (turn < YIELDS)
		sched_yield();
	else
		syscall(SYS_nanosleep, &pause, NULL);
}

/*
 * The slot of the process, which is claimed if it has none; CMXI_SLOT_NONE
 * where that fails.  One thread claims, because two that lock as a process
 * would not exclude each other; another one waits for some turns for it.
 */
static uint64_t
get_slot(const struct cmxi_segment *s, struct cmxi_own_page *own, uint64_t end)
{
	struct cmxi_undisturbed undisturbed;

	for (int i = 0; i < TURNS_MAX; i++) {
		uint64_t word = load_slot_word(own);

		if (word == CMXI_SLOT_BEING_CLAIMED) {
			wait_a_turn(i);
			continue;
		}
		if (word != CMXI_SLOT_NONE || was_refused(own))
			return word;
		cmxi_undisturbed_begin(&undisturbed);
		if (cmxi_cas64_relaxed(&own->slot, &word,
			CMXI_SLOT_BEING_CLAIMED)) {
			claim_undisturbed(s, own, end);
			i = TURNS_MAX;
		}
		cmxi_undisturbed_end(&undisturbed);
	}
	return load_slot_word(own);
}

/*
 * Does the slot still belong to the process?  It may have been lost where the
 * process locked it as such, and then closed a descriptor of the file: another
 * process has taken it perhaps.
 */
static bool
is_still_ours(const struct cmxi_segment *s, struct cmxi_own_page *own,
    uint64_t word)
{
	if (!(word & CMXI_SLOT_AS_PROCESS) ||
	    cmxi_claim_is_current(s, cmxi_slot_number(word),
		(uint32_t)(word >> 32)))
		return true;
	cmxi_cas64_relaxed(&own->slot, &word, CMXI_SLOT_NONE);
	return false;
}

/* The slot of this process, with pages for [0, end); -1 where there is none. */
static int64_t
slot_with_pages(const struct cmxi_segment *s, struct cmxi_own_page *own,
    uint64_t end)
{
	uint64_t word = get_slot(s, own, end), ready;

	if (cmxi_slot_is_taken(word) && !is_still_ours(s, own, word))
		word = get_slot(s, own, end);
	/*
	 * (X) acquire, pairs with (W).
	 * Orders this load before stores to the pages below the mark.
	 */
	ready = cmxi_load64_acquire(&own->gauge_pages);
	if (!cmxi_slot_is_taken(word) ||
	    (ready < end &&
		cmxi_claim_reserve(s, cmxi_slot_number(word), end) != 0))
		return -1;
	if (ready < end)
		/*
		 * (W) release, pairs with (X).
		 * Orders the pages before their mark.  Without it another
		 * thread could store to a page that is not there yet.
		 */
		cmxi_store64_release(&own->gauge_pages, end);
	/* A slot that may be lost is looked at before each update. */
	if (!(word & CMXI_SLOT_AS_PROCESS))
		/*
		 * (S) release, pairs with (T).
		 * Orders the claim of the slot and the pages before the mark.
		 */
		cmxi_max64_release(&own->gauge_ready, end);
	return (int64_t)cmxi_slot_number(word);
}

int64_t
cmxi_slot_for_gauge(const struct cmxi_segment *s, struct cmxi_own_page *own,
    uint64_t end)
{
	int saved = errno;
	int64_t number = slot_with_pages(s, own, end);

	REQUIRE(end > 0 && own != NULL);
	if (number < 0)
		cmxi_segment_count(s, CMXI_STAT_DROPPED_GAUGES, 1);
	errno = saved;
	return number;
}

void
cmxi_slot_claim(const struct cmxi_segment *s, struct cmxi_own_page *own)
{
	int saved = errno;

	get_slot(s, own, CMXI_STRIPE_HEADER);
	errno = saved;
}

void
cmxi_slot_set_role(const struct cmxi_segment *s, struct cmxi_own_page *own,
    const char *text)
{
	int saved = errno;
	uint64_t word;

	cmxi_claim_set_role(own, text);
	word = get_slot(s, own, CMXI_STRIPE_HEADER);
	if (cmxi_slot_is_taken(word) && is_still_ours(s, own, word))
		cmxi_claim_write_role(s, cmxi_slot_number(word), own);
	errno = saved;
}

void
cmxi_slot_release(const struct cmxi_segment *s, struct cmxi_own_page *own)
{
	uint64_t word = cmxi_load64_relaxed(&own->slot);
	const struct cmxi_claim claim = { .number = cmxi_slot_number(word),
		.beacon =
		    (void *)(uintptr_t)cmxi_load64_relaxed(&own->beacon) };

	if (cmxi_slot_is_taken(word))
		cmxi_claim_drop(s, &claim);
}
