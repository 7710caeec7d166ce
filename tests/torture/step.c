/*
 * step.c: sections under a debugger, and death at each of their instructions.
 *
 *	step single	every update ends though each instruction is a stop
 *	step breakpoint	and with a breakpoint in the section
 *	step insert	a reader looks at the segment after each instruction
 *			of an insert, and finds no half series
 *	step kill	SIGKILL at each instruction boundary of each section:
 *			an update is there or it is not, and others go on
 *
 * The linker gives the beginning and the end of the descriptors' section; the
 * boundaries of a section's instructions come from objdump, as a patch in the
 * middle of one would be another program.
 */
#include <sys/ptrace.h>
#include <sys/user.h>

#include "common.h"

#if defined(__x86_64__)

struct descriptor {
	uint32_t version, flags;
	uint64_t start, length, abort;
};

extern const struct descriptor __start___rseq_cs[], __stop___rseq_cs[];

#define STEPS_MAX 6000 /* for one update; a sanitizer has 2,060 */

static struct handles h;

/* A child that waits to be traced and then does n updates. */
static pid_t
start_traced(int n)
{
	pid_t pid = spawn();

	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		for (int i = 0; i < n; i++)
			update(&h);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	return pid;
}

static bool
run_single(void)
{
	const int n = 10;
	pid_t pid = start_traced(n);
	long steps = 0;
	int status;

	for (;; steps++) {
		if (steps > 3L * n * STEPS_MAX) {
			printf("no progress after %ld steps\n", steps);
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
			return false;
		}
		ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL);
		waitpid(pid, &status, 0);
		if (WIFEXITED(status))
			break;
	}
	printf("%d updates of 3 kinds in %ld single steps\n", n, steps);
	return WEXITSTATUS(status) == 0;
}

/*
 * Stop a child after each instruction of a look-up that inserts.  At each
 * stop the segment is as if the child had died there: nothing in it may be
 * invalid, and the series is there or it is not.
 */
static bool
run_insert(const struct segment *s, const struct cmx_family *events)
{
	const struct cmxr_snapshot *snapshot;
	struct cmxr_reader *reader;
	struct cmx_error error;
	struct cmxr_info info;
	pid_t pid = spawn();
	long steps = 0, seen_at = 0;
	int status;

	if (pid == 0) {
		const char *value = "a label value that is new";
		struct cmx_counter c;

		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit(cmx_counter_find(events, 1, &value, &c, NULL));
	}
	waitpid(pid, NULL, 0);
	if (cmxr_open(s->path, &reader, &error) != 0)
		errx(1, "%s", error.text);
	for (;; steps++) {
		if (cmxr_snapshot_take(reader, &snapshot, &error) != 0 ||
		    cmxr_info_get(reader, &info, &error) != 0)
			errx(1, "%s", error.text);
		if (info.invalid_entries > 0) {
			printf("half a series after %ld instructions\n", steps);
			return false;
		}
		if (info.n_series > 0 && seen_at == 0)
			seen_at = steps;
		ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL);
		waitpid(pid, &status, 0);
		if (WIFEXITED(status))
			break;
	}
	cmxr_close(reader);
	printf("%ld instructions of an insert, done at %ld\n", steps, seen_at);
	return WEXITSTATUS(status) == 0 && seen_at > 0;
}

static long
peek(pid_t pid, uint64_t at)
{
	return ptrace(PTRACE_PEEKTEXT, pid, (void *)at, NULL);
}

static void
plant(pid_t pid, uint64_t at)
{
	ptrace(PTRACE_POKETEXT, pid, (void *)at,
	    (void *)((peek(pid, at) & ~0xffL) | 0xcc));
}

static void
unplant(pid_t pid, uint64_t at, long word)
{
	struct user_regs_struct regs;

	ptrace(PTRACE_POKETEXT, pid, (void *)at, (void *)word);
	ptrace(PTRACE_GETREGS, pid, NULL, &regs);
	regs.rip = at;
	ptrace(PTRACE_SETREGS, pid, NULL, &regs);
}

/*
 * A debugger's breakpoint at the second instruction of each section: stop,
 * put the instruction back, step over it, plant it again, go on.
 */
static bool
run_breakpoint(const uint64_t *at, size_t n_at)
{
	const int n = 10;
	pid_t pid = start_traced(n);
	long words[64], stops = 0;
	int status;

	for (size_t i = 0; i < n_at; i++) {
		words[i] = peek(pid, at[i]);
		plant(pid, at[i]);
	}
	for (;; stops++) {
		struct user_regs_struct regs;

		ptrace(PTRACE_CONT, pid, NULL, NULL);
		waitpid(pid, &status, 0);
		if (WIFEXITED(status) || stops > 3L * n * STEPS_MAX)
			break;
		ptrace(PTRACE_GETREGS, pid, NULL, &regs);
		for (size_t i = 0; i < n_at; i++)
			if (regs.rip - 1 == at[i]) {
				unplant(pid, at[i], words[i]);
				ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL);
				waitpid(pid, &status, 0);
				plant(pid, at[i]);
			}
	}
	if (!WIFEXITED(status)) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		printf("no progress after %ld stops\n", stops);
		return false;
	}
	printf("%d updates of 3 kinds over %ld breakpoint stops\n", n, stops);
	return true;
}

