/*
 * writer.c: the application API's slow half: open, register, look up.
 * Level 10w.
 */
#include <bsd/string.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "codeai/metrics_inline.h"

#include "error.h"
#include "family.h"
#include "name.h"
#include "path.h"
#include "registry.h"
#include "rseq.h"
#include "series.h"
#include "slot.h"
#include "topology.h"

/* A creator that loses attaches; a segment may be removed in between. */
#define OPEN_TRIES 4

#define OPEN_FLAGS \
	(CMX_ATTACH_ONLY | CMX_ANY_FILESYSTEM | CMX_PRIVATE | CMX_EMPTY)

/* Creation */

/* The widest series among the schema's families. */
static uint64_t
largest_cell(const struct cmxi_schema *schema)
{
	uint64_t largest = 0;

	for (size_t i = 0; i < schema->n_families; i++) {
		uint64_t n = cmxi_layout_cell_size(&schema->families[i].def);

		largest = n > largest ? n : largest;
	}
	return largest;
}

static struct cmxi_layout_input
layout_input(const struct cmxi_schema *schema)
{
	bool rseq_works = cmxi_rseq_self_test();
	struct cmxi_topology topology = cmxi_topology_read(rseq_works);

	return (struct cmxi_layout_input){
		.series = schema->limits.series,
		.families = schema->limits.families,
		.processes = schema->limits.processes,
		.label_bytes = schema->limits.label_bytes,
		.schema_size = schema->text_size,
		.largest_cell = largest_cell(schema),
		.n_cpu_stripes = topology.n_cpu_stripes,
		.n_fallback_stripes = topology.n_fallback_stripes,
		.flags = rseq_works ? CMXI_FLAG_RSEQ_WORKS : 0,
	};
}

/* Create the series whose values the schema lists, one by one. */
static void
create_values(const struct cmx_registry *reg,
    const struct cmxi_schema_family *family, uint32_t entry)
{
	size_t at[CMX_LABELS_MAX] = { 0 };
	const char *values[CMX_LABELS_MAX] = { NULL };
	uint64_t cell_offset;
	size_t n = family->def.n_labels, i;

	/* Bound: the product of the lists, which check_limits() checked. */
	do {
		for (i = 0; i < n; i++)
			values[i] = family->values[i].values[at[i]];
		cmxi_series_find(reg, entry, n, values, &cell_offset);
		for (i = n; i > 0; i--) {
			if (++at[i - 1] < family->values[i - 1].n)
				break;
			at[i - 1] = 0;
		}
	} while (i > 0);
}

/* Every family of the schema that the segment lacks. */
static int
append_families(const struct cmx_registry *reg,
    const struct cmxi_schema *schema, struct cmx_error *err)
{
	for (size_t i = 0; i < schema->n_families; i++) {
		const struct cmxi_schema_family *f = &schema->families[i];
		uint32_t entry;
		int r = cmxi_family_append(&reg->segment, &f->def, &entry, err);

		if (r != 0)
			return r;
		if (cmxi_schema_family_has_values(f))
			create_values(reg, f, entry);
	}
	return 0;
}

static mode_t
default_mode(void)
{
	return geteuid() == 0 ? 0660 : 0600;
}

static void
finish_registry(struct cmx_registry *reg)
{
	uint8_t shift = 0;

	while ((UINT64_C(1) << shift) < reg->segment.fixed.stripe_size)
		shift++;
	reg->stripe_shift = shift;
	reg->n_cpus = cmxi_rseq_usable_cpus(&reg->segment.fixed);
	reg->rseq_offset = cmxi_rseq_offset();
}

/* Create a segment and fill it; a null path makes a private one. */
static int
create(struct cmx_registry *reg, const char *path,
    const struct cmxi_schema *schema, const struct cmx_create_options *options,
    struct cmx_error *err)
{
	struct cmxi_layout_input input = layout_input(schema);
	unsigned int flags =
	    options->flags & CMX_ANY_FILESYSTEM ? CMXI_ANY_FILESYSTEM : 0;
	int r = cmxi_segment_create(&reg->segment, path, &input, schema->text,
	    flags, err);

