/*
 * die_once.c: death at every instruction of operations that happen once.
 *
 *	die_once
 *		insert, arena, cells, slot and register by instruction; attach,
 *		create, replace and carry by system call
 *	die_once steps
 *		all of them by instruction
 *
 * A process does the operation under ptrace.  Others can only see what a dead
 * process left in the directory and in its files.  So whenever an instruction
 * (or a system call) has changed one of these, the directory is copied as it
 * is, with no lock on it, as after a SIGKILL.  A reader must find the copy
 * sound, and a second process must be able to do the same operation on it and
 * find it done.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/user.h>

#include "common.h"

#include "base/hash.h"
#include "segment/format.h"
#include "segment/layout.h"

#define FILES_MAX 8
#define PART_MAX  (64 * 1024) /* bytes of a region that are watched */

static const char other_schema[] =
    "{\"version\":1,\"limits\":{\"series\":2048},"
    "\"metrics\":[{\"name\":\"whole_total\",\"type\":\"counter\","
    "\"help\":\"h\"},{\"name\":\"double_total\",\"type\":\"counter\","
    "\"help\":\"h\",\"value\":\"double\"},{\"name\":\"pairs\","
    "\"type\":\"histogram\",\"help\":\"h\","
    "\"buckets\":[1,2,3,4,5,6,7,8,9,10,11]},{\"name\":\"in_flight\","
    "\"type\":\"gauge\",\"help\":\"h\"},{\"name\":\"events_total\","
    "\"type\":\"counter\",\"help\":\"h\",\"labels\":[\"x\"]}]}";

/* The place of an operation: a directory, and what is opened of it. */
struct place {
	struct segment s;
	char other[96]; /* a schema that does not fit */
	struct handles h;
};

/* Operations: 0 is done. */

static char long_value[900];

static int
insert(struct place *p)
{
	const char *value = long_value;
	struct cmx_counter c;

	return cmx_counter_find(&p->h.events, 1, &value, &c, NULL);
}

static int
claim(struct place *p)
{
	cmx_gauge_set(&p->h.in_flight, 1);
	return 0;
}

static int
add_family(struct place *p)
{
	static const double bounds[] = { 1, 2, 3 };
	const struct cmx_family_def def = { .name = "late_seconds",
		.help = "h",
		.type = CMX_HISTOGRAM,
		.n_bounds = 3,
		.bounds = bounds };

	return cmx_register(p->h.reg, &def, NULL, NULL);
}

static int
attach(struct place *p)
{
	struct cmx_registry *reg;
	int r = cmx_open(p->s.path, p->s.schema, 0, &reg, NULL);

	cmx_close(reg);
	return r;
}

static int
replace(struct place *p)
{
	struct cmx_error error;
	int r = cmx_apply(p->s.path, p->other, NULL, &error);

	if (r != 0)
		fprintf(stderr, "%s\n", error.text);
	return r;
}

/* Looks at what is left, in a process of its own: 0 is sound. */

static bool
has_totals(const struct place *p, unsigned long long wanted)
{
	struct cmxr_info info;
	struct totals t = final_totals(&p->s, &info);

	return t.whole == wanted && t.count == wanted &&
	    t.doubles == 2 * (double)wanted && info.invalid_entries == 0;
}

/* The series is there once, and what is added to it is all that it has. */
static bool
inserted(struct place *p)
{
	const struct cmxr_snapshot *snapshot;
	const char *value = long_value;
	struct cmxr_reader *reader;
	struct cmxr_series series;
	struct cmx_counter c;
	size_t cursor = 0;
	int n = 0;

	if (cmx_counter_find(&p->h.events, 1, &value, &c, NULL) != 0)
		return false;
	cmx_counter_inc(&c);
	if (cmxr_open(p->s.path, &reader, NULL) != 0 ||
	    cmxr_snapshot_take(reader, &snapshot, NULL) != 0)
		return false;
	while (cmxr_series_next(snapshot, 4, &cursor, &series))
		if (strcmp(series.values[0], long_value) == 0)
			n += series.whole == 1 ? 1 : 100;
	cmxr_close(reader);
	return n == 1;
}

