/*
 * header: a schema as a C header, with functions for each metric.
 *
 * A family is written into three streams at once: the member that holds its
 * handle, its functions, and what resolves it.  They are joined at the end,
 * when it is known what the structure of all handles is called: TYPE_MARK
 * stands for that name until then.
 */
#include <bsd/string.h>
#include <err.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <codeai/metrics_reader.h>

#include "cmd.h"
#include "identifier.h"

/* No text that is written has it: strings escape it, comments leave it out. */
#define TYPE_MARK '\1'

struct stream {
	FILE *file;
	char *text;
	size_t size;
};

struct header {
	const char *prefix;
	char namespace[IDENTIFIER_MAX]; /* first word of all families */
	char type[IDENTIFIER_MAX];      /* struct TYPE has the handles */
	struct identifiers used;
	struct stream members, functions, resolve;
	bool has_failed; /* no memory */
};

/* A family as it is written. */
struct family {
	const struct cmx_family_def *def;
	const struct cmx_label_values *known;
	char id[IDENTIFIER_MAX];
	/* of each label: its parameter, and its enum or "" */
	char parameters[CMX_LABELS_MAX][IDENTIFIER_MAX];
	char enums[CMX_LABELS_MAX][IDENTIFIER_MAX];
};

/* Parameters and variables of the functions. */
static const char *const own_names[] = { "metrics", "series", "values",
	"value" };

/* Functions of a family beside _find. */
static const struct update {
	enum cmx_type type;
	bool is_double, is_whole; /* counters that have it */
	const char *suffix;
	const char *value; /* type of the argument, or null */
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

/* Does a character begin that turns the direction of text? */
static bool
is_direction(const char *text)
{
	return strncmp(text, "\xe2\x80\xaa", 2) == 0 ||
	    strncmp(text, "\xe2\x81\xa6", 2) == 0;
}

/*
 * Text in a comment: it neither ends nor breaks it, has no trigraphs and is
 * what it looks like.
 */
static void
put_comment(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (is_direction(text) && text[2] != '\0') {
			fputs("...", out);
			text += 2;
			continue;
		}
		fputc((unsigned char)*text < ' ' ? ' ' : *text, out);
		if ((text[0] == '*' && text[1] == '/') ||
		    (text[0] == '/' && text[1] == '*') ||
		    (text[0] == '?' && text[1] == '?'))
			fputc(' ', out);
	}
}

/* A string; '?' is escaped because of trigraphs. */
static void
put_string(FILE *out, const char *text)
{
	if (text == NULL) {
		fputs("NULL", out);
		return;
	}
	fputc('"', out);
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\' || c == '?')
			fprintf(out, "\\%c", c);
		else if (c < ' ' || c >= 0x7f)
			fprintf(out, "\\%03o", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

static void
put_strings(FILE *out, size_t n, const char *const *strings)
{
	for (size_t i = 0; i < n; i++) {
		fputs(i % 4 == 0 ? "\n\t\t" : " ", out);
		put_string(out, strings[i]);
		fputc(',', out);
	}
}

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
	    "};\n\nstatic inline const char *\n%s_text(enum %s value)\n{\n"
	    "\tstatic const char *const texts[] = {",
	    type, type);
	put_strings(out, known->n, known->values);
	fprintf(out,
	    "\n\t};\n\tconst size_t i = (size_t)value;\n\n"
	    "\treturn i < %zu ? texts[i] : \"\";\n}\n",
	    known->n);
}