	if (r != 0)
		return r;
	finish_registry(reg);
	if (!(options->flags & CMX_EMPTY))
		r = append_families(reg, schema, err);
	if (r == 0 && path != NULL)
		r = cmxi_segment_publish(&reg->segment,
		    options->mode != 0 ? (mode_t)options->mode : default_mode(),
		    options->has_group ? (gid_t)options->group : (gid_t)-1,
		    err);
	if (r != 0)
		cmxi_segment_close(&reg->segment);
	return r;
}

static int
attach(struct cmx_registry *reg, const char *path, unsigned int flags,
    const struct cmxi_schema *schema, struct cmx_error *err)
{
	int r = cmxi_segment_open(&reg->segment, path, CMXI_WRITE,
	    flags & CMX_ANY_FILESYSTEM ? CMXI_ANY_FILESYSTEM : 0, err);

	if (r != 0)
		return r;
	finish_registry(reg);
	if (schema != NULL)
		r = append_families(reg, schema, err);
	if (r != 0)
		cmxi_segment_close(&reg->segment);
	return r;
}

static int
attach_or_create(struct cmx_registry *reg, const char *path, unsigned int flags,
    const struct cmxi_schema *schema, const struct cmxi_schema *schema_of_new,
    struct cmx_error *err)
{
	const struct cmx_create_options options = { .flags = flags };
	int r = CMX_ERR_SYSTEM;

	if (flags & CMX_PRIVATE)
		return create(reg, NULL, schema_of_new, &options, err);
	for (int i = 0; i < OPEN_TRIES; i++) {
		r = attach(reg, path, flags, schema, err);
		if (r != CMX_ERR_NOT_FOUND || (flags & CMX_ATTACH_ONLY))
			return r;
		r = create(reg, path, schema_of_new, &options, err);
		if (r != CMX_ERR_EXISTS)
			return r;
		/* What it kept for later was of the segment that lost. */
		memset(reg->process, 0, sizeof(*reg->process));
	}
	return r;
}

static struct cmx_registry *
new_registry(struct cmx_error *err)
{
	struct cmx_registry *reg = calloc(1, sizeof(*reg));

	if (reg == NULL) {
		cmxi_error(err, CMX_ERR_MEMORY, "no memory for a registry");
		return NULL;
	}
	reg->segment.fd = -1;
	reg->process = cmxi_process_new();
	if (reg->process == NULL ||
	    cmxi_schema_load(NULL, &reg->codeai, err) != 0) {
		cmxi_error(err, CMX_ERR_MEMORY, "no memory for a registry");
		cmx_close(reg);
		return NULL;
	}
	return reg;
}

/* The named path, or the default one with its directory made. */
static int
choose_path(const char *segment, bool may_create, char *buf, size_t size,
    struct cmx_error *err)
{
	int r;

	if (segment != NULL) {
		if (segment[0] == '\0' || strlcpy(buf, segment, size) >= size)
			return cmxi_error(err, CMX_ERR_ARGUMENT,
			    "the "
			    "segment's path is empty or longer than %zu bytes",
			    size - 1);
		return 0;
	}
	r = cmx_segment_path(buf, size, err);
	if (r == 0 && may_create && !cmxi_path_is_named())
		r = cmxi_path_make_directory(buf, err);
	return r;
}

static int
open_registry(const char *segment, const char *schema, unsigned int flags,
    struct cmx_registry **regp, struct cmx_error *err)
{
	char path[CMXI_PATH_MAX];
	struct cmxi_schema *named = NULL;
	struct cmx_registry *reg;
	int r;

