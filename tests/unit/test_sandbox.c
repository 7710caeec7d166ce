/*
 * The daemon's sandbox: a process that entered it tries what is forbidden, and
 * what it needs.
 */
#include "test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "daemon.h"

/* What a child tries after it entered, beside a directory that it may read. */
typedef bool attempt(const char *dir);

/* Did the attempt succeed, in a child with a sandbox for dir/a.seg? */
static bool
succeeds(attempt *try, const char *dir)
{
	char path[600];
	const char *paths[] = { path };
	struct sandbox s;
	int status;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/a.seg", dir);
	pid = test_spawn();
	if (pid == 0) {
		/* Root may have had a group; others may not take one. */
		setgroups(1, &(gid_t){ 1 });
		sandbox_enter(paths, 1, &s);
		_exit(try(dir) ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status) == 0;
}

/* What the machine that runs the tests can keep. */
static struct sandbox
kept(void)
{
	struct sandbox *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct sandbox copy;
	pid_t pid = test_spawn();

	if (pid == 0) {
		sandbox_enter(NULL, 0, s);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	copy = *s;
	munmap(s, sizeof(*s));
	return copy;
}

static bool
opens(const char *path, int flags)
{
	return open(path, flags, 0600) >= 0;
}

static bool
reads_its_directory(const char *dir)
{
	char path[600];

	snprintf(path, sizeof(path), "%s/a.seg", dir);
	return opens(path, O_RDONLY);
}

static bool
reads_passwords(const char *dir)
{
	(void)dir;
	return opens("/etc/passwd", O_RDONLY);
}

static bool
writes_its_directory(const char *dir)
{
	char path[600];

	snprintf(path, sizeof(path), "%s/a.seg", dir);
	if (opens(path, O_RDWR))
		return true;
	snprintf(path, sizeof(path), "%s/new", dir);
	return opens(path, O_WRONLY | O_CREAT) || mkdir(path, 0700) == 0 ||
	    unlink(path) == 0;
}

static bool
reads_proc(const char *dir)
{
	(void)dir;
	return opens("/proc/1/stat", O_RDONLY) &&
	    opens("/proc/self/fd", O_RDONLY | O_DIRECTORY);
}

static bool
opens_a_socket(const char *dir)
{
	(void)dir;
	return socket(AF_INET, SOCK_STREAM, 0) >= 0 ||
	    socket(AF_UNIX, SOCK_DGRAM, 0) >= 0;
}

static bool
makes_a_process(const char *dir)
{
	pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	(void)dir;
	if (pid == 0)
		_exit(0);
	return pid > 0;
}

static bool
runs_a_program(const char *dir)
{
	(void)dir;
	execl("/bin/true", "true", (char *)NULL);
	return false;
}

static bool
makes_memory_executable(const char *dir)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)dir;
	return p == MAP_FAILED || mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0;
}

static bool
reaches_other_processes(const char *dir)
{
	(void)dir;
	return kill(getppid(), SIGCONT) == 0 ||
	    ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0 ||
	    syscall(SYS_tgkill, getppid(), getppid(), SIGCONT) == 0;
}

static bool
asks_who_lives(const char *dir)
{
	(void)dir;
	return kill(getpid(), 0) == 0;
}

static bool
gains_rights(const char *dir)
{
	static const gid_t group = 1;
	static const struct rlimit core = { RLIM_INFINITY, RLIM_INFINITY };

	(void)dir;
	return setgroups(1, &group) == 0 ||
	    setrlimit(RLIMIT_CORE, &core) == 0 || setuid(1) == 0;
}

