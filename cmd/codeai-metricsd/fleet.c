/*
 * fleet.c: all segments that are shown: those that -s names, and those that its
 * patterns find.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"

/* So many are in the log by name, of those that are left out at one time. */
#define TOLD_MAX 5

/* What a pattern has found. */
struct search {
	struct find *find;        /* since the start; null: it is no pattern */
	bool is_late;             /* logged */
	unsigned long generation; /* of what was found */
	size_t n_unfit;           /* were found, and have no name for a label */
};

struct fleet {
	struct origin *origins;
	struct search *searches; /* one for each origin, since the start */
	size_t n_origins;
	struct workers *workers;
	struct fleet_budget budget;
	/* Those of one origin stand together, by their paths. */
	struct source **sources;
	size_t n_sources;
	LIST_HEAD(, source) leaving; /* their readings are under way */
	unsigned long generation;
	size_t n_left_out; /* of the sources */

	pthread_mutex_t lock;
	bool is_anew; /* look at unchanged directories too; under the lock */
};

struct fleet *
fleet_new(void)
{
	struct fleet *fleet = calloc(1, sizeof(*fleet));

	if (fleet != NULL)
		pthread_mutex_init(&fleet->lock, NULL);
	return fleet;
}

bool
fleet_add(struct fleet *fleet, const char *argument)
{
	struct origin *grown =
	    reallocarray(fleet->origins, fleet->n_origins + 1, sizeof(*grown));

	if (grown == NULL) {
		log_error("-s: no memory");
		return false;
	}
	fleet->origins = grown;
	grown += fleet->n_origins++;
	memset(grown, 0, sizeof(*grown));
	return argument != NULL ? origin_parse(grown, argument) :
				  origin_default(grown);
}

bool
fleet_make_distinct(struct fleet *fleet)
{
	return origins_make_distinct(fleet->origins, fleet->n_origins);
}

size_t
fleet_n_origins(const struct fleet *fleet)
{
	return fleet->n_origins;
}

const char *
fleet_origin(const struct fleet *fleet, size_t i, bool *is_pattern)
{
	*is_pattern = fleet->origins[i].is_pattern;
	return fleet->origins[i].path;
}

const struct labels *
fleet_origin_labels(const struct fleet *fleet, size_t i)
{
	return &fleet->origins[i].labels;
}

/* Start and end */

static struct source *
start_source(struct fleet *fleet, size_t origin, const char *path,
    const struct labels *labels)
{
	struct source *s =
	    source_new(path, labels, fleet->origins[origin].is_default);

	if (s != NULL &&
	    source_start(s, fleet->workers, fleet->budget.max_bytes)) {
		s->origin = origin;
		s->is_found = fleet->origins[origin].is_pattern;
		/* Until it is known that no other one is in its way. */
		s->is_left_out = s->is_found;
		return s;
	}
	source_free(s);
	log_error("%s: no memory to read it", path);
	return NULL;
}

bool
fleet_start(struct fleet *fleet, const struct fleet_budget *budget)
{
	fleet->budget = *budget;
	fleet->workers = workers_new();
	fleet->sources = calloc(fleet->n_origins, sizeof(*fleet->sources));
	fleet->searches = calloc(fleet->n_origins, sizeof(*fleet->searches));
	if (fleet->workers == NULL || fleet->sources == NULL ||
	    fleet->searches == NULL)
		return false;
	for (size_t i = 0; i < fleet->n_origins; i++) {
		const struct origin *o = &fleet->origins[i];
		struct source *s;

		if (o->is_pattern) {
			fleet->searches[i].find =
			    find_new(fleet->workers, o->path);
			if (fleet->searches[i].find == NULL)
				return false;
			continue;
		}
		s = start_source(fleet, i, o->path, &o->labels);
		if (s == NULL)
			return false;
		fleet->sources[fleet->n_sources++] = s;
	}
	return workers_start(fleet->workers);
}

void
fleet_give_up(struct fleet *fleet)
{
	workers_give_up(fleet->workers);
}

/* Free those whose readings have ended. */
static void
free_leaving(struct fleet *fleet)
{
	struct source *s, *next;

	for (s = LIST_FIRST(&fleet->leaving); s != NULL; s = next) {
		next = LIST_NEXT(s, leaving);
		LIST_REMOVE(s, leaving);
		if (!source_free(s))
			LIST_INSERT_HEAD(&fleet->leaving, s, leaving);
	}
}

