/*
 * open.c: a process's way into a segment: create, attach, close, remove.
 */
#include "write/open.h"

#include <bsd/string.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/bytes.h"
#include "base/call.h"
#include "base/error.h"
#include "base/require.h"
#include "schema/schema.h"
#include "segment/exemplar.h"
#include "segment/opened.h"
#include "segment/segment_file.h"
#include "segment/segment_lock.h"
#include "segment/segment_name.h"
#include "segment/segment_path.h"
#include "segment/topology.h"
#include "write/family_table.h"
#include "write/ownership.h"
#include "write/rseq.h"
#include "write/series.h"
#include "write/slot.h"

/*
 * Tries to attach or create: a creator that loses the race attaches, and the
 * segment may be removed in between.
 */
#define OPEN_TRIES 16

#define OPEN_FLAGS \
	(CMX_ATTACH_ONLY | CMX_ANY_FILESYSTEM | CMX_PRIVATE | CMX_EMPTY)

/* Creation */

/* The larger of two numbers. */
static uint64_t
larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* The most bytes of cells and of exemplars of a series of the schema. */
static void
measure_series(const struct cmxi_schema *schema,
    struct cmxi_layout_input *input)
{
	for (size_t i = 0; i < schema->n_families; i++) {
		const struct cmx_family_def *def = &schema->families[i].def;

		input->largest_cell =
		    larger(input->largest_cell, cmxi_layout_cell_size(def));
		input->exemplar_bytes =
		    larger(input->exemplar_bytes, cmxi_exemplar_bytes(def));
	}
}

struct cmxi_layout_input
cmxi_layout_for_schema(const struct cmxi_schema *schema, bool is_empty)
{
	struct cmxi_topology topology =
	    cmxi_topology_read(cmxi_rseq_is_registered());
	struct cmxi_layout_input input = {
		.series = schema->limits.series,
		.families = schema->limits.families,
		.processes = schema->limits.processes,
		.label_bytes = schema->limits.label_bytes,
		.schema_size = schema->text_size,
		.n_cpu_stripes = topology.n_cpu_stripes,
		.n_fallback_stripes = topology.n_fallback_stripes,
		.flags = is_empty ? CMXI_FLAG_NO_FAMILIES : 0,
	};

	measure_series(schema, &input);
	return input;
}

/* Create the series whose label values the schema lists. */
static void
create_values(const struct cmx_registry *reg,
    const struct cmxi_schema_family *family, uint32_t entry)
{
	size_t at[CMX_LABELS_MAX] = { 0 };
	const char *values[CMX_LABELS_MAX] = { NULL };
	const struct cmxi_shm_series *found;
	size_t n = family->def.n_labels, i;

	/* Bound: the product of the lists, which check_limits() checked. */
	do {
		for (i = 0; i < n; i++)
			values[i] = family->values[i].values[at[i]];
		cmxi_series_find(reg, entry, n, values, &found);
		for (i = n; i > 0; i--) {
			if (++at[i - 1] < family->values[i - 1].n)
				break;
			at[i - 1] = 0;
		}
	} while (i > 0);
}

/*
 * Keep a family of the segment from look-ups by name: this process wants
 * another definition of it.
 */
static void
note_conflict(struct cmx_registry *reg, const char *name)
{
	uint32_t entry = cmxi_family_find(reg, name);

	for (size_t i = 0; entry != 0 && i < CMXI_CONFLICTS; i++) {
		uint32_t there = cmxi_load32_relaxed(&reg->conflicts[i]);

		/* relaxed: a look-up at this instant may miss it */
		if (there == 0)
			cmxi_store32_relaxed(&reg->conflicts[i], entry);
		if (there == 0 || there == entry)
			return;
	}
}

/* A schema of this process has the family as the segment has it. */
static void
end_conflict(struct cmx_registry *reg, uint32_t entry)
{
	for (size_t i = 0; i < CMXI_CONFLICTS; i++) {
		uint32_t there = cmxi_load32_relaxed(&reg->conflicts[i]);

		if (there == 0)
			return;
		if (there == entry)
			cmxi_store32_relaxed(&reg->conflicts[i], UINT32_MAX);
	}
}

