/*
 * header_family.c: a family as the functions of a C header.
 */
#include <bsd/string.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "c_source.h"
#include "header.h"

/* A family while it is written. */
struct family {
	const struct cmx_family_def *def;
	const struct cmx_label_values *known;
	char id[IDENTIFIER_MAX];
	/* for each label: its parameter, and its enum or "" */
	char parameters[CMX_LABELS_MAX][IDENTIFIER_MAX];
	char enums[CMX_LABELS_MAX][IDENTIFIER_MAX];
};

/* The names that the functions use themselves. */
static const char *const own_names[] = { "metrics", "series", "values",
	"value" };

/* The functions of a family, beside _find. */
static const struct update {
	enum cmx_type type;
	bool is_double, is_whole; /* the counters that have the function */
	const char *suffix;
	const char *value; /* the argument's type, or null */
	const char *function;
} updates[] = {
	{ CMX_COUNTER, true, true, "inc", NULL, "cmx_counter_inc" },
	{ CMX_COUNTER, false, true, "add", "uint64_t", "cmx_counter_add" },
	{ CMX_COUNTER, true, false, "add", "double", "cmx_counter_add_double" },
	{ CMX_GAUGE, true, true, "set", "double", "cmx_gauge_set" },
	{ CMX_GAUGE, true, true, "add", "double", "cmx_gauge_add" },
	{ CMX_GAUGE, true, true, "sub", "double", "cmx_gauge_sub" },
	{ CMX_GAUGE, true, true, "inc", NULL, "cmx_gauge_inc" },
	{ CMX_GAUGE, true, true, "dec", NULL, "cmx_gauge_dec" },
	{ CMX_HISTOGRAM, true, true, "observe", "double",
	    "cmx_histogram_observe" },
};

/* An enum for a label's values, and the function that gives their texts. */
static void
put_enum(struct header *h, struct family *f, size_t label)
{
	FILE *out = h->functions.file;
	const struct cmx_label_values *known = &f->known[label];
	char *type = f->enums[label], constant[IDENTIFIER_MAX];
	char text[IDENTIFIER_MAX];

	snprintf(type, IDENTIFIER_MAX, "%.500s_%.200s", f->id,
	    f->def->labels[label]);
	h->has_failed |= !identifier_claim(&h->used, type);
	fprintf(out, "\n/* Values of the label %s of %s */\nenum %s {\n",
	    f->def->labels[label], f->def->name, type);
	for (size_t i = 0; i < known->n; i++) {
		snprintf(text, IDENTIFIER_MAX, "%s_%s", type,
		    known->values[i][0] != '\0' ? known->values[i] : "empty");
		identifier_constant(text, constant);
		h->has_failed |= !identifier_claim(&h->used, constant);
		fprintf(out, "\t%s,\n", constant);
	}
	fprintf(out,
	    "};\n"
	    "\nstatic inline const char *\n"
	    "%s_text(enum %s value)\n"
	    "{\n"
	    "\tstatic const char *const texts[] = {",
	    type, type);
	put_strings(out, known->n, known->values);
	fprintf(out,
	    "\n\t};\n"
	    "\tconst size_t i = (size_t)value;\n"
	    "\n\treturn i < %zu ? texts[i] : \"\";\n"
	    "}\n",
	    known->n);
}

/* Choose the names of the parameters: all different, and none of our own. */
static void
name_parameters(struct header *h, struct family *f)
{
	struct identifiers used = { .root = NULL };
	char function[IDENTIFIER_MAX];

	for (size_t i = 0; i < sizeof(own_names) / sizeof(own_names[0]); i++) {
		strlcpy(function, own_names[i], IDENTIFIER_MAX);
		h->has_failed |= !identifier_claim(&used, function);
	}
	snprintf(function, IDENTIFIER_MAX, "%.900s_find", f->id);
	h->has_failed |= !identifier_claim(&used, function);
	for (size_t i = 0; i < f->def->n_labels; i++) {
		snprintf(function, IDENTIFIER_MAX, "%.900s_text", f->enums[i]);
		if (f->enums[i][0] != '\0')
			h->has_failed |= !identifier_claim(&used, function);
	}
	for (size_t i = 0; i < f->def->n_labels; i++) {
		identifier_from(f->def->labels[i], f->parameters[i]);
		h->has_failed |= !identifier_claim(&used, f->parameters[i]);
	}
	identifiers_free(&used);
}

