/*
 * header: a schema as a C header, with functions for each metric.
 *
 * A family is written into three streams at once (header_family.c): the member
 * that holds its handle, its functions, and what resolves it.  They are joined
 * here, when it is known what the structure of all handles is called: TYPE_MARK
 * stands for that name until then.
 */
#include <err.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "c_source.h"
#include "cmd.h"
#include "header.h"

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

/* Print the text of a stream, with the type's name in place of the mark. */
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

	/*
	 * The include guard has the file's name too: a header of the same type
	 * from another schema is not a second copy.
	 */
	snprintf(text, IDENTIFIER_MAX, "%.700s_%.200s_h", h->type, file);
	identifier_constant(text, guard);
	h->has_failed |= !identifier_claim(&h->used, guard);
	fputs("/*\n * The metrics of ", out);
	put_comment(out, file);
	fprintf(out,
	    ", for C and C++.\n"
	    " *\n"
	    " * Made by \"codeai-metrics header\"; see codeai-metrics(1).\n"
	    " * No result has to be checked: updates of a series that cannot be found do\n"
	    " * nothing, and a value outside of its enum is the empty label.\n"
	    " */\n"
	    "#ifndef %s\n"
	    "#define %s\n"
	    "\n#include <string.h>\n"
	    "\n#include <codeai/metrics.h>\n"
	    "\n/* The handles; filled by %s_open() or %s_resolve(). */\n"
	    "struct %s {\n"
	    "\tstruct cmx_registry *registry;\n"
	    "%s};\n",
	    guard, guard, h->type, h->type, h->type, h->members.text);
}

static void
put_end(const struct header *h, FILE *out)
{
	const char *t = h->type;

	fprintf(out,
	    "\n/*\n"
	    " * Find every family in an open segment, or add it.\n"
	    " *\n"
	    " * Returns 0, or the first error: CMX_ERR_CONFLICT where the segment has another\n"
	    " * definition than this header.  Updates of that family do nothing then; the\n"
	    " * others work.\n"
	    " */\n"
	    "static inline int\n"
	    "%s_resolve(struct %s *metrics, struct cmx_registry *registry,\n"
	    "    struct cmx_error *err)\n"
	    "{\n"
	    "\tstruct cmx_family family;\n"
	    "\tint r = 0, result = 0;\n"
	    "\n\t(void)family;\n"
	    "\t(void)r;\n"
	    "\t(void)err;\n"
	    "\tmemset(metrics, 0, sizeof(*metrics));\n"
	    "\tmetrics->registry = registry;\n",
	    t, t);
	put_stream(h, &h->resolve, out);
	fprintf(out,
	    "\treturn result;\n"
	    "}\n"
	    "\n/*\n"
	    " * Call cmx_open() and %s_resolve().  A segment that is created without a\n"
	    " * schema gets these families and the default limits, not the schema's.\n"
	    " */\n"
	    "static inline int\n"
	    "%s_open(struct %s *metrics, const char *segment,\n"
	    "    const char *schema, unsigned int flags, struct cmx_error *err)\n"
	    "{\n"
	    "\tstruct cmx_registry *registry;\n"
	    "\tint r = cmx_open(segment, schema,\n"
	    "\t    schema == NULL ? flags | CMX_EMPTY : flags, &registry, err);\n"
	    "\n\tif (r >= 0)\n"
	    "\t\treturn %s_resolve(metrics, registry, err);\n"
	    "\tmemset(metrics, 0, sizeof(*metrics));\n"
	    "\treturn r;\n"
	    "}\n"
	    "\nstatic inline void\n"
	    "%s_close(struct %s *metrics)\n"
	    "{\n"
	    "\tcmx_close(metrics->registry);\n"
	    "\tmemset(metrics, 0, sizeof(*metrics));\n"
	    "}\n"
	    "\n#endif\n",
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

/* Write the header into memory, *whole. */
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

static int
run_header(const struct globals *globals, int argc, char *argv[])
{
	const char *path = NULL, *prefix = "";
	int ch;

	(void)globals;
	while ((ch = next_option(argc, argv, &header_command)) != -1) {
		if (ch == 'o')
			path = optarg;
		else if (ch == 'p')
			prefix = optarg;
		else
			return usage_of(&header_command);
	}
	if (argc - optind > 1)
		return too_many(&header_command, argv[optind + 1]);
	if (prefix[0] != '\0' &&
	    (!identifier_is_valid(prefix) || strlen(prefix) > 100)) {
		warnx(
		    "header: -p %s: is not the beginning of an identifier of at most 100 characters",
		    prefix);
		return USAGE;
	}
	return print_header(argv[optind], prefix, path);
}

const struct command header_command = {
	.verb = "header",
	.operands = "[SCHEMA]",
	.summary = "print a C header with a function for each metric",
	.options =
	    (const struct verb_option[]){
		{ 'o', "output", "FILE",
		    "write a file, as a whole or not at all", false },
		{ 'p', "prefix", "PREFIX", "the beginning of each name",
		    false },
		{ 0, NULL, NULL, NULL, false } },
	.run = run_header,
};