static bool
claimed(struct place *p)
{
	const struct cmxr_snapshot *snapshot;
	struct cmxr_reader *reader;
	struct cmxr_series series;
	size_t cursor = 0;
	bool ok;

	if (cmxr_open(p->s.path, &reader, NULL) != 0 ||
	    cmxr_snapshot_take(reader, &snapshot, NULL) != 0)
		return false;
	ok = cmxr_series_next(snapshot, 3, &cursor, &series) &&
	    series.value == 1;
	cmxr_close(reader);
	return ok;
}

static bool
registered(struct place *p)
{
	struct cmx_family family;
	struct cmx_histogram late;

	if (cmx_family_find(p->h.reg, "late_seconds", &family, NULL) != 0 ||
	    cmx_histogram_find(&family, 0, NULL, &late, NULL) != 0)
		return false;
	cmx_histogram_observe(&late, 2);
	return has_totals(p, 5);
}

static int
n_segments(const struct place *p)
{
	DIR *d = opendir(p->s.dir);
	struct dirent *e;
	int n = 0;

	while ((e = readdir(d)) != NULL)
		n += strncmp(e->d_name, "a.seg", 5) == 0;
	closedir(d);
	return n;
}

static bool
attached(struct place *p)
{
	update(&p->h);
	return has_totals(p, 6);
}

static bool
created(struct place *p)
{
	update(&p->h);
	return has_totals(p, 1) && n_segments(p) == 1;
}

static bool
replaced(struct place *p)
{
	return has_totals(p, 5) && n_segments(p) == 1;
}

/* Insert short series until the next one needs what is to be tried. */
static void
fill_until(struct place *p, bool (*is_there)(const struct cmxi_shm_header *))
{
	int fd = open(p->s.path, O_RDONLY);
	struct cmxi_shm_header header;
	char text[32];
	const char *value = text;
	struct cmx_counter c;

	for (int i = 0;; i++) {
		if (pread(fd, &header, sizeof(header), 0) !=
		    (ssize_t)sizeof(header))
			err(1, "%s", p->s.path);
		if (is_there(&header))
			break;
		snprintf(text, sizeof(text), "%d", i);
		cmx_counter_find(&p->h.events, 1, &value, &c, NULL);
	}
	close(fd);
}

static bool
needs_arena(const struct cmxi_shm_header *header)
{
	return header->arena_ready - header->arena_used < sizeof(long_value);
}

static bool
needs_cells(const struct cmxi_shm_header *header)
{
	return header->cell_ready - header->cell_used < 8;
}

static void
prepare_nothing(struct place *p)
{
	(void)p;
}

static void
prepare_arena(struct place *p)
{
	fill_until(p, needs_arena);
}

static void
prepare_cells(struct place *p)
{
	fill_until(p, needs_cells);
}

static void
prepare_create(struct place *p)
{
	unlink(p->s.path);
}

/* The segment was replaced, and its last writer is to end before the step. */
static void
prepare_carry(struct place *p)
{
	if (replace(p) != 0)
		errx(1, "cannot replace");
}

static const struct operation {
	const char *name;
	bool is_short; /* thousands of instructions, not millions */
	bool opens;    /* it opens the segment itself */
	bool is_made;  /* there is a segment while it is done */
	void (*prepare)(struct place *);
	int (*run)(struct place *);
	bool (*is_done)(struct place *);
} operations[] = {
	{ "insert", true, false, true, prepare_nothing, insert, inserted },
	{ "insert into a new part of the arena", true, false, true,
	    prepare_arena, insert, inserted },
	{ "insert into a new page of cells", true, false, true, prepare_cells,
	    insert, inserted },
	{ "slot", true, false, true, prepare_nothing, claim, claimed },
	{ "register", true, false, true, prepare_nothing, add_family,
	    registered },
	{ "attach", false, true, true, prepare_nothing, attach, attached },
	{ "create", false, true, false, prepare_create, attach, created },
	{ "replace", false, true, true, prepare_nothing, replace, replaced },
	{ "carry", false, true, true, prepare_carry, replace, replaced },
};