int
cmxi_registry_append(struct cmx_registry *reg, const struct cmxi_schema *schema,
    struct cmx_error *err)
{
	struct cmx_error one;
	int n_conflicts = 0;

	REQUIRE(schema != NULL);
	for (size_t i = 0; i < schema->n_families; i++) {
		const struct cmxi_schema_family *f = &schema->families[i];
		uint32_t entry;
		int r = cmxi_family_append(reg, &f->def, &entry, &one);

		if (r == CMX_ERR_CONFLICT) {
			note_conflict(reg, f->def.name);
			cmxi_error_join(err, &one, n_conflicts++ == 0);
			continue;
		}
		if (r != 0) {
			cmxi_error_join(err, &one, true);
			return r;
		}
		end_conflict(reg, entry);
		if (cmxi_schema_family_has_values(f))
			create_values(reg, f, entry);
	}
	return n_conflicts > 0;
}

int
cmxi_registry_append_all(struct cmx_registry *reg,
    const struct cmxi_schema *schema, struct cmx_error *err)
{
	int r = cmxi_registry_append(reg, schema, err);

	return r > 0 ? CMX_ERR_CONFLICT : r;
}

void
cmxi_registry_set_stripes(struct cmx_registry *reg)
{
	uint8_t shift = 0;

	while ((UINT64_C(1) << shift) < reg->segment.fixed.stripe_size)
		shift++;
	reg->stripe_shift = shift;
	reg->n_cpus = cmxi_rseq_usable_cpus(&reg->segment);
	reg->rseq_offset = cmxi_rseq_offset();
}

/* Create a segment and fill it; a null path creates a private one. */
static int
create_segment(struct cmx_registry *reg, const char *path,
    const struct cmxi_schema *schema, const struct cmx_create_options *options,
    struct cmx_error *err)
{
	struct cmxi_layout_input input =
	    cmxi_layout_for_schema(schema, options->flags & CMX_EMPTY);
	unsigned int flags =
	    options->flags & CMX_ANY_FILESYSTEM ? CMXI_ANY_FILESYSTEM : 0;
	struct cmxi_owner owner;
	bool is_chosen;
	int r = cmxi_ownership_choose(options, &owner, &is_chosen, err);

	if (r == 0)
		r = cmxi_segment_create(&reg->segment, path, &input,
		    schema->text, flags, err);
	if (r != 0)
		return r;
	cmxi_registry_set_stripes(reg);
	if (!(options->flags & CMX_EMPTY))
		r = cmxi_registry_append_all(reg, schema, err);
	if (r == 0)
		r = cmxi_segment_lock_as_writer(&reg->segment, err);
	if (r == 0 && path != NULL)
		r = cmxi_segment_publish(&reg->segment, &owner, err);
	if (r != 0)
		cmxi_segment_close(&reg->segment);
	return r;
}

/*
 * The schema that a call names.  It is parsed when it is first needed, at most
 * once.
 */
struct source {
	struct cmxi_schema_text text;
	struct cmxi_schema *parsed;
	bool is_named; /* false: the built-in one, as a fallback */
};

static int
parse_source(struct source *source, struct cmx_error *err)
{
	return source->parsed != NULL ?
	    0 :
	    cmxi_schema_parse_text(&source->text, &source->parsed, err);
}

/*
 * Was the segment made from this very text?  Then its creator has added every
 * family, and an open has nothing to add.
 */
static bool
is_made_from(const struct cmxi_segment *s, const struct cmxi_schema_text *text)
{
	return !(s->fixed.flags & CMXI_FLAG_NO_FAMILIES) &&
	    s->fixed.schema_size == text->size &&
	    memcmp(cmxi_segment_schema(s), text->data, text->size) == 0;
}

/* 0, 1 where families conflict, or an error. */
static int
append_source(struct cmx_registry *reg, struct source *source,
    struct cmx_error *err)
{
	int r;

