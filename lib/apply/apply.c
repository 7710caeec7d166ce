/*
 * apply.c: give a live segment another schema.
 *
 * Where the segment can be what the schema says, families are added to it.
 * Where it cannot, a new segment takes its name, in these steps:
 *
 *	1 lock the segment against others that apply
 *	2 make the new one, with the families of the schema, without a name
 *	3 give the old one a second name, path.SEED
 *	4 rename the new one to path: one instant, before which every reader
 *	  and writer comes to the old one, after which to the new one
 *	5 when the last writer of the old one is gone: carry.c
 *
 * From 4 to 5 a reader adds the two (view_chain.c finds them, lineage.c adds).
 * A process that is killed at any point loses the lock, and the next apply
 * finds one of two states: the old one has the name path (and perhaps the
 * second one, which is removed), or the new one has it, and step 5 is left.
 */
#include "codeai/metrics.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apply/carry.h"
#include "base/call.h"
#include "base/error.h"
#include "schema/schema.h"
#include "segment/segment_file.h"
#include "segment/segment_lock.h"
#include "segment/segment_name.h"
#include "segment/segment_path.h"
#include "segment/words.h"
#include "write/family_table.h"
#include "write/open.h"

/* The path may name another segment when the lock is granted: try again. */
#define LOCK_TRIES 16

/* Open the segment that a path names, and lock it while it has the name. */
static int
open_and_lock(struct cmx_registry *reg, const char *path, struct cmx_error *err)
{
	int r = CMX_ERR_SYSTEM;

	for (int i = 0; i < LOCK_TRIES; i++) {
		r = cmxi_segment_open(&reg->segment, path, CMXI_WRITE,
		    CMXI_ANY_FILESYSTEM, err);
		if (r == 0)
			r = cmxi_segment_lock_apply(&reg->segment, err);
		if (r != 0)
			return r;
		if (cmxi_segment_is_named(&reg->segment)) {
			cmxi_registry_set_stripes(reg);
			return 0;
		}
		r = cmxi_error(err, CMX_ERR_SYSTEM,
		    "%s: is being replaced again and again", path);
		cmxi_segment_unlock_apply(&reg->segment);
		cmxi_segment_close(&reg->segment);
	}
	return r;
}

static bool
same_limits(const struct cmxi_limits *a, const struct cmxi_limits *b)
{
	return a->series == b->series && a->families == b->families &&
	    a->processes == b->processes && a->label_bytes == b->label_bytes;
}

/*
 * Can families of the schema be added to the segment?  They can where the
 * limits are equal and no family conflicts; *n_new families are to be added.
 */
static int
can_take(const struct cmx_registry *reg, const struct cmxi_schema *schema,
    bool *can, unsigned int *n_new, struct cmx_error *err)
{
	struct cmxi_schema *old;
	int r = cmxi_schema_parse_text(
	    &(struct cmxi_schema_text){ .data =
					    cmxi_segment_schema(&reg->segment),
		.size = reg->segment.fixed.schema_size,
		.source = "schema of the segment" },
	    &old, err);

	if (r != 0)
		return r;
	*can = same_limits(&old->limits, &schema->limits);
	cmxi_schema_free(old);
	*n_new = 0;
	for (size_t i = 0; *can && i < schema->n_families; i++) {
		enum cmxi_family_fit fit =
		    cmxi_family_fits(reg, &schema->families[i].def);

		*can = fit != CMXI_FAMILY_CONFLICTS;
		*n_new += fit == CMXI_FAMILY_IS_NEW;
	}
	return 0;
}

/* Remove the second name that an earlier, killed attempt may have left. */
static int
remove_second_name(const struct cmx_registry *reg, const char *path,
    struct cmx_error *err)
{
	char *name =
	    cmxi_segment_predecessor_path(path, reg->segment.fixed.seed, err);
	int r = name == NULL ? CMX_ERR_MEMORY : 0;

	if (r == 0 && unlink(name) != 0 && errno != ENOENT)
		r = cmxi_error_system(err, CMX_ERR_SYSTEM, errno,
		    "%s: cannot remove the name", name);
	free(name);
	return r;
}

