/*
 * reader.c: the reader API: open a segment, take a snapshot of it.
 */
#include "read/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/call.h"
#include "base/clock.h"
#include "base/error.h"
#include "segment/segment_path.h"

static struct cmxr_reader *
new_reader(struct cmx_error *err)
{
	struct cmxr_reader *reader = calloc(1, sizeof(*reader));

	if (reader != NULL && cmxi_snapshot_init(&reader->snapshot)) {
		reader->shows_processes = true;
		return reader;
	}
	free(reader);
	cmxi_error(err, CMX_ERR_MEMORY, "no memory for a reader");
	return NULL;
}

int
cmxr_open(const char *segment, struct cmxr_reader **readerp,
    struct cmx_error *err)
{
	char path[CMXI_PATH_MAX];
	struct cmxr_reader *reader;
	struct cmxi_call call;
	int r;

	if (readerp == NULL)
		return cmxi_error(err, CMX_ERR_ARGUMENT,
		    "cmxr_open: readerp is null");
	call = cmxi_call_begin();
	*readerp = NULL;
	r = cmxi_path_choose(segment, false, path, sizeof(path), err);
	reader = r == 0 ? new_reader(err) : NULL;
	if (r == 0 && reader == NULL)
		r = CMX_ERR_MEMORY;
	if (r == 0)
		r = cmxi_view_open(path, &reader->chain.views[0], err);
	if (r == 0) {
		reader->chain.n_views = 1;
		*readerp = reader;
	} else
		cmxr_close(reader);
	cmxi_call_end(&call);
	return r;
}

int
cmxr_open_fd(int fd, const char *name, struct cmxr_reader **readerp,
    struct cmx_error *err)
{
	struct cmxr_reader *reader;
	struct cmxi_call call;
	int r;

	if (readerp != NULL)
		*readerp = NULL;
	if (readerp == NULL || name == NULL)
		return cmxi_error(err, CMX_ERR_ARGUMENT,
		    "cmxr_open_fd: name or readerp is null");
	call = cmxi_call_begin();
	reader = new_reader(err);
	r = reader == NULL ?
	    CMX_ERR_MEMORY :
	    cmxi_view_open_fd(fd, name, &reader->chain.views[0], err);
	if (r == 0) {
		reader->chain.n_views = 1;
		*readerp = reader;
	} else
		cmxr_close(reader);
	cmxi_call_end(&call);
	return r;
}

/* The error of a path that cannot be opened for reading. */
static int
probe_error(int number)
{
	switch (number) {
	case EACCES:
	case EPERM:
		return CMX_ERR_PERMISSION;
	case ENOENT:
	case ENOTDIR:
		return CMX_ERR_NOT_FOUND;
	case ELOOP: /* a symbolic link */
	case ENXIO: /* a socket */
	case ENODEV:
		return CMX_ERR_FORMAT;
	default:
		return CMX_ERR_SYSTEM;
	}
}

static int
probe(int fd)
{
	char magic[CMXI_MAGIC_SIZE];
	struct stat st;

	if (fstat(fd, &st) != 0)
		return CMX_ERR_SYSTEM;
	return S_ISREG(st.st_mode) &&
		pread(fd, magic, sizeof(magic), 0) == (ssize_t)sizeof(magic) &&
		memcmp(magic, CMXI_MAGIC, sizeof(magic)) == 0 ?
	    0 :
	    CMX_ERR_FORMAT;
}

