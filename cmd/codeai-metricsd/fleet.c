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

/* One -s. */
struct origin {
	char *path; /* of a segment, or a pattern */
	bool is_default;
	bool is_pattern;
	struct labels labels;
	struct find *find;        /* of a pattern, since the start */
	bool is_late;             /* logged */
	unsigned long generation; /* of what was found */
	size_t n_unfit;           /* were found, and have no name for a label */
};

struct fleet {
	struct origin *origins;
	size_t n_origins;
	struct workers *workers;
	struct fleet_budget budget;
	/* Those of one origin stand together, by their paths. */
	struct source **sources;
	size_t n_sources;
	LIST_HEAD(, source) leaving; /* their readings are under way */
	unsigned long generation;
	size_t n_left_out; /* of the sources */
	size_t n_unfit;    /* found beside them */

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

/* The command line */

/* Cut "name=value" in two.  Returns false for a text that is no label. */
static bool
parse_label(struct origin *o, char *text)
{
	char *equal = strchr(text, '=');

	/* To Prometheus, a label without a value is none. */
	if (equal != NULL && equal != text && equal[1] != '\0') {
		*equal = '\0';
		if (labels_add(&o->labels, text, equal + 1))
			return true;
		*equal = '=';
	}
	log_error("-s %s: \"%s\" is not LABEL=VALUE", o->path, text);
	return false;
}

static bool
check_labels(const struct origin *o)
{
	struct cmx_error error;

	if (cmxr_labels_check(o->labels.n, o->labels.at, &error) != 0) {
		log_error("-s %s: %s", o->path, error.text);
		return false;
	}
	if (labels_find(&o->labels, "path") != NULL) {
		log_error(
		    "-s %s: the label path is that of codeai_metricsd_segment_up; use another name",
		    o->path);
		return false;
	}
	if (o->is_pattern && labels_find(&o->labels, "segment") != NULL) {
		log_error(
		    "-s %s: several segments cannot have one label segment; each gets it, with its name",
		    o->path);
		return false;
	}
	return true;
}

/* A directory stands for the segments in it. */
static bool
set_path(struct origin *o, const char *path)
{
	size_t n = strlen(path);
	bool is_directory =
	    n > 0 && (path[n - 1] == '/' || find_is_directory(path));

	if (!is_directory)
		o->path = strdup(path);
	else if (asprintf(&o->path, "%s%s*.seg", path,
		     path[n - 1] == '/' ? "" : "/") < 0)
		o->path = NULL;
	o->is_pattern = o->path != NULL && find_is_pattern(o->path);
	return o->path != NULL;
}

/* Fill an origin from "PATH" or "PATH,label=value,...". */
static bool
parse_origin(struct origin *o, const char *argument)
{
	char *copy = strdup(argument), *rest = copy;
	char *label = strsep(&rest, ",");
	bool ok = false;

	if (label == NULL)
		log_error("-s %s: no memory", argument);
	else if (label[0] == '\0')
		log_error("-s %s: the path is empty", argument);
	else if (strlen(label) > CMX_LABEL_VALUE_MAX)
		log_error("-s %s: the path has more than %d bytes", argument,
		    CMX_LABEL_VALUE_MAX);
	else
		ok = set_path(o, label);
	while (ok && (label = strsep(&rest, ",")) != NULL)
		ok = parse_label(o, label);
	free(copy);
	return ok && check_labels(o);
}

bool
fleet_add(struct fleet *fleet, const char *argument)
{
	char path[4096];
	struct cmx_error error;
	struct origin *grown =
	    reallocarray(fleet->origins, fleet->n_origins + 1, sizeof(*grown));

	if (grown == NULL) {
		log_error("-s: no memory");
		return false;
	}
	fleet->origins = grown;
	grown += fleet->n_origins++;
	memset(grown, 0, sizeof(*grown));
	if (argument != NULL)
		return parse_origin(grown, argument);
	grown->is_default = true;
	if (cmx_segment_path(path, sizeof(path), &error) != 0) {
		log_error("%s", error.text);
		return false;
	}
	grown->path = strdup(path);
	return grown->path != NULL;
}

/* What stands for a path as the label segment: "a/m" for "/run/a/m.seg". */
static char *
name_of(const char *path, size_t skipped)
{
	char *name = strdup(path + skipped);
	size_t n = name == NULL ? 0 : strlen(name);

	if (n > 4 && strcmp(name + n - 4, ".seg") == 0)
		name[n - 4] = '\0';
	return name;
}

static bool
add_name(struct labels *labels, const char *path, size_t skipped)
{
	char *name = name_of(path, skipped);
	bool ok = name != NULL && labels_add(labels, "segment", name);

	free(name);
	return ok;
}

bool
fleet_make_distinct(struct fleet *fleet)
{
	struct origin *o = fleet->origins;

	for (size_t i = 0; fleet->n_origins > 1 && i < fleet->n_origins; i++) {
		const char *slash = strrchr(o[i].path, '/');

		if (!o[i].is_pattern && o[i].labels.n == 0 &&
		    !add_name(&o[i].labels, o[i].path,
			slash == NULL ? 0 : (size_t)(slash + 1 - o[i].path)))
			return false;
	}
	for (size_t i = 0; i < fleet->n_origins; i++)
		for (size_t j = 0; j < i; j++)
			if (o[i].is_pattern == o[j].is_pattern &&
			    (!o[i].is_pattern ||
				strcmp(o[i].path, o[j].path) == 0) &&
			    labels_are_same(&o[i].labels, &o[j].labels)) {
				log_error(
				    "%s and %s would expose the same series; tell them apart with a label: -s %s,service=NAME",
				    o[j].path, o[i].path, o[i].path);
				return false;
			}
	return true;
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
	if (fleet->workers == NULL || fleet->sources == NULL)
		return false;
	for (size_t i = 0; i < fleet->n_origins; i++) {
		struct origin *o = &fleet->origins[i];
		struct source *s;

		if (o->is_pattern) {
			o->find = find_new(fleet->workers, o->path);
			if (o->find == NULL)
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

void
fleet_free(struct fleet *fleet)
{
	struct source *s;

	if (fleet == NULL)
		return;
	workers_end(fleet->workers);
	for (size_t i = 0; i < fleet->n_sources; i++)
		source_free(fleet->sources[i]);
	while ((s = LIST_FIRST(&fleet->leaving)) != NULL) {
		LIST_REMOVE(s, leaving);
		source_free(s);
	}
	for (size_t i = 0; i < fleet->n_origins; i++) {
		find_free(fleet->origins[i].find);
		labels_free(&fleet->origins[i].labels);
		free(fleet->origins[i].path);
	}
	workers_free(fleet->workers);
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
	ok = ok && add_name(&labels, path, find_fixed_part(o->path));
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

	fleet->origins[origin].n_unfit = 0;
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
			fleet->origins[origin].n_unfit += s == NULL;
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
		    found->n - fleet->origins[origin].n_unfit, n_new, n_gone);
	return to;
}

/* Who is shown where not all can be: the named, then who came first. */
enum rank { IS_NAMED, WAS_SHOWN, IS_NEW, RANKS };

static enum rank
rank_of(const struct fleet *fleet, const struct source *s)
{
	if (!fleet->origins[s->origin].is_pattern)
		return IS_NAMED;
	return s->was_shown ? WAS_SHOWN : IS_NEW;
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
	const char *reason = rank_of(fleet, s) == IS_NAMED ?
	    NULL :
	    reason_to_leave_out(fleet, s, *n_shown);

	if (reason == NULL) {
		s->is_left_out = false;
		s->was_shown = true;
		s->is_told = false;
		++*n_shown;
		return;
	}
	if (!s->is_told && ++*n_told <= TOLD_MAX)
		log_warn("%s: is left out: %s", s->path, reason);
	s->is_told = true;
	s->was_shown = false;
}

static void
leave_out(struct fleet *fleet)
{
	size_t n_shown = 0, n_told = 0;

	fleet->n_unfit = 0;
	for (size_t i = 0; i < fleet->n_sources; i++)
		fleet->sources[i]->is_left_out = true;
	for (int rank = 0; rank < RANKS; rank++)
		for (size_t i = 0; i < fleet->n_sources; i++) {
			struct source *s = fleet->sources[i];

			if (s->is_left_out && !s->is_judged &&
			    rank_of(fleet, s) == (enum rank)rank) {
				s->is_judged = true;
				admit(fleet, s, &n_shown, &n_told);
			}
		}
	for (size_t i = 0; i < fleet->n_sources; i++)
		fleet->sources[i]->is_judged = false;
	if (n_told > TOLD_MAX)
		log_warn("%zu more segments are left out", n_told - TOLD_MAX);
	fleet->n_left_out = fleet->n_sources - n_shown;
	for (size_t i = 0; i < fleet->n_origins; i++)
		fleet->n_unfit += fleet->origins[i].n_unfit;
}

/* Log once that a directory does not answer, and that it does again. */
static void
note_late(struct origin *o, bool is_late)
{
	if (is_late && !o->is_late)
		log_warn(
		    "%s: looking for segments takes too long; those that are known are shown",
		    o->path);
	if (!is_late && o->is_late)
		log_info("%s: is looked at again", o->path);
	o->is_late = is_late;
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
		if (fleet->origins[i].is_pattern)
			find_begin(fleet->origins[i].find, is_anew);
	for (size_t i = 0; i < fleet->n_origins; i++) {
		struct origin *o = &fleet->origins[i];

		if (!o->is_pattern)
			continue;
		found[i] = find_wait(o->find, deadline_ns);
		note_late(o, found[i] == NULL);
		if (found[i] == NULL || found[i]->generation == o->generation)
			found[i] = NULL;
		else
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
			fleet->origins[i].generation = found[i]->generation;
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
	return fleet->n_left_out + fleet->n_unfit;
}
