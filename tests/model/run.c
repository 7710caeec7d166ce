/*
 * run.c: explore the scenarios and say what was found.
 *
 *	model [S=name,name...] [BOUND=n] [KILLS=n] [WEAK=n] [FAILURES=n]
 *	      [MODE=bounded|dpor|sleep|all] [SECONDS=n] [STATES=1]
 *	model REPLAY='name: 0x20 1x6 kill0'
 *
 * Each scenario is explored by a process of its own, one for each CPU at a
 * time.
 */
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hooks.h"
#include "kernel.h"

void *kernel_malloc(size_t);
void kernel_free(void *);

static const struct model_scenario *scenario;
static struct search_options options = {
	.bound = 1, .kills = 1, .stale = 1, .failures = 1
};

/* Failing */

/* A gap that the documentation names is to be found. */
static void
end_with_gap(const char *text)
{
	printf(
	    "ok %s: the gap that is documented is found: %s\n# %-15s gap found:",
	    scenario->name, scenario->says, scenario->name);
	search_print_schedule();
	printf(" (%s)\n", text);
	exit(0);
}

void
fail(const char *says, ...)
{
	char text[400];
	va_list args;

	va_start(args, says);
	vsnprintf(text, sizeof(text), says, args);
	va_end(args);
	is_exploring = false;
	if (scenario != NULL && scenario->finds != NULL &&
	    strstr(text, scenario->finds) != NULL && options.replay == NULL)
		end_with_gap(text);
	printf("not ok %s: %s\n  %s\n  after %llu schedules: REPLAY='%s:",
	    scenario != NULL ? scenario->name : "model", text,
	    scenario != NULL ? scenario->says : "",
	    (unsigned long long)search_n_runs(),
	    scenario != NULL ? scenario->name : "");
	search_print_schedule();
	printf("'\n");
	trace_print();
	fflush(stdout);
	_exit(1);
}

void
give_up(const char *why)
{
	printf("# %-15s %s\n", scenario->name, why);
	exit(0);
}

void
model_check(bool holds, const char *says, ...)
{
	char text[300];
	va_list args;

	if (holds)
		return;
	va_start(args, says);
	vsnprintf(text, sizeof(text), says, args);
	va_end(args);
	at_code = NULL;
	fail("%s", text);
}

/* Scenarios */

void
model_in(int process, void (*f)(void))
{
	kernel.tasks[process].is_alive = true;
	process_enter(process);
	f();
}

static void
set_up(void)
{
	program_invocation_name = program_invocation_short_name =
	    (char *)(uintptr_t) "model";
	json_object_seed(1);
	json_set_alloc_funcs(kernel_malloc, kernel_free);
	actors_init();
	clocks_reset();
	kernel_init();
	is_setting_up = true;
	for (int i = 0; i < MODEL_ACTORS && scenario->actors[i].body != NULL;
	     i++)
		kernel.tasks[scenario->actors[i].process].is_alive =
		    !scenario->actors[i].is_forked;
	scenario->setup();
	is_setting_up = false;
	memory_keep();
	kernel_keep();
	processes_keep();
}

static void
print_row(const struct search_result *r, double seconds)
{
	printf("ok %s: %s\n", scenario->name, scenario->says);
	printf("# %-15s %9llu schedules %11llu steps %7.1f s  %s",
	    scenario->name, (unsigned long long)r->n_runs,
	    (unsigned long long)r->n_steps, seconds,
	    r->is_exhausted ? "exhausted" : "cut");
	if (options.counts_states)
		printf("  %llu states", (unsigned long long)r->n_states);
	putchar('\n');
}

static int
explore(void)
{
	struct search_result result;
	struct timespec now;

	set_up();
	if (scenario->is_long && options.bound > 1 && options.mode == BOUNDED)
		options.bound = 1;
	search_run(scenario, &options, &result);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	if (options.replay != NULL) {
		printf("%s: nothing failed in this schedule\n", scenario->name);
		trace_print();
		return 0;
	}
	if (scenario->finds != NULL) {
		printf(
		    "not ok %s: finds no schedule of the documented gap \"%s\"\n",
		    scenario->name, scenario->finds);
		return 1;
	}
	print_row(&result, (double)now.tv_sec + (double)now.tv_nsec / 1e9);
	return 0;
}

/* Arguments */

static const char *
value_of(const char *name, int argc, char **argv)
{
	size_t n = strlen(name);

	for (int i = 1; i < argc; i++)
		if (strncmp(argv[i], name, n) == 0 && argv[i][n] == '=')
			return argv[i] + n + 1;
	return getenv(name);
}

