/*
 * lists_json.c: the families, and the segments.
 */
#include <string.h>

#include "live.h"
#include "watch/groups.h"
#include "watch/json_number.h"

/* /api/v1/families */

/* Is the name new?  What is listed is a group of its name. */
static bool
is_new(struct groups *listed, const char *name)
{
	bool is_new;

	return groups_number(listed, name, &is_new) != NO_GROUP && is_new;
}

static bool
is_match(const struct cmx_family_def *def, const char *match)
{
	return match == NULL || strcasestr(def->name, match) != NULL ||
	    (def->help != NULL && strcasestr(def->help, match) != NULL);
}

static json_t *
family_json(const struct cmxr_family *f)
{
	json_t *to = json_object();

	json_add_definition(to, &f->def);
	json_object_set_new(to, "n_series",
	    json_integer((json_int_t)f->n_series));
	return to;
}

static void
list_families(const struct cmxr_snapshot *snapshot, const char *match,
    struct groups *listed, json_t *list)
{
	for (size_t i = 0; i < cmxr_snapshot_n_families(snapshot); i++) {
		struct cmxr_family f;

		cmxr_snapshot_family(snapshot, i, &f);
		if (is_match(&f.def, match) && is_new(listed, f.def.name) &&
		    listed->n <= LIVE_MATCHES_MAX)
			json_array_append_new(list, family_json(&f));
	}
}

char *
families_json(struct live *live, const struct live_want *want)
{
	json_t *to = json_object(), *list = json_array();
	const struct fleet *fleet = collector_hold(live->collector);
	struct groups listed = { .n = 0 };

	for (size_t i = 0; i < fleet_n_sources(fleet); i++) {
		const struct source *s = fleet_source(fleet, i);

		if (live_is_asked_for(live_segment(want), s))
			list_families(s->snapshot, want->match, &listed, list);
	}
	collector_let_go(live->collector);
	json_object_set_new(to, "n_families",
	    json_integer((json_int_t)listed.n));
	json_object_set_new(to, "families", list);
	groups_fini(&listed);
	return json_print(to);
}

/* /api/v1/segments */

static json_t *
statistics_json(const struct source *s)
{
	const struct cmxr_statistic *of;
	size_t cursor = 0;
	json_t *to = json_object();

	for (size_t i = 0;
	     i < STATISTICS_MAX && (of = cmxr_statistic_next(&cursor)) != NULL;
	     i++)
		json_object_set_new(to, of->name,
		    json_integer((json_int_t)s->statistics[i]));
	return to;
}

static json_t *
segment_json(const struct source *s, bool is_wanted)
{
	json_t *to = json_object(), *labels = json_object();

	json_object_set_new(to, "path", json_text(s->name));
	for (size_t i = 0; i < s->labels.n; i++)
		json_object_set_new(labels, s->labels.at[i].name,
		    json_text(s->labels.at[i].value));
	json_object_set_new(to, "labels", labels);
	json_object_set_new(to, "up", json_boolean(s->snapshot != NULL));
	if (s->snapshot == NULL || !is_wanted)
		return to;
	json_object_set_new(to, "created",
	    json_number((double)(s->info.created_ns / NS_PER_SECOND)));
	json_object_set_new(to, "read_seconds", json_rounded(s->seconds));
	json_object_set_new(to, "rseq", json_string(s->info.rseq));
	json_object_set_new(to, "statistics", statistics_json(s));
	return to;
}

/* All by name; the statistics of the one that is asked for, or of the first. */
char *
segments_json(struct live *live, const struct live_want *want)
{
	json_t *to = json_object(), *list = json_array();
	const struct fleet *fleet = collector_hold(live->collector);
	bool has_one = false;

	for (size_t i = 0; i < fleet_n_sources(fleet); i++) {
		const struct source *s = fleet_source(fleet, i);
		bool is_wanted = want->segment != NULL ?
		    strcmp(want->segment, s->name) == 0 :
		    !has_one && s->snapshot != NULL;

		if (s->is_left_out)
			continue;
		has_one = has_one || is_wanted;
		json_array_append_new(list, segment_json(s, is_wanted));
	}
	collector_let_go(live->collector);
	json_object_set_new(to, "segments", list);
	return json_print(to);
}