	if (flags & ~OPEN_FLAGS)
		return cmxi_error(err, CMX_ERR_ARGUMENT,
		    "cmx_open: 0x%x are not flags", flags & ~OPEN_FLAGS);
	r = choose_path(segment, !(flags & (CMX_ATTACH_ONLY | CMX_PRIVATE)),
	    path, sizeof(path), err);
	if (r == 0 && schema != NULL)
		r = cmxi_schema_load(schema, &named, err);
	if (r != 0)
		return r;
	reg = new_registry(err);
	r = reg == NULL ? CMX_ERR_MEMORY :
			  attach_or_create(reg, path, flags, named,
			      named != NULL ? named : reg->codeai, err);
	cmxi_schema_free(named);
	if (r != 0)
		cmx_close(reg);
	else
		*regp = reg;
	return r;
}

int
cmx_open(const char *segment, const char *schema, unsigned int flags,
    struct cmx_registry **regp, struct cmx_error *err)
{
	int saved = errno, r;

	if (regp == NULL)
		return cmxi_error(err, CMX_ERR_ARGUMENT,
		    "cmx_open: regp is null");
	*regp = NULL;
	r = open_registry(segment, schema, flags, regp, err);
	/* "Not there" on the way to creating it is no error. */
	if (r == 0)
		cmxi_error_clear(err);
	errno = saved;
	return r;
}

void
cmx_close(struct cmx_registry *reg)
{
	int saved = errno;

	if (reg == NULL)
		return;
	if (reg->process != NULL)
		cmxi_slot_release(&reg->segment, reg->process);
	cmxi_process_free(reg->process);
	cmxi_segment_close(&reg->segment);
	cmxi_schema_free(reg->codeai);
	free(reg);
	errno = saved;
}

int
cmx_create(const char *segment, const char *schema,
    const struct cmx_create_options *options, struct cmx_error *err)
{
	static const struct cmx_create_options defaults;
	char path[CMXI_PATH_MAX];
	struct cmxi_schema *loaded = NULL;
	struct cmx_registry *reg;
	int saved = errno;
	int r = choose_path(segment, true, path, sizeof(path), err);

	if (r == 0)
		r = cmxi_schema_load(schema, &loaded, err);
	if (r != 0) {
		errno = saved;
		return r;
	}
	reg = new_registry(err);
	if (reg == NULL)
		r = CMX_ERR_MEMORY;
	else if (access(path, F_OK) == 0)
		r = cmxi_error(err, CMX_ERR_EXISTS,
		    "%s: exists already; "
		    "remove it first, or open it as it is",
		    path);
	else
		r = create(reg, path, loaded,
		    options != NULL ? options : &defaults, err);
	cmxi_schema_free(loaded);
	cmx_close(reg);
	errno = saved;
	return r;
}

int
cmx_remove(const char *segment, struct cmx_error *err)
{
	char path[CMXI_PATH_MAX];
	int saved = errno;
	int r = choose_path(segment, false, path, sizeof(path), err);

	if (r == 0)
		r = cmxi_segment_remove(path, err);
	errno = saved;
	return r;
}

int
cmx_segment_fd(const struct cmx_registry *reg)
{
	int saved = errno;
	int fd = reg != NULL && cmxi_segment_owns_fd(&reg->segment) ?
	    reg->segment.fd :
	    -1;

	errno = saved;
	return fd;
}

/* Families */

struct first_finding {
	char text[640];
};

static void
keep_first(void *arg, const struct cmxi_finding *finding)
{
	struct first_finding *first = arg;

	if (first->text[0] != '\0')
		return;
	strlcpy(first->text, finding->part, sizeof(first->text));
	strlcat(first->text, ": ", sizeof(first->text));
	strlcat(first->text, finding->text, sizeof(first->text));
}

static bool
definition_has_nulls(const struct cmx_family_def *def)
{
	if (def->name == NULL || (def->n_labels > 0 && def->labels == NULL) ||
	    (def->n_bounds > 0 && def->bounds == NULL))
		return true;
	for (size_t i = 0; i < def->n_labels && i < CMX_LABELS_MAX; i++)
		if (def->labels[i] == NULL)
			return true;
	return false;
}

