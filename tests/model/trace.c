/*
 * trace.c: a failure, told with names: which actor, where in the library, and
 * which word of the segment.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hooks.h"
#include "kernel.h"

#include "segment/format.h"

#define STEPS_MAX 20100

static struct step steps[STEPS_MAX];
static unsigned int n_steps;

void
trace_reset(void)
{
	n_steps = 0;
}

unsigned int
trace_size(void)
{
	return n_steps;
}

struct step *
trace_add(const struct step *s)
{
	if (n_steps == STEPS_MAX)
		fail("a run without an end");
	steps[n_steps] = *s;
	return &steps[n_steps++];
}

/* Places */

struct field {
	const char *name;
	size_t offset;
};

#define FIELD(type, member)                            \
	{                                              \
#member, offsetof(struct type, member) \
	}

static const struct field header_fields[] = {
	FIELD(cmxi_shm_header, retired),
	FIELD(cmxi_shm_header, carried),
	FIELD(cmxi_shm_header, carry_size),
	FIELD(cmxi_shm_header, applier),
	FIELD(cmxi_shm_header, n_read_locked_writers),
	FIELD(cmxi_shm_header, arena_used),
	FIELD(cmxi_shm_header, cell_used),
	FIELD(cmxi_shm_header, gauge_used),
	FIELD(cmxi_shm_header, arena_ready),
	FIELD(cmxi_shm_header, cell_ready),
	FIELD(cmxi_shm_header, inserts_begun),
	FIELD(cmxi_shm_header, inserts_done),
	FIELD(cmxi_shm_header, n_groups),
	FIELD(cmxi_shm_header, stats),
	FIELD(cmxi_shm_header, shard_ticket),
	FIELD(cmxi_shm_header, slots_used),
	FIELD(cmxi_shm_header, slot_hint),
	FIELD(cmxi_shm_header, rseq),
};

static const struct field slot_fields[] = {
	FIELD(cmxi_shm_slot, generation),
	FIELD(cmxi_shm_slot, pid),
	FIELD(cmxi_shm_slot, claimed_ns),
	FIELD(cmxi_shm_slot, ready),
	FIELD(cmxi_shm_slot, start_ticks),
	FIELD(cmxi_shm_slot, pid_namespace),
	FIELD(cmxi_shm_slot, role_version),
	FIELD(cmxi_shm_slot, role),
	FIELD(cmxi_shm_slot, command),
};

/* The last field that begins at or before an offset. */
static const char *
field_at(const struct field *fields, size_t n, uint64_t offset)
{
	const char *name = "fixed";

	for (size_t i = 0; i < n; i++)
		if (fields[i].offset <= offset)
			name = fields[i].name;
	return name;
}

static void
place_in_file(const struct cmxi_shm_header *h, uint64_t at, char *buf,
    size_t size)
{
	unsigned long long n;

	if (at < CMXI_HEADER_SIZE)
		snprintf(buf, size, "header.%s",
		    field_at(header_fields,
			sizeof(header_fields) / sizeof(*header_fields), at));
	else if (at >= h->gauge_offset) {
		n = (at - h->gauge_offset) / h->gauge_stripe_size;
		snprintf(buf, size, "gauge[%llu]+0x%llx", n,
		    (unsigned long long)((at - h->gauge_offset) %
			h->gauge_stripe_size));
	} else if (at >= h->stripe_offset) {
		n = (at - h->stripe_offset) / h->stripe_size;
		snprintf(buf, size, "%s[%llu]+0x%llx",
		    n < h->n_cpu_stripes + h->n_fallback_stripes ? "stripe" :
								   "carry",
		    n,
		    (unsigned long long)((at - h->stripe_offset) %
			h->stripe_size));
	} else if (at >= h->slot_offset) {
		n = (at - h->slot_offset) / sizeof(struct cmxi_shm_slot);
		snprintf(buf, size, "slot[%llu].%s", n,
		    field_at(slot_fields,
			sizeof(slot_fields) / sizeof(*slot_fields),
			(at - h->slot_offset) % sizeof(struct cmxi_shm_slot)));
	} else if (at >= h->arena_offset)
		snprintf(buf, size, "arena+0x%llx",
		    (unsigned long long)(at - h->arena_offset));
	else if (at >= h->index_offset)
		snprintf(buf, size, "index[%llu]",
		    (unsigned long long)(at - h->index_offset) / 8);
	else if (at >= h->bitmap_offset)
		snprintf(buf, size, "index_pages");
	else if (at >= h->family_offset)
		snprintf(buf, size, "families[%llu]",
		    (unsigned long long)(at - h->family_offset) / 8);
	else
		snprintf(buf, size, "schema");
}

