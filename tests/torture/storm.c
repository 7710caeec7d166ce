/*
 * storm.c: writers that are killed at random, forked anew, and lose nothing.
 *
 *	storm KILLS [WRITERS]
 *
 * Each writer notes in a ledger what it has begun and what it has done; at
 * the end each total lies between the sums of both.  Every other writer uses
 * the fallback stripes, so both kinds are in one segment.  A reader runs all
 * the time: no total may decrease, and no pair may be torn.
 */
#include "common.h"

struct entry {
	unsigned long long begun, done;
	char pad[112];
};

static void
write_for_ever(const struct segment *s, struct entry *entry, bool is_fallback)
{
	struct handles h;

	setenv("CODEAI_METRICS_RSEQ", is_fallback ? "0" : "1", 1);
	open_handles(s, &h);
	for (;;) {
		__atomic_store_n(&entry->begun, entry->begun + 1,
		    __ATOMIC_SEQ_CST);
		update(&h);
		__atomic_store_n(&entry->done, entry->done + 1,
		    __ATOMIC_SEQ_CST);
	}
}

/* Read without end; any decrease ends it with 1. */
static void
watch(const struct segment *s, unsigned long long *n_reads)
{
	struct cmxr_reader *reader;
	struct totals last = { 0, 0, 0, 0 };

	if (cmxr_open(s->path, &reader, NULL) != 0)
		_exit(1);
	for (;; ++*n_reads) {
		struct totals t = read_totals(reader);

		if (t.whole < last.whole || t.count < last.count ||
		    t.doubles < last.doubles)
			errx(1, "a total went back");
		last = t;
	}
}

static pid_t
start(const struct segment *s, struct entry *ledger, int i)
{
	pid_t pid = spawn();

	if (pid == 0)
		write_for_ever(s, &ledger[i], i % 2 == 1);
	return pid;
}

static void
kill_and_reap(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static bool
within(const char *what, unsigned long long done, unsigned long long total,
    unsigned long long begun)
{
	printf("%-7s done %llu, counted %llu, begun %llu\n", what, done, total,
	    begun);
	return done <= total && total <= begun;
}

int
main(int argc, char *argv[])
{
	long n_kills = argc > 1 ? atol(argv[1]) : 1000;
	int n = argc > 2 ? atoi(argv[2]) : 8, status;
	struct entry *ledger = shared_memory((size_t)n * sizeof(*ledger));
	unsigned long long *n_reads = shared_memory(sizeof(*n_reads));
	unsigned long long begun = 0, done = 0;
	uint64_t random = 99;
	struct handles h;
	struct segment s = make_segment(&h);
	struct cmxr_info info;
	struct totals t;
	pid_t pids[64], watcher;
	bool ok;

	if (n < 1 || n > 64)
		errx(2, "1 to 64 writers");
	watcher = spawn();
	if (watcher == 0)
		watch(&s, n_reads);
	for (int i = 0; i < n; i++)
		pids[i] = start(&s, ledger, i);
	for (long k = 0; k < n_kills; k++) {
		int i = (int)(random_of(&random) % (unsigned int)n);
		const struct timespec pause = { 0,
			(long)(random_of(&random) % 400000) };

		nanosleep(&pause, NULL);
		kill_and_reap(pids[i]);
		pids[i] = start(&s, ledger, i);
	}
	for (int i = 0; i < n; i++)
		kill_and_reap(pids[i]);
	ok = waitpid(watcher, &status, WNOHANG) == 0;
	kill_and_reap(watcher);
	for (int i = 0; i < n; i++) {
		begun += ledger[i].begun;
		done += ledger[i].done;
	}
	t = final_totals(&s, &info);
	ok &= within("whole", done, t.whole, begun);
	ok &=
	    within("double", done, (unsigned long long)(t.doubles / 2), begun);
	ok &= within("pairs", done, t.count, begun);
	printf("%ld kills of %d writers, %llu updates, %llu reads, %llu "
	       "aborts, %llu fallbacks, %llu invalid entries\n",
	    n_kills, n, 3 * begun, *n_reads,
	    (unsigned long long)info.rseq_aborts,
	    (unsigned long long)info.fallback_updates,
	    (unsigned long long)info.invalid_entries);
	cmx_close(h.reg);
	remove_segment(&s);
	return ok && info.invalid_entries == 0 ? 0 : 1;
}
