/*
 * faults.c: each call of the library while the nth call that it makes of the
 * kernel, or for memory, fails, for each n.
 *
 *	LD_PRELOAD=fault.so faults [STEP]
 *	LD_PRELOAD=fault.so faults OPERATION CALL N
 *
 * Whatever fails: no crash, no block of memory and no descriptor lost, no file
 * half made or left behind, the totals as they were; an operation that failed
 * has said why, and works when it is tried again.
 */
#include <dirent.h>
#include <dlfcn.h>

#include "common.h"

static int (*fault_arm)(const char *, long);
static bool (*fault_disarm)(void);
static long (*fault_live)(void);
static const char *(*fault_name)(int);

/* What is being tried, for the message of a crash. */
static const char *operation, *call;
static long nth;
static bool verbose;

#define WRONG(...)                                                     \
	do {                                                           \
		fprintf(stderr, "%s, %s %ld: ", operation, call, nth); \
		errx(1, __VA_ARGS__);                                  \
	} while (0)

/* A segment with totals of 5, and what an operation needs open. */
struct place {
	struct segment s;
	char other[96], larger[96]; /* schemas: replaces, adds */
	struct handles h;
	struct cmx_registry *reg;
	struct cmxr_reader *reader;
	struct cmx_error error;
};

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0)
		err(1, "%s", path);
}

static int
count_event(struct place *p, const char *value)
{
	struct cmx_counter c;
	int r = cmx_counter_find(&p->h.events, 1, &value, &c, &p->error);

	cmx_counter_inc(&c);
	return r;
}

static void
make_place(struct place *p)
{
	memset(p, 0, sizeof(*p));
	p->s = make_segment(&p->h);
	for (int i = 0; i < 5; i++)
		update(&p->h);
	count_event(p, "old");
	snprintf(p->other, sizeof(p->other), "%s/other.json", p->s.dir);
	write_file(p->other,
	    "{\"version\":1,\"limits\":{\"series\":2048},"
	    "\"metrics\":[" METRICS "]}");
	snprintf(p->larger, sizeof(p->larger), "%s/larger.json", p->s.dir);
	write_file(p->larger,
	    "{\"version\":1,\"metrics\":[" METRICS
	    ",{\"name\":\"late_total\",\"type\":\"counter\",\"help\":\"h\"}]}");
}

/* No file but these has a place there. */
static void
check_names(const struct place *p)
{
	DIR *d = opendir(p->s.dir);

	for (const struct dirent *e; (e = readdir(d)) != NULL;) {
		const char *end = e->d_name + strlen(e->d_name);

		if (e->d_name[0] == '.' || strcmp(end - 5, ".json") == 0 ||
		    strcmp(e->d_name, "a.seg") == 0 ||
		    strcmp(e->d_name, "new.seg") == 0 ||
		    (strncmp(e->d_name, "a.seg.", 6) == 0 &&
			strlen(e->d_name) == 22))
			continue;
		WRONG("%s is left behind", e->d_name);
	}
	closedir(d);
}

static void
remove_place(struct place *p)
{
	char path[400];
	DIR *d = opendir(p->s.dir);

	cmx_close(p->h.reg);
	for (const struct dirent *e; (e = readdir(d)) != NULL;) {
		snprintf(path, sizeof(path), "%s/%s", p->s.dir, e->d_name);
		if (e->d_name[0] != '.')
			unlink(path);
	}
	closedir(d);
	rmdir(p->s.dir);
}

/* Look-ups, and the first gauge of a process; what fails gives a sink. */
static void
use(struct cmx_registry *reg)
{
	struct handles h = { .reg = reg };

	open_families(&h);
	cmx_gauge_set(&h.in_flight, 3);
	cmx_set_role(reg, "role");
}

/* Operations return what the library did, and undo what they opened. */

static int
create(struct place *p)
{
	char path[120];
	int r;

	snprintf(path, sizeof(path), "%s/new.seg", p->s.dir);
	r = cmx_create(path, p->s.schema, NULL, &p->error);
	if (r == CMX_ERR_EXISTS)
		r = 0;
	return r;
}

static int
open_new(struct place *p)
{
	struct cmx_registry *reg;
	char path[120];
	int r;

	snprintf(path, sizeof(path), "%s/new.seg", p->s.dir);
	r = cmx_open(path, p->s.schema, 0, &reg, &p->error);
	if (r == 0) {
		use(reg);
		cmx_close(reg);
	}
	return r;
}

static int
open_again(struct place *p)
{
	struct cmx_registry *reg;
	int r = cmx_open(p->s.path, p->s.schema, 0, &reg, &p->error);

	if (r == 0) {
		use(reg);
		cmx_close(reg);
	}
	return r;
}

static int
open_private(struct place *p)
{
	struct cmx_registry *reg;
	int r = cmx_open(NULL, p->s.schema, CMX_PRIVATE, &reg, &p->error);

	if (r == 0) {
		use(reg);
		cmx_close(reg);
	}
	return r;
}

