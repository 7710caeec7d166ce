/*
 * schema_file.c: schema files.
 *
 * Reads a file (or takes the built-in schema), has schema.c parse it, and
 * joins its errors into one text where the caller wants one.
 */
#include "schema/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"

/* The bytes of a file, or a negative enum cmx_err. */
static int
read_file(const char *path, struct cmxi_buf *buf, struct cmx_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	ssize_t n = 0;

	if (fd < 0)
		return cmxi_error_system(err,
		    errno == ENOENT ? CMX_ERR_NOT_FOUND : CMX_ERR_SYSTEM, errno,
		    "%s", path);
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		close(fd);
		return cmxi_error(err, CMX_ERR_SCHEMA,
		    "%s: is a directory; a schema is a JSON file", path);
	}
	/* A pipe is waited for. */
	fcntl(fd, F_SETFL, 0);
	do {
		if (!cmxi_buf_reserve(buf, 65536))
			break;
		n = read(fd, buf->data + buf->size, 65536);
		if (n > 0)
			buf->size += (size_t)n;
	} while (n > 0 && buf->size <= CMXI_SCHEMA_SIZE_MAX);
	int saved = errno;
	close(fd);
	if (buf->failed)
		return cmxi_error(err, CMX_ERR_MEMORY, "%s: no memory", path);
	if (n < 0)
		return cmxi_error_system(err, CMX_ERR_SYSTEM, saved, "%s",
		    path);
	if (buf->size > CMXI_SCHEMA_SIZE_MAX)
		return cmxi_error(err, CMX_ERR_SCHEMA,
		    "%s: longer than %d bytes, the most that a schema may have",
		    path, CMXI_SCHEMA_SIZE_MAX);
	return 0;
}

static int
parse_file(const char *path, cmxi_diagnose_fn *report, void *arg,
    struct cmxi_schema **schemap, struct cmx_error *err)
{
	struct cmxi_buf buf = { .data = NULL };
	int r;

	if (path == NULL)
		return cmxi_schema_parse(cmxi_codeai_schema,
		    cmxi_codeai_schema_size, "codeai.schema.json", report, arg,
		    schemap);
	r = read_file(path, &buf, err);
	if (r == 0)
		r = cmxi_schema_parse(buf.data, buf.size, path, report, arg,
		    schemap);
	cmxi_buf_fini(&buf);
	return r;
}

/* Errors joined into one struct cmx_error. */
struct joined {
	struct cmx_error error;
	int n_left_out;
};

static void
append_diagnostic(void *arg, const struct cmx_diagnostic *d)
{
	struct joined *j = arg;
	size_t used = strlen(j->error.text);
	size_t room = sizeof(j->error.text) - used;
	int n;

	if (d->is_warning)
		return;
	n = snprintf(j->error.text + used, room, "%s%s:%d:%d: %s%s%s",
	    used > 0 ? "\n" : "", d->source, d->line, d->column, d->path,
	    d->path[0] != '\0' ? ": " : "", d->text);
	if (used == 0) {
		j->error.line = d->line;
		j->error.column = d->column;
	} else if (n < 0 || (size_t)n + 40 >= room) {
		j->error.text[used] = '\0';
		j->n_left_out++;
	}
}

/* The result of a parse that found n errors, or failed. */
static int
joined_result(int n, struct joined *j, struct cmx_error *err)
{
	if (n == CMX_ERR_MEMORY)
		return cmxi_error(err, CMX_ERR_MEMORY, "schema: no memory");
	if (n <= 0)
		return n;
	if (j->n_left_out > 0)
		snprintf(j->error.text + strlen(j->error.text),
		    sizeof(j->error.text) - strlen(j->error.text),
		    "\nand %d more", j->n_left_out);
	if (err != NULL)
		*err = j->error;
	return CMX_ERR_SCHEMA;
}

int
cmxi_schema_load(const char *path, struct cmxi_schema **schemap,
    struct cmx_error *err)
{
	struct joined j = { .error.code = CMX_ERR_SCHEMA };

	return joined_result(parse_file(path, append_diagnostic, &j, schemap,
				 err),
	    &j, err);
}

int
cmxi_schema_load_text(const char *text, size_t size, const char *source,
    struct cmxi_schema **schemap, struct cmx_error *err)
{
	struct joined j = { .error.code = CMX_ERR_SCHEMA };

	return joined_result(cmxi_schema_parse(text, size, source,
				 append_diagnostic, &j, schemap),
	    &j, err);
}

int
cmx_schema_check(const char *path,
    void (*report)(void *arg, const struct cmx_diagnostic *), void *arg,
    struct cmx_error *err)
{
	struct cmxi_schema *schema = NULL;
	int n;

	if (report == NULL)
		return cmxi_error(err, CMX_ERR_ARGUMENT,
		    "cmx_schema_check: report is null");
	n = parse_file(path, report, arg, &schema, err);
	cmxi_schema_free(schema);
	if (n == CMX_ERR_MEMORY)
		return cmxi_error(err, CMX_ERR_MEMORY, "schema: no memory");
	return n;
}

int
cmx_schema_read(const char *path,
    void (*visit)(void *arg, const struct cmx_family_def *,
	const struct cmx_label_values *),
    void *arg, struct cmx_error *err)
{
	struct cmxi_schema *schema;
	int r;

	if (visit == NULL)
		return cmxi_error(err, CMX_ERR_ARGUMENT,
		    "cmx_schema_read: visit is null");
	r = cmxi_schema_load(path, &schema, err);
	if (r != 0)
		return r;
	for (size_t i = 0; i < schema->n_families; i++)
		visit(arg, &schema->families[i].def,
		    schema->families[i].values);
	cmxi_schema_free(schema);
	return 0;
}
