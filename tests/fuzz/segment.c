/*
 * segment.c: a segment that an enemy wrote, read by one reader over several
 * states of damage.
 *
 * The input is a program of changes: words of the header, the families, the
 * index, the arena, slots, cells, also of the segment that was replaced; the
 * file truncated or punched; the geometry changed, and the hashes made right
 * again, so that the next check is reached.  After each round the reader takes
 * a snapshot and encodes it; the text must be one that lint accepts.
 *
 * No writer runs beside: writers trust each other.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "victim.h"
/* For place_regions(), which it keeps to itself. */
#include "segment/layout.c"

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	cmxr_guard_install();
	victims_make(getenv("FUZZ_DIR"));
	return 0;
}

/* Changes */

static uint64_t
choose_value(struct choices *c, uint64_t old)
{
	static const double doubles[] = { NAN, HUGE_VAL, -HUGE_VAL, -1, 1.5,
		0x1p53, 0x1p63, 0x1p64, 1e308, 5e-324, -0.0 };
	double d;
	uint64_t word;

	switch (choose(c, 8)) {
	case 0:
		return choose_word(c, 8);
	case 1:
		return choose_word(c, 1);
	case 2:
		return choose_word(c, 2);
	case 3:
		return old + choose(c, 33) - 16;
	case 4:
		return old ^ UINT64_C(1) << choose(c, 64);
	case 5:
		return (UINT64_C(1) << choose(c, 64)) + choose(c, 3) - 1;
	case 6:
		d = doubles[choose(c, sizeof(doubles) / sizeof(doubles[0]))];
		memcpy(&word, &d, sizeof(word));
		return word;
	default:
		return 0;
	}
}

/* A place in one of the regions that the good header describes. */
static uint64_t
choose_place(struct choices *c, const struct file *f)
{
	struct cmxi_shm_header h;

	memcpy(&h, f->good, sizeof(h));
	switch (choose(c, 8)) {
	case 0:
		return 8 * choose(c, CMXI_FIXED_SIZE / 8);
	case 1:
		return CMXI_FIXED_SIZE + 8 * choose(c, 96);
	case 2:
		return h.family_offset + 8 * choose(c, 16);
	case 3:
		return h.index_offset + 8 * choose(c, h.n_index_words);
	case 4:
		return h.arena_offset +
		    choose(c, h.arena_used < 65536 ? h.arena_used : 65536);
	case 5:
		return h.slot_offset +
		    choose(c, h.n_slots * sizeof(struct cmxi_shm_slot));
	case 6:
		return h.stripe_offset + h.stripe_size * choose(c, 16) +
		    8 * choose(c, 256);
	default:
		return h.gauge_offset + h.gauge_stripe_size * choose(c, 8) +
		    8 * choose(c, 64);
	}
}

static void
change_word(struct choices *c, const struct file *f)
{
	uint64_t at = choose_place(c, f);
	static const size_t sizes[] = { 8, 4, 2, 1 };

	store(f, at, choose_value(c, load(f, at)), sizes[choose(c, 4)]);
}

/* Copy a word of the index or the family table to another place. */
static void
copy_word(struct choices *c, const struct file *f)
{
	uint64_t from = choose_place(c, f), to = choose_place(c, f);

	store(f, to, load(f, from), 8);
}

static void
resize(struct choices *c, const struct file *f)
{
	if (ftruncate(f->fd, (off_t)choose(c, 2 * f->size)) != 0)
		abort();
}

static void
punch(struct choices *c, const struct file *f)
{
	fallocate(f->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
	    (off_t)(choose(c, f->size / 4096 + 1) * 4096),
	    (off_t)(1 + choose(c, 16)) * 4096);
}