static int
find_series(struct place *p)
{
	return count_event(p, "new");
}

static int
set_gauge(struct place *p)
{
	cmx_gauge_set(&p->h.in_flight, 3);
	return 0;
}

static int
set_role(struct place *p)
{
	cmx_set_role(p->h.reg, "role");
	return 0;
}

static int
register_family(struct place *p)
{
	static const double bounds[] = { 1, 2, 3 };
	const struct cmx_family_def def = { .name = "late_seconds",
		.help = "h",
		.type = CMX_HISTOGRAM,
		.n_bounds = 3,
		.bounds = bounds };

	return cmx_register(p->h.reg, &def, NULL, &p->error);
}

static int
apply_larger(struct place *p)
{
	return cmx_apply(p->s.path, p->larger, NULL, &p->error);
}

static int
apply_other(struct place *p)
{
	return cmx_apply(p->s.path, p->other, NULL, &p->error);
}

/* Nobody writes the old segment any more: its totals are carried. */
static int
apply_and_carry(struct place *p)
{
	cmx_close(p->h.reg);
	p->h.reg = NULL;
	return cmx_apply(p->s.path, p->other, NULL, &p->error);
}

static int
apply_check(struct place *p)
{
	struct cmx_apply_result result;

	return cmx_apply_check(p->s.path, p->other, &result, &p->error);
}

/* jansson takes a token for which it has no memory for a wrong one. */
static void
note_finding(void *arg, const struct cmx_diagnostic *d)
{
	struct place *p = arg;

	snprintf(p->error.text, sizeof(p->error.text), "%s", d->text);
}

static int
schema_check(struct place *p)
{
	return cmx_schema_check(p->s.schema, note_finding, p, &p->error);
}

/* What is shown is whole, or it is an error. */
static void
check_body(enum cmxr_format format, const struct cmxr_buffer *body)
{
	static const char *const lines[] = { "\nwhole_total 5\n",
		"\ndouble_total 10\n", "\npairs_count 5\n",
		"\npairs_bucket{le=\"2\"} 5\n",
		"\nevents_total{x=\"old\"} 1\n" };

	for (size_t i = 0; format == CMXR_TEXT && i < 5; i++)
		if (memmem(body->data, body->size, lines[i],
			strlen(lines[i])) == NULL)
			WRONG("a text without %s", lines[i] + 1);
}

static int
encode_all(const struct cmxr_snapshot *s, struct cmx_error *error)
{
	const struct cmxr_input input = { .snapshot = s };
	int r = 0;

	for (int format = CMXR_TEXT; r >= 0 && format <= CMXR_PROTOBUF;
	     format++) {
		struct cmxr_buffer body = { .data = NULL };

		r = cmxr_encode(&input, 1, (enum cmxr_format)format, NULL,
		    &body, error);
		if (r >= 0)
			check_body((enum cmxr_format)format, &body);
		cmxr_buffer_free(&body);
	}
	return r;
}

static int
read_all(struct place *p)
{
	const struct cmxr_snapshot *s;
	struct cmxr_reader *reader;
	struct cmxr_info info;
	int r = cmxr_open(p->s.path, &reader, &p->error);

	if (r != 0)
		return r;
	r = cmxr_snapshot_take(reader, &s, &p->error);
	if (r == 0)
		r = encode_all(s, &p->error);
	if (r == 0)
		r = cmxr_info_get(reader, &info, &p->error);
	cmxr_close(reader);
	return r;
}

/* A reader that is open sees a series and a family that are new. */
static int
read_again(struct place *p)
{
	const struct cmxr_snapshot *s;
	int r = cmxr_snapshot_take(p->reader, &s, &p->error);

	return r == 0 ? encode_all(s, &p->error) : r;
}

static void
prepare_reader(struct place *p)
{
	const struct cmxr_snapshot *s;

	if (cmxr_open(p->s.path, &p->reader, &p->error) != 0 ||
	    cmxr_snapshot_take(p->reader, &s, &p->error) != 0)
		WRONG("%s", p->error.text);
	find_series(p);
	register_family(p);
}

/* A replaced segment that still counts. */
static void
prepare_chain(struct place *p)
{
	if (apply_other(p) != 0)
		WRONG("%s", p->error.text);
}

static void
close_reader(struct place *p)
{
	cmxr_close(p->reader);
}