void
fleet_free(struct fleet *fleet)
{
	if (fleet == NULL)
		return;
	workers_end(fleet->workers);
	for (size_t i = 0; i < fleet->n_sources; i++)
		source_free(fleet->sources[i]);
	free_leaving(fleet);
	for (size_t i = 0; i < fleet->n_origins; i++) {
		if (fleet->searches != NULL)
			find_free(fleet->searches[i].find);
		origin_free(&fleet->origins[i]);
	}
	workers_free(fleet->workers);
	free(fleet->searches);
	free(fleet->sources);
	free(fleet->origins);
	pthread_mutex_destroy(&fleet->lock);
	free(fleet);
}

/* What patterns find */

/* A segment that was found: its labels are those of -s, and its name. */
static struct source *
found_source(struct fleet *fleet, size_t origin, const char *path)
{
	const struct origin *o = &fleet->origins[origin];
	struct labels labels = { 0 };
	struct cmx_error error;
	struct source *s = NULL;
	bool ok = true;

	for (size_t i = 0; ok && i < o->labels.n; i++)
		ok = labels_add(&labels, o->labels.at[i].name,
		    o->labels.at[i].value);
	ok = ok && origin_add_name(&labels, path, find_fixed_part(o->path));
	if (ok && cmxr_labels_check(labels.n, labels.at, &error) != 0)
		log_warn("%s: is passed over: %s", path, error.text);
	else if (ok)
		s = start_source(fleet, origin, path, &labels);
	labels_free(&labels);
	return s;
}

static void
let_leave(struct fleet *fleet, struct source *s)
{
	if (!source_free(s))
		LIST_INSERT_HEAD(&fleet->leaving, s, leaving);
}

/*
 * Merge what a pattern found with the sources that it has.  Both are sorted.
 * Returns the new end of the list.
 */
static struct source **
merge(struct fleet *fleet, size_t origin, const struct found *found,
    size_t *old, struct source **to)
{
	size_t i = *old, j = 0, n_new = 0, n_gone = 0;

	fleet->searches[origin].n_unfit = 0;
	for (;;) {
		struct source *s = i < fleet->n_sources &&
			fleet->sources[i]->origin == origin ?
		    fleet->sources[i] :
		    NULL;
		int order;

		if (s == NULL && j == found->n)
			break;
		order = s == NULL ? 1 :
		    j == found->n ? -1 :
				    strcmp(s->name, found->paths[j]);
		if (order < 0) {
			let_leave(fleet, s);
			n_gone++;
			i++;
			continue;
		}
		if (order > 0) {
			s = found_source(fleet, origin, found->paths[j]);
			n_new += s != NULL;
			fleet->searches[origin].n_unfit += s == NULL;
		} else
			i++;
		j++;
		if (s != NULL)
			*to++ = s;
	}
	*old = i;
	if (n_new > 0 || n_gone > 0)
		log_info("%s: %zu segments, %zu new, %zu gone",
		    fleet->origins[origin].path,
		    found->n - fleet->searches[origin].n_unfit, n_new, n_gone);
	return to;
}

/* Who is shown where not all can be: the named, then who was shown before. */
enum rank { IS_NAMED, WAS_SHOWN, IS_NEW, RANKS };

static enum rank
rank_of(const struct source *s)
{
	if (!s->is_found)
		return IS_NAMED;
	return s->is_left_out ? IS_NEW : WAS_SHOWN;
}

/* Another source has its labels or its file, or there are too many. */
static const char *
reason_to_leave_out(const struct fleet *fleet, const struct source *s,
    size_t n_shown)
{
	if (n_shown >= fleet->budget.max_sources)
		return "there are too many segments for the limit of descriptors (ulimit -n)";
	for (size_t i = 0; i < fleet->n_sources; i++) {
		const struct source *other = fleet->sources[i];

		if (other->is_left_out)
			continue;
		if (other->origin != s->origin &&
		    strcmp(other->name, s->name) == 0)
			return "another -s shows it already";
		if (other->labels_hash == s->labels_hash &&
		    labels_are_same(&other->labels, &s->labels))
			return "another segment has the same labels; give its -s a label: ,service=NAME";
	}
	return NULL;
}

/* Show a source, or leave it out: some are in the log by name. */
static void
admit(struct fleet *fleet, struct source *s, size_t *n_shown, size_t *n_told)
{
	const char *reason =
	    s->is_found ? reason_to_leave_out(fleet, s, *n_shown) : NULL;

	if (reason == NULL) {
		s->is_left_out = false;
		s->is_told = false;
		++*n_shown;
		return;
	}
	if (!s->is_told && ++*n_told <= TOLD_MAX)
		log_warn("%s: is left out: %s", s->path, reason);
	s->is_told = true;
}