/* Places */

static void
write_schema(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0)
		err(1, "%s", path);
}

static void
empty_place(const struct place *p)
{
	DIR *d = opendir(p->s.dir);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL)
		unlinkat(dirfd(d), e->d_name, 0);
	if (d != NULL)
		closedir(d);
}

/*
 * In the copy the process that stands still is dead: its name among those that
 * apply is that of another process, which had its pid.
 */
static void
forget_applier(int fd)
{
	const off_t at = offsetof(struct cmxi_shm_header, applier);
	uint64_t word = 0;

	if (pread(fd, &word, sizeof(word), at) == sizeof(word) && word != 0) {
		word ^= UINT64_C(1) << 22;
		if (pwrite(fd, &word, sizeof(word), at) != sizeof(word))
			err(1, "the copy");
	}
}

/* The bytes of a file, its holes left holes. */
static void
copy_file(int from_dir, int to_dir, const char *name, struct stat *st)
{
	int from = openat(from_dir, name, O_RDONLY);
	int to = openat(to_dir, name, O_RDWR | O_CREAT | O_EXCL, 0600);
	off_t at = 0, end;
	static char block[1 << 16];

	if (from < 0 || to < 0 || ftruncate(to, st->st_size) != 0)
		err(1, "%s", name);
	while ((at = lseek(from, at, SEEK_DATA)) >= 0) {
		end = lseek(from, at, SEEK_HOLE);
		while (at < end) {
			size_t n = (size_t)(end - at) < sizeof(block) ?
			    (size_t)(end - at) :
			    sizeof(block);

			if (pread(from, block, n, at) != (ssize_t)n ||
			    pwrite(to, block, n, at) != (ssize_t)n)
				err(1, "%s", name);
			at += (off_t)n;
		}
	}
	forget_applier(to);
	close(from);
	close(to);
}

