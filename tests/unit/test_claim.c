/*
 * Who owns a slot, beside strangers: the successor of the dead, processes that
 * gave up their privileges, their root or their descriptors, other namespaces,
 * handlers that fork, lockers that may only read.
 */
#include "metrics.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include "segment/protocols.h"

#define METRICS                                                   \
	"{\"name\":\"level\",\"type\":\"gauge\",\"help\":\"h\"}," \
	"{\"name\":\"each\",\"type\":\"gauge\",\"help\":\"h\","   \
	"\"aggregate\":\"each\"},"                                \
	"{\"name\":\"a_total\",\"type\":\"counter\",\"help\":\"h\"}"

#define NOBODY 65534

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

static bool
is_root(void)
{
	if (geteuid() == 0)
		return true;
	print_message("not root: not tried\n");
	return false;
}

/*
 * A process that does something to itself, sets its gauges, says so, and
 * waits to be killed.
 */
struct stranger {
	pid_t pid;
	int said;
};

static struct stranger
start(const struct fixture *f, bool (*change)(const struct fixture *), double v)
{
	struct stranger s;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	s.pid = test_spawn();
	if (s.pid == 0) {
		struct cmx_gauge level, each;
		char c = change == NULL || change(f) ? 'y' : 'n';

		level = gauge(f->reg, "level", 0, NULL);
		each = gauge(f->reg, "each", 0, NULL);
		cmx_gauge_set(&level, v);
		cmx_gauge_set(&each, v);
		if (write(fds[1], &c, 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	close(fds[1]);
	s.said = fds[0];
	return s;
}

static bool
is_ready(const struct stranger *s)
{
	char c;

	assert_int_equal(read(s->said, &c, 1), 1);
	return c == 'y';
}

static void
end(struct stranger *s)
{
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	close(s->said);
}

/* Two of them add up, are listed, and are gone when they are dead. */
static void
assert_owns_gauges(const struct fixture *f,
    bool (*change)(const struct fixture *))
{
	struct stranger a = start(f, change, 5), b;

	if (!is_ready(&a)) {
		print_message("not possible here: not tried\n");
		end(&a);
		return;
	}
	b = start(f, change, 6);
	assert_true(is_ready(&b));
	assert_shows(f->segment_path, "level 11");
	assert_int_equal(info(f->segment_path).n_live_slots, 2);
	end(&a);
	assert_shows(f->segment_path, "level 6");
	end(&b);
	assert_shows(f->segment_path, "level 0");
	assert_int_equal(info(f->segment_path).n_live_slots, 0);
	assert_int_equal(info(f->segment_path).dropped_gauges, 0);
}

static bool
drop_privileges(const struct fixture *f)
{
	(void)f;
	return setgid(NOBODY) == 0 && setuid(NOBODY) == 0;
}

static bool
change_root(const struct fixture *f)
{
	(void)f;
	return chroot("/proc/self/fdinfo") == 0 && drop_privileges(f);
}

static bool
lose_name(const struct fixture *f)
{
	rename(f->segment_path, test_path(f->dir, "away"));
	return drop_privileges(f) &&
	    rename(test_path(f->dir, "away"), f->segment_path) != 0;
}

static bool
close_all(const struct fixture *f)
{
	(void)f;
	for (int fd = 3; fd < 64; fd++)
		if (cmx_segment_fd(f->reg) == fd)
			close(fd);
	return cmx_segment_fd(f->reg) < 0;
}

TEST(a_process_that_dropped_its_privileges_owns_its_gauges)
{
	struct fixture f = fixture_open("", METRICS);

	if (is_root())
		assert_owns_gauges(&f, drop_privileges);
	fixture_close(&f);
}

TEST(a_process_in_another_root_owns_its_gauges)
{
	struct fixture f = fixture_open("", METRICS);

	if (is_root())
		assert_owns_gauges(&f, change_root);
	fixture_close(&f);
}

TEST(a_process_that_closed_its_descriptors_owns_its_gauges)
{
	struct fixture f = fixture_open("", METRICS);

	assert_owns_gauges(&f, close_all);
	fixture_close(&f);
}

TEST(a_process_whose_segment_lost_its_name_owns_its_gauges)
{
	struct fixture f = fixture_open("", METRICS);
	struct stranger s;

	if (is_root()) {
		s = start(&f, lose_name, 7);
		assert_true(is_ready(&s));
		assert_int_equal(rename(test_path(f.dir, "away"),
				     f.segment_path),
		    0);
		assert_shows(f.segment_path, "level 7");
		end(&s);
		assert_shows(f.segment_path, "level 0");
	}
	fixture_close(&f);
}

static bool
close_and_drop(const struct fixture *f)
{
	return close_all(f) && drop_privileges(f);
}

TEST(who_has_neither_permission_nor_descriptor_is_counted_and_poisons_nothing)
{
	struct fixture f = fixture_open("", METRICS);
	struct stranger s;

	if (is_root()) {
		s = start(&f, close_and_drop, 5);
		assert_true(is_ready(&s));
		assert_shows(f.segment_path, "level 0");
		assert_int_equal(info(f.segment_path).slot_denied, 1);
		assert_int_equal(info(f.segment_path).no_free_slot, 0);
		assert_int_equal(info(f.segment_path).dropped_gauges, 2);
		end(&s);
		assert_shows(f.segment_path, "level 0");
	}
	fixture_close(&f);
}

/* Threads that claim at once, without privileges, make one slot. */
static void *
set_in_thread(void *arg)
{
	struct cmx_gauge g = gauge(arg, "level", 0, NULL);

	cmx_gauge_inc(&g);
	return NULL;
}

static bool
drop_and_race(const struct fixture *f)
{
	pthread_t threads[8];
	bool ok = drop_privileges(f);

	for (int i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, set_in_thread, f->reg);
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	return ok;
}

static int
race_and_look(void *arg)
{
	const struct fixture *f = arg;
	struct cmx_gauge g;

	if (!drop_and_race(f))
		return 1;
	g = gauge(f->reg, "each", 0, NULL);
	cmx_gauge_set(&g, 3);
	kill(getpid(), SIGSTOP);
	return 0;
}

TEST(threads_without_privileges_that_claim_at_once_share_one_slot)
{
	struct fixture f = fixture_open("", METRICS);

	for (int i = 0; i < test_rounds(80) / 4 + 1 && is_root(); i++) {
		pid_t pid = test_fork(race_and_look, &f);
		int status;

		assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
		assert_true(WIFSTOPPED(status));
		assert_shows(f.segment_path, "level 8");
		assert_int_equal(info(f.segment_path).n_live_slots, 1);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		assert_shows(f.segment_path, "level 0");
	}
	fixture_close(&f);
}

/*
 * Closing any descriptor of the file ends a lock of the process's own.  The
 * next claimant gets the slot, and the old owner notices and takes another.
 */
static int
lose_lock(void *arg)
{
	const struct fixture *f = arg;
	struct cmx_gauge g;

	if (!drop_privileges(f))
		return 1;
	g = gauge(f->reg, "level", 0, NULL);
	cmx_gauge_set(&g, 5);
	close(dup(cmx_segment_fd(f->reg)));
	kill(getpid(), SIGSTOP);
	cmx_gauge_set(&g, 50);
	kill(getpid(), SIGSTOP);
	return 0;
}

TEST(two_processes_never_write_one_slot_though_a_lock_was_lost)
{
	struct fixture f = fixture_open("", METRICS);
	struct stranger s;
	pid_t pid;
	int status;

	if (is_root()) {
		pid = test_fork(lose_lock, &f);
		assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
		assert_true(WIFSTOPPED(status));
		s = start(&f, NULL, 7);
		assert_true(is_ready(&s));
		assert_shows(f.segment_path, "level 7");
		kill(pid, SIGCONT);
		assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
		assert_shows(f.segment_path, "level 57");
		end(&s);
		assert_shows(f.segment_path, "level 50");
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		assert_shows(f.segment_path, "level 0");
	}
	fixture_close(&f);
}

/* The successor of the dead */

static int
look_up_and_end(void *arg)
{
	const struct fixture *f = arg;

	for (int i = 0; i < 4; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			counter(f->reg, "a_total", 0, NULL);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
	return 0;
}

TEST(a_slot_that_is_claimed_again_never_shows_its_dead_owner)
{
	struct fixture f = fixture_open("", METRICS);

	for (int i = 0; i < test_rounds(400); i++) {
		struct stranger dead = start(&f, NULL, 1000);
		pid_t pid;

		assert_true(is_ready(&dead));
		end(&dead);
		assert_shows(f.segment_path, "level 0");
		pid = test_fork(look_up_and_end, &f);
		for (int looks = 0; looks < 20; looks++)
			assert_shows(f.segment_path, "level 0");
		test_wait_ok(pid);
	}
	fixture_close(&f);
}

/* A claimant that stands still between its two locks is seen by nobody. */
TEST(a_claim_without_a_beacon_shows_nothing)
{
	struct fixture f = fixture_open("", METRICS);
	struct stranger dead = start(&f, NULL, 1000), next;
	struct flock lock = { .l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = (off_t)CMXI_CLAIM_BYTE(0),
		.l_len = 1 };
	int fd = open(f.segment_path, O_RDWR | O_CLOEXEC);

	assert_true(is_ready(&dead));
	end(&dead);
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
	assert_shows(f.segment_path, "level 0");
	assert_int_equal(info(f.segment_path).n_live_slots, 0);
	/* It keeps its slot, and others take another one. */
	next = start(&f, NULL, 3);
	assert_true(is_ready(&next));
	assert_shows(f.segment_path, "level 3");
	end(&next);
	close(fd);
	fixture_close(&f);
}

/* Namespaces */

/* Make a process with pid 1 in a namespace of its own. */
static struct stranger
start_as_first(const struct fixture *f, double v)
{
	struct stranger s = { 0 };
	int fds[2], ready[2], status;
	pid_t middle;
	char word;

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(pipe(ready), 0);
	middle = fork();
	if (middle == 0) {
		struct cmx_gauge each;

		if (unshare(CLONE_NEWPID) != 0)
			_exit(1);
		s.pid = fork();
		if (s.pid > 0) {
			/* Its pid as we see it, when its gauge is set. */
			close(ready[1]);
			_exit(read(ready[0], &word, 1) != 1 ||
			    write(fds[1], &s.pid, sizeof(s.pid)) !=
				sizeof(s.pid));
		}
		prctl(PR_SET_PDEATHSIG, 0);
		alarm(60);
		each = gauge(f->reg, "each", 0, NULL);
		cmx_gauge_set(&each, v);
		if (write(ready[1], "y", 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	close(fds[1]);
	close(ready[0]);
	close(ready[1]);
	s.said = fds[0];
	assert_int_equal(waitpid(middle, &status, 0), middle);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 ||
	    read(s.said, &s.pid, sizeof(s.pid)) != sizeof(s.pid))
		s.pid = 0;
	return s;
}

TEST(processes_of_two_namespaces_with_one_pid_are_two)
{
	struct fixture f = fixture_open("", METRICS);
	struct stranger a, b;
	char *text, line[80];
	struct stat st;

	if (is_root()) {
		a = start_as_first(&f, 20);
		b = start_as_first(&f, 21);
		assert_true(a.pid > 0 && b.pid > 0);
		text = exposition(f.segment_path, CMXR_TEXT);
		assert_null(strstr(text, "each{pid=\"1\"}"));
		snprintf(line, sizeof(line), "/proc/%d/ns/pid", (int)a.pid);
		assert_int_equal(stat(line, &st), 0);
		snprintf(line, sizeof(line), "\neach{pid=\"1@%llu\"} 20\n",
		    (unsigned long long)st.st_ino);
		assert_non_null(strstr(text, line));
		assert_non_null(strstr(text, "} 21\n"));
		free(text);
		kill(b.pid, SIGKILL);
		close(b.said);
		while (info(f.segment_path).n_live_slots > 1)
			;
		/* Alone, it needs no more than its pid. */
		assert_shows(f.segment_path, "each{pid=\"1\"} 20");
		kill(a.pid, SIGKILL);
		close(a.said);
	}
	fixture_close(&f);
}

/* The live processes of all roles, as a reader outside counts them. */
static double
process_count(const char *segment)
{
	const struct cmxr_snapshot *snapshot;
	struct cmxr_reader *reader;
	struct cmxr_series series;
	double sum = 0;

	assert_int_equal(cmxr_open(segment, &reader, NULL), 0);
	assert_int_equal(cmxr_snapshot_take(reader, &snapshot, NULL), 0);
	for (size_t i = 0; i < cmxr_snapshot_n_families(snapshot); i++) {
		struct cmxr_family f;
		size_t cursor = 0;

		cmxr_snapshot_family(snapshot, i, &f);
		while (strcmp(f.def.name, "codeai_process_count") == 0 &&
		    cmxr_series_next(snapshot, i, &cursor, &series))
			sum += series.value;
	}
	cmxr_close(reader);
	return sum;
}

/* A process whose clock is ten days ahead is as alive as any other. */
static bool
leap_ahead(const struct fixture *f)
{
	static const char offset[] = "boottime 864000 0";
	int fd;

	(void)f;
	if (unshare(CLONE_NEWTIME) != 0)
		return false;
	fd = open("/proc/self/timens_offsets", O_WRONLY);
	if (fd < 0 || write(fd, offset, sizeof(offset) - 1) < 0)
		return false;
	close(fd);
	fd = open("/proc/self/ns/time_for_children", O_RDONLY);
	return fd >= 0 && setns(fd, CLONE_NEWTIME) == 0;
}

TEST(a_process_of_another_time_namespace_counts_as_live)
{
	struct fixture f = fixture_open("", METRICS);
	struct stranger s = start(&f, leap_ahead, 4);

	if (is_ready(&s)) {
		assert_shows(f.segment_path, "level 4");
		assert_double(process_count(f.segment_path), 1.0);
	}
	end(&s);
	assert_double(process_count(f.segment_path), 0.0);
	fixture_close(&f);
}

/* Handlers */

static struct cmx_gauge forked_gauge;
static volatile sig_atomic_t n_forks, child_of_handler;

static void
fork_in_handler(int signo)
{
	(void)signo;
	if (n_forks++ == 0) {
		child_of_handler = _Fork();
		if (child_of_handler == 0)
			prctl(PR_SET_PDEATHSIG, SIGKILL);
	}
}

static int
claim_under_timer(void *arg)
{
	const struct fixture *f = arg;
	struct itimerval timer = { .it_value = { 0, 20 + getpid() % 120 } };
	struct cmx_counter c;

	signal(SIGALRM, fork_in_handler);
	forked_gauge = gauge(f->reg, "level", 0, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	while (n_forks == 0) {
		cmx_gauge_set(&forked_gauge, 1);
		c = counter(f->reg, "a_total", 0, NULL);
	}
	(void)c;
	/* Both go on here, the child with a value of its own. */
	cmx_gauge_set(&forked_gauge, child_of_handler == 0 ? 10 : 1);
	if (child_of_handler == 0)
		for (;;)
			pause();
	kill(getpid(), SIGSTOP);
	kill(child_of_handler, SIGKILL);
	waitpid(child_of_handler, NULL, 0);
	return 0;
}

TEST(a_fork_in_a_handler_during_the_claim_leaves_two_owners)
{
	struct fixture f = fixture_open("", METRICS);
	for (int i = 0; i < test_rounds(200); i++) {
		time_t deadline = time(NULL) + 30;
		pid_t pid = test_fork(claim_under_timer, &f);
		int status;

		assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
		assert_true(WIFSTOPPED(status));
		while (
		    !shows(f.segment_path, "level 11") && time(NULL) < deadline)
			;
		assert_shows(f.segment_path, "level 11");
		kill(pid, SIGCONT);
		test_wait_ok(pid);
		assert_shows(f.segment_path, "level 0");
	}
	fixture_close(&f);
}

/* Lockers that may only read */

TEST(a_read_lock_of_a_stranger_is_counted_and_poisons_nothing)
{
	struct fixture f = fixture_open("", METRICS);
	struct stranger owner = start(&f, NULL, 7), late;
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	int fd = open(f.segment_path, O_RDONLY | O_CLOEXEC);

	assert_true(is_ready(&owner));
	lock.l_start = (off_t)CMXI_CLAIM_BYTE(1);
	lock.l_len = 1 << 20;
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
	late = start(&f, NULL, 5);
	assert_true(is_ready(&late));
	assert_shows(f.segment_path, "level 7");
	assert_int_equal(info(f.segment_path).slot_blocked, 1);
	assert_int_equal(info(f.segment_path).no_free_slot, 0);
	end(&late);
	/* Deaths are seen whatever he locks. */
	end(&owner);
	assert_shows(f.segment_path, "level 0");
	close(fd);
	fixture_close(&f);
}
