/*
 * doctor: why is nothing shown, why is it slow, what will break.
 */
#include <err.h>
#include <unistd.h>

#include "cmd.h"
#include "doctor/doctor.h"

#define USERS_MAX 16

static void
examine(struct patient *p, const char *const *users, size_t n_users,
    struct findings *f)
{
	if (!check_place(p, f))
		return;
	check_file(p, f);
	for (size_t i = 0; i < n_users; i++)
		check_user(p, users[i], f);
	check_fill(p, f);
	check_failures(p, f);
	check_machine(p, f);
	check_limits(p, f);
	check_processes(p, f);
	check_exporters(p, f);
	check_labels(p, f);
}

/* 3 where something needs a remedy; 1 where there is nothing to examine. */
static int
result(const struct patient *p, const struct findings *f)
{
	if (!p->is_read)
		return FAILED;
	return findings_have(f, WARNING) ? FINDINGS : DONE;
}

static int
run_doctor(const struct globals *globals, int argc, char *argv[])
{
	struct patient p = { .segment = NULL };
	const char *users[USERS_MAX];
	struct findings *f;
	bool is_json = false, is_whole = false;
	size_t n_users = 0;
	int ch, r;

	while ((ch = next_option(argc, argv, &doctor_command)) != -1) {
		if (ch == 'j')
			is_json = true;
		else if (ch == 'v')
			is_whole = true;
		else if (ch == 'u' && n_users < USERS_MAX)
			users[n_users++] = optarg;
		else if (ch == 'u') {
			warnx("doctor: at most %d users", USERS_MAX);
			return USAGE;
		} else
			return usage_of(&doctor_command);
	}
	if (optind != argc)
		return too_many(&doctor_command, argv[optind]);
	p.segment = globals->segment;
	f = findings_new();
	examine(&p, users, n_users, f);
	r = result(&p, f);
	if (!is_json) {
		findings_print(f, is_whole || r == DONE);
	} else if (!findings_print_json(f))
		r = FAILED;
	if (finish_output() != DONE)
		r = FAILED;
	cmxr_close(p.reader);
	findings_free(f);
	return r;
}

const struct command doctor_command = {
	.verb = "doctor",
	.operands = "",
	.summary = "why is nothing shown, why is it slow, what will break",
	.options =
	    (const struct verb_option[]){
		{ 'j', "json", NULL, "as JSON, with what is fine", false },
		{ 'u', "user", "USER", "may this user read and write it?",
		    false },
		{ 'v', "verbose", NULL, "also what is fine", false },
		{ 0, NULL, NULL, NULL, false } },
	.has_segment = true,
	.run = run_doctor,
};