static void
put_parameters(const struct family *f, FILE *out)
{
	fprintf(out, "const struct %c *metrics", TYPE_MARK);
	for (size_t i = 0; i < f->def->n_labels; i++)
		if (f->enums[i][0] != '\0')
			fprintf(out, ",\n    enum %s %s", f->enums[i],
			    f->parameters[i]);
		else
			fprintf(out, ",\n    const char *%s", f->parameters[i]);
}

static void
put_find(const struct header *h, const struct family *f)
{
	FILE *out = h->functions.file;
	const char *type = cmx_type_name(f->def->type);

	fprintf(out, "static inline struct cmx_%s\n%s_find(", type, f->id);
	put_parameters(f, out);
	if (f->def->n_labels == 0) {
		fprintf(out, ")\n{\n\treturn metrics->%s;\n}\n", f->id);
		return;
	}
	fprintf(out,
	    ")\n"
	    "{\n"
	    "\tstruct cmx_%s series;\n"
	    "\tconst char *const values[] = {",
	    type);
	for (size_t i = 0; i < f->def->n_labels; i++)
		if (f->enums[i][0] != '\0')
			fprintf(out, "\n\t\t%s_text(%s),", f->enums[i],
			    f->parameters[i]);
		else
			fprintf(out, "\n\t\t%s,", f->parameters[i]);
	fprintf(out,
	    "\n\t};\n"
	    "\n\tcmx_%s_find(&metrics->%s, %zu, values, &series, NULL);\n"
	    "\treturn series;\n"
	    "}\n",
	    type, f->id, f->def->n_labels);
}

static void
put_update(const struct header *h, const struct family *f,
    const struct update *u)
{
	FILE *out = h->functions.file;

	fprintf(out, "\nstatic inline void\n%s_%s(", f->id, u->suffix);
	put_parameters(f, out);
	if (u->value != NULL)
		fprintf(out, ",\n    %s value", u->value);
	fprintf(out, ")\n{\n\tconst struct cmx_%s series = %s_find(metrics",
	    cmx_type_name(f->def->type), f->id);
	for (size_t i = 0; i < f->def->n_labels; i++)
		fprintf(out, ", %s", f->parameters[i]);
	fprintf(out, ");\n\n\t%s(&series%s);\n}\n", u->function,
	    u->value != NULL ? ", value" : "");
}

static void
put_functions(const struct header *h, const struct family *f)
{
	FILE *out = h->functions.file;
	const struct cmx_family_def *def = f->def;

	fprintf(out, "\n/*\n * %s (%s%s%s): ", def->name,
	    cmx_type_name(def->type), def->unit != NULL ? ", " : "",
	    def->unit != NULL ? def->unit : "");
	put_comment(out, def->help != NULL ? def->help : "");
	fputs("\n */\n", out);
	put_find(h, f);
	for (size_t i = 0; i < sizeof(updates) / sizeof(updates[0]); i++) {
		const struct update *u = &updates[i];

		if (u->type == def->type &&
		    (def->is_double ? u->is_double : u->is_whole))
			put_update(h, f, u);
	}
}

static void
put_bool(FILE *out, bool b)
{
	fputs(b ? ", true" : ", false", out);
}

/* The enumerators have the words of the schema: "sum" is CMX_SUM. */
static void
put_enumerator(FILE *out, const char *word)
{
	fputs(", CMX_", out);
	for (; *word != '\0'; word++)
		fputc(toupper((unsigned char)*word), out);
}

