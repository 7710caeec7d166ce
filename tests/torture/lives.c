/*
 * lives.c: processes that come and go.
 *
 *	lives generations N	N children, a third of them killed: same file,
 *				same scrape time, exact, nothing goes back
 *	lives forks N		fork, _Fork, clone, vfork, posix_spawn, and a
 *				fork in a thread beside inserts
 *	lives deaths N		N owners of a gauge die in each way: gone at
 *				the next scrape; the living are never gone
 *	lives inserts P N	P processes insert the same N series
 *	lives sweep N		how long a scrape takes with N live processes
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include "common.h"

#define AT_ONCE 8

static struct handles h;

static const struct cmxr_snapshot *
take(struct cmxr_reader *reader)
{
	const struct cmxr_snapshot *snapshot;
	struct cmx_error error;

	if (cmxr_snapshot_take(reader, &snapshot, &error) != 0)
		errx(1, "%s", error.text);
	return snapshot;
}

static struct cmxr_reader *
open_reader(const struct segment *s)
{
	struct cmxr_reader *reader;
	struct cmx_error error;

	if (cmxr_open(s->path, &reader, &error) != 0)
		errx(1, "%s", error.text);
	return reader;
}

/* The fastest of some scrapes, in microseconds. */
static double
scrape_time(struct cmxr_reader *reader)
{
	double fastest = 1e9;

	for (int i = 0; i < 50; i++) {
		double begun = now_seconds();

		take(reader);
		if (now_seconds() - begun < fastest)
			fastest = now_seconds() - begun;
	}
	return fastest * 1e6;
}

static long long
allocated(const struct segment *s)
{
	struct stat st;

	if (stat(s->path, &st) != 0)
		err(1, "%s", s->path);
	return (long long)st.st_blocks * 512;
}

/* Generations */

/* A worker's life: it takes a request, and may be killed before its end. */
static void
live(long number)
{
	cmx_gauge_inc(&h.in_flight);
	update(&h);
	if (number % 3 == 0)
		raise(SIGKILL);
	cmx_gauge_dec(&h.in_flight);
	_exit(0);
}

static void
run_some(long first, int n)
{
	for (int i = 0; i < n; i++)
		if (spawn() == 0)
			live(first + i);
	for (int i = 0; i < n; i++)
		wait(NULL);
}

static bool
went_back(const struct totals *t, struct totals *last)
{
	bool back = t->whole < last->whole || t->count < last->count ||
	    t->doubles < last->doubles || t->sum < last->sum;

	*last = *t;
	return back;
}

/* As many at once as ever will be: then all slots are known. */
static void
claim_all_slots(void)
{
	int ready[2], go[2];
	char c;

	if (pipe(ready) != 0 || pipe(go) != 0)
		err(1, "pipe");
	for (int i = 0; i < AT_ONCE; i++)
		if (spawn() == 0) {
			close(go[1]);
			cmx_gauge_set(&h.in_flight, 1);
			_exit(write(ready[1], "x", 1) != 1 ||
			    read(go[0], &c, 1) != 0);
		}
	for (int i = 0; i < AT_ONCE; i++)
		if (read(ready[0], &c, 1) != 1)
			err(1, "read");
	close(go[1]);
	while (wait(NULL) > 0)
		;
	close(ready[0]);
	close(ready[1]);
	close(go[0]);
}

static bool
run_generations(const struct segment *s, long n)
{
	struct cmxr_reader *reader = open_reader(s);
	struct totals last = { 0, 0, 0, 0 }, t;
	long long size;
	double before;
	bool ok = true;

	claim_all_slots();
	update(&h);
	size = allocated(s);
	before = scrape_time(reader);
	for (long i = 0; ok && i < n; i += AT_ONCE) {
		run_some(i, AT_ONCE);
		t = read_totals(reader);
		ok = !went_back(&t, &last) && t.whole == t.count &&
		    t.whole == (unsigned long long)i + AT_ONCE + 1 &&
		    read_in_flight(take(reader)) == 0;
	}
	printf("%llu lives, wanted %ld; in flight %g; file %lld bytes, then "
	       "%lld; scrape %.0f us, then %.0f us\n",
	    last.whole - 1, n, read_in_flight(take(reader)), size, allocated(s),
	    before, scrape_time(reader));
	ok &= allocated(s) == size;
	cmxr_close(reader);
	return ok;
}

/* Forks */

enum way { FORK, RAW_FORK, CLONE, VFORK, SPAWN, WAYS };