static void
leave_out(struct fleet *fleet)
{
	size_t n_shown = 0, n_told = 0;

	for (size_t i = 0; i < fleet->n_sources; i++) {
		fleet->sources[i]->rank = (int)rank_of(fleet->sources[i]);
		fleet->sources[i]->is_left_out = true;
	}
	for (int rank = 0; rank < RANKS; rank++)
		for (size_t i = 0; i < fleet->n_sources; i++)
			if (fleet->sources[i]->rank == rank)
				admit(fleet, fleet->sources[i], &n_shown,
				    &n_told);
	if (n_told > TOLD_MAX)
		log_warn("%zu more segments are left out", n_told - TOLD_MAX);
	fleet->n_left_out = fleet->n_sources - n_shown;
}

/* Log once that a directory does not answer, and that it does again. */
static void
note_late(struct search *search, const char *path, bool is_late)
{
	if (is_late && !search->is_late)
		log_warn(
		    "%s: looking for segments takes too long; those that are known are shown",
		    path);
	if (!is_late && search->is_late)
		log_info("%s: is looked at again", path);
	search->is_late = is_late;
}

/* What each pattern found, or null where it is late. */
static size_t
look(struct fleet *fleet, uint64_t deadline_ns, const struct found **found)
{
	size_t n_changed = 0;
	bool is_anew;

	pthread_mutex_lock(&fleet->lock);
	is_anew = fleet->is_anew;
	fleet->is_anew = false;
	pthread_mutex_unlock(&fleet->lock);

	for (size_t i = 0; i < fleet->n_origins; i++)
		if (fleet->searches[i].find != NULL)
			find_begin(fleet->searches[i].find, is_anew);
	for (size_t i = 0; i < fleet->n_origins; i++) {
		struct search *search = &fleet->searches[i];

		if (search->find == NULL)
			continue;
		found[i] = find_wait(search->find, deadline_ns);
		note_late(search, fleet->origins[i].path, found[i] == NULL);
		if (found[i] != NULL &&
		    found[i]->generation == search->generation)
			found[i] = NULL;
		if (found[i] != NULL)
			n_changed += found[i]->n + 1;
	}
	return n_changed;
}

static void
change(struct fleet *fleet, const struct found **found, size_t n_new)
{
	struct source **list =
	    calloc(fleet->n_sources + n_new + 1, sizeof(*list));
	struct source **to = list;
	size_t old = 0;

	if (list == NULL)
		return;
	for (size_t i = 0; i < fleet->n_origins; i++) {
		if (found[i] != NULL) {
			to = merge(fleet, i, found[i], &old, to);
			fleet->searches[i].generation = found[i]->generation;
			continue;
		}
		while (
		    old < fleet->n_sources && fleet->sources[old]->origin == i)
			*to++ = fleet->sources[old++];
	}
	free(fleet->sources);
	fleet->sources = list;
	fleet->n_sources = (size_t)(to - list);
	fleet->generation++;
	leave_out(fleet);
}

static void
refresh(struct fleet *fleet, uint64_t deadline_ns)
{
	const struct found **found = calloc(fleet->n_origins, sizeof(*found));
	size_t n_new = found == NULL ? 0 : look(fleet, deadline_ns, found);

	if (n_new > 0)
		change(fleet, found, n_new);
	free(found);
}

void
fleet_read(struct fleet *fleet, uint64_t deadline_ns)
{
	uint64_t now = now_ns();

	free_leaving(fleet);
	/* A directory that does not answer leaves time for the segments. */
	refresh(fleet,
	    deadline_ns > now ? now + (deadline_ns - now) / 4 : deadline_ns);
	for (size_t i = 0; i < fleet->n_sources; i++)
		if (!fleet->sources[i]->is_left_out)
			source_begin(fleet->sources[i]);
	for (size_t i = 0; i < fleet->n_sources; i++)
		if (!fleet->sources[i]->is_left_out)
			source_finish(fleet->sources[i], deadline_ns);
}

void
fleet_look_anew(struct fleet *fleet)
{
	pthread_mutex_lock(&fleet->lock);
	fleet->is_anew = true;
	pthread_mutex_unlock(&fleet->lock);
}

size_t
fleet_n_sources(const struct fleet *fleet)
{
	return fleet->n_sources;
}

const struct source *
fleet_source(const struct fleet *fleet, size_t i)
{
	return fleet->sources[i];
}

unsigned long
fleet_generation(const struct fleet *fleet)
{
	return fleet->generation;
}

size_t
fleet_n_shown(const struct fleet *fleet)
{
	return fleet->n_sources - fleet->n_left_out;
}

size_t
fleet_n_left_out(const struct fleet *fleet)
{
	size_t n = fleet->n_left_out;

	for (size_t i = 0; fleet->searches != NULL && i < fleet->n_origins; i++)
		n += fleet->searches[i].n_unfit;
	return n;
}