/* Write the definition, with every member in its place, as C++ demands. */
static void
put_definition(FILE *out, const struct cmx_family_def *def)
{
	if (def->n_labels > 0) {
		fputs("\t\tstatic const char *const labels[] = {", out);
		put_strings(out, def->n_labels, def->labels);
		fputs("\n\t\t};\n", out);
	}
	if (def->n_bounds > 0) {
		fputs("\t\tstatic const double bounds[] = {", out);
		for (size_t i = 0; i < def->n_bounds; i++) {
			fputs(i % 8 == 0 ? "\n\t\t\t" : " ", out);
			put_number(out, def->bounds[i]);
			fputc(',', out);
		}
		fputs("\n\t\t};\n", out);
	}
	fputs("\t\tstatic const struct cmx_family_def def = {\n\t\t\t", out);
	put_string(out, def->name);
	fputs(",\n\t\t\t", out);
	put_string(out, def->help);
	fputs(",\n\t\t\t", out);
	put_string(out, def->unit);
	put_enumerator(out, cmx_type_name(def->type));
	put_enumerator(out, cmx_aggregate_name(def->aggregate));
	put_bool(out, def->is_double);
	fprintf(out, ", %u,\n\t\t\t%zu, %s, %zu, %s", def->max_series,
	    def->n_labels, def->n_labels > 0 ? "labels" : "NULL", def->n_bounds,
	    def->n_bounds > 0 ? "bounds" : "NULL");
	put_bool(out, def->is_native);
	fprintf(out, ", %d, ", def->native_schema);
	put_number(out, def->native_min);
	fputs(", ", out);
	put_number(out, def->native_max);
	put_bool(out, def->has_exemplars);
	/* reserved */
	fputs(", { 0, 0, 0, 0 },\n\t\t};\n", out);
}

static bool
has_all_values(const struct family *f)
{
	for (size_t i = 0; i < f->def->n_labels; i++)
		if (f->known[i].n == 0)
			return false;
	return f->def->n_labels > 0;
}

/* Write the creation of the series whose values are all known. */
static void
put_known_series(FILE *out, const struct family *f)
{
	for (size_t i = 0; i < f->def->n_labels; i++)
		fprintf(out,
		    "\t\tfor (unsigned int i%zu = 0; i%zu < %zu; i%zu++)\n", i,
		    i, f->known[i].n, i);
	fprintf(out, "\t\t\t%s_find(metrics", f->id);
	for (size_t i = 0; i < f->def->n_labels; i++)
		fprintf(out, ", (enum %s)i%zu", f->enums[i], i);
	fputs(");\n", out);
}

static void
put_resolve(const struct header *h, const struct family *f)
{
	FILE *out = h->resolve.file;

	fputs("\t{\n", out);
	put_definition(out, f->def);
	if (f->def->n_labels > 0) {
		fprintf(out,
		    "\n\t\tr = cmx_register(registry, &def, &metrics->%s,\n"
		    "\t\t    result == 0 ? err : NULL);\n",
		    f->id);
	} else {
		fprintf(out,
		    "\n\t\tr = cmx_register(registry, &def, &family,\n"
		    "\t\t    result == 0 ? err : NULL);\n"
		    "\t\tcmx_%s_find(&family, 0, NULL, &metrics->%s, NULL);\n",
		    cmx_type_name(f->def->type), f->id);
	}
	fputs("\t\tresult = result == 0 ? r : result;\n", out);
	if (has_all_values(f))
		put_known_series(out, f);
	fputs("\t}\n", out);
}

/* The first word that the names of all families share, or "". */
static void
note_namespace(struct header *h, const struct cmx_family_def *def)
{
	size_t n = strcspn(def->name, "_:");

	if (h->namespace[0] == '\0')
		snprintf(h->namespace, IDENTIFIER_MAX, "%.*s", (int)n,
		    def->name);
	else if (strncmp(h->namespace, def->name, n) != 0 ||
	    h->namespace[n] != '\0')
		strcpy(h->namespace, "*");
}

void
put_family(void *arg, const struct cmx_family_def *def,
    const struct cmx_label_values *known)
{
	static struct family f;
	struct header *h = arg;

	note_namespace(h, def);
	memset(&f, 0, sizeof(f));
	f.def = def;
	f.known = known;
	strlcpy(f.id, h->prefix, sizeof(f.id));
	identifier_from(def->name, f.parameters[0]);
	strlcat(f.id, f.parameters[0], sizeof(f.id));
	h->has_failed |= !identifier_claim(&h->used, f.id);
	if (def->n_labels > 0)
		fprintf(h->members.file, "\tstruct cmx_family %s;\n", f.id);
	else
		fprintf(h->members.file, "\tstruct cmx_%s %s;\n",
		    cmx_type_name(def->type), f.id);
	for (size_t i = 0; i < def->n_labels; i++)
		if (known[i].n > 0)
			put_enum(h, &f, i);
	name_parameters(h, &f);
	put_functions(h, &f);
	put_resolve(h, &f);
}