/* A child made in one of the ways; of the last two it is a program. */
static pid_t
make_child(enum way way)
{
	static char name[] = "true", *arguments[] = { name, NULL };
	pid_t pid = -1;

	switch (way) {
	case FORK:
		return fork();
	case RAW_FORK:
		return _Fork();
	case CLONE:
		return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	case VFORK:
		pid = vfork();
		if (pid == 0) {
			execv("/bin/true", arguments);
			_exit(127);
		}
		return pid;
	case SPAWN:
		return posix_spawn(&pid, "/bin/true", NULL, NULL, arguments,
			   environ) == 0 ?
		    pid :
		    -1;
	case WAYS:
		break;
	}
	return -1;
}

static volatile bool stop_inserting;

static void *
insert_on(void *arg)
{
	char text[32];
	const char *value = text;
	struct cmx_counter c;

	(void)arg;
	for (long i = 0; !stop_inserting; i++) {
		snprintf(text, sizeof(text), "t%ld", i % 1000);
		cmx_counter_find(&h.events, 1, &value, &c, NULL);
		cmx_counter_inc(&c);
	}
	return NULL;
}

/* A child of a process with threads: what is safe in a handler is safe here. */
static void
use_in_child(long i)
{
	char text[] = "child 0";
	const char *value = text;
	struct cmx_counter c;

	text[6] = (char)('0' + i % 10);
	if (cmx_counter_find(&h.events, 1, &value, &c, NULL) < 0)
		_exit(1);
	update(&h);
	cmx_gauge_set(&h.in_flight, 1);
	_exit(0);
}

static bool
run_forks(const struct segment *s, long n)
{
	struct cmxr_reader *reader = open_reader(s);
	unsigned long long wanted = 0;
	pthread_t thread;
	struct totals t;
	bool ok = true;

	if (pthread_create(&thread, NULL, insert_on, NULL) != 0)
		err(1, "pthread_create");
	for (long i = 0; i < n; i++) {
		enum way way = (enum way)(i % WAYS);
		pid_t pid = make_child(way);
		int status;

		if (pid == 0)
			use_in_child(i);
		if (pid < 0)
			err(1, "way %d", (int)way);
		waitpid(pid, &status, 0);
		ok &= WIFEXITED(status) && WEXITSTATUS(status) == 0;
		wanted += way < VFORK;
	}
	stop_inserting = true;
	pthread_join(thread, NULL);
	t = read_totals(reader);
	printf("%ld children in %d ways: %llu counted, wanted %llu; their "
	       "gauges add up to %g\n",
	    n, (int)WAYS, t.whole, wanted, read_in_flight(take(reader)));
	ok &= t.whole == wanted && t.count == wanted &&
	    read_in_flight(take(reader)) == 0;
	cmxr_close(reader);
	return ok;
}

/* Deaths */

enum death {
	KILLED,       /* its child lives on */
	CLOSED_FIRST, /* all descriptors were closed before */
	EXECUTED,     /* it became another program */
	IN_NAMESPACE, /* it was process 1 of a pid namespace */
	STOPPED,      /* and continued, and killed */
	ZOMBIE,       /* nobody has waited for it yet */
	DEATHS
};

/* Say that the gauge is set, and wait for the end. */
static void
be_alive(int ready, enum death death)
{
	if (death == CLOSED_FIRST)
		for (int fd = 0; fd < 64; fd++)
			if (fd != ready)
				close(fd);
	cmx_gauge_set(&h.in_flight, 1);
	if (write(ready, "x", 1) != 1)
		_exit(1);
	if (death == EXECUTED) {
		/* A little later, to be seen alive: the parent tells. */
		raise(SIGSTOP);
		execl("/bin/sleep", "sleep", "60", (char *)NULL);
	}
	if (death == KILLED && fork() == 0) {
		/* Not spawn(): it outlives its parent, if not for long. */
		alarm(20);
		close(ready);
		for (;;)
			pause();
	}
	for (;;)
		pause();
}

static pid_t
start_owner(enum death death)
{
	int ready[2];
	char c;
	pid_t pid;

	if (pipe(ready) != 0)
		err(1, "pipe");
	if (death == IN_NAMESPACE && unshare(CLONE_NEWPID) != 0)
		errx(1, "unshare");
	pid = fork();
	if (pid == 0) {
		close(ready[0]);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		be_alive(ready[1], death);
	}
	close(ready[1]);
	if (pid < 0 || read(ready[0], &c, 1) != 1)
		errx(1, "an owner did not begin");
	close(ready[0]);
	return pid;
}

static void
stop(pid_t pid)
{
	int status;

	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
}

/* It is dead when this returns, but for a zombie's grave. */
static void
end(pid_t pid, enum death death)
{
	siginfo_t info;

	if (death == EXECUTED) {
		char link[64], target[64];
		double begun = now_seconds();
		ssize_t n;

		waitpid(pid, NULL, WUNTRACED);
		kill(pid, SIGCONT);
		snprintf(link, sizeof(link), "/proc/%d/exe", (int)pid);
		do {
			n = readlink(link, target, sizeof(target) - 1);
			target[n > 0 ? n : 0] = '\0';
		} while (strstr(target, "lives") != NULL &&
		    now_seconds() < begun + 20);
		return;
	}
	kill(pid, SIGKILL);
	if (death == ZOMBIE)
		waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	else
		waitpid(pid, NULL, 0);
}

