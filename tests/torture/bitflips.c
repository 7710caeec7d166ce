/*
 * bitflips.c: every bit of a segment, changed alone: what is shown is legal,
 * or the segment is refused.
 *
 *	bitflips EVERY
 *		one in EVERY of the bits in the first 64 KiB, and of a sample of
 *		those behind them; hashes left, and hashes made right again
 */
#include <err.h>

#include "victim.h"

#define FIRST (64 * 1024)
/* Behind the first part so few more. */
#define SAMPLE 16

static unsigned long n_shown, n_refused;

static void
check(const struct cmxr_snapshot *s, enum cmxr_format format)
{
	const struct cmxr_input input = { .snapshot = s };
	struct cmxr_buffer body = { .data = NULL };

	MUST(cmxr_encode(&input, 1, format, NULL, &body, NULL) >= 0);
	check_text(&body, format == CMXR_OPENMETRICS);
	cmxr_buffer_free(&body);
}

static void
read_it(void)
{
	const struct cmxr_snapshot *s;
	struct cmxr_reader *reader;
	struct cmx_error error;

	if (cmxr_open(files[0].path, &reader, &error) != 0) {
		MUST(strstr(error.text, files[0].path) != NULL);
		n_refused++;
		return;
	}
	cmxr_show_processes(reader, false);
	if (cmxr_snapshot_take(reader, &s, &error) == 0) {
		check(s, CMXR_TEXT);
		check(s, CMXR_OPENMETRICS);
		n_shown++;
	} else {
		MUST(error.text[0] != '\0');
		n_refused++;
	}
	cmxr_close(reader);
}

/* Hashes cover the fixed bytes of the header, and the entries. */
static bool
has_hash(const struct file *f, uint64_t at)
{
	const struct cmxi_shm_header *h = (const void *)f->good;

	return at < CMXI_FIXED_SIZE ||
	    (at >= h->arena_offset && at < h->arena_offset + h->arena_used);
}

static void
flip(struct file *f, uint64_t bit)
{
	uint64_t at = bit / 8;
	unsigned char byte = f->good[at] ^ (unsigned char)(1 << bit % 8);

	store(f, at, byte, 1);
	read_it();
	if (has_hash(f, at)) {
		fix_hashes(f);
		read_it();
		restore(f);
	} else
		store(f, at, f->good[at], 1);
}

int
main(int argc, char *argv[])
{
	unsigned long every = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;

	if (every == 0)
		errx(2, "usage: bitflips EVERY");
	cmxr_guard_install();
	victims_make(NULL);
	/* lint says where, on stdout, only where a text is wrong. */
	for (size_t i = 0; i < 2; i++) {
		struct file *f = &files[i];
		uint64_t first = f->size < FIRST ? f->size : FIRST;

		for (uint64_t bit = 0; bit < first * 8; bit += every)
			flip(f, bit);
		for (size_t j = 0; j < f->n_parts; j++) {
			uint64_t end =
			    8 * (f->parts[j].from + f->parts[j].size);
			uint64_t bit = 8 * f->parts[j].from;

			if (bit < 8 * first)
				bit = 8 * first;
			for (; bit < end; bit += SAMPLE * every + 1)
				flip(f, bit);
		}
	}
	printf("%lu states shown, %lu refused\n", n_shown, n_refused);
	return 0;
}
