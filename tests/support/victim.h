/*
 * victim.h: a segment that is damaged on purpose, with the one that it
 * replaced; for programs that compare nothing but what must always hold.
 */
#ifndef TEST_VICTIM_H
#define TEST_VICTIM_H

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <codeai/metrics.h>
#include <codeai/metrics_reader.h>

#include "base/hash.h"
#include "lint/exposition_line.h"
#include "must.h"
#include "segment/format.h"
#include "segment/layout.h"

#define SCHEMA(processes)                                                   \
	"{\"version\":1,\"limits\":{\"series\":64,\"processes\":" processes \
	"},"                                                                \
	"\"metrics\":["                                                     \
	"{\"name\":\"a_total\",\"type\":\"counter\",\"help\":\"h\","        \
	"\"labels\":[\"x\",\"yy\"],\"exemplars\":true},"                    \
	"{\"name\":\"d_total\",\"type\":\"counter\",\"help\":\"h\","        \
	"\"value\":\"double\"},"                                            \
	"{\"name\":\"h_seconds\",\"type\":\"histogram\",\"help\":\"h\","    \
	"\"unit\":\"seconds\",\"labels\":[\"x\"],\"buckets\":[-1,0.5,2],"   \
	"\"exemplars\":true},"                                              \
	"{\"name\":\"n\",\"type\":\"histogram\",\"help\":\"h\","            \
	"\"native\":{\"schema\":0,\"min\":1,\"max\":8}},"                   \
	"{\"name\":\"g\",\"type\":\"gauge\",\"help\":\"h\"},"               \
	"{\"name\":\"v\",\"type\":\"gauge\",\"help\":\"h\","                \
	"\"aggregate\":\"avg\",\"labels\":[\"x\"]},"                        \
	"{\"name\":\"l\",\"type\":\"gauge\",\"help\":\"h\","                \
	"\"aggregate\":\"last\"},"                                          \
	"{\"name\":\"e\",\"type\":\"gauge\",\"help\":\"h\","                \
	"\"aggregate\":\"each\",\"labels\":[\"x\"]}]}"

/* A file, as it was made and as it is. */
struct file {
	char path[256];
	int fd;
	size_t size;
	unsigned char *good;
	struct {
		size_t from, size;
	} parts[64];
	size_t n_parts;
};

static char dir[128];
static struct file files[2]; /* the segment, and the one that it replaced */

static inline void
remove_dir(void)
{
	char command[200];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	if (system(command) != 0)
		fprintf(stderr, "%s stays\n", dir);
}

static inline void
write_schema(const char *path, const char *text)
{
	FILE *out = fopen(path, "w");

	MUST(out != NULL && fputs(text, out) >= 0 && fclose(out) == 0);
}

static inline void
write_values(struct cmx_registry *reg)
{
	static const struct cmx_label trace[] = { { "trace_id", "abc" } };
	const char *const values[] = { "1\\\"\n", "z" };
	struct cmx_family f;
	struct cmx_counter c;
	struct cmx_histogram h;
	struct cmx_gauge g;

	MUST(cmx_family_find(reg, "a_total", &f, NULL) == 0);
	MUST(cmx_counter_find(&f, 2, values, &c, NULL) == 0);
	cmx_counter_add_exemplar(&c, 3, 1, trace);
	MUST(cmx_family_find(reg, "d_total", &f, NULL) == 0);
	MUST(cmx_counter_find(&f, 0, NULL, &c, NULL) == 0);
	cmx_counter_add_double(&c, 1.25);
	MUST(cmx_family_find(reg, "h_seconds", &f, NULL) == 0);
	MUST(cmx_histogram_find(&f, 1, values, &h, NULL) == 0);
	cmx_histogram_observe_exemplar(&h, 1, 1, trace);
	MUST(cmx_family_find(reg, "n", &f, NULL) == 0);
	MUST(cmx_histogram_find(&f, 0, NULL, &h, NULL) == 0);
	cmx_histogram_observe(&h, 5);
	for (const char *const *name =
		 (const char *[]){ "g", "v", "l", "e", NULL };
	     *name != NULL; name++) {
		MUST(cmx_family_find(reg, *name, &f, NULL) == 0);
		MUST(cmx_gauge_find(&f, **name == 'v' || **name == 'e', values,
			 &g, NULL) == 0);
		cmx_gauge_set(&g, 7);
	}
	cmx_set_role(reg, "fuzz");
}

static inline void
keep(struct file *f)
{
	struct stat st;

	f->fd = open(f->path, O_RDWR | O_CLOEXEC);
	MUST(f->fd >= 0 && fstat(f->fd, &st) == 0);
	f->size = (size_t)st.st_size;
	f->good = malloc(f->size);
	MUST(f->good != NULL &&
	    pread(f->fd, f->good, f->size, 0) == (ssize_t)f->size);
	for (off_t from = 0, to = 0;
	     f->n_parts < 64 && (from = lseek(f->fd, to, SEEK_DATA)) >= 0;) {
		to = lseek(f->fd, from, SEEK_HOLE);
		f->parts[f->n_parts].from = (size_t)from;
		f->parts[f->n_parts++].size = (size_t)(to - from);
	}
}

