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
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"

/* Read all bytes of a file.  Returns 0 or a negative enum cmx_err. */
static int
read_file(const char *path, struct cmxi_buf *buf, struct cmx_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	ssize_t n = 0;

	if (fd < 0)
		return cmxi_error_system(err,
		    errno == ENOENT ? CMX_ERR_NOT_FOUND : CMX_ERR_SYSTEM, errno,
		    "%s: cannot open the schema", path);
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		close(fd);
		return cmxi_error(err, CMX_ERR_SCHEMA,
		    "%s: is a directory; a schema is a JSON file", path);
	}
	/* A pipe may have no data yet: wait for its writer. */
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
		return cmxi_error_system(err, CMX_ERR_SYSTEM, saved,
		    "%s: cannot read the schema", path);
	if (buf->size > CMXI_SCHEMA_SIZE_MAX)
		return cmxi_error(err, CMX_ERR_SCHEMA,
		    "%s: longer than %d bytes, the most that a schema may have",
		    path, CMXI_SCHEMA_SIZE_MAX);
	return 0;
}

int
cmxi_schema_text_read(const char *path, struct cmxi_schema_text *text,
    struct cmx_error *err)
{
	struct cmxi_buf buf = { .data = NULL };
	int r;

	if (path == NULL) {
		*text = (struct cmxi_schema_text){ .data = cmxi_codeai_schema,
			.size = cmxi_codeai_schema_size,
			.source = "codeai.schema.json" };
		return 0;
	}
	r = read_file(path, &buf, err);
	if (r != 0) {
		cmxi_buf_fini(&buf);
		return r;
	}
	*text = (struct cmxi_schema_text){ .data = buf.data,
		.size = buf.size,
		.source = path,
		.owned = buf.data };
	return 0;
}

void
cmxi_schema_text_fini(struct cmxi_schema_text *text)
{
	free(text->owned);
	memset(text, 0, sizeof(*text));
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

/*
 * Turn the result of a parse (n errors, or a failure) into a code and a text.
 */
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
cmxi_schema_parse_text(const struct cmxi_schema_text *text,
    struct cmxi_schema **schemap, struct cmx_error *err)
{
	struct joined j = { .error.code = CMX_ERR_SCHEMA };
	int n = cmxi_schema_parse(text->data, text->size, text->source,
	    append_diagnostic, &j, schemap);

	return joined_result(n, &j, err);
}

int
cmxi_schema_load(const char *path, struct cmxi_schema **schemap,
    struct cmx_error *err)
{
	struct cmxi_schema_text text;
	int r = cmxi_schema_text_read(path, &text, err);

	if (r != 0)
		return r;
	r = cmxi_schema_parse_text(&text, schemap, err);
	cmxi_schema_text_fini(&text);
	return r;
}

int
cmx_schema_check(const char *path,
    void (*report)(void *arg, const struct cmx_diagnostic *), void *arg,
    struct cmx_error *err)
{
	struct cmxi_schema_text text;
	struct cmxi_schema *schema = NULL;
	int saved = errno, n;

	if (report == NULL)
		return cmxi_error(err, CMX_ERR_ARGUMENT,
		    "cmx_schema_check: report is null");
	n = cmxi_schema_text_read(path, &text, err);
	errno = saved;
	if (n != 0)
		return n;
	n = cmxi_schema_parse(text.data, text.size, text.source, report, arg,
	    &schema);
	cmxi_schema_text_fini(&text);
	cmxi_schema_free(schema);
	errno = saved;
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
	int saved = errno, r;

	if (visit == NULL)
		return cmxi_error(err, CMX_ERR_ARGUMENT,
		    "cmx_schema_read: visit is null");
	r = cmxi_schema_load(path, &schema, err);
	errno = saved;
	if (r != 0)
		return r;
	for (size_t i = 0; i < schema->n_families; i++)
		visit(arg, &schema->families[i].def,
		    schema->families[i].values);
	cmxi_schema_free(schema);
	return 0;
}