/* The value while it lives and after: 1 and 0. */
static bool
dies_well(struct cmxr_reader *reader, enum death death)
{
	pid_t pid = start_owner(death);
	bool ok = read_in_flight(take(reader)) == 1;

	if (death == STOPPED) {
		stop(pid);
		ok &= read_in_flight(take(reader)) == 1;
	}
	end(pid, death);
	/* The kernel lets go of what was mapped a moment after the exec. */
	if (death == EXECUTED)
		for (double begun = now_seconds();
		     read_in_flight(take(reader)) != 0 &&
		     now_seconds() < begun + 10;)
			;
	ok &= read_in_flight(take(reader)) == 0;
	if (death == EXECUTED)
		kill(pid, SIGKILL);
	if (death == EXECUTED || death == ZOMBIE)
		waitpid(pid, NULL, 0);
	return ok;
}

/* A pid namespace is for the children of a process: a process of its own. */
static bool
dies_well_apart(const struct segment *s, enum death death)
{
	int status;
	pid_t pid = spawn();

	if (pid == 0) {
		struct cmxr_reader *reader = open_reader(s);

		_exit(dies_well(reader, death) ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool
has_namespaces(void)
{
	int status;
	pid_t pid = spawn();

	if (pid == 0)
		_exit(unshare(CLONE_NEWPID | CLONE_NEWNS) == 0 ? 0 : 1);
	waitpid(pid, &status, 0);
	return status == 0;
}

/* The limit of process ids, where this process stands; 0: not known. */
static long
read_pid_max(void)
{
	FILE *f = fopen("/proc/sys/kernel/pid_max", "re");
	long n = 0;

	if (f == NULL)
		return 0;
	if (fscanf(f, "%ld", &n) != 1)
		n = 0;
	fclose(f);
	return n;
}

/*
 * Before Linux 6.14 kernel.pid_max is the whole machine's, wherever it is
 * written from: a test must not touch it there.
 */
static bool
is_pid_max_per_namespace(void)
{
	struct utsname name;
	unsigned int major, minor;

	return uname(&name) == 0 &&
	    sscanf(name.release, "%u.%u", &major, &minor) == 2 &&
	    (major > 6 || (major == 6 && minor >= 14));
}

/* In a new pid namespace: owners that die and whose pids are used again. */
static int
die_with_few_pids(const struct segment *s, long n)
{
	struct cmxr_reader *reader = open_reader(s);
	FILE *f;

	/* Without this, mounts would show in the namespace that we left. */
	if (mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("proc", "/proc", "proc", 0, NULL) != 0)
		return 2;
	f = fopen("/proc/sys/kernel/pid_max", "we");
	if (f == NULL)
		return 2;
	if (fputs("301", f) < 0 || fclose(f) != 0)
		return 2;
	for (long i = 0; i < n; i++)
		if (!dies_well(reader, ZOMBIE))
			return 1;
	return 0;
}

/*
 * Process ids come round again and again in a namespace that has few: an
 * owner dies and another process gets its pid, which is not it.
 */
static bool
pids_come_round(const struct segment *s, long n)
{
	long before = read_pid_max();
	int status;
	pid_t pid;

	if (before == 0 || !is_pid_max_per_namespace()) {
		puts("no pid_max of its own for a namespace: not tried");
		return true;
	}
	pid = spawn();
	if (pid == 0) {
		/* The first child is process 1 of the namespace. */
		if (unshare(CLONE_NEWPID | CLONE_NEWNS) != 0)
			_exit(2);
		pid = fork();
		if (pid == 0)
			_exit(die_with_few_pids(s, n));
		waitpid(pid, &status, 0);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
	}
	waitpid(pid, &status, 0);
	if (read_pid_max() != before) {
		printf("kernel.pid_max is %ld; it was %ld\n", read_pid_max(),
		    before);
		return false;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 2) {
		puts("no namespace for us: not tried");
		return true;
	}
	printf("%ld owners in a namespace of 300 pids\n", n);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool
run_deaths(const struct segment *s, long n)
{
	static const char *const names[] = { "killed, its child alive",
		"descriptors closed", "executed", "in a namespace", "stopped",
		"zombie" };
	struct cmxr_reader *reader = open_reader(s);
	bool has = has_namespaces(), ok = true;
	long n_alive = 0, n_probes = n * 20;
	pid_t owner;

	for (int d = 0; d < DEATHS; d++) {
		long times = d == EXECUTED || d == KILLED ? n / 20 : n / 5;
		bool well = true;

		if (d == IN_NAMESPACE && !has)
			continue;
		for (long i = 0; well && i < times; i++)
			well = d == IN_NAMESPACE ?
			    dies_well_apart(s, (enum death)d) :
			    dies_well(reader, (enum death)d);
		printf("%ld deaths, %s: %s\n", times, names[d],
		    well ? "gone at the next scrape" : "NOT SEEN");
		ok &= well;
	}
	ok &= !has || pids_come_round(s, n / 5);
	owner = start_owner(ZOMBIE);
	for (long i = 0; i < n_probes; i++)
		n_alive += read_in_flight(take(reader)) == 1;
	end(owner, KILLED);
	printf("%ld scrapes beside a live owner, %ld saw it\n", n_probes,
	    n_alive);
	cmxr_close(reader);
	return ok && n_alive == n_probes;
}

/* Inserts */

static void
insert_all(long n, long from)
{
	for (long i = 0; i < n; i++) {
		long at = (from + i) % n;
		char text[32];
		const char *value = text;
		struct cmx_counter c;

		snprintf(text, sizeof(text), "series %ld", at);
		if (cmx_counter_find(&h.events, 1, &value, &c, NULL) != 0)
			_exit(1);
		cmx_counter_inc(&c);
	}
	_exit(0);
}

static bool
run_inserts(const struct segment *s, long n_processes, long n)
{
	struct cmxr_reader *reader = open_reader(s);
	const struct cmxr_snapshot *snapshot;
	struct cmxr_series series;
	struct cmxr_info info;
	unsigned long long total = 0;
	size_t cursor = 0;
	long n_series = 0;
	bool ok = true;
	int status;

	for (long i = 0; i < n_processes; i++)
		if (spawn() == 0)
			insert_all(n, i % 2 == 0 ? 0 : i * 157);
	for (long i = 0; i < n_processes; i++) {
		wait(&status);
		ok &= status == 0;
	}
	snapshot = take(reader);
	while (cmxr_series_next(snapshot, 4, &cursor, &series)) {
		n_series++;
		total += series.whole;
	}
	cmxr_info_get(reader, &info, NULL);
	printf("%ld processes insert the same %ld series: %ld there, %llu "
	       "counted, %llu leaked bytes\n",
	    n_processes, n, n_series, total,
	    (unsigned long long)info.leaked_bytes);
	cmxr_close(reader);
	return ok && n_series == n &&
	    total == (unsigned long long)(n * n_processes) &&
	    info.invalid_entries == 0;
}

/* Sweep */

static bool
run_sweep(const struct segment *s, long n)
{
	struct cmxr_reader *reader = open_reader(s);
	int ready[2];
	pid_t *pids = calloc((size_t)n, sizeof(*pids));
	double with, without;
	bool ok;
	char c;

	if (pids == NULL || pipe(ready) != 0)
		err(1, "pipe");
	for (long i = 0; i < n; i++) {
		pids[i] = spawn();
		if (pids[i] == 0) {
			cmx_gauge_set(&h.in_flight, 1);
			if (write(ready[1], "x", 1) == 1)
				for (;;)
					pause();
			_exit(1);
		}
	}
	for (long i = 0; i < n; i++)
		if (read(ready[0], &c, 1) != 1)
			err(1, "read");
	with = scrape_time(reader);
	cmxr_show_processes(reader, false);
	without = scrape_time(reader);
	ok = read_in_flight(take(reader)) == (double)n;
	printf("%ld live processes: beacons and gauges %.0f us a scrape, with "
	       "their process metrics %.0f us\n",
	    n, without, with);
	for (long i = 0; i < n; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	ok &= read_in_flight(take(reader)) == 0;
	printf("with all of them dead %.0f us\n", scrape_time(reader));
	free(pids);
	cmxr_close(reader);
	return ok;
}

int
main(int argc, char *argv[])
{
	struct segment s = make_segment(&h);
	const char *mode = argc > 2 ? argv[1] : "";
	long n = argc > 2 ? atol(argv[argc - 1]) : 0;
	bool ok = false;

	if (strcmp(mode, "generations") == 0)
		ok = run_generations(&s, n / AT_ONCE * AT_ONCE);
	else if (strcmp(mode, "forks") == 0)
		ok = run_forks(&s, n);
	else if (strcmp(mode, "deaths") == 0)
		ok = run_deaths(&s, n);
	else if (strcmp(mode, "inserts") == 0 && argc == 4)
		ok = run_inserts(&s, atol(argv[2]), n);
	else if (strcmp(mode, "sweep") == 0)
		ok = run_sweep(&s, n);
	else
		warnx("usage: lives generations|forks|deaths|sweep N, "
		      "inserts P N");
	cmx_close(h.reg);
	remove_segment(&s);
	return ok ? 0 : 1;
}