static int
check_definition(const struct cmx_registry *reg,
    const struct cmx_family_def *def, struct cmx_error *err)
{
	struct first_finding first = { "" };

	if (reg == NULL || def == NULL || definition_has_nulls(def))
		return cmxi_error(err, CMX_ERR_ARGUMENT,
		    "cmx_register: the "
		    "registry, the definition, its name or one of its arrays "
		    "is null");
	if (cmxi_family_check(def, keep_first, &first) != 0)
		return cmxi_error(err, CMX_ERR_ARGUMENT, "family %.64s: %s",
		    def->name, first.text);
	return 0;
}

int
cmx_register(struct cmx_registry *reg, const struct cmx_family_def *def,
    struct cmx_family *familyp, struct cmx_error *err)
{
	struct cmx_family ignored;
	uint32_t entry;
	int saved = errno, r;

	if (familyp == NULL)
		familyp = &ignored;
	memset(familyp, 0, sizeof(*familyp));
	r = check_definition(reg, def, err);
	if (r == 0)
		r = cmxi_family_append(&reg->segment, def, &entry, err);
	errno = saved;
	if (r != 0)
		return r;
	*familyp = (struct cmx_family){ .registry = reg,
		.entry = entry,
		.type = (uint32_t)def->type };
	return 0;
}

int
cmx_family_find(struct cmx_registry *reg, const char *name,
    struct cmx_family *familyp, struct cmx_error *err)
{
	uint32_t entry;

	if (familyp != NULL)
		memset(familyp, 0, sizeof(*familyp));
	if (reg == NULL || name == NULL || familyp == NULL)
		return cmxi_error(err, CMX_ERR_ARGUMENT,
		    "cmx_family_find: the "
		    "registry, the name or the family is null");
	entry = cmxi_family_find(&reg->segment, name);
	if (entry == 0) {
		cmxi_segment_count(&reg->segment, CMXI_STAT_FAILED_LOOKUPS, 1);
		return cmxi_error(err, CMX_ERR_NOT_FOUND,
		    "family %.64s: the "
		    "segment has none of this name; add it to the schema, or "
		    "register it",
		    name);
	}
	*familyp = (struct cmx_family){ .registry = reg,
		.entry = entry,
		.type = cmxi_registry_family(reg, entry)->type };
	return 0;
}

/* Series */

static int
lookup_error(const struct cmx_family *family, enum cmx_type type,
    size_t n_labels, struct cmx_error *err)
{
	const struct cmxi_shm_family *record =
	    cmxi_registry_family(family->registry, family->entry);
	const char *name = (const char *)record + record->text_offset;

	cmxi_segment_count(&family->registry->segment, CMXI_STAT_FAILED_LOOKUPS,
	    1);
	if (record->type != type)
		return cmxi_error(err, CMX_ERR_TYPE,
		    "family %s: is a %s, not "
		    "a %s",
		    name, cmx_type_name((enum cmx_type)record->type),
		    cmx_type_name(type));
	return cmxi_error(err, CMX_ERR_LABELS,
	    "family %s: has %u labels, %zu "
	    "values were given",
	    name, record->n_labels, n_labels);
}

/* The checks and the search that the three kinds of series share. */
static int
find(const struct cmx_family *family, enum cmx_type type, size_t n_labels,
    const char *const *values, uint64_t *cell_offset, struct cmx_error *err)
{
	const struct cmxi_shm_family *record;
	int r;

	if (family == NULL || family->registry == NULL ||
	    (n_labels > 0 && values == NULL))
		return cmxi_error(err, CMX_ERR_ARGUMENT,
		    "the family is a "
		    "sink, or the label values are null");
	record = cmxi_registry_family(family->registry, family->entry);
	if (cmxi_unlikely(record->type != type || record->n_labels != n_labels))
		return lookup_error(family, type, n_labels, err);
	r = cmxi_series_find(family->registry, family->entry, n_labels, values,
	    cell_offset);
	if (cmxi_unlikely(r != 0))
		cmxi_error(err, CMX_OK,
		    "family %s: its overflow series was given: the family has "
		    "max_series, the segment or its file system is full, or a "
		    "label value is longer than %d bytes",
		    (const char *)record + record->text_offset,
		    CMX_LABEL_VALUE_MAX);
	return r;
}