/* Make the new segment, which will replace old; it has no name yet. */
static int
make_successor(struct cmx_registry *reg, const struct cmx_registry *old,
    const char *path, const struct cmxi_schema *schema, struct cmx_error *err)
{
	struct cmxi_layout_input input = cmxi_layout_for_schema(schema, false);
	const struct cmxi_shm_header *was = &old->segment.fixed;
	int r;

	input.predecessor_seed = was->seed;
	input.origin_seed = was->origin_seed;
	input.origin_ns =
	    was->origin_ns != 0 ? was->origin_ns : was->created_ns;
	r = cmxi_segment_create(&reg->segment, path, &input, schema->text,
	    CMXI_ANY_FILESYSTEM, err);
	if (r != 0)
		return r;
	cmxi_registry_set_stripes(reg);
	r = cmxi_segment_lock_apply(&reg->segment, err);
	return r == 0 ? cmxi_registry_append_all(reg, schema, err) : r;
}

/* The new file gets the owner, group and mode of the old one. */
static int
take_over_path(struct cmx_registry *reg, const struct cmx_registry *old,
    const char *path, struct cmx_error *err)
{
	struct stat st;

	if (fstat(old->segment.fd, &st) != 0)
		return cmxi_error_system(err, CMX_ERR_SYSTEM, errno,
		    "%s: cannot look at the file", path);
	return cmxi_segment_replace(&reg->segment,
	    &(struct cmxi_owner){ .mode = st.st_mode & 07777,
		.uid = st.st_uid == geteuid() ? (uid_t)-1 : st.st_uid,
		.gid = st.st_gid == getegid() ? (gid_t)-1 : st.st_gid },
	    err);
}

/* Take steps 3 and 4. */
static int
take_name(struct cmx_registry *reg, const struct cmx_registry *old,
    const char *path, struct cmx_error *err)
{
	char *name =
	    cmxi_segment_predecessor_path(path, old->segment.fixed.seed, err);
	int r = name == NULL ? CMX_ERR_MEMORY : 0;

	if (r == 0)
		r = cmxi_segment_link(&old->segment, name, err);
	if (r == 0 &&
	    (!cmxi_segment_applies(&old->segment) ||
		!cmxi_segment_is_named(&old->segment)))
		r = cmxi_error(err, CMX_ERR_SYSTEM,
		    "%s: another process has applied a schema or removed the segment meanwhile; try again",
		    path);
	if (r == 0) {
		r = take_over_path(reg, old, path, err);
		if (r == 0)
			cmxi_segment_mark_retired(old->segment.fd);
		else
			unlink(name);
	}
	free(name);
	return r;
}

/*
 * Count the predecessors whose totals are still in their own files, from a
 * segment on.  Returns the number, or a negative enum cmx_err where one of them
 * cannot be opened now; one that is not there was removed by name.
 */
static int
n_predecessors(const struct cmxi_segment *s, const char *path,
    struct cmx_error *err)
{
	uint64_t seed = s->fixed.predecessor_seed;
	struct cmx_registry *older = cmxi_registry_new(err);
	int n = 0, r = older == NULL ? CMX_ERR_MEMORY : 0;

	while (r == 0 && n <= CMXI_PREDECESSORS_MAX && seed != 0 &&
	    !cmxi_segment_is_carried(s)) {
		char *name = cmxi_segment_predecessor_path(path, seed, err);

		if (older->segment.base != NULL)
			cmxi_segment_close(&older->segment);
		r = name == NULL ?
		    CMX_ERR_MEMORY :
		    cmxi_segment_open(&older->segment, name, CMXI_READ, 0, err);
		free(name);
		if (r != 0)
			break;
		s = &older->segment;
		seed = s->fixed.predecessor_seed;
		n++;
	}
	cmx_close(older);
	return r == 0 || r == CMX_ERR_NOT_FOUND ? n : r;
}