void
place_name(uintptr_t address, char *buf, size_t size)
{
	uint64_t at = address - SPACE_BASE;
	int n = 0;

	if (address < SPACE_BASE || at >= SPACE_SIZE) {
		snprintf(buf, size, "0x%lx", (unsigned long)address);
		return;
	}
	if (at >= N_FILES * FILE_ROOM) {
		snprintf(buf, size, "heap+0x%llx",
		    (unsigned long long)(at - N_FILES * FILE_ROOM));
		return;
	}
	if (at / FILE_ROOM > 0)
		n = snprintf(buf, size, "file%llu ",
		    (unsigned long long)(at / FILE_ROOM));
	place_in_file(file_base((int)(at / FILE_ROOM)), at % FILE_ROOM, buf + n,
	    size - (size_t)n);
}

/* Code */

#define PLACES_MAX 4096

/* Where each address of code is, by addr2line(1); asked once for all. */
static struct {
	const void *code;
	char text[96];
} places[PLACES_MAX];
static unsigned int n_places;

static unsigned int
place_of_code(const void *code)
{
	unsigned int i = 0;

	while (i < n_places && places[i].code != code)
		i++;
	if (i == n_places && n_places < PLACES_MAX - 1)
		places[n_places++].code = code;
	return i;
}

/* Helpers that are inlined everywhere say nothing: their callers do. */
static bool
says_nothing(const char *file)
{
	return strstr(file, "atomic.h") != NULL ||
	    strstr(file, "words.h") != NULL ||
	    strstr(file, "seqlock.h") != NULL ||
	    strstr(file, "byte_lock.h") != NULL;
}

static void
ask_for_places(void)
{
	static char command[PLACES_MAX * 20 + 100];
	char function[256], file[512];
	size_t n = (size_t)snprintf(command, sizeof(command),
	    "addr2line -ifsa -e /proc/%d/exe", (int)getpid());
	unsigned int i = 0;
	FILE *out;

	for (unsigned int k = 0; k < n_places; k++)
		n += (size_t)snprintf(command + n, sizeof(command) - n, " %p",
		    (const void *)((const char *)places[k].code - 1));
	out = popen(command, "r");
	if (out == NULL)
		return;
	while (fgets(function, sizeof(function), out) != NULL) {
		function[strcspn(function, "\n")] = '\0';
		if (strncmp(function, "0x", 2) == 0) {
			i++;
			continue;
		}
		if (fgets(file, sizeof(file), out) == NULL)
			break;
		file[strcspn(file, " \n")] = '\0';
		if (i > 0 && places[i - 1].text[0] == '\0' &&
		    !says_nothing(file))
			snprintf(places[i - 1].text, sizeof(places[0].text),
			    "%.40s %.48s", function, file);
	}
	pclose(out);
}

static const char *
order_name(const struct step *s)
{
	switch (s->order) {
	case __ATOMIC_ACQUIRE:
		return " acquire";
	case __ATOMIC_RELEASE:
		return " release";
	case __ATOMIC_ACQ_REL:
		return " acq_rel";
	default:
		return "";
	}
}

static void
print_step(const struct step *s, unsigned int number)
{
	static const char *const kinds[] = { "load", "store", "change", "pread",
		"pwrite", "lock", "ask for lock", "close", "name",
		"look at process", "wait", "mutex", "tell", "fork", "exit",
		"kill", "clock" };
	char place[64] = "";

	if (s->n_touches > 0 && s->touches[0].object == IN_MEMORY)
		place_name(s->touches[0].from, place, sizeof(place));
	printf("  %3u %c %s%s %s%s", number,
	    s->kind == STEP_KILL ? '!' : 'A' + s->actor, kinds[s->kind],
	    order_name(s), place, s->detail);
	if (s->kind <= STEP_CHANGE)
		printf(" = 0x%llx%s", (unsigned long long)s->value,
		    s->is_stale ? " (an older store)" : "");
	if (s->kind == STEP_LOCK || s->kind == STEP_ASK)
		printf("byte 0x%llx", (unsigned long long)s->value);
	if (s->kind == STEP_KILL)
		printf("process %d", s->actor);
	if (s->code != NULL)
		printf("   [%s]", places[place_of_code(s->code)].text);
	putchar('\n');
}

void
trace_print(void)
{
	for (unsigned int i = 0; i < n_steps; i++)
		if (steps[i].code != NULL)
			place_of_code(steps[i].code);
	if (at_code != NULL)
		place_of_code(at_code);
	ask_for_places();
	for (unsigned int i = 0; i < n_steps; i++)
		print_step(&steps[i], i + 1);
	if (at_code != NULL)
		printf("  at [%s]\n", places[place_of_code(at_code)].text);
}