/* What the kernel says of this process, in /proc/self/NAME. */
static const char *
read_self(const char *name)
{
	static char text[8192];
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/%s", name);
	fd = open(path, O_RDONLY);
	n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static bool
says(const char *name, const char *line)
{
	return strstr(read_self(name), line) != NULL;
}

/*
 * At most 2 and 19, search and trace; or 1, override, where a container has not
 * the first of these.
 */
static bool
has_few_capabilities(void)
{
	const char *line = strstr(read_self("status"), "CapEff:\t");
	uint64_t has = line == NULL ?
	    UINT64_MAX :
	    strtoull(line + strlen("CapEff:\t"), NULL, 16);

	return (has & ~UINT64_C(0x80004)) == 0 ||
	    (has & ~UINT64_C(0x80002)) == 0;
}

static bool
has_given_up(const char *dir)
{
	(void)dir;
	return says("status", "NoNewPrivs:\t1\n") &&
	    (geteuid() != 0 || says("status", "\nGroups:\t \n")) &&
	    says("limits",
		"Max core file size        0                    0 ") &&
	    has_few_capabilities();
}

static void *
answer(void *arg)
{
	return arg;
}

static bool
makes_threads_and_memory(const char *dir)
{
	pthread_t thread;
	void *value;
	char *p = malloc(64 << 20);

	if (p == NULL || pthread_create(&thread, NULL, answer, p) != 0 ||
	    pthread_join(thread, &value) != 0)
		return false;
	(void)dir;
	free(p);
	return value == p;
}

static char *
make_dir_with_segment(void)
{
	char *dir = test_make_dir();

	test_write_file(test_path(dir, "a.seg"), "x");
	return dir;
}

TEST(the_sandbox_leaves_what_the_daemon_needs)
{
	char *dir;

	/* It makes calls of its own for the child. */
	if (getenv("VALGRIND") != NULL)
		return;
	dir = make_dir_with_segment();
	assert_true(succeeds(reads_its_directory, dir));
	assert_true(succeeds(reads_proc, dir));
	assert_true(succeeds(makes_threads_and_memory, dir));
	assert_true(succeeds(asks_who_lives, dir));
	test_remove_dir(dir);
}

/* systemd removes the directory of a service that stops, and makes it again. */
TEST(a_directory_that_is_made_anew_stays_readable)
{
	char *dir = make_dir_with_segment(), again[600], path[700];
	const char *paths[] = { path };
	int entered[2], made[2];
	struct sandbox s;
	pid_t pid;
	char byte = 0;

	snprintf(again, sizeof(again), "%s/again", dir);
	snprintf(path, sizeof(path), "%s/a.seg", again);
	assert_int_equal(mkdir(again, 0755), 0);
	assert_int_equal(pipe(entered) + pipe(made), 0);
	pid = test_spawn();
	if (pid == 0) {
		sandbox_enter(paths, 1, &s);
		_exit(write(entered[1], &byte, 1) != 1 ||
		    read(made[0], &byte, 1) != 1 || !opens(path, O_RDONLY));
	}
	assert_int_equal(read(entered[0], &byte, 1), 1);
	assert_int_equal(rmdir(again), 0);
	assert_int_equal(mkdir(again, 0755), 0);
	test_write_file(path, "x");
	assert_int_equal(write(made[1], &byte, 1), 1);
	test_wait_ok(pid);
	for (int i = 0; i < 2; i++) {
		close(entered[i]);
		close(made[i]);
	}
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(again), 0);
	test_remove_dir(dir);
}

TEST(files_elsewhere_cannot_be_read_and_none_can_be_written)
{
	char *dir = make_dir_with_segment();

	if (kept().files) {
		assert_false(succeeds(reads_passwords, dir));
		assert_false(succeeds(writes_its_directory, dir));
	}
	test_remove_dir(dir);
}

TEST(calls_that_the_daemon_does_not_make_are_refused)
{
	char *dir = make_dir_with_segment();

	if (kept().calls) {
		assert_false(succeeds(opens_a_socket, dir));
		assert_false(succeeds(makes_a_process, dir));
		assert_false(succeeds(runs_a_program, dir));
		assert_false(succeeds(makes_memory_executable, dir));
		assert_false(succeeds(reaches_other_processes, dir));
		assert_false(succeeds(writes_its_directory, dir));
	}
	test_remove_dir(dir);
}

TEST(rights_that_were_given_up_do_not_come_back)
{
	char *dir = make_dir_with_segment();

	assert_true(kept().privileges && kept().core);
	assert_false(succeeds(gains_rights, dir));
	assert_true(succeeds(has_given_up, dir));
	test_remove_dir(dir);
}

TEST(the_sandbox_says_what_it_could_not_have)
{
	const struct sandbox s = { .privileges = true, .calls = true };
	char text[SANDBOX_TEXT_MAX];

	sandbox_describe(&s, text);
	assert_non_null(strstr(text, "no new privileges: yes"));
	assert_non_null(strstr(text, "Landlock: no"));
	assert_non_null(strstr(text, "seccomp: yes"));
}