/* The addresses of a section's instructions; their number. */
static size_t
boundaries(const struct descriptor *d, uint64_t base, uint64_t *at, size_t most)
{
	char command[256], line[256], self[128];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	uint64_t start = d->start - base;
	size_t n = 0;
	FILE *f;

	if (length < 0)
		err(1, "/proc/self/exe");
	self[length] = '\0';
	snprintf(command, sizeof(command),
	    "objdump -d --start-address=0x%llx --stop-address=0x%llx %s",
	    (unsigned long long)start, (unsigned long long)(start + d->length),
	    self);
	f = popen(command, "r");
	while (f != NULL && n < most && fgets(line, sizeof(line), f) != NULL) {
		char *end;
		uint64_t address = strtoull(line, &end, 16);

		if (*end == ':' && line[0] == ' ')
			at[n++] = address + base;
	}
	if (f != NULL)
		pclose(f);
	return n;
}

/* Where this program was loaded: addresses in the file begin at 0. */
static uint64_t
load_base(void)
{
	extern const char __ehdr_start;

	return (uint64_t)(uintptr_t)&__ehdr_start;
}

/*
 * Run a child to a boundary and kill it there.  1: it was there; 0: no update
 * passes this place.
 */
static int
kill_at(uint64_t at)
{
	pid_t pid = start_traced(1);
	int status;

	plant(pid, at);
	ptrace(PTRACE_CONT, pid, NULL, NULL);
	waitpid(pid, &status, 0);
	if (WIFEXITED(status))
		return 0;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP;
}

/* Each total has grown by 0 or 1, and another process adds exactly 1. */
static bool
is_sound(const struct segment *s, struct totals *last)
{
	struct cmxr_info info;
	struct totals t = final_totals(s, &info), after;
	pid_t pid = spawn();

	if (pid == 0) {
		update(&h);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	after = final_totals(s, &info);
	bool ok = t.whole - last->whole <= 1 && t.count - last->count <= 1 &&
	    t.doubles - last->doubles <= 2 && after.whole == t.whole + 1 &&
	    after.count == t.count + 1 && after.doubles == t.doubles + 2;
	*last = after;
	return ok;
}

static bool
run_kill(const struct segment *s, const struct descriptor *d, uint64_t base,
    struct totals *last, int *n_stops)
{
	struct cmxr_info info;
	uint64_t at[64];
	size_t n = boundaries(d, base, at, 64);

	/* The commit is the last one; behind it the update is done. */
	for (size_t i = 0; i <= n; i++) {
		uint64_t place = i < n ? at[i] : d->start + d->length;
		int stopped = kill_at(place);

		if (stopped == 0) {
			/* No update passes here; the child's was whole. */
			*last = final_totals(s, &info);
			return true;
		}
		++*n_stops;
		if (!is_sound(s, last)) {
			printf("killed at instruction %zu of the section at "
			       "0x%llx: not sound\n",
			    i, (unsigned long long)(d->start - base));
			return false;
		}
	}
	return true;
}

int
main(int argc, char *argv[])
{
	const char *mode = argc == 2 ? argv[1] : "";
	struct segment s = make_segment(&h);
	uint64_t base = load_base(), at[64], places[64];
	struct cmxr_info info;
	struct totals last;
	size_t n_places = 0;
	int n_stops = 0;
	bool ok = true;

	if (strcmp(mode, "single") == 0) {
		ok = run_single();
		last = final_totals(&s, &info);
		ok &= last.whole == 10 && last.count == 10;
	} else if (strcmp(mode, "breakpoint") == 0) {
		for (const struct descriptor *d = __start___rseq_cs;
		     d < __stop___rseq_cs && n_places < 64; d++)
			if (boundaries(d, base, at, 64) > 1)
				places[n_places++] = at[1];
		ok = run_breakpoint(places, n_places);
		last = final_totals(&s, &info);
		ok &= last.whole == 10 && last.count == 10;
	} else if (strcmp(mode, "insert") == 0) {
		const char *label = "x";
		const struct cmx_family_def def = { .name = "events_total",
			.help = "h",
			.type = CMX_COUNTER,
			.n_labels = 1,
			.labels = &label };
		struct cmx_family events;

		if (cmx_register(h.reg, &def, &events, NULL) != 0)
			errx(1, "events_total");
		ok = run_insert(&s, &events);
	} else if (strcmp(mode, "kill") == 0) {
		last = final_totals(&s, &info);
		for (const struct descriptor *d = __start___rseq_cs;
		     ok && d < __stop___rseq_cs; d++)
			ok = run_kill(&s, d, base, &last, &n_stops);
		printf("killed at %d instruction boundaries of %zd sections\n",
		    n_stops, __stop___rseq_cs - __start___rseq_cs);
		ok &= n_stops >= 10;
	} else {
		errx(2, "usage: step single|breakpoint|insert|kill");
	}
	cmx_close(h.reg);
	remove_segment(&s);
	return ok ? 0 : 1;
}

#else

int
main(void)
{
	puts("x86-64 only");
	return 0;
}

#endif
