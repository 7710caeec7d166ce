/*
 * adversity.c: totals that must be exact, whatever happens to the writers.
 *
 *	adversity hop PROCESSES UPDATES
 *		threads change their CPU every 50 microseconds
 *	adversity signals SECONDS
 *		a signal handler updates the series that it interrupts
 *	adversity mixed PROCESSES UPDATES
 *		writers of CPU stripes and of fallback stripes in one segment
 *	adversity reads N
 *		N reads of a pair beside writers
 */
#include <pthread.h>
#include <sched.h>

#include "common.h"

#include "base/atomic.h"

static struct handles h;

static bool
is_exact(const struct segment *s, unsigned long long wanted)
{
	struct cmxr_info info;
	struct totals t = final_totals(s, &info);

	printf("wanted %llu: whole %llu, double %.0f, pairs %llu; %llu aborts, "
	       "%llu fallbacks\n",
	    wanted, t.whole, t.doubles / 2, t.count,
	    (unsigned long long)info.rseq_aborts,
	    (unsigned long long)info.fallback_updates);
	return t.whole == wanted && t.doubles == 2 * (double)wanted &&
	    t.count == wanted;
}

static void *
hop(void *arg)
{
	const pid_t *pid = arg;
	const struct timespec pause = { 0, 50000 };
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	for (long i = 0;; i++) {
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET((size_t)(i % n), &set);
		sched_setaffinity(*pid, sizeof(set), &set);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static void
write_hopping(long n_updates)
{
	pid_t self = (pid_t)getpid();
	pthread_t hopper;

	if (pthread_create(&hopper, NULL, hop, &self) != 0)
		_exit(1);
	for (long i = 0; i < n_updates; i++)
		update(&h);
	_exit(0);
}

static void
write_mixed(const struct segment *s, long n_updates, bool is_fallback)
{
	setenv("CODEAI_METRICS_RSEQ", is_fallback ? "0" : "1", 1);
	open_handles(s, &h);
	for (long i = 0; i < n_updates; i++)
		update(&h);
	_exit(0);
}

static bool
run_processes(const struct segment *s, const char *mode, long n_processes,
    long n_updates)
{
	for (long i = 0; i < n_processes; i++)
		if (spawn() == 0) {
			if (strcmp(mode, "hop") == 0)
				write_hopping(n_updates);
			else
				write_mixed(s, n_updates, i % 2 == 1);
		}
	while (wait(NULL) > 0)
		;
	return is_exact(s,
	    (unsigned long long)n_processes * (unsigned long long)n_updates);
}

static volatile sig_atomic_t n_signals;

static void
on_signal(int number)
{
	(void)number;
	update(&h);
	n_signals++;
}

static bool
run_signals(const struct segment *s, double seconds)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL,
		.sigev_signo = SIGUSR1 };
	const struct itimerspec often = { { 0, 20000 }, { 0, 20000 } };
	double end = now_seconds() + seconds;
	unsigned long long n = 0;
	timer_t timer;

	sigaction(SIGUSR1, &action, NULL);
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0)
		err(1, "timer_create");
	timer_settime(timer, 0, &often, NULL);
	while (n % 1024 != 0 || now_seconds() < end) {
		update(&h);
		n++;
	}
	timer_delete(timer);
	signal(SIGUSR1, SIG_IGN);
	printf("%d handler updates, %.0f a second, beside %llu\n",
	    (int)n_signals, n_signals / seconds, n);
	return is_exact(s, n + (unsigned long long)n_signals);
}

/* The pair of the value 2 in a stripe. */
static const struct cmxi_pair *
pair_in(uint32_t stripe)
{
	return (const struct cmxi_pair *)(const void *)(h.pairs.cell +
		   ((size_t)stripe << h.pairs.stripe_shift)) +
	    1;
}

/* A pair is never seen half, and never smaller than before. */
static bool
run_reads(const struct segment *s, long n_reads)
{
	struct cmxi_pair last = { 0, 0 };
	struct cmxr_info info;
	pid_t writers[2];
	uint32_t stripe = 0, n_stripes;
	double deadline = now_seconds() + 120;
	long n_torn = 0, n_back = 0, n_changes = 0;

	final_totals(s, &info);
	n_stripes = (uint32_t)(info.n_cpu_stripes + info.n_fallback_stripes);
	for (int i = 0; i < 2; i++)
		if ((writers[i] = spawn()) == 0)
			for (;;)
				cmx_histogram_observe(&h.pairs, 2);
	/* A busy machine may keep the writers waiting: until they were seen. */
	for (long i = 0; i < n_reads ||
	     (n_changes <= n_reads / 10000 && now_seconds() < deadline);
	     i++) {
		struct cmxi_pair p;

		/* Where nothing has moved for a while, look elsewhere. */
		if (i % 65536 == 0) {
			stripe = (stripe + 1) % n_stripes;
			last = (struct cmxi_pair){ 0, 0 };
		}
		p = cmxi_pair_load(pair_in(stripe));
		n_torn += p.sum != 2 * p.count;
		n_back += p.count < last.count;
		n_changes += p.count != last.count;
		last = p;
	}
	for (int i = 0; i < 2; i++) {
		kill(writers[i], SIGKILL);
		waitpid(writers[i], NULL, 0);
	}
	printf("%ld reads, %ld of them of a new value: %ld torn, %ld went "
	       "back\n",
	    n_reads, n_changes, n_torn, n_back);
	return n_torn == 0 && n_back == 0 && n_changes > n_reads / 10000;
}

int
main(int argc, char *argv[])
{
	const char *mode = argc > 2 ? argv[1] : "";
	struct segment s = make_segment(&h);
	bool ok;

	if ((strcmp(mode, "hop") == 0 || strcmp(mode, "mixed") == 0) &&
	    argc == 4)
		ok = run_processes(&s, mode, atol(argv[2]), atol(argv[3]));
	else if (strcmp(mode, "signals") == 0)
		ok = run_signals(&s, atof(argv[2]));
	else if (strcmp(mode, "reads") == 0)
		ok = run_reads(&s, atol(argv[2]));
	else
		errx(2,
		    "usage: adversity hop|mixed PROCESSES UPDATES | signals "
		    "SECONDS | reads N");
	cmx_close(h.reg);
	remove_segment(&s);
	return ok ? 0 : 1;
}