/* A directory as it is now; two names of one file stay that. */
static void
copy_place(const struct place *from, struct place *to)
{
	struct {
		ino_t inode;
		char name[64];
	} known[FILES_MAX];
	int n_known = 0, from_dir, to_dir;
	DIR *d = opendir(from->s.dir);
	struct dirent *e;
	struct stat st;

	empty_place(to);
	from_dir = dirfd(d);
	to_dir = open(to->s.dir, O_DIRECTORY | O_RDONLY);
	while ((e = readdir(d)) != NULL) {
		int i = 0;

		if (fstatat(from_dir, e->d_name, &st, 0) != 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		while (i < n_known && known[i].inode != st.st_ino)
			i++;
		if (i < n_known) {
			if (linkat(to_dir, known[i].name, to_dir, e->d_name,
				0) != 0)
				err(1, "%s", e->d_name);
			continue;
		}
		copy_file(from_dir, to_dir, e->d_name, &st);
		known[n_known].inode = st.st_ino;
		snprintf(known[n_known++].name, sizeof(known[0].name), "%s",
		    e->d_name);
	}
	closedir(d);
	close(to_dir);
}

static struct place
make_place(void)
{
	struct place p;

	p.s = make_segment(&p.h);
	snprintf(p.other, sizeof(p.other), "%s/other.json", p.s.dir);
	write_schema(p.other, other_schema);
	return p;
}

/* Others, after the death */

/* A second process does the same, and finds it done. */
static bool
others_go_on(const struct operation *o, struct place *copy)
{
	pid_t pid = spawn();
	int status;

	if (pid == 0) {
		/* Nothing is lost before anybody does anything. */
		if (o->is_made && !has_totals(copy, 5))
			_exit(10);
		if (!o->opens)
			open_handles(&copy->s, &copy->h);
		if (o->run(copy) != 0)
			_exit(11);
		if (o->opens && o->run != replace)
			open_handles(&copy->s, &copy->h);
		_exit(o->is_done(copy) ? 0 : 12);
	}
	waitpid(pid, &status, 0);
	if (status == 0)
		return true;
	printf("%s: status 0x%x\n", o->name, status);
	return false;
}

/* What has changed */

struct watched {
	struct cmxi_shm_header *header;
	unsigned char *base;
	ino_t inode;
};

static struct watched watched[FILES_MAX];
static int n_watched;

static uint64_t
hash_part(const struct watched *w, uint64_t offset, uint64_t size)
{
	if (size > PART_MAX)
		size = PART_MAX;
	return cmxi_hash(w->base + offset, size, offset);
}

/* Everything that the operations write, as far as it has pages. */
static uint64_t
hash_file(const struct watched *w)
{
	const struct cmxi_shm_header *h = w->header;
	uint64_t sum = cmxi_hash(h, CMXI_HEADER_SIZE, 1);
	uint64_t carry = h->stripe_offset +
	    (h->n_cpu_stripes + h->n_fallback_stripes) * h->stripe_size;

	sum = sum * 31 + hash_part(w, h->family_offset, 4096);
	sum = sum * 31 + hash_part(w, h->bitmap_offset, h->bitmap_size);
	sum =
	    sum * 31 + cmxi_hash(w->base + h->arena_offset, h->arena_ready, 2);
	sum = sum * 31 + hash_part(w, h->slot_offset, 256);
	sum = sum * 31 + hash_part(w, h->stripe_offset, 4096);
	sum = sum * 31 + hash_part(w, h->gauge_offset, 256);
	return sum * 31 + hash_part(w, carry, 256);
}

/* Map the files that the directory has by now; a number that names it. */
static uint64_t
look_at_names(const struct place *p)
{
	DIR *d = opendir(p->s.dir);
	uint64_t sum = 0;
	struct dirent *e;
	struct stat st;

	while ((e = readdir(d)) != NULL) {
		int i = 0, fd;

		if (strncmp(e->d_name, "a.seg", 5) != 0 ||
		    fstatat(dirfd(d), e->d_name, &st, 0) != 0)
			continue;
		sum += cmxi_hash(e->d_name, strlen(e->d_name), st.st_ino);
		while (i < n_watched && watched[i].inode != st.st_ino)
			i++;
		if (i < n_watched || i == FILES_MAX)
			continue;
		fd = openat(dirfd(d), e->d_name, O_RDONLY);
		watched[i].base = mmap(NULL, (size_t)st.st_size, PROT_READ,
		    MAP_SHARED, fd, 0);
		close(fd);
		if (watched[i].base == MAP_FAILED)
			err(1, "%s", e->d_name);
		watched[i].header = (struct cmxi_shm_header *)watched[i].base;
		watched[i].inode = st.st_ino;
		n_watched++;
	}
	closedir(d);
	return sum;
}

static void
forget_files(void)
{
	for (int i = 0; i < n_watched; i++)
		munmap(watched[i].base, watched[i].header->file_size);
	n_watched = 0;
}

/* The state of all files, and with names of the directory too. */
static uint64_t
state_of(const struct place *p, bool with_names)
{
	static uint64_t names;
	uint64_t sum;

	if (with_names)
		names = look_at_names(p);
	sum = names;
	for (int i = 0; i < n_watched; i++)
		sum = sum * 31 + hash_file(&watched[i]);
	return sum;
}

static bool
is_syscall(pid_t pid)
{
	struct user_regs_struct regs;

	ptrace(PTRACE_GETREGS, pid, NULL, &regs);
	return (ptrace(PTRACE_PEEKTEXT, pid, (void *)regs.rip, NULL) &
		   0xffff) == 0x050f;
}

static pid_t
start_traced(const struct operation *o, struct place *p)
{
	pid_t pid = spawn();

	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit(o->run(p) == 0 ? 0 : 1);
	}
	waitpid(pid, NULL, 0);
	return pid;
}

