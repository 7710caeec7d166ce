/*
 * no_space_and_replace.c: a segment without memory, and one that is replaced
 * under load.
 *
 *	no_space_and_replace pages N
 *		every operation on file systems of 1 to N pages: no signal,
 *		clean errors, and every counted update is there
 *	no_space_and_replace memory
 *		writers that pass the limit of their control group
 *	no_space_and_replace replace N
 *		N changes of the schema by processes that are killed at any
 *		instant, beside writers that come and go
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "common.h"

static struct handles h;
static char other[2][128]; /* schemas of other limits */

static void
write_schemas(const struct segment *s)
{
	for (int i = 0; i < 2; i++) {
		FILE *f;

		snprintf(other[i], sizeof(other[i]), "%s/other%d.json", s->dir,
		    i);
		f = fopen(other[i], "w");
		/* The schema of the segment with limits before its metrics. */
		if (f == NULL ||
		    fprintf(f, "{\"limits\":{\"series\":%d},%s", 3000 + i,
			SCHEMA + 1) < 0 ||
		    fclose(f) != 0)
			err(1, "%s", other[i]);
	}
}

/* The sum over all series of events_total. */
static unsigned long long
count_events(const char *path)
{
	const struct cmxr_snapshot *snapshot;
	struct cmxr_reader *reader;
	struct cmxr_series series;
	struct cmx_error error;
	unsigned long long n = 0;
	size_t cursor = 0;

	if (cmxr_open(path, &reader, &error) != 0 ||
	    cmxr_snapshot_take(reader, &snapshot, &error) != 0)
		errx(1, "%s", error.text);
	while (cmxr_series_next(snapshot, 4, &cursor, &series))
		n += series.whole;
	cmxr_close(reader);
	return n;
}

/* Insert and count; how many were counted, whatever room there was. */
static unsigned long long
insert_some(const struct handles *to, int n)
{
	unsigned long long n_counted = 0;
	char text[64];
	const char *value = text;

	for (int i = 0; i < n; i++) {
		struct cmx_counter c;

		snprintf(text, sizeof(text), "a value of some length %d", i);
		n_counted +=
		    cmx_counter_find(&to->events, 1, &value, &c, NULL) >= 0;
		cmx_counter_inc(&c);
	}
	return n_counted;
}

static bool
is_want_of_room(const struct cmx_error *error)
{
	return error->text[0] != '\0' &&
	    (error->code == CMX_ERR_NO_SPACE || error->sys_errno == ENOSPC ||
		error->sys_errno == ENOMEM);
}

/* Everything on a small file system.  0: well. */
static int
use_small(const char *path, const char *schema)
{
	struct handles small;
	struct cmx_error error = { .text = "" };
	unsigned long long n;

	if (cmx_open(path, schema, 0, &small.reg, &error) != 0)
		return is_want_of_room(&error) ? 0 : 1;
	cmx_family_find(small.reg, "events_total", &small.events, NULL);
	n = insert_some(&small, 300);
	struct cmx_family family;
	cmx_family_find(small.reg, "in_flight", &family, NULL);
	cmx_gauge_find(&family, 0, NULL, &small.in_flight, NULL);
	cmx_gauge_set(&small.in_flight, 1);
	if (count_events(path) != n)
		return 2;
	/* With a writer, and then without: both may find no room. */
	if (cmx_apply(path, other[0], NULL, &error) != 0 &&
	    !is_want_of_room(&error))
		return 3;
	cmx_close(small.reg);
	if (cmx_apply(path, other[1], NULL, &error) != 0 &&
	    !is_want_of_room(&error))
		return 4;
	return count_events(path) == n ? 0 : 5;
}

