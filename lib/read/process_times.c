/*
 * process_times.c: the CPU time of processes that have ended.
 */
#include "read/process_times.h"

#include <stdlib.h>

#include "base/compiler.h"
#include "base/require.h"

/*
 * Are these the times of a segment's slots?  A file can say any seed, so the
 * number of slots is compared too: the places of another segment would not do.
 */
static bool
is_of(const struct cmxi_slot_times *times, const struct cmxi_segment *s)
{
	return times->slots != NULL && times->seed == s->fixed.seed &&
	    times->n == s->fixed.n_slots;
}

struct cmxi_slot_times *
cmxi_process_times_of(struct cmxi_process_times *t,
    const struct cmxi_segment *s)
{
	struct cmxi_slot_times *found = NULL;

	for (size_t i = 0; i < CMXI_ARRAY_LEN(t->segments); i++) {
		struct cmxi_slot_times *times = &t->segments[i];

		if (is_of(times, s))
			return times;
		if (times->slots == NULL)
			found = times;
	}
	if (found == NULL)
		return NULL;
	found->slots = calloc(s->fixed.n_slots, sizeof(*found->slots));
	if (found->slots == NULL)
		return NULL;
	found->seed = s->fixed.seed;
	found->n = s->fixed.n_slots;
	return found;
}

/* Add the time since the process got its role to the sum of the role. */
static void
keep_time(struct cmxi_process_times *t, const struct cmxi_slot_time *time)
{
	t->kept_ticks[time->role] += time->cpu_ticks - time->base_ticks;
}

void
cmxi_process_times_keep(struct cmxi_process_times *t,
    struct cmxi_slot_time *time)
{
	if (time->generation != 0)
		keep_time(t, time);
	*time = (struct cmxi_slot_time){ .generation = 0 };
}

void
cmxi_process_times_note(struct cmxi_process_times *t,
    struct cmxi_slot_time *time, uint32_t generation, uint32_t role)
{
	REQUIRE(role <= CMXI_ROLES_MAX);
	if (time->generation != generation) {
		cmxi_process_times_keep(t, time);
		time->generation = generation;
	} else if (time->role != role) {
		/*
		 * The time up to now stays with the role that the process had.
		 */
		keep_time(t, time);
		time->base_ticks = time->cpu_ticks;
	}
	time->role = role;
}

static void
forget_segment(struct cmxi_slot_times *times)
{
	free(times->slots);
	*times = (struct cmxi_slot_times){ .slots = NULL };
}

static bool
is_among(const struct cmxi_slot_times *times,
    const struct cmxi_segment *const *segments, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_of(times, segments[i]))
			return true;
	return false;
}

void
cmxi_process_times_begin(struct cmxi_process_times *t,
    const struct cmxi_segment *const *segments, size_t n)
{
	REQUIRE(n <= CMXI_ARRAY_LEN(t->segments));
	for (size_t i = 0; i < CMXI_ARRAY_LEN(t->segments); i++) {
		struct cmxi_slot_times *times = &t->segments[i];

		if (times->slots == NULL || is_among(times, segments, n))
			continue;
		for (uint64_t j = 0; j < times->n; j++)
			cmxi_process_times_keep(t, &times->slots[j]);
		forget_segment(times);
	}
}

void
cmxi_process_times_fini(struct cmxi_process_times *t)
{
	for (size_t i = 0; i < CMXI_ARRAY_LEN(t->segments); i++)
		forget_segment(&t->segments[i]);
}