/* Stop a child after each instruction, or before and after each call. */
static bool
die_in(const struct operation *o, struct place *p, struct place *copy,
    bool by_instruction)
{
	pid_t pid = start_traced(o, p);
	long n_stops = 0, n_states = 0;
	uint64_t last = 0;
	bool ok = true, was_call = true;
	int status;

	for (;;) {
		uint64_t now = state_of(p, was_call || !by_instruction);

		if (now != last) {
			copy_place(p, copy);
			ok &= others_go_on(o, copy);
			n_states++;
		}
		last = now;
		was_call = by_instruction && is_syscall(pid);
		ptrace(by_instruction ? PTRACE_SINGLESTEP : PTRACE_SYSCALL, pid,
		    NULL, NULL);
		waitpid(pid, &status, 0);
		if (WIFEXITED(status) || WIFSIGNALED(status))
			break;
		n_stops++;
	}
	printf("%s: %ld %s, %ld states: %s\n", o->name, n_stops,
	    by_instruction ? "instructions" : "stops at system calls", n_states,
	    ok ? "each sound, and gone on from" : "NOT SOUND");
	return ok && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool
die_in_all(const struct operation *o, bool by_instruction)
{
	struct place p = make_place(), copy = make_place();
	bool ok;

	for (int i = 0; i < 5; i++)
		update(&p.h);
	o->prepare(&p);
	cmx_close(copy.h.reg);
	/* Who opens it itself finds no other writer. */
	if (o->opens)
		cmx_close(p.h.reg);
	ok = die_in(o, &p, &copy, o->is_short || by_instruction);
	forget_files();
	if (!o->opens)
		cmx_close(p.h.reg);
	empty_place(&p);
	empty_place(&copy);
	rmdir(p.s.dir);
	rmdir(copy.s.dir);
	return ok;
}

/* Another segment takes the name while a writer opens it, at each call. */

/* Open and count once; what a worker that starts does. */
static int
open_and_count(struct place *p)
{
	struct handles own;

	open_handles(&p->s, &own);
	update(&own);
	cmx_close(own.reg);
	return 0;
}

/* False, and the child gone, where it has ended before the stop. */
static bool
run_to_stop(pid_t pid, long stop)
{
	int status;

	for (long i = 0; i < stop; i++) {
		ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
		waitpid(pid, &status, 0);
		if (WIFEXITED(status))
			return false;
	}
	return true;
}

static bool
is_counted_though_late(long stop, bool *is_last)
{
	static const struct operation open_it = { .name = "open",
		.run = open_and_count };
	struct place p = make_place();
	struct cmx_apply_result result = { .n_carried = 0 };
	struct totals t;
	struct cmxr_info info;
	bool ok = true;
	int status;
	pid_t pid;

	update(&p.h);
	cmx_close(p.h.reg);
	pid = start_traced(&open_it, &p);
	*is_last = !run_to_stop(pid, stop);
	/* It is replaced, and carried too if it seems to have no writer. */
	ok = cmx_apply(p.s.path, p.other, NULL, NULL) == 0;
	if (!*is_last) {
		ptrace(PTRACE_CONT, pid, NULL, NULL);
		waitpid(pid, &status, 0);
		/* The schema that it has is the old one's: limits may differ.
		 */
		ok &= WIFEXITED(status) && WEXITSTATUS(status) == 0;
	}
	ok &= cmx_apply(p.s.path, p.other, &result, NULL) == 0;
	t = final_totals(&p.s, &info);
	ok &= t.whole == 2 && t.count == 2 && n_segments(&p) == 1;
	if (!ok)
		printf("stop %ld: %llu counted, wanted 2\n", stop, t.whole);
	empty_place(&p);
	rmdir(p.s.dir);
	return ok;
}

static bool
run_late(void)
{
	bool ok = true, is_last = false;
	long stop;

	for (stop = 1; ok && !is_last; stop++)
		ok = is_counted_though_late(stop, &is_last);
	printf("replaced at %ld stops of a writer that opens it: %s\n",
	    stop - 1, ok ? "each time it counts" : "NOT COUNTED");
	return ok;
}

int
main(int argc, char *argv[])
{
	bool by_instruction = argc > 1 && strcmp(argv[1], "steps") == 0, ok;

	memset(long_value, 'v', sizeof(long_value) - 1);
	ok = true;
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
		ok &= die_in_all(&operations[i], by_instruction);
	ok &= run_late();
	return ok ? 0 : 1;
}