static bool
run_pages(const struct segment *s, int n)
{
	char dir[96], path[128], size[32];
	int status = 0, i;

	snprintf(dir, sizeof(dir), "%s/small", s->dir);
	snprintf(path, sizeof(path), "%s/a.seg", dir);
	if (mkdir(dir, 0700) != 0)
		err(1, "%s", dir);
	if (unshare(CLONE_NEWNS) != 0 ||
	    mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) != 0) {
		puts("no mount namespace: not tried");
		rmdir(dir);
		return true;
	}
	for (i = 1; i <= n && status == 0; i++) {
		pid_t pid;

		snprintf(size, sizeof(size), "size=%d", i * 4096);
		if (mount("tmpfs", dir, "tmpfs", 0, size) != 0)
			err(1, "%s", dir);
		pid = spawn();
		if (pid == 0)
			_exit(use_small(path, s->schema));
		waitpid(pid, &status, 0);
		if (umount2(dir, MNT_DETACH) != 0)
			err(1, "%s", dir);
	}
	printf("file systems of 1 to %d pages: status 0x%x\n", i - 1, status);
	rmdir(dir);
	return status == 0;
}

/* Memory of a control group (version 1) */

static bool
write_text(const char *dir, const char *name, const char *text)
{
	char path[160];
	FILE *f;
	bool ok;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "r+");
	if (f == NULL)
		return false;
	ok = fputs(text, f) >= 0;
	return fclose(f) == 0 && ok;
}

/*
 * Make a control group of so many bytes, of version 2 or 1.  Returns false
 * where this process may not, or the machine has no controller of memory.
 */
static bool
make_group(char *group, size_t size, const char *bytes)
{
	static const struct {
		const char *directory, *limit;
	} versions[] = { { "/sys/fs/cgroup", "memory.max" },
		{ "/sys/fs/cgroup/memory", "memory.limit_in_bytes" } };

	for (int i = 0; i < 2; i++) {
		snprintf(group, size, "%s/codeai-test-%d",
		    versions[i].directory, (int)getpid());
		if (mkdir(group, 0700) == 0 &&
		    write_text(group, versions[i].limit, bytes)) {
			printf("%s of %s\n", versions[i].limit, bytes);
			return true;
		}
		/* A directory of the tmpfs above version 1 is no group. */
		rmdir(group);
	}
	return false;
}

static bool
run_memory(const struct segment *s)
{
	char group[96], text[32];
	unsigned long long before = count_events(s->path), after;
	int status;
	pid_t pid;

	if (!make_group(group, sizeof(group), "6000000")) {
		puts("no control group of ours: not tried");
		return true;
	}
	pid = spawn();
	if (pid == 0) {
		snprintf(text, sizeof(text), "%d", (int)getpid());
		if (!write_text(group, "cgroup.procs", text))
			_exit(9);
		insert_some(&h, 60000);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	after = count_events(s->path);
	printf("a writer past its group's limit: %s %d, %llu counted\n",
	    WIFSIGNALED(status) ? "signal" : "status",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
	    after - before);
	/* The kernel may kill it for its memory; it never takes a SIGBUS. */
	bool ok = WIFEXITED(status) ? WEXITSTATUS(status) == 0 :
				      WTERMSIG(status) == SIGKILL;
	rmdir(group);
	update(&h);
	return ok && insert_some(&h, 10) == 10 &&
	    count_events(s->path) == after + 10;
}

/* Replacement under load */

#define WORKERS 4

struct shared {
	unsigned long long begun, done;
	bool stop;
};

static struct shared *shared;

/* A worker opens the segment, counts for a while, and ends; and again. */
static void
work(const struct segment *s)
{
	while (!__atomic_load_n(&shared->stop, __ATOMIC_ACQUIRE)) {
		struct handles own;
		struct cmx_error error;

		memset(&own, 0, sizeof(own));
		if (cmx_open(s->path, NULL, CMX_ATTACH_ONLY, &own.reg,
			&error) != 0) {
			printf("worker: %s\n", error.text);
			_exit(1);
		}
		open_families(&own);
		for (int i = 0; i < 2000; i++) {
			__atomic_add_fetch(&shared->begun, 1, __ATOMIC_SEQ_CST);
			update(&own);
			__atomic_add_fetch(&shared->done, 1, __ATOMIC_SEQ_CST);
		}
		cmx_close(own.reg);
	}
	_exit(0);
}

/* One who applies, killed after so many microseconds, or not. */
static bool
apply_and_kill(const struct segment *s, int which, unsigned int after_us)
{
	const struct timespec pause = { 0, (long)after_us * 1000 };
	pid_t pid = spawn();
	int status;

	if (pid == 0)
		_exit(
		    cmx_apply(s->path, other[which], NULL, NULL) == 0 ? 0 : 1);
	nanosleep(&pause, NULL);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status);
}

