/*
 * test.h: what every unit test includes, first.
 *
 * cmocka wants four headers before its own; the rest are helpers: a directory
 * on tmpfs that goes away, children that are waited for, bit-exact doubles.
 */
#ifndef TEST_H
#define TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* cmocka 1.1.5 compares floats only: doubles are compared by their bits. */
static inline uint64_t
bits_of(double d)
{
	uint64_t bits;

	memcpy(&bits, &d, sizeof(bits));
	return bits;
}

#define assert_double(a, b) assert_int_equal(bits_of(a), bits_of(b))

static inline void
test_empty_dir(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char path[600];

	while (d != NULL && (e = readdir(d)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (e->d_name[0] != '.' && unlink(path) != 0)
			rmdir(path);
	}
	if (d != NULL)
		closedir(d);
	rmdir(dir);
}

/* Directories that a test which failed has left. */
static struct {
	pid_t owner;
	char paths[64][40];
	size_t n;
} test_dirs;

static inline void
test_remove_left_dirs(void)
{
	if (test_dirs.owner == getpid())
		for (size_t i = 0; i < test_dirs.n; i++)
			test_empty_dir(test_dirs.paths[i]);
}

/* A new directory on tmpfs; test_remove_dir() takes its files with it. */
static inline char *
test_make_dir(void)
{
	char *dir = strdup("/dev/shm/codeai-test-XXXXXX");

	assert_non_null(dir);
	assert_non_null(mkdtemp(dir));
	if (test_dirs.n == 0) {
		test_dirs.owner = getpid();
		atexit(test_remove_left_dirs);
	}
	if (test_dirs.n < 64)
		strcpy(test_dirs.paths[test_dirs.n++], dir);
	return dir;
}

static inline void
test_remove_dir(char *dir)
{
	test_empty_dir(dir);
	free(dir);
}

/* dir/name, in one of a few static buffers. */
static inline const char *
test_path(const char *dir, const char *name)
{
	static char paths[8][600];
	static int next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

static inline void
test_write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
}

/* The bytes of a file with a NUL behind them; the caller frees. */
static inline char *
test_read_file(const char *path)
{
	FILE *f = fopen(path, "r");
	size_t n, used = 0, size = 1 << 16;
	char *text = malloc(size);

	if (f == NULL)
		fail_msg("%s: %s", path, strerror(errno));
	assert_non_null(text);
	while ((n = fread(text + used, 1, size - used - 1, f)) > 0) {
		used += n;
		if (size - used < 2) {
			text = realloc(text, size *= 2);
			assert_non_null(text);
		}
	}
	text[used] = '\0';
	fclose(f);
	return text;
}

/* A child that does not outlive this test, however that ends. */
static inline pid_t
test_spawn(void)
{
	pid_t parent = getpid(), pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
	}
	return pid;
}

/* Run body in a child, which ends with its result as exit status. */
static inline pid_t
test_fork(int (*body)(void *), void *arg)
{
	pid_t pid = test_spawn();

	if (pid == 0)
		_exit(body(arg));
	return pid;
}

static inline void
test_wait_ok(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* As many rounds as asked for; under valgrind, which is slow, fewer. */
static inline int
test_rounds(int n)
{
	return getenv("VALGRIND") != NULL ? n / 40 : n;
}

/* The step through a list of cases: each; under valgrind only every n-th. */
static inline size_t
test_step(size_t n)
{
	return getenv("VALGRIND") != NULL ? n : 1;
}

/* xorshift64*: the same numbers in each run. */
static inline uint64_t
test_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545f4914f6cdd1d);
}

/* The tests of this program, in the order in which they are defined. */
static struct CMUnitTest tests[64];
static size_t n_tests;

/*
 * TEST(sentence) { ... }: a unit test, which main() runs.
 */
#define TEST(sentence)                                                     \
	static void sentence(void);                                        \
	static void run_##sentence(void **state)                           \
	{                                                                  \
		(void)state;                                               \
		sentence();                                                \
	}                                                                  \
	__attribute__((constructor)) static void register_##sentence(void) \
	{                                                                  \
		if (n_tests == sizeof(tests) / sizeof(tests[0]))           \
			abort();                                           \
		tests[n_tests++] = (struct CMUnitTest){ .name = #sentence, \
			.test_func = run_##sentence };                     \
	}                                                                  \
	static void sentence(void)

int
main(void)
{
	return _cmocka_run_group_tests("tests", tests, n_tests, NULL, NULL);
}

#endif
