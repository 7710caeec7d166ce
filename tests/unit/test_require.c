/*
 * Contracts within the library: they bite in the build that tests link.
 */
#include "test.h"

#include "base/require.h"
#include "base/utf8.h"
#include "write/own_page.h"

/* Does body end with an abort, and a message that says this? */
static void
assert_broken(void (*body)(void), const char *wanted)
{
	int fds[2], status;
	char text[512];
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = test_spawn();
	if (pid == 0) {
		dup2(fds[1], STDERR_FILENO);
		body();
		_exit(0);
	}
	close(fds[1]);
	n = read(fds[0], text, sizeof(text) - 1);
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_true(n > 0);
	text[n] = '\0';
	if (strstr(text, wanted) == NULL)
		fail_msg("%s", text);
}

static void
look_at_no_bytes(void)
{
	cmxi_utf8_sequence((const unsigned char *)"", 0);
}

static void
keep_a_spare_of_no_kind(void)
{
	struct cmxi_own_page *own = cmxi_own_page_new();

	cmxi_own_page_give_spare(own, CMXI_SPARE_KINDS, 16, 0);
}

TEST(a_broken_contract_ends_the_process_and_names_itself)
{
	assert_broken(look_at_no_bytes, "cmxi_utf8_sequence() requires n >= 1");
	assert_broken(keep_a_spare_of_no_kind,
	    "cmxi_own_page_give_spare() requires");
}

TEST(a_contract_is_looked_at_once)
{
	int n = 0;

	REQUIRE(++n == 1);
	assert_int_equal(n, 1);
}
