/*
 * kill_totals.c: N processes, each M increments over S series, some killed.
 *
 *	kill_totals PROCESSES INCREMENTS SERIES
 *
 * Every process looks its series up and increments them in turn; the total of
 * the scrape must be exactly PROCESSES * INCREMENTS.  Prints the figures and
 * ends with 0 or 1.
 */
#include "common.h"

static void
count(struct cmx_registry *reg, long n_increments, long n_series)
{
	struct cmx_counter *counters =
	    calloc((size_t)n_series, sizeof(*counters));
	struct cmx_family events;

	if (counters == NULL ||
	    cmx_family_find(reg, "codeai_events_emitted_total", &events,
		NULL) != 0)
		_exit(1);
	for (long i = 0; i < n_series; i++) {
		char value[24];
		const char *values = value;

		snprintf(value, sizeof(value), "event-%ld", i);
		if (cmx_counter_find(&events, 1, &values, &counters[i], NULL) !=
		    0)
			_exit(1);
	}
	for (long i = 0; i < n_increments; i++)
		cmx_counter_inc(&counters[i % n_series]);
	_exit(0);
}

/* The total of the family's series, and their number. */
static unsigned long long
total(const char *segment, long *n_series)
{
	const struct cmxr_snapshot *snapshot;
	struct cmxr_reader *reader;
	struct cmxr_series series;
	struct cmx_error error;
	unsigned long long sum = 0;

	if (cmxr_open(segment, &reader, &error) != 0 ||
	    cmxr_snapshot_take(reader, &snapshot, &error) != 0)
		errx(1, "%s", error.text);
	*n_series = 0;
	for (size_t i = 0; i < cmxr_snapshot_n_families(snapshot); i++) {
		struct cmxr_family family;
		size_t cursor = 0;

		cmxr_snapshot_family(snapshot, i, &family);
		if (strcmp(family.def.name, "codeai_events_emitted_total") != 0)
			continue;
		while (cmxr_series_next(snapshot, i, &cursor, &series)) {
			sum += series.whole;
			++*n_series;
		}
	}
	cmxr_close(reader);
	return sum;
}

int
main(int argc, char *argv[])
{
	char dir[] = "/dev/shm/codeai-test-XXXXXX", segment[64];
	long n_processes, n_increments, n_series, n_found;
	unsigned long long sum, wanted;
	struct cmx_registry *reg;
	struct cmx_error error;
	double begun;
	int status, n_failed = 0;

	if (argc != 4)
		errx(2, "usage: kill_totals PROCESSES INCREMENTS SERIES");
	n_processes = atol(argv[1]);
	n_increments = atol(argv[2]);
	n_series = atol(argv[3]);
	if (mkdtemp(dir) == NULL)
		err(1, "%s", dir);
	snprintf(segment, sizeof(segment), "%s/a.seg", dir);
	if (cmx_open(segment, NULL, 0, &reg, &error) != 0)
		errx(1, "%s", error.text);
	begun = now_seconds();
	for (long i = 0; i < n_processes; i++)
		if (spawn() == 0)
			count(reg, n_increments, n_series);
	while (wait(&status) > 0)
		n_failed += status != 0;
	sum = total(segment, &n_found);
	wanted =
	    (unsigned long long)n_processes * (unsigned long long)n_increments;
	printf("%ld processes, %ld increments each, %ld series: total %llu, "
	       "wanted %llu, %.1f s\n",
	    n_processes, n_increments, n_found, sum, wanted,
	    now_seconds() - begun);
	cmx_close(reg);
	unlink(segment);
	rmdir(dir);
	return sum == wanted && n_found == n_series && n_failed == 0 ? 0 : 1;
}