static const struct operation {
	const char *name;
	int (*run)(struct place *);
	void (*before)(struct place *);
	void (*after)(struct place *);
	bool may_fail_silently; /* an update, or a text that nobody asks for */
} operations[] = {
	{ "create", create, NULL, NULL, false },
	{ "open a new segment", open_new, NULL, NULL, false },
	{ "open", open_again, NULL, NULL, false },
	{ "open a private segment", open_private, NULL, NULL, false },
	{ "find a series", find_series, NULL, NULL, false },
	{ "set a gauge", set_gauge, NULL, NULL, true },
	{ "set a role", set_role, NULL, NULL, true },
	{ "register", register_family, NULL, NULL, false },
	{ "apply a larger schema", apply_larger, NULL, NULL, false },
	{ "apply another schema", apply_other, NULL, NULL, false },
	{ "carry", apply_and_carry, NULL, NULL, false },
	{ "apply, checked only", apply_check, NULL, NULL, false },
	{ "check a schema", schema_check, NULL, NULL, false },
	{ "read", read_all, NULL, NULL, false },
	{ "read again", read_again, prepare_reader, close_reader, false },
	{ "read two segments", read_all, prepare_chain, NULL, false },
};

#define N_OPERATIONS (sizeof(operations) / sizeof(operations[0]))

static int
n_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void
check_totals(struct place *p)
{
	struct cmxr_info info;
	struct totals t = final_totals(&p->s, &info);

	if (t.whole != 5 || t.count != 5 || t.doubles != 10)
		WRONG("whole %llu, count %llu, double %.0f", t.whole, t.count,
		    t.doubles);
	if (info.invalid_entries != 0)
		WRONG("%llu entries are damaged",
		    (unsigned long long)info.invalid_entries);
	/* The series with a label, too. */
	if (read_all(p) < 0)
		WRONG("%s", p->error.text);
}

/* One operation with one failure.  Returns whether there was one. */
static bool
try_once(const struct operation *o)
{
	struct place p;
	int r, fds;
	bool was_hit;

	make_place(&p);
	if (o->before != NULL)
		o->before(&p);
	p.error.text[0] = '\0';
	fds = n_descriptors();
	fault_arm(call, nth);
	r = o->run(&p);
	was_hit = fault_disarm();
	/*
	 * A segment stays open, with its one descriptor.  One of which the
	 * kernel does not say what it is may be another's, and is not closed.
	 */
	if (n_descriptors() > fds + (r >= 0) + (strcmp(call, "fstat") == 0))
		WRONG("%d descriptors more", n_descriptors() - fds);
	if (r != 0 && !o->may_fail_silently && p.error.text[0] == '\0')
		WRONG("returned %d without a reason", r);
	if (verbose)
		printf("%d: %s\n", r, p.error.text);
	check_names(&p);
	if (r < 0 && (r = o->run(&p)) < 0)
		WRONG("the second try: %s", p.error.text);
	check_totals(&p);
	if (o->after != NULL)
		o->after(&p);
	remove_place(&p);
	return was_hit;
}

static void
on_crash(int number)
{
	static char text[200];
	int n = snprintf(text, sizeof(text), "%s, %s %ld: signal %d\n",
	    operation, call, nth, number);

	if (write(STDERR_FILENO, text, (size_t)n) < 0)
		_exit(3);
	_exit(2);
}

static void *
must_find(const char *name)
{
	void *p = dlsym(RTLD_DEFAULT, name);

	if (p == NULL)
		errx(2, "%s is not there: LD_PRELOAD=fault.so faults", name);
	return p;
}

/* All failures of one kind of call in one operation. */
static long
try_all(const struct operation *o, long step)
{
	long before, n = 0;

	operation = o->name;
	nth = 0;
	/* What the first run keeps for the next ones is no leak. */
	try_once(o);
	before = fault_live();
	for (nth = 1; try_once(o); nth += step)
		n++;
	if (fault_live() > before)
		WRONG("%ld blocks of memory are lost", fault_live() - before);
	return n;
}

int
main(int argc, char *argv[])
{
	long step = argc > 1 ? atol(argv[1]) : 1;
	long sum = 0;

	fault_arm = (int (*)(const char *, long))must_find("fault_arm");
	fault_disarm = (bool (*)(void))must_find("fault_disarm");
	fault_live = (long (*)(void))must_find("fault_live");
	fault_name = (const char *(*)(int))must_find("fault_name");
	if (argc == 4) {
		call = argv[2];
		nth = atol(argv[3]);
		verbose = true;
		for (size_t i = 0; i < N_OPERATIONS; i++)
			if (strcmp(operations[i].name, argv[1]) == 0)
				return !try_once(&operations[i]);
		errx(2, "%s: is no operation", argv[1]);
	}
	signal(SIGSEGV, on_crash);
	signal(SIGBUS, on_crash);
	signal(SIGABRT, on_crash);
	for (size_t i = 0; i < N_OPERATIONS; i++) {
		printf("%s:", operations[i].name);
		for (int j = 0; (call = fault_name(j)) != NULL; j++) {
			long n = try_all(&operations[i], step);

			if (n > 0)
				printf(" %s %ld", call, n);
			sum += n;
		}
		putchar('\n');
	}
	printf("%ld failures in %zu operations\n", sum, N_OPERATIONS);
	return 0;
}
