/*
 * process_list.c: the slots of a segment that were ever claimed.
 */
#include "read/process_list.h"

#include <bsd/string.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/require.h"
#include "base/seqlock.h"
#include "base/utf8.h"
#include "read/fault_guard.h"

/* The most looks at a slot whose role changes while it is read. */
#define ROLE_TRIES 4

/* The number of slots that one pread copies. */
#define SLOT_BLOCK 256

static struct cmxi_shm_slot *
slots_of(const struct cmxi_process_list *list)
{
	return (struct cmxi_shm_slot *)(void *)list->slots.data;
}

static uint32_t *
places_of(const struct cmxi_process_list *list)
{
	return (uint32_t *)(void *)list->places.data;
}

size_t
cmxi_process_list_size(const struct cmxi_process_list *list)
{
	return list->slots.size / sizeof(struct cmxi_shm_slot);
}

static bool
read_slots(const struct cmxi_segment *s, uint64_t from, uint64_t n,
    struct cmxi_shm_slot *slots)
{
	size_t size = n * sizeof(*slots);

	return pread(s->fd, slots, size,
		   (off_t)(s->fixed.slot_offset + from * sizeof(*slots))) ==
	    (ssize_t)size;
}

/* A look at a slot through the mapping. */
struct look {
	const struct cmxi_shm_slot *shared;
	struct cmxi_shm_slot slot;
	bool is_whole; /* the copy is of one owner and one role */
};

static void
copy_slot(void *arg)
{
	struct look *look = arg;
	const struct cmxi_shm_slot *shared = look->shared;
	uint32_t generation = cmxi_seqlock_begin_read(&shared->generation);
	uint32_t version = cmxi_seqlock_begin_read(&shared->role_version);
	uint64_t words[sizeof(look->slot) / sizeof(uint64_t)];

	for (size_t i = 0; i < CMXI_ARRAY_LEN(words); i++)
		/* relaxed: between begin and end of two seqlocks */
		words[i] = cmxi_load64_relaxed(
		    (const uint64_t *)(const void *)shared + i);
	look->is_whole =
	    cmxi_seqlock_end_read(&shared->role_version, version) &&
	    cmxi_seqlock_end_read(&shared->generation, generation);
	memcpy(&look->slot, words, sizeof(words));
}

/* The role of a process that has set none: the name of its program. */
static void
take_program_name(struct cmxi_shm_slot *slot)
{
	char command[CMXI_COMMAND_SIZE + 1] = "";
	const char *slash;

	static_assert(CMXI_COMMAND_SIZE <= CMXI_ROLE_SIZE, "a name fits");
	memcpy(command, slot->command, CMXI_COMMAND_SIZE);
	slash = strrchr(command, '/');
	memset(slot->role, 0, CMXI_ROLE_SIZE);
	strlcpy(slot->role, slash == NULL ? command : slash + 1,
	    CMXI_ROLE_SIZE);
}

/*
 * Copy a live slot again, so that the copy is of one owner and one role.  A
 * slot that changes at each look, because its owner was stopped while it set
 * its role perhaps, keeps its first copy, without the role: half of one text
 * and half of another would be a role that nobody has.
 */
static int
reread_slot(const struct cmxi_segment *s, uint64_t number,
    struct cmxi_shm_slot *slot, struct cmx_error *err)
{
	struct look look = {
		.shared = (const struct cmxi_shm_slot *)(const void *)(s->base +
			      s->fixed.slot_offset) +
		    number
	};

	/* A slot that was never claimed has no page that a load could read. */
	for (int i = 0; i < ROLE_TRIES && slot->generation != 0; i++) {
		if (!cmxi_guarded(s, copy_slot, &look))
			return cmxi_guard_error(s, err);
		if (look.is_whole) {
			*slot = look.slot;
			return 0;
		}
	}
	take_program_name(slot);
	return 0;
}