	if (!source->is_named ||
	    (cmxi_load32_relaxed(&reg->conflicts[0]) == 0 &&
		is_made_from(&reg->segment, &source->text)))
		return 0;
	r = parse_source(source, err);
	return r == 0 ? cmxi_registry_append(reg, source->parsed, err) : r;
}

/*
 * A segment that is there gets the mode and the group that this call asks for,
 * if it is our own.  Returns 0; or 1 where that cannot be, and err says why:
 * the segment is open all the same.
 */
static int
adopt(const struct cmx_registry *reg, const struct cmx_create_options *options,
    struct cmx_error *err)
{
	struct cmxi_owner owner;
	bool is_chosen;
	int r = cmxi_ownership_choose(options, &owner, &is_chosen, err);

	if (r == 0 && is_chosen)
		r = cmxi_ownership_adopt(&reg->segment, &owner, err);
	return r != 0;
}

static int
attach_segment(struct cmx_registry *reg, const char *path,
    const struct cmx_create_options *options, struct source *source,
    struct cmx_error *err)
{
	unsigned int flags = options->flags;
	int r = cmxi_segment_open(&reg->segment, path, CMXI_WRITE,
	    flags & CMX_ANY_FILESYSTEM ? CMXI_ANY_FILESYSTEM : 0, err);

	if (r != 0)
		return r;
	cmxi_registry_set_stripes(reg);
	r = cmxi_segment_lock_as_writer(&reg->segment, err);
	/*
	 * Another process may have replaced the segment between the open and
	 * the lock, and have looked for writers before the lock was taken.  So
	 * the segment is opened anew.
	 */
	if (r == 0 && !cmxi_segment_is_named(&reg->segment))
		r = cmxi_error(err, CMX_ERR_NOT_FOUND,
		    "%s: was replaced or removed while it was opened", path);
	if (r == 0)
		r = append_source(reg, source, err);
	if (r == 0)
		r = adopt(reg, options, err);
	if (r < 0)
		cmxi_segment_close(&reg->segment);
	return r;
}

static int
parse_and_create(struct cmx_registry *reg, const char *path,
    struct source *source, const struct cmx_create_options *options,
    struct cmx_error *err)
{
	int r = parse_source(source, err);

	if (r == 0)
		r = create_segment(reg, path, source->parsed, options, err);
	return r;
}

static int
attach_or_create(struct cmx_registry *reg, const char *path,
    const struct cmx_create_options *options, struct source *source,
    struct cmx_error *err)
{
	unsigned int flags = options->flags;
	int r = CMX_ERR_SYSTEM;

	if (flags & CMX_PRIVATE)
		return parse_and_create(reg, NULL, source, options, err);
	for (int i = 0; i < OPEN_TRIES; i++) {
		r = attach_segment(reg, path, options, source, err);
		if (r != CMX_ERR_NOT_FOUND)
			return r;
		if (flags & CMX_ATTACH_ONLY) {
			if (access(path, F_OK) != 0)
				return r;
			continue;
		}
		r = parse_and_create(reg, path, source, options, err);
		if (r != CMX_ERR_EXISTS)
			return r;
		/*
		 * The spares of this process belong to the segment that lost
		 * the race; they mean nothing in the winner's.
		 */
		memset(reg->own, 0, sizeof(*reg->own));
	}
	return r;
}

struct cmx_registry *
cmxi_registry_new(struct cmx_error *err)
{
	struct cmx_registry *reg = calloc(1, sizeof(*reg));

	if (reg == NULL) {
		cmxi_error(err, CMX_ERR_MEMORY, "no memory for a registry");
		return NULL;
	}
	reg->segment.fd = -1;
	reg->own = cmxi_own_page_new();
	if (reg->own == NULL) {
		cmxi_error_system(err,
		    errno == ENOMEM ? CMX_ERR_MEMORY : CMX_ERR_SYSTEM, errno,
		    "cannot make memory that children do not inherit (mmap, MADV_WIPEONFORK)");
		cmx_close(reg);
		return NULL;
	}
	return reg;
}

/* One registry for each file that the process has open */