static bool
look(struct cmxr_reader *reader, struct totals *last)
{
	unsigned long long done =
	    __atomic_load_n(&shared->done, __ATOMIC_SEQ_CST);
	struct totals t = read_totals(reader);
	unsigned long long begun =
	    __atomic_load_n(&shared->begun, __ATOMIC_SEQ_CST);
	bool ok = t.whole >= done && t.whole <= begun && t.count >= done &&
	    t.count <= begun && t.whole >= last->whole &&
	    t.count >= last->count && t.doubles >= last->doubles;

	if (!ok)
		printf("done %llu, read %llu and %llu (before %llu), begun "
		       "%llu\n",
		    done, t.whole, t.count, last->whole, begun);
	*last = t;
	return ok;
}

static bool
run_replace(const struct segment *s, long n)
{
	uint64_t state = 88172645463325252u;
	struct totals last = { 0, 0, 0, 0 };
	struct cmx_apply_result result = { .n_waiting = 1 };
	struct cmxr_reader *reader;
	struct cmx_error error;
	long n_killed = 0, n_looks = 0;
	bool ok = true;

	shared = shared_memory(sizeof(*shared));
	cmx_close(h.reg);
	h.reg = NULL;
	for (int i = 0; i < WORKERS; i++)
		if (spawn() == 0)
			work(s);
	if (cmxr_open(s->path, &reader, &error) != 0)
		errx(1, "%s", error.text);
	for (long i = 0; ok && i < n; i++) {
		n_killed += apply_and_kill(s, (int)(i % 2),
		    (unsigned int)(random_of(&state) % 4000));
		/* One that stays, and one that comes just now. */
		ok = look(reader, &last);
		if (ok && i % 4 == 0) {
			struct cmxr_reader *fresh;

			ok = cmxr_open(s->path, &fresh, &error) == 0 &&
			    look(fresh, &last);
			cmxr_close(fresh);
		}
		n_looks++;
	}
	__atomic_store_n(&shared->stop, true, __ATOMIC_RELEASE);
	for (int i = 0; i < WORKERS; i++) {
		int status;

		wait(&status);
		ok &= status == 0;
	}
	if (cmx_apply(s->path, other[0], &result, &error) != 0)
		errx(1, "%s", error.text);
	ok &= result.n_waiting == 0 && look(reader, &last) &&
	    last.whole == shared->done;
	printf("%ld times applied, %ld of them killed; %llu counted, wanted "
	       "%llu; %ld looks, none went back\n",
	    n, n_killed, last.whole, shared->done, n_looks);
	cmxr_close(reader);
	return ok;
}

int
main(int argc, char *argv[])
{
	struct segment s = make_segment(&h);
	const char *mode = argc > 1 ? argv[1] : "";
	bool ok = false;

	write_schemas(&s);
	if (strcmp(mode, "pages") == 0 && argc == 3)
		ok = run_pages(&s, atoi(argv[2]));
	else if (strcmp(mode, "memory") == 0)
		ok = run_memory(&s);
	else if (strcmp(mode, "replace") == 0 && argc == 3)
		ok = run_replace(&s, atol(argv[2]));
	else
		warnx(
		    "usage: no_space_and_replace pages N | memory | replace N");
	cmx_close(h.reg);
	unlink(other[0]);
	unlink(other[1]);
	remove_segment(&s);
	return ok ? 0 : 1;
}