int
cmxr_probe(const char *path)
{
	struct cmxi_call call = cmxi_call_begin();
	int fd = open(path,
	    O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int r = fd < 0 ? probe_error(errno) : probe(fd);

	if (fd >= 0)
		close(fd);
	cmxi_call_end(&call);
	return r;
}

void
cmxr_close(struct cmxr_reader *reader)
{
	struct cmxi_call call;

	if (reader == NULL)
		return;
	call = cmxi_call_begin();
	cmxi_lineage_fini(&reader->merged);
	cmxi_chain_close(&reader->chain);
	cmxi_snapshot_fini(&reader->snapshot);
	cmxi_process_metrics_fini(&reader->processes);
	free(reader->schema_text);
	free(reader);
	cmxi_call_end(&call);
}

bool
cmxr_is_current(const struct cmxr_reader *reader)
{
	struct cmxi_call call = cmxi_call_begin();
	bool is_current = cmxi_chain_is_current(&reader->chain);

	cmxi_call_end(&call);
	return is_current;
}

void
cmxr_show_processes(struct cmxr_reader *reader, bool show)
{
	reader->shows_processes = show;
}

void
cmxr_set_limit(struct cmxr_reader *reader, uint64_t bytes)
{
	reader->limit = bytes;
}

/* Taking a snapshot */

static int
too_large(const struct cmxr_reader *reader, const char *what, uint64_t bytes,
    struct cmx_error *err)
{
	const struct cmxi_segment *s = &reader->chain.views[0]->segment;

	return cmxi_error(err, CMX_ERR_TOO_LARGE,
	    "%s: %s %" PRIu64 " bytes; its reader allows %" PRIu64,
	    s->path != NULL ? s->path : "segment", what, bytes, reader->limit);
}

/* Is the memory of all files within the limit? */
static int
check_memory(const struct cmxr_reader *reader, struct cmx_error *err)
{
	uint64_t sum = 0, bytes;

	for (size_t i = 0; reader->limit != 0 && i < reader->chain.n_views;
	     i++) {
		if (!cmxi_segment_allocated(&reader->chain.views[i]->segment,
			&bytes))
			return cmxi_error_system(err, CMX_ERR_SYSTEM, errno,
			    "cannot ask how large the segment is");
		sum += bytes;
	}
	return sum <= reader->limit ? 0 : too_large(reader, "takes", sum, err);
}

static int
check_text(const struct cmxr_reader *reader, struct cmx_error *err)
{
	uint64_t bytes;

	if (reader->limit == 0)
		return 0;
	bytes = cmxi_snapshot_text_bytes(&reader->snapshot);
	return bytes <= reader->limit ?
	    0 :
	    too_large(reader, "could be a text of", bytes, err);
}

static size_t
n_families_of_views(const struct cmxr_reader *reader)
{
	size_t n = 0;

	for (size_t i = 0; i < reader->chain.n_views; i++)
		n += reader->chain.views[i]->scrape.n_families;
	return n;
}

static int
merge_views(struct cmxr_reader *reader, struct cmx_error *err)
{
	const struct cmxi_scrape *scrapes[CMXI_CHAIN_MAX];
	size_t n_families = n_families_of_views(reader);

	/*
	 * A new family may change which segment defines another one: merge
	 * anew.
	 */
	if (n_families != reader->n_merged_families)
		cmxi_lineage_fini(&reader->merged);
	reader->n_merged_families = n_families;
	for (size_t i = 0; i < reader->chain.n_views; i++)
		scrapes[i] = &reader->chain.views[i]->scrape;
	return cmxi_lineage_merge(&reader->merged, scrapes,
	    reader->chain.n_views, err);
}

static bool
show_processes(struct cmxr_reader *reader)
{
	bool ok = true;

	for (size_t i = 0; i < CMXI_PROCESS_FAMILIES; i++) {
		const struct cmxi_values *v = &reader->processes.values[i];

		if (cmxi_values_count_shown(v) > 0)
			ok &= cmxi_snapshot_show(&reader->snapshot, v);
	}
	return ok;
}

static bool
show_families(struct cmxr_reader *reader)
{
	bool ok = true;

	cmxi_snapshot_clear(&reader->snapshot);
	if (reader->chain.n_views > 1)
		for (size_t i = 0; i < reader->merged.n_families; i++)
			ok &= cmxi_snapshot_show(&reader->snapshot,
			    cmxi_lineage_values(&reader->merged, i));
	else
		for (size_t i = 0;
		     i < reader->chain.views[0]->scrape.n_families; i++)
			ok &= cmxi_snapshot_show(&reader->snapshot,
			    &reader->chain.views[0]->scrape.families[i]);
	return ok;
}

static int
take_processes(struct cmxr_reader *reader, struct cmx_error *err)
{
	struct cmxi_buf *list = &reader->snapshot.processes;
	const struct cmxi_segment *segments[CMXI_CHAIN_MAX];
	int r = 0;

	list->size = 0;
	for (size_t i = 0; i < reader->chain.n_views; i++)
		segments[i] = &reader->chain.views[i]->segment;
	cmxi_process_metrics_begin(&reader->processes, segments,
	    reader->chain.n_views);
	for (size_t i = 0; r == 0 && i < reader->chain.n_views; i++)
		r = cmxi_process_metrics_add(&reader->processes,
		    &reader->chain.views[i]->segment,
		    &reader->chain.views[i]->gauges, list, err);
	return r == 0 && reader->shows_processes ?
	    cmxi_process_metrics_end(&reader->processes, err) :
	    r;
}

/* Forget the merge with views that were closed. */
static int
follow_chain(struct cmxr_reader *reader, struct cmx_error *err)
{
	uint64_t n_changes = reader->chain.n_changes;
	const struct cmxi_view *first = reader->chain.views[0];
	int r = cmxi_chain_follow(&reader->chain, err);

	if (reader->chain.n_changes != n_changes)
		cmxi_lineage_fini(&reader->merged);
	if (reader->chain.views[0] != first) {
		free(reader->schema_text);
		reader->schema_text = NULL;
	}
	return r;
}

static int
take_views(struct cmxr_reader *reader, struct cmx_error *err)
{
	int r = follow_chain(reader, err);

	if (r == 0)
		r = check_memory(reader, err);
	/*
	 * Read the oldest segment first: an update in a newer segment is then
	 * never seen without the updates of older segments that were ordered
	 * before it.
	 */
	for (size_t i = reader->chain.n_views; r == 0 && i > 0; i--) {
		struct cmxi_view *view = reader->chain.views[i - 1];

		view->catalog.limit = reader->limit;
		r = cmxi_view_take(view, err);
	}
	if (r == 0 && reader->chain.n_views > 1)
		r = merge_views(reader, err);
	if (r == 0)
		r = take_processes(reader, err);
	if (r == 0 &&
	    (!show_families(reader) ||
		(reader->shows_processes && !show_processes(reader))))
		r = cmxi_error(err, CMX_ERR_MEMORY,
		    "no memory for the families of the snapshot");
	return r == 0 ? check_text(reader, err) : r;
}

/* Note when the values were last others than in the snapshot before. */
static void
note_change(struct cmxr_reader *reader)
{
	uint64_t hash = reader->chain.n_views;

	for (size_t i = 0; i < reader->chain.n_views; i++) {
		const struct cmxi_scrape *scrape =
		    &reader->chain.views[i]->scrape;

		for (size_t j = 0; j < scrape->n_families; j++)
			hash = cmxi_values_hash(&scrape->families[j], hash);
	}
	if (reader->changed_ns != 0 && hash == reader->values_hash)
		return;
	reader->values_hash = hash;
	reader->changed_ns = cmxi_wall_clock_ns();
}

int
cmxr_snapshot_take(struct cmxr_reader *reader,
    const struct cmxr_snapshot **snapshotp, struct cmx_error *err)
{
	struct cmxi_call call = cmxi_call_begin();
	int r = take_views(reader, err);

	if (r == 0) {
		note_change(reader);
		*snapshotp = &reader->snapshot;
	} else {
		/* They may point into a catalog that the refresh freed. */
		cmxi_lineage_fini(&reader->merged);
		cmxi_snapshot_clear(&reader->snapshot);
	}
	cmxi_call_end(&call);
	return r;
}