/* The open registry of a file, with one more open; or null. */
static struct cmx_registry *
find_open(const struct stat *st)
{
	const struct cmxi_opened *o;
	struct cmx_registry *reg = NULL;

	if (!cmxi_opened_lock())
		return NULL;
	o = cmxi_opened_find(st->st_dev, st->st_ino);
	if (o != NULL && o->registry != NULL) {
		reg = o->registry;
		reg->n_opens++;
	}
	cmxi_opened_unlock();
	return reg;
}

/*
 * Share a registry that was opened: the first thread's is that of all.  Another
 * thread may have opened the file at the same time; ours is closed then.
 */
static struct cmx_registry *
share(struct cmx_registry *reg)
{
	struct cmxi_segment *s = &reg->segment;
	struct cmxi_opened *o;

	reg->n_opens = 1;
	if (!cmxi_opened_lock())
		return reg;
	o = cmxi_opened_find(s->device, s->inode);
	if (o == NULL) {
		s->opened = cmxi_opened_add(s->device, s->inode, s->fd, reg);
	} else if (o->registry == NULL) {
		/* Readers have the entry of one that was closed. */
		o->registry = reg;
		s->opened = o;
		s->fd = cmxi_opened_join(o, s->fd);
	} else {
		struct cmx_registry *others = o->registry;

		others->n_opens++;
		cmxi_opened_unlock();
		cmx_close(reg);
		return others;
	}
	cmxi_opened_unlock();
	return reg;
}

/* End one open.  Returns whether it was the last one. */
static bool
end_share(struct cmx_registry *reg)
{
	struct cmxi_opened *o;
	bool is_last;

	if (reg->n_opens == 0 || !cmxi_opened_lock())
		return true;
	is_last = --reg->n_opens == 0;
	o = cmxi_opened_find(reg->segment.device, reg->segment.inode);
	if (is_last && o != NULL && o->registry == reg)
		o->registry = NULL;
	cmxi_opened_unlock();
	return is_last;
}

/* The segment that the path names now, if this process has it open. */
static int
open_shared(const char *path, unsigned int flags, struct source *source,
    struct cmx_registry **regp, struct cmx_error *err)
{
	struct cmx_registry *reg;
	struct stat st;
	int r;

	if ((flags & CMX_PRIVATE) || lstat(path, &st) != 0 ||
	    (reg = find_open(&st)) == NULL)
		return CMX_ERR_NOT_FOUND;
	r = append_source(reg, source, err);
	if (r >= 0)
		*regp = reg;
	else
		cmx_close(reg);
	return r;
}

static int
open_new(const char *path, const struct cmx_create_options *options,
    struct source *source, struct cmx_registry **regp, struct cmx_error *err)
{
	struct cmx_registry *reg = cmxi_registry_new(err);
	int r = reg == NULL ? CMX_ERR_MEMORY :
			      attach_or_create(reg, path, options, source, err);

	if (r < 0)
		cmx_close(reg);
	else
		*regp = share(reg);
	return r;
}

/* A segment that its owner or a writer would refuse is not created. */
static int
check_options(const struct cmx_create_options *o, unsigned int allowed,
    struct cmx_error *err)
{
	if (!cmxi_is_zero(o->reserved, sizeof(o->reserved)))
		return cmxi_error(err, CMX_ERR_ARGUMENT,
		    "options: the reserved members are not 0");
	if ((o->flags & ~allowed) != 0)
		return cmxi_error(err, CMX_ERR_ARGUMENT,
		    "options: the flags are 0x%x; 0x%x of them are not allowed here",
		    o->flags, o->flags & ~allowed);
	if (o->mode != 0 && !cmxi_mode_is_allowed(o->mode))
		return cmxi_error(err, CMX_ERR_ARGUMENT,
		    "options: the mode is 0%o; the owner must be able to read and write the file, others must not be able to write it",
		    o->mode);
	if (o->has_group && o->group == (unsigned int)-1)
		return cmxi_error(err, CMX_ERR_ARGUMENT,
		    "options: the group is -1, which is none");
	return 0;
}

