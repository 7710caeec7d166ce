/*
 * list: print the families.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <codeai/metrics_reader.h>

#include "cmd.h"

/*
 * Print name, type, labels, series and help with tabs between, for people and
 * cut(1).
 */
static void
print_line(const struct cmxr_family *f)
{
	printf("%s\t%s\t", f->def.name, cmx_type_name(f->def.type));
	for (size_t i = 0; i < f->def.n_labels; i++)
		printf("%s%s", i > 0 ? "," : "", f->def.labels[i]);
	printf("\t%" PRIu64 "\t", f->n_series);
	print_printable(f->def.help);
	putchar('\n');
}

static json_t *
to_json(const struct cmxr_family *f)
{
	json_t *labels = json_array(), *bounds = json_array();

	for (size_t i = 0; i < f->def.n_labels; i++)
		json_array_append_new(labels, json_string(f->def.labels[i]));
	for (size_t i = 0; i < f->n_bounds; i++)
		json_array_append_new(bounds, json_real(f->bounds[i]));
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:o, s:o, s:I, s:I}",
	    "name", f->def.name, "type", cmx_type_name(f->def.type), "help",
	    f->def.help, "unit", f->def.unit, "aggregate",
	    cmx_aggregate_name(f->def.aggregate), "double",
	    (int)f->def.is_double, "labels", labels, "buckets", bounds,
	    "max_series", (json_int_t)f->def.max_series, "series",
	    (json_int_t)f->n_series);
}

static int
run_list(const struct globals *globals, int argc, char *argv[])
{
	const struct cmxr_snapshot *snapshot;
	struct cmxr_reader *reader;
	json_t *all;
	bool is_json = false;
	int ch, r;

	while ((ch = next_option(argc, argv, &list_command)) != -1) {
		if (ch != 'j')
			return usage_of(&list_command);
		is_json = true;
	}
	r = open_snapshot(globals, true, &reader, &snapshot);
	if (r != DONE)
		return r;
	all = json_array();
	for (size_t i = 0; i < cmxr_snapshot_n_families(snapshot); i++) {
		struct cmxr_family f;

		cmxr_snapshot_family(snapshot, i, &f);
		if (!is_wanted(f.def.name, (size_t)(argc - optind),
			(const char *const *)(argv + optind)))
			continue;
		if (is_json)
			json_array_append_new(all, to_json(&f));
		else
			print_line(&f);
	}
	if (is_json) {
		json_dumpf(all, stdout,
		    JSON_INDENT(2) | JSON_PRESERVE_ORDER |
			JSON_REAL_PRECISION(17));
		putchar('\n');
	}
	json_decref(all);
	r = finish_output();
	if (r == DONE)
		r = check_globs(snapshot, (size_t)(argc - optind),
		    (const char *const *)(argv + optind));
	cmxr_close(reader);
	return r;
}

const struct command list_command = {
	.verb = "list",
	.operands = "[GLOB ...]",
	.summary = "print the families",
	.options =
	    (const struct verb_option[]){
		{ 'j', "json", NULL, "as JSON, with all there is", false },
		{ 0, NULL, NULL, NULL, false } },
	.has_segment = true,
	.run = run_list,
};