static int
replace_segment(struct cmx_registry **regp, const char *path,
    const struct cmxi_schema *schema, struct cmx_error *err)
{
	struct cmx_registry *old = *regp, *reg;
	int r = n_predecessors(&old->segment, path, err);

	if (r < 0)
		return r;
	if (r >= CMXI_PREDECESSORS_MAX)
		return cmxi_error(err, CMX_ERR_FULL,
		    "%s: %d segments that it replaced still have writers, or wait for one that has; restart those processes first",
		    path, CMXI_PREDECESSORS_MAX);
	reg = cmxi_registry_new(err);
	if (reg == NULL)
		return CMX_ERR_MEMORY;
	r = make_successor(reg, old, path, schema, err);
	if (r == 0)
		r = take_name(reg, old, path, err);
	if (r != 0) {
		cmx_close(reg);
		return r;
	}
	cmxi_segment_unlock_apply(&old->segment);
	cmx_close(old);
	*regp = reg;
	return 0;
}

/*
 * Requires: the apply lock of *regp.  *regp may become the registry of the new
 * segment.
 */
static int
apply_locked(struct cmx_registry **regp, const char *path,
    const struct cmxi_schema *schema, struct cmx_apply_result *result,
    struct cmx_error *err)
{
	bool can = false;
	int r = remove_second_name(*regp, path, err);

	if (r == 0)
		r = can_take(*regp, schema, &can, &result->n_added, err);
	if (r != 0)
		return r;
	/* What needs no writers any more makes room for one more. */
	r = cmxi_carry_totals(*regp, path, &result->n_carried,
	    &result->n_waiting, err);
	if (r == 0 && can)
		return cmxi_registry_append_all(*regp, schema, err);
	if (r == 0)
		r = replace_segment(regp, path, schema, err);
	result->is_replaced = r == 0;
	result->n_waiting = 0;
	if (r == 0)
		r = cmxi_carry_totals(*regp, path, &result->n_carried,
		    &result->n_waiting, err);
	return r;
}

/* Apply to the segment that has the path now; CMX_ERR_NOT_FOUND: none has it.
 */
static int
apply_to_named(const char *path, const struct cmxi_schema *schema,
    struct cmx_apply_result *result, struct cmx_error *err)
{
	struct cmx_registry *reg = cmxi_registry_new(err);
	int r;

	if (reg == NULL)
		return CMX_ERR_MEMORY;
	r = open_and_lock(reg, path, err);
	if (r == 0) {
		r = apply_locked(&reg, path, schema, result, err);
		cmxi_segment_unlock_apply(&reg->segment);
	}
	cmx_close(reg);
	return r;
}

static int
apply_to_path(const char *path, const struct cmxi_schema *schema,
    struct cmx_apply_result *result, struct cmx_error *err)
{
	int r = CMX_ERR_SYSTEM;

	/*
	 * Where there is none it is created.  Another process may do so at the
	 * same time, or remove it again: then it begins anew.
	 */
	for (int i = 0; i < LOCK_TRIES; i++) {
		r = apply_to_named(path, schema, result, err);
		if (r != CMX_ERR_NOT_FOUND)
			return r;
		r = cmxi_registry_create(path, schema, NULL, err);
		result->is_created = r == 0;
		if (r != CMX_ERR_EXISTS)
			return r;
	}
	return r;
}

int
cmx_apply(const char *segment, const char *schema,
    struct cmx_apply_result *result, struct cmx_error *err)
{
	struct cmx_apply_result ignored;
	char path[CMXI_PATH_MAX];
	struct cmxi_schema *loaded = NULL;
	struct cmxi_call call = cmxi_call_begin();
	int r = cmxi_path_choose(segment, true, path, sizeof(path), err);

	if (result == NULL)
		result = &ignored;
	memset(result, 0, sizeof(*result));
	if (r == 0)
		r = cmxi_schema_load(schema, &loaded, err);
	if (r == 0)
		r = apply_to_path(path, loaded, result, err);
	if (r == 0)
		cmxi_error_clear(err);
	cmxi_schema_free(loaded);
	cmxi_call_end(&call);
	return r;
}