/* A size of the geometry; offsets and the file's size follow it. */
static void
change_geometry(struct choices *c, const struct file *f)
{
	struct cmxi_shm_header h = header_of(f);
	uint64_t *const sizes[] = { &h.n_family_words, &h.n_index_words,
		&h.arena_size, &h.n_slots, &h.stripe_size, &h.gauge_stripe_size,
		&h.series_limit, &h.schema_size };
	struct size_rule broken;
	uint64_t *size = sizes[choose(c, 8)];

	*size = choose_value(c, *size);
	h.n_cpu_stripes ^= (uint32_t)choose(c, 256) & 0x13;
	if (find_broken_size(&h, &broken))
		return;
	place_regions(&h);
	if (h.file_size > UINT64_C(1) << 40 ||
	    ftruncate(f->fd, (off_t)h.file_size) != 0)
		return;
	if (pwrite(f->fd, &h, CMXI_FIXED_SIZE, 0) < 0)
		abort();
}

static void
damage(struct choices *c)
{
	const struct file *f = &files[choose(c, 4) == 0];

	switch (choose(c, 16)) {
	case 0:
		copy_word(c, f);
		break;
	case 1:
		resize(c, f);
		break;
	case 2:
		punch(c, f);
		break;
	case 3:
	case 4:
		change_geometry(c, f);
		break;
	case 5:
		restore(&files[f == &files[1]]);
		break;
	default:
		change_word(c, f);
	}
}

/* Reading */

static void
walk(const struct cmxr_snapshot *s)
{
	for (size_t i = 0; i < cmxr_snapshot_n_families(s); i++) {
		struct cmxr_series series;
		struct cmxr_family family;
		size_t cursor = 0, n = 0;

		cmxr_snapshot_family(s, i, &family);
		while (cmxr_series_next(s, i, &cursor, &series))
			n++;
		MUST(family.def.aggregate == CMX_EACH || n == family.n_series);
	}
}

static void
encode(struct choices *c, const struct cmxr_snapshot *s)
{
	static const enum cmxr_format formats[] = { CMXR_TEXT, CMXR_OPENMETRICS,
		CMXR_PROTOBUF, CMXR_JSON };
	enum cmxr_format format = formats[choose(c, 4)];
	const struct cmxr_options options = { .with_created =
						  choose(c, 2) == 1 };
	const struct cmxr_input input = { .snapshot = s };
	struct cmxr_buffer body = { .data = NULL };

	MUST(cmxr_encode(&input, 1, format, &options, &body, NULL) >= 0);
	if (format == CMXR_TEXT || format == CMXR_OPENMETRICS)
		check_text(&body, format == CMXR_OPENMETRICS);
	cmxr_buffer_free(&body);
}

static void
read_segment(struct choices *c, struct cmxr_reader **readerp)
{
	const struct cmxr_snapshot *s;
	struct cmxr_process process;
	struct cmxr_info info;
	struct cmx_error error;
	size_t cursor = 0;

	if (*readerp == NULL &&
	    cmxr_open(files[0].path, readerp, &error) != 0) {
		MUST(strlen(error.text) > 0);
		return;
	}
	cmxr_show_processes(*readerp, choose(c, 8) == 0);
	if (cmxr_snapshot_take(*readerp, &s, &error) != 0) {
		MUST(strlen(error.text) > 0);
		return;
	}
	walk(s);
	encode(c, s);
	while (cmxr_process_next(s, &cursor, &process))
		MUST(memchr(process.role, '\0', sizeof(process.role)) != NULL);
	cmxr_info_get(*readerp, &info, NULL);
	cmxr_schema_text(*readerp);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct choices c = { data, size };
	struct cmxr_reader *reader = NULL;
	uint64_t n_rounds = 1 + choose(&c, 3);

	restore(&files[0]);
	restore(&files[1]);
	for (uint64_t i = 0; i < n_rounds; i++) {
		uint64_t n = 1 + choose(&c, 6);
		bool fixes = choose(&c, 4) != 0;

		while (n-- > 0)
			damage(&c);
		if (fixes) {
			fix_hashes(&files[0]);
			fix_hashes(&files[1]);
		}
		read_segment(&c, &reader);
	}
	cmxr_close(reader);
	return 0;
}