static unsigned int
number_of(const char *name, unsigned int otherwise, int argc, char **argv)
{
	const char *text = value_of(name, argc, argv);

	return text == NULL || text[0] == '\0' ? otherwise :
						 (unsigned int)atoi(text);
}

static enum mode
mode_of(const char *text)
{
	static const char *const names[] = { "bounded", "sleep", "dpor",
		"all" };

	for (int i = 0; text != NULL && i < 4; i++)
		if (strcmp(text, names[i]) == 0)
			return (enum mode)i;
	if (text != NULL && text[0] != '\0') {
		fprintf(stderr,
		    "model: MODE=%s: is none of bounded, sleep, dpor, all\n",
		    text);
		exit(2);
	}
	return BOUNDED;
}

static void
read_options(int argc, char **argv)
{
	options.mode = mode_of(value_of("MODE", argc, argv));
	options.bound = number_of("BOUND", options.bound, argc, argv);
	options.kills = number_of("KILLS", options.kills, argc, argv);
	options.stale = number_of("WEAK", options.stale, argc, argv);
	options.failures = number_of("FAILURES", options.failures, argc, argv);
	options.seconds = number_of("SECONDS", 0, argc, argv);
	options.counts_states = number_of("STATES", 0, argc, argv) != 0;
	if (options.mode == EVERYTHING) {
		options.mode = BOUNDED;
		options.bound = UINT32_MAX;
	}
	/* An order of independent steps is left out: so are stale loads. */
	if (options.mode != BOUNDED)
		options.stale = 0;
}

static bool
is_named(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *at = list;
	     at != NULL && (at = strstr(at, name)) != NULL; at += n)
		if ((at == list || at[-1] == ',') &&
		    (at[n] == '\0' || at[n] == ','))
			return true;
	return list == NULL || list[0] == '\0';
}

static const struct model_scenario *
find_scenario(const char *name, size_t n)
{
	for (size_t i = 0; model_scenarios[i] != NULL; i++)
		if (strncmp(model_scenarios[i]->name, name, n) == 0 &&
		    model_scenarios[i]->name[n] == '\0')
			return model_scenarios[i];
	fprintf(stderr, "model: %.*s: is no scenario; there are", (int)n, name);
	for (size_t i = 0; model_scenarios[i] != NULL; i++)
		fprintf(stderr, " %s", model_scenarios[i]->name);
	fprintf(stderr, "\n");
	exit(2);
}

/* Wait for a child; its row was printed. */
static int
reap(void)
{
	int status;

	if (wait(&status) < 0)
		return 1;
	if (WIFSIGNALED(status))
		printf("not ok a scenario ended by signal %d\n",
		    WTERMSIG(status));
	return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

/* The same addresses in each run, so that a schedule can be repeated. */
static void
fix_addresses(char **argv)
{
	int now = personality(0xffffffff);

	if (now >= 0 && (now & ADDR_NO_RANDOMIZE) == 0 &&
	    personality((unsigned long)now | ADDR_NO_RANDOMIZE) >= 0)
		execv("/proc/self/exe", argv);
}

static int
explore_all(const char *list)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int n_running = 0, n_failed = 0;
	pid_t pid;

	for (size_t i = 0; model_scenarios[i] != NULL; i++) {
		scenario = model_scenarios[i];
		if (!is_named(list, scenario->name))
			continue;
		if (n_running >= cpus) {
			n_failed += reap();
			n_running--;
		}
		fflush(stdout);
		pid = fork();
		if (pid == 0) {
			n_failed = explore();
			_exit(fflush(stdout) != 0 || n_failed);
		}
		if (pid < 0) {
			perror("model: fork");
			n_failed++;
		} else
			n_running++;
	}
	while (n_running-- > 0)
		n_failed += reap();
	return n_failed > 0;
}

int
main(int argc, char **argv)
{
	const char *replay = value_of("REPLAY", argc, argv);
	const char *list = value_of("S", argc, argv), *colon;

	/* A scenario's lines are written at once, beside those of others. */
	setvbuf(stdout, NULL, _IOFBF, 1 << 20);
	fix_addresses(argv);
	read_options(argc, argv);
	if (replay != NULL && replay[0] != '\0') {
		colon = strchr(replay, ':');
		if (colon == NULL) {
			fprintf(stderr,
			    "model: REPLAY=%s: is not \"scenario: 0x20 1x6\"\n",
			    replay);
			return 2;
		}
		scenario = find_scenario(replay, (size_t)(colon - replay));
		options.replay = colon + 1;
		return explore();
	}
	for (const char *at = list; at != NULL && *at != '\0';) {
		size_t n = strcspn(at, ",");

		find_scenario(at, n);
		at += n + (at[n] == ',');
	}
	return explore_all(list);
}