static unsigned char *
first_cell(const struct cmx_registry *reg, uint64_t cell_offset)
{
	return cmxi_segment_stripe(&reg->segment, 0) + cell_offset;
}

int
cmx_counter_find_layout(unsigned int layout, const struct cmx_family *family,
    size_t n_labels, const char *const *values, struct cmx_counter *counter,
    struct cmx_error *err)
{
	uint64_t cell_offset;
	bool is_double;
	int r;

	if (counter == NULL)
		return cmxi_error(err, CMX_ERR_ARGUMENT, "counter is null");
	/* Every layout has this size; a zeroed one is a sink in each. */
	memset(counter, 0, sizeof(*counter));
	if (layout != CMX_HANDLE_LAYOUT)
		return cmxi_error(err, CMX_ERR_MISMATCH,
		    "the program was compiled for handles of layout %u, the "
		    "library has %d; compile it again",
		    layout, CMX_HANDLE_LAYOUT);
	r = find(family, CMX_COUNTER, n_labels, values, &cell_offset, err);
	if (r < 0)
		return r;
	is_double =
	    cmxi_registry_family(family->registry, family->entry)->is_double;
	*counter = (struct cmx_counter){
		.cell = first_cell(family->registry, cell_offset),
		.registry = family->registry,
		/* An inlined update is one of whole numbers. */
		.n_cpus = is_double ? 0 : family->registry->n_cpus,
		.stripe_shift = family->registry->stripe_shift,
		.is_double = is_double,
		.rseq_offset = family->registry->rseq_offset,
	};
	return r;
}

int
cmx_counter_find(const struct cmx_family *family, size_t n_labels,
    const char *const *values, struct cmx_counter *counter,
    struct cmx_error *err)
{
	return cmx_counter_find_layout(CMX_HANDLE_LAYOUT, family, n_labels,
	    values, counter, err);
}

int
cmx_gauge_find(const struct cmx_family *family, size_t n_labels,
    const char *const *values, struct cmx_gauge *gauge, struct cmx_error *err)
{
	uint64_t cell_offset;
	int r;

	if (gauge == NULL)
		return cmxi_error(err, CMX_ERR_ARGUMENT, "gauge is null");
	memset(gauge, 0, sizeof(*gauge));
	r = find(family, CMX_GAUGE, n_labels, values, &cell_offset, err);
	if (r < 0)
		return r;
	*gauge = (struct cmx_gauge){
		.registry = family->registry,
		.offset = cell_offset,
		.is_shared =
		    cmxi_registry_family(family->registry, family->entry)
			->aggregate == CMX_LAST,
	};
	return r;
}

int
cmx_histogram_find(const struct cmx_family *family, size_t n_labels,
    const char *const *values, struct cmx_histogram *histogram,
    struct cmx_error *err)
{
	const struct cmxi_shm_family *record;
	uint64_t cell_offset;
	int r;

	if (histogram == NULL)
		return cmxi_error(err, CMX_ERR_ARGUMENT, "histogram is null");
	memset(histogram, 0, sizeof(*histogram));
	r = find(family, CMX_HISTOGRAM, n_labels, values, &cell_offset, err);
	if (r < 0)
		return r;
	record = cmxi_registry_family(family->registry, family->entry);
	*histogram = (struct cmx_histogram){
		.cell = first_cell(family->registry, cell_offset),
		.registry = family->registry,
		.n_cpus = family->registry->n_cpus,
		.stripe_shift = family->registry->stripe_shift,
		.rseq_offset = family->registry->rseq_offset,
		.n_bounds = record->n_bounds,
		.bounds = cmxi_definition_bounds(record),
	};
	return r;
}