/*
 * Make a segment with values that replaced another, both with a live process,
 * in a directory below where, or below /dev/shm.
 */
static inline void
victims_make(const char *where)
{
	struct cmx_registry *old, *new;
	char schema[256];
	uint64_t seed;

	snprintf(dir, sizeof(dir), "%s/segment-XXXXXX",
	    where != NULL ? where : "/dev/shm");
	MUST(mkdtemp(dir) != NULL);
	atexit(remove_dir);
	snprintf(files[0].path, sizeof(files[0].path), "%s/a.seg", dir);
	snprintf(schema, sizeof(schema), "%s/schema", dir);
	write_schema(schema, SCHEMA("4"));
	MUST(cmx_open(files[0].path, schema, 0, &old, NULL) == 0);
	write_values(old);
	write_schema(schema, SCHEMA("8"));
	MUST(cmx_apply(files[0].path, schema, NULL, NULL) >= 0);
	MUST(cmx_open(files[0].path, schema, 0, &new, NULL) == 0);
	write_values(new);
	keep(&files[0]);
	memcpy(&seed,
	    files[0].good + offsetof(struct cmxi_shm_header, predecessor_seed),
	    sizeof(seed));
	MUST(seed != 0);
	snprintf(files[1].path, sizeof(files[1].path), "%s.%016" PRIx64,
	    files[0].path, seed);
	keep(&files[1]);
}

/* Write the parts that the good file had pages for; holes are holes again. */
static inline void
restore(struct file *f)
{
	MUST(ftruncate(f->fd, 0) == 0);
	MUST(ftruncate(f->fd, (off_t)f->size) == 0);
	for (size_t i = 0; i < f->n_parts; i++)
		MUST(pwrite(f->fd, f->good + f->parts[i].from, f->parts[i].size,
			 (off_t)f->parts[i].from) == (ssize_t)f->parts[i].size);
}

static inline uint64_t
load(const struct file *f, uint64_t at)
{
	uint64_t word = 0;

	if (pread(f->fd, &word, sizeof(word), (off_t)at) < 0)
		return 0;
	return word;
}

static inline void
store(const struct file *f, uint64_t at, uint64_t word, size_t size)
{
	struct stat st;

	/* A change never makes the file longer. */
	if (fstat(f->fd, &st) == 0 && at <= (uint64_t)st.st_size &&
	    (uint64_t)st.st_size - at >= size &&
	    pwrite(f->fd, &word, size, (off_t)at) < 0)
		abort();
}

/* The header as it is in the file: a change may have made it anything. */
static inline struct cmxi_shm_header
header_of(const struct file *f)
{
	struct cmxi_shm_header h;

	memset(&h, 0, sizeof(h));
	if (pread(f->fd, &h, sizeof(h), 0) < 0)
		abort();
	return h;
}

/* Hashes made right again. */
static inline void
fix_entry(const struct file *f, const struct cmxi_shm_header *h, uint64_t at)
{
	unsigned char key[4096];
	struct cmxi_shm_series entry;
	uint64_t hash;
	uint32_t size;

	if (pread(f->fd, &entry, sizeof(entry), (off_t)at) !=
		(ssize_t)sizeof(entry) ||
	    entry.key_size < 4 || entry.key_size > sizeof(key))
		return;
	size = entry.key_size;
	if (pread(f->fd, key, size, (off_t)(at + CMXI_KEY_OFFSET)) !=
	    (ssize_t)size)
		return;
	hash = cmxi_hash_begin(entry.key_family, h->seed);
	for (uint32_t p = 4; p + 2 <= size;) {
		uint16_t n;

		memcpy(&n, key + p, sizeof(n));
		p += 2;
		if (n > size - p)
			return;
		hash = cmxi_hash_label(hash, key + p, n, h->seed);
		p += n;
	}
	store(f, at, hash, 8);
}

static inline void
fix_hashes(const struct file *f)
{
	struct cmxi_shm_header h = header_of(f);
	uint64_t words[256];
	ssize_t n = pread(f->fd, words, sizeof(words), (off_t)h.index_offset);

	store(f, offsetof(struct cmxi_shm_header, layout_hash),
	    cmxi_layout_hash(&h), 8);
	for (ssize_t i = 0; i < n / (ssize_t)sizeof(words[0]); i++)
		if ((uint32_t)words[i] != 0)
			fix_entry(f, &h,
			    h.arena_offset +
				(uint32_t)words[i] * CMXI_ENTRY_UNIT);
}

static inline void
check_text(const struct cmxr_buffer *body, bool is_openmetrics)
{
	char *text = strndup(body->data != NULL ? body->data : "", body->size);

	MUST(text != NULL &&
	    lint_exposition("victim", text, body->size, is_openmetrics) == 0);
	free(text);
}

#endif
