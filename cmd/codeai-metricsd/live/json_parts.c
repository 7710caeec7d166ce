/*
 * json_parts.c: what the answers have in common.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "live.h"
#include "watch/json_number.h"

json_t *
json_rounded(double v)
{
	double scale;

	if (!isfinite(v) || v == 0)
		return json_number(v);
	scale = pow(10, 5 - floor(log10(fabs(v))));
	return json_number(isfinite(scale) && fabs(v) < 1e6 ?
		round(v * scale) / scale :
		round(v));
}

json_t *
json_text(const char *text)
{
	char *copy = legal_text(text);
	json_t *json = json_string(copy != NULL ? copy : "");

	free(copy);
	return json;
}

static json_t *
strings(const char *const *texts, size_t n)
{
	json_t *to = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(to, json_string(texts[i]));
	return to;
}

void
json_add_definition(json_t *to, const struct cmx_family_def *def)
{
	json_object_set_new(to, "family", json_string(def->name));
	json_object_set_new(to, "type", json_string(cmx_type_name(def->type)));
	if (def->type == CMX_GAUGE)
		json_object_set_new(to, "aggregate",
		    json_string(cmx_aggregate_name(def->aggregate)));
	json_object_set_new(to, "unit",
	    json_string(def->unit != NULL ? def->unit : ""));
	json_object_set_new(to, "help",
	    json_string(def->help != NULL ? def->help : ""));
	json_object_set_new(to, "labels", strings(def->labels, def->n_labels));
}

char *
json_print(json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(16));

	json_decref(json);
	return text;
}