static int
no_memory(struct cmx_error *err)
{
	return cmxi_error(err, CMX_ERR_MEMORY,
	    "no memory for the processes of the segment");
}

/* The number of slots that were ever claimed; 0 where that cannot be read. */
static uint64_t
n_used(const struct cmxi_segment *s)
{
	uint64_t n;

	if (pread(s->fd, &n, sizeof(n),
		offsetof(struct cmxi_shm_header, slots_used)) !=
	    (ssize_t)sizeof(n))
		return 0;
	return n < s->fixed.n_slots ? n : s->fixed.n_slots;
}

/* Copy the slots that were ever claimed. */
static int
load_slots(struct cmxi_process_list *list, const struct cmxi_segment *s,
    struct cmx_error *err)
{
	uint64_t n = n_used(s), at = 0;

	for (list->slots.size = 0; at < n;) {
		uint64_t some = n - at < SLOT_BLOCK ? n - at : SLOT_BLOCK;
		struct cmxi_shm_slot *slots;

		if (!cmxi_buf_reserve(&list->slots, some * sizeof(*slots)))
			return no_memory(err);
		slots = slots_of(list) + at;
		if (!read_slots(s, at, some, slots))
			return cmxi_error(err, CMX_ERR_FORMAT,
			    "the segment was truncated: its slots are not there");
		list->slots.size += some * sizeof(*slots);
		at += some;
	}
	return 0;
}

int
cmxi_process_list_load(struct cmxi_process_list *list,
    const struct cmxi_segment *s, const struct cmxi_gauge_scratch *gauges,
    struct cmx_error *err)
{
	const uint32_t *live =
	    (const uint32_t *)(const void *)gauges->slots.data;
	size_t n_live = gauges->slots.size / sizeof(*live), n;
	int r = load_slots(list, s, err);

	if (r != 0)
		return r;
	n = cmxi_process_list_size(list);
	list->places.size = 0;
	if (!cmxi_buf_reserve(&list->places, n * sizeof(uint32_t)))
		return no_memory(err);
	if (n > 0)
		memset(list->places.data, 0, n * sizeof(uint32_t));
	for (size_t i = 0; r == 0 && i < n_live; i++)
		if (live[i] < n) {
			r = reread_slot(s, live[i], &slots_of(list)[live[i]],
			    err);
			places_of(list)[live[i]] = (uint32_t)i + 1;
		}
	return r;
}

/* Make a text of a slot end with a NUL and be valid UTF-8. */
static void
copy_text(char *to, size_t size, const char *from)
{
	size_t n = cmxi_utf8_valid_size(from, strnlen(from, size - 1));

	memcpy(to, from, n);
	memset(to + n, 0, size - n);
}

bool
cmxi_process_list_get(const struct cmxi_process_list *list, size_t i,
    const struct cmxi_gauge_scratch *gauges, struct cmxr_process *process,
    const struct cmxi_shm_slot **slotp)
{
	const struct cmxi_shm_slot *slot = &slots_of(list)[i];
	const uint32_t *n_set =
	    (const uint32_t *)(const void *)gauges->n_set.data;
	uint32_t place = places_of(list)[i];

	REQUIRE(i < cmxi_process_list_size(list));
	if (slot->generation == 0 || (place > 0 && slot->generation % 2 != 0))
		return false;
	*process = (struct cmxr_process){ .slot = (uint32_t)i,
		.pid = slot->pid,
		.is_alive = place > 0,
		.claimed_ns = slot->claimed_ns,
		.n_gauges = place > 0 ? n_set[place - 1] : 0 };
	copy_text(process->role, sizeof(process->role), slot->role);
	copy_text(process->command, sizeof(process->command), slot->command);
	*slotp = slot;
	return true;
}

void
cmxi_process_list_fini(struct cmxi_process_list *list)
{
	cmxi_buf_fini(&list->slots);
	cmxi_buf_fini(&list->places);
}