/* The parameters' names, none of them twice or one of ours. */
static void
name_parameters(struct header *h, struct family *f)
{
	struct identifiers used = { .n = 0 };
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
	    ")\n{\n\tstruct cmx_%s series;\n"
	    "\tconst char *const values[] = {",
	    type);
	for (size_t i = 0; i < f->def->n_labels; i++)
		if (f->enums[i][0] != '\0')
			fprintf(out, "\n\t\t%s_text(%s),", f->enums[i],
			    f->parameters[i]);
		else
			fprintf(out, "\n\t\t%s,", f->parameters[i]);
	fprintf(out,
	    "\n\t};\n\n\tcmx_%s_find(&metrics->%s, %zu, values, &series, "
	    "NULL);\n\treturn series;\n}\n",
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
put_number(FILE *out, double v)
{
	char text[32];

	cmxr_number_to_text(v, text);
	fputs(text, out);
}

static void
put_bool(FILE *out, bool b)
{
	fputs(b ? ", true" : ", false", out);
}

/* The definition, member by member, as C++ needs it. */
static void
put_definition(FILE *out, const struct cmx_family_def *def)
{
	static const char *const types[] = { "", "CMX_COUNTER", "CMX_GAUGE",
		"CMX_HISTOGRAM" };
	static const char *const aggregates[] = { "CMX_SUM", "CMX_MIN",
		"CMX_MAX", "CMX_AVG", "CMX_LAST", "CMX_EACH" };

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
	fprintf(out, ", %s, %s", types[def->type], aggregates[def->aggregate]);
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
	fputs(",\n\t\t};\n", out);
}

static bool
has_all_values(const struct family *f)
{
	for (size_t i = 0; i < f->def->n_labels; i++)
		if (f->known[i].n == 0)
			return false;
	return f->def->n_labels > 0;
}

/* Series whose values are all known exist from the start. */
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

/* The first word that the names of all families have in common, or "". */
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

static void
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

/*
 * struct NAMESPACE_metrics; without a namespace, after the schema's file.  No
 * other identifier is its or its functions' name.
 */
static void
name_type(struct header *h, const char *file)
{
	char word[IDENTIFIER_MAX];

	if (h->namespace[0] == '\0' || h->namespace[0] == '*')
		snprintf(h->namespace, IDENTIFIER_MAX, "%.*s",
		    (int)strcspn(file, "."), file);
	identifier_from(h->namespace, word);
	snprintf(h->type, IDENTIFIER_MAX, "%.200s%.500s_metrics", h->prefix,
	    word);
	h->has_failed |= !identifier_claim(&h->used, h->type);
}

/* A stream's text, with the type where its mark is. */
static void
put_stream(const struct header *h, const struct stream *s, FILE *out)
{
	for (size_t i = 0; i < s->size; i++)
		if (s->text[i] == TYPE_MARK)
			fputs(h->type, out);
		else
			fputc(s->text[i], out);
}

static void
put_beginning(struct header *h, const char *file, FILE *out)
{
	char guard[IDENTIFIER_MAX], text[IDENTIFIER_MAX];

	/* The file too: another one of the same type is no second copy. */
	snprintf(text, IDENTIFIER_MAX, "%.700s_%.200s_h", h->type, file);
	identifier_constant(text, guard);
	h->has_failed |= !identifier_claim(&h->used, guard);
	fputs("/*\n * The metrics of ", out);
	put_comment(out, file);
	fprintf(out,
	    ", for C and C++.\n *\n"
	    " * Made by \"codeai-metrics header\"; see codeai-metrics(1).\n"
	    " * Look-ups that fail, and values of no enum, are as of\n"
	    " * <codeai/metrics.h>: nothing has to be checked.\n */\n"
	    "#ifndef %s\n#define %s\n\n"
	    "#include <string.h>\n\n#include <codeai/metrics.h>\n\n"
	    "/* The handles; filled by %s_open() or %s_resolve(). */\n"
	    "struct %s {\n\tstruct cmx_registry *registry;\n%s};\n",
	    guard, guard, h->type, h->type, h->type, h->members.text);
}

static void
put_end(const struct header *h, FILE *out)
{
	const char *t = h->type;

	fprintf(out,
	    "\n/*\n * Find every family in a segment that is open, or add it."
	    "\n *\n * Returns 0, or the first error: CMX_ERR_CONFLICT where "
	    "the segment has another\n * definition than this header.  Updates "
	    "of that family do nothing then; the\n * others work.\n */\n"
	    "static inline int\n%s_resolve(struct %s *metrics, "
	    "struct cmx_registry *registry,\n    struct cmx_error *err)\n{\n"
	    "\tstruct cmx_family family;\n\tint r = 0, result = 0;\n\n"
	    "\t(void)family;\n\t(void)r;\n\t(void)err;\n"
	    "\tmemset(metrics, 0, sizeof(*metrics));\n"
	    "\tmetrics->registry = registry;\n",
	    t, t);
	put_stream(h, &h->resolve, out);
	fprintf(out,
	    "\treturn result;\n}\n"
	    "\n/*\n * cmx_open(), and %s_resolve().  Without a schema, a "
	    "segment that is new has\n * these families, and the default "
	    "limits, not the schema's.\n */\n"
	    "static inline int\n%s_open(struct %s *metrics, const char "
	    "*segment,\n    const char *schema, unsigned int flags, "
	    "struct cmx_error *err)\n{\n\tstruct cmx_registry *registry;\n"
	    "\tint r = cmx_open(segment, schema,\n"
	    "\t    schema == NULL ? flags | CMX_EMPTY : flags, &registry, "
	    "err);\n\n\tif (r == 0)\n\t\treturn %s_resolve(metrics, registry, "
	    "err);\n\tmemset(metrics, 0, sizeof(*metrics));\n\treturn r;\n}\n"
	    "\nstatic inline void\n%s_close(struct %s *metrics)\n{\n"
	    "\tcmx_close(metrics->registry);\n"
	    "\tmemset(metrics, 0, sizeof(*metrics));\n}\n\n#endif\n",
	    t, t, t, t, t, t);
}

static bool
open_stream(struct stream *s)
{
	s->file = open_memstream(&s->text, &s->size);
	return s->file != NULL;
}

static bool
close_stream(struct stream *s)
{
	return fclose(s->file) == 0;
}

/* The header's text in *whole. */
static int
make_header(struct header *h, const char *schema, struct stream *whole)
{
	struct cmx_error error;
	char *copy = strdup(schema != NULL ? schema : "codeai.schema.json");
	const char *file = copy != NULL ? basename(copy) : "";
	int r = cmx_schema_read(schema, put_family, h, &error);

	name_type(h, file);
	h->has_failed |= copy == NULL || !close_stream(&h->members) ||
	    !close_stream(&h->functions) || !close_stream(&h->resolve);
	if (r == 0 && !h->has_failed) {
		put_beginning(h, file, whole->file);
		put_stream(h, &h->functions, whole->file);
		put_end(h, whole->file);
	}
	h->has_failed |= !close_stream(whole);
	free(copy);
	if (r != 0)
		return fail(&error);
	if (h->has_failed)
		warnx("header: no memory");
	return h->has_failed ? FAILED : DONE;
}

static int
print_header(const char *schema, const char *prefix, const char *path)
{
	struct header h = { .prefix = prefix };
	char member[IDENTIFIER_MAX] = "registry"; /* of the structure */
	struct stream whole;
	int r;

	if (!identifier_claim(&h.used, member) || !open_stream(&whole) ||
	    !open_stream(&h.members) || !open_stream(&h.functions) ||
	    !open_stream(&h.resolve))
		err(FAILED, "header");
	r = make_header(&h, schema, &whole);
	if (r == DONE)
		r = write_output(path, whole.text, whole.size);
	identifiers_free(&h.used);
	free(h.members.text);
	free(h.functions.text);
	free(h.resolve.text);
	free(whole.text);
	return r;
}

int
cmd_header(const struct globals *globals, int argc, char *argv[])
{
	const char *path = NULL, *prefix = "";
	int ch;

	(void)globals;
	while ((ch = next_option(argc, argv, "o:p:")) != -1) {
		if (ch == 'o')
			path = optarg;
		else if (ch == 'p')
			prefix = optarg;
		else
			return usage_of("header");
	}
	if (argc - optind > 1)
		return too_many("header", argv[optind + 1]);
	if (prefix[0] != '\0' &&
	    (!identifier_is_valid(prefix) || strlen(prefix) > 100)) {
		warnx("header: -p %s: is not the beginning of an identifier of "
		      "at most 100 characters",
		    prefix);
		return USAGE;
	}
	return print_header(argv[optind], prefix, path);
}
