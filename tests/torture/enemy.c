/*
 * enemy.c: what may write a segment, and wishes its readers ill.
 *
 *	enemy beacons SEGMENT
 *		holds the beacon of every second slot, says "ready", and waits
 *	enemy wreck SEGMENT TIMES SEED
 *		truncates, punches, renames, replaces, scribbles, forbids, and
 *		puts a good segment back, so many times
 *	enemy junk SEGMENT N
 *		makes N series of long labels
 */
#include <bsd/stdlib.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common.h"

#include "segment/format.h"
#include "segment/layout.h"

static int
open_segment(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

static struct cmxi_shm_header *
map_header(int fd)
{
	struct cmxi_shm_header *h =
	    mmap(NULL, sizeof(*h), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (h == MAP_FAILED)
		err(1, "mmap");
	return h;
}

static int
hold_beacons(const char *path)
{
	int fd = open_segment(path);
	const struct cmxi_shm_header *h = map_header(fd);
	struct flock lock = { .l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_len = 1 };

	for (uint64_t i = 0; i < h->n_slots; i += 2) {
		lock.l_start = (off_t)CMXI_BEACON_BYTE(i);
		if (fcntl(fd, F_OFD_SETLK, &lock) != 0)
			err(1, "beacon %lu", (unsigned long)i);
	}
	puts("ready");
	fflush(stdout);
	pause();
	return 0;
}

/* Random numbers that a seed repeats. */
static uint64_t random_state;

static uint64_t
pick(uint64_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % below;
}

/* Make N series of a family, with labels of 200 bytes. */
static int
make_junk(const char *path, long n)
{
	struct cmx_registry *reg;
	struct cmx_family events;
	struct cmx_error error;
	char value[201];
	const char *values = value;

	if (cmx_open(path, NULL, 0, &reg, &error) != 0 ||
	    cmx_family_find(reg, "codeai_events_emitted_total", &events,
		&error) != 0)
		errx(1, "%s", error.text);
	for (long i = 0; i < n; i++) {
		struct cmx_counter c;

		snprintf(value, sizeof(value), "%0200ld", i);
		cmx_counter_find(&events, 1, &values, &c, NULL);
		cmx_counter_inc(&c);
	}
	cmx_close(reg);
	return 0;
}

/* A good segment, new or not, with some series. */
static void
make_good(const char *path)
{
	chmod(path, 0644);
	remove(path);
	make_junk(path, 50);
}

/* Words anywhere become anything; the header's hash is made right or not. */
static void
scribble(const char *path)
{
	int fd = open_segment(path);
	struct stat st;

	if (fstat(fd, &st) == 0 && st.st_size > 4096) {
		struct cmxi_shm_header *h = map_header(fd);
		uint64_t word, in_header = pick(2), n = 1 + pick(20);

		for (uint64_t i = 0; i < n; i++) {
			uint64_t size =
			    in_header ? sizeof(*h) : (uint64_t)st.st_size;

			word = pick(3) == 0 ? pick(1 << 20) : pick(UINT64_MAX);
			if (pwrite(fd, &word, 1 + pick(8),
				(off_t)pick(size - 8)) < 0)
				warn("%s", path);
		}
		if (pick(2) == 0)
			h->layout_hash = cmxi_layout_hash(h);
		munmap(h, sizeof(*h));
	}
	close(fd);
}

static void
resize(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0 ||
	    truncate(path, (off_t)pick((uint64_t)st.st_size + 8192)) != 0)
		warn("%s", path);
}

static void
punch(const char *path)
{
	int fd = open_segment(path);
	struct stat st;

	if (fstat(fd, &st) == 0 && st.st_size > 4096)
		fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		    (off_t)pick((uint64_t)st.st_size),
		    1 + (off_t)pick(1 << 20));
	close(fd);
}

static void
move_away(const char *path)
{
	char other[4096];

	snprintf(other, sizeof(other), "%s.away", path);
	rename(path, other);
	rename(other, path);
}

/* Something that is no segment has its name. */
static void
replace(const char *path)
{
	char other[4096];
	int fd;

	snprintf(other, sizeof(other), "%s.other", path);
	switch (pick(4)) {
	case 0:
		fd = open(other, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		for (int i = 0; i < 1000; i++) {
			uint64_t word = pick(UINT64_MAX);

			if (write(fd, &word, sizeof(word)) < 0)
				warn("%s", other);
		}
		close(fd);
		break;
	case 1:
		mkfifo(other, 0644);
		break;
	case 2:
		if (symlink("/dev/zero", other) != 0)
			warn("%s", other);
		break;
	default:
		remove(path);
		mkdir(other, 0755);
	}
	if (rename(other, path) != 0)
		remove(other);
}

static void
forbid(const char *path)
{
	chmod(path, 0);
}

static int
wreck(const char *path, long n, long seed)
{
	static void (*const ways[])(const char *) = { scribble, scribble,
		scribble, resize, punch, move_away, replace, forbid };

	random_state = (uint64_t)seed * 2654435761U + 1;
	for (long i = 0; i < n; i++) {
		uint64_t at_once = 1 + pick(4);

		make_good(path);
		for (uint64_t j = 0; j < at_once; j++) {
			void (*way)(const char *) =
			    ways[pick(sizeof(ways) / sizeof(ways[0]))];
			struct stat st;

			if (lstat(path, &st) == 0 && S_ISREG(st.st_mode))
				way(path);
		}
		/* Some scrapes see it so. */
		usleep((useconds_t)pick(4000));
	}
	make_good(path);
	return 0;
}

static long
number(const char *text)
{
	const char *reason;
	long long n = strtonum(text, 0, INT32_MAX, &reason);

	if (reason != NULL)
		errx(2, "%s: is %s", text, reason);
	return (long)n;
}

int
main(int argc, char *argv[])
{
	if (argc == 3 && strcmp(argv[1], "beacons") == 0)
		return hold_beacons(argv[2]);
	if (argc == 4 && strcmp(argv[1], "junk") == 0)
		return make_junk(argv[2], number(argv[3]));
	if (argc == 5 && strcmp(argv[1], "wreck") == 0)
		return wreck(argv[2], number(argv[3]), number(argv[4]));
	errx(2, "usage: enemy beacons|wreck|junk SEGMENT ...");
}