/* The path of a segment that may be created, and its directory. */
static int
choose_path(const char *segment, const struct cmx_create_options *options,
    bool may_create, char *path, struct cmx_error *err)
{
	struct cmxi_owner owner;
	bool is_chosen;
	int r = cmxi_path_choose(segment, may_create, path, CMXI_PATH_MAX, err);

	if (r == 0 && may_create)
		r = cmxi_ownership_choose(options, &owner, &is_chosen, err);
	if (r == 0 && may_create && segment == NULL && !cmxi_path_is_named())
		cmxi_ownership_open_directory(path, &owner);
	return r;
}

int
cmxi_registry_open(const char *segment, const char *schema,
    const struct cmx_create_options *options, struct cmx_registry **regp,
    struct cmx_error *err)
{
	char path[CMXI_PATH_MAX];
	struct source source = { .is_named = schema != NULL };
	int r = check_options(options, OPEN_FLAGS, err);

	if (r == 0)
		r = choose_path(segment, options,
		    !(options->flags & (CMX_ATTACH_ONLY | CMX_PRIVATE)), path,
		    err);
	if (r == 0)
		r = cmxi_schema_text_read(schema, &source.text, err);
	if (r != 0)
		return r;
	r = open_shared(path, options->flags, &source, regp, err);
	if (r == CMX_ERR_NOT_FOUND)
		r = open_new(path, options, &source, regp, err);
	cmxi_schema_free(source.parsed);
	cmxi_schema_text_fini(&source.text);
	return r;
}

void
cmx_close(struct cmx_registry *reg)
{
	struct cmxi_call call;

	if (reg == NULL)
		return;
	call = cmxi_call_begin();
	if (!end_share(reg)) {
		cmxi_call_end(&call);
		return;
	}
	if (reg->own != NULL)
		cmxi_slot_release(&reg->segment, reg->own);
	cmxi_own_page_free(reg->own);
	cmxi_segment_close(&reg->segment);
	free(reg);
	cmxi_call_end(&call);
}

int
cmxi_registry_create(const char *path, const struct cmxi_schema *schema,
    const struct cmx_create_options *options, struct cmx_error *err)
{
	static const struct cmx_create_options defaults;
	struct cmx_registry *reg = cmxi_registry_new(err);
	int r;

	if (reg == NULL)
		r = CMX_ERR_MEMORY;
	else if (access(path, F_OK) == 0)
		r = cmxi_error(err, CMX_ERR_EXISTS,
		    "%s: exists already; remove it first, or open it as it is",
		    path);
	else
		r = create_segment(reg, path, schema,
		    options != NULL ? options : &defaults, err);
	cmx_close(reg);
	return r;
}

int
cmx_create(const char *segment, const char *schema,
    const struct cmx_create_options *options, struct cmx_error *err)
{
	char path[CMXI_PATH_MAX];
	struct cmxi_schema *loaded = NULL;
	struct cmxi_call call = cmxi_call_begin();
	int r = options != NULL ?
	    check_options(options, CMX_ANY_FILESYSTEM | CMX_EMPTY, err) :
	    0;

	if (r == 0)
		r = choose_path(segment, options, true, path, err);
	if (r == 0)
		r = cmxi_schema_load(schema, &loaded, err);
	if (r == 0)
		r = cmxi_registry_create(path, loaded, options, err);
	cmxi_schema_free(loaded);
	cmxi_call_end(&call);
	return r;
}

int
cmx_remove(const char *segment, struct cmx_error *err)
{
	char path[CMXI_PATH_MAX];
	struct cmxi_call call = cmxi_call_begin();
	int r = cmxi_path_choose(segment, false, path, sizeof(path), err);

	if (r == 0)
		r = cmxi_segment_remove(path, err);
	cmxi_call_end(&call);
	return r;
}

int
cmx_segment_fd(const struct cmx_registry *reg)
{
	struct cmxi_call call = cmxi_call_begin();
	int fd = reg != NULL && cmxi_segment_owns_fd(&reg->segment) ?
	    reg->segment.fd :
	    -1;

	cmxi_call_end(&call);
	return fd;
}
