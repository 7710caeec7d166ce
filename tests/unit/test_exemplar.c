/*
 * Exemplars: the last one of each bucket, never waited for, never torn.
 */
#include "metrics.h"

#include <math.h>

#include "segment/exemplar.h"

#define METRICS                                                             \
	"{\"name\":\"a_total\",\"type\":\"counter\",\"help\":\"h\","        \
	"\"labels\":[\"x\"],\"exemplars\":true},"                           \
	"{\"name\":\"h\",\"type\":\"histogram\",\"help\":\"h\","            \
	"\"buckets\":[1,2],\"exemplars\":true},"                            \
	"{\"name\":\"n\",\"type\":\"histogram\",\"help\":\"h\",\"native\":" \
	"{\"schema\":0,\"min\":1,\"max\":8},\"exemplars\":true},"           \
	"{\"name\":\"plain\",\"type\":\"histogram\",\"help\":\"h\","        \
	"\"buckets\":[1]}"

#define TRACE(id)              \
	&(struct cmx_label)    \
	{                      \
		"trace_id", id \
	}

/* The line of OpenMetrics that begins so, up to the exemplar's time. */
static void
assert_line(const struct fixture *f, const char *begin, const char *wanted)
{
	char *text = exposition(f->segment_path, CMXR_OPENMETRICS);
	char *line = strstr(text, begin), *end;

	assert_non_null(line);
	end = strchr(line, '\n');
	*end = '\0';
	line += strlen(begin);
	if (wanted[0] == '\0' ? line[0] != '\0' :
				strncmp(line, wanted, strlen(wanted)) != 0)
		fail_msg("%s%s, wanted %s", begin, line, wanted);
	/* Then comes its time. */
	if (wanted[0] != '\0' && wanted[strlen(wanted) - 1] == ' ') {
		double at = strtod(line + strlen(wanted), NULL);

		assert_true(at > (double)time(NULL) - 60 &&
		    at < (double)time(NULL) + 60);
	}
	free(text);
}

TEST(the_last_exemplar_of_a_bucket_is_shown)
{
	struct fixture f = fixture_open("", METRICS);
	struct cmx_histogram h = histogram(f.reg, "h", 0, NULL);
	struct cmx_histogram n = histogram(f.reg, "n", 0, NULL);
	struct cmx_counter c = counter(f.reg, "a_total", 1, VALUES("1"));

	cmx_counter_add_exemplar(&c, 3, 1, TRACE("abc"));
	cmx_histogram_observe_exemplar(&h, 0.5, 1, TRACE("one"));
	cmx_histogram_observe_exemplar(&h, 0.75, 1, TRACE("two"));
	cmx_histogram_observe_exemplar(&h, 99, 2,
	    (struct cmx_label[]){ { "trace_id", "\"\\\n" }, { "k", "" } });
	cmx_histogram_observe_exemplar(&n, 3, 1, TRACE("native"));
	assert_line(&f, "a_total{x=\"1\"} ", "3 # {trace_id=\"abc\"} 3 ");
	assert_line(&f, "h_bucket{le=\"1.0\"} ",
	    "2 # {trace_id=\"two\"} 0.75 ");
	assert_line(&f, "h_bucket{le=\"2.0\"} 2", "");
	assert_line(&f, "h_bucket{le=\"+Inf\"} ",
	    "3 # {trace_id=\"\\\"\\\\\\n\",k=\"\"} 99 ");
	assert_line(&f, "n_bucket{le=\"4.0\"} ",
	    "1 # {trace_id=\"native\"} 3 ");
	/* The other text format has none. */
	assert_shows(f.segment_path, "h_bucket{le=\"1\"} 2");
	fixture_close(&f);
}

TEST(the_update_is_made_whatever_the_labels_are)
{
	struct fixture f = fixture_open("", METRICS);
	struct cmx_histogram h = histogram(f.reg, "h", 0, NULL);
	struct cmx_histogram plain = histogram(f.reg, "plain", 0, NULL);
	char long_value[200], wide_value[200] = "";

	memset(long_value, 'v', sizeof(long_value));
	/* 8 for the name: 120 characters may follow it. */
	long_value[121] = '\0';
	cmx_histogram_observe_exemplar(&h, 0.5, 1, TRACE(long_value));
	cmx_histogram_observe_exemplar(&h, 0.5, 1, TRACE("\xff"));
	cmx_histogram_observe_exemplar(&h, 0.5, 1,
	    &(struct cmx_label){ "0", "x" });
	cmx_histogram_observe_exemplar(&h, 0.5, 1,
	    &(struct cmx_label){ NULL, NULL });
	cmx_histogram_observe_exemplar(&h, 0.5, 2,
	    (struct cmx_label[]){ { "a", "1" }, { "a", "2" } });
	cmx_histogram_observe_exemplar(&h, 0.5, 0, NULL);
	assert_line(&f, "h_bucket{le=\"1.0\"} 6", "");
	assert_int_equal(info(f.segment_path).bad_exemplars, 6);
	long_value[120] = '\0';
	cmx_histogram_observe_exemplar(&h, 0.5, 1, TRACE(long_value));
	assert_line(&f, "h_bucket{le=\"1.0\"} 7 # {trace_id=\"vvv", "v");
	/* Characters count, not bytes, as long as there is room. */
	for (int i = 0; i < 70; i++)
		strcat(wide_value, "é");
	cmx_histogram_observe_exemplar(&h, 1.5, 1, TRACE(wide_value));
	assert_line(&f, "h_bucket{le=\"2.0\"} 8 # {trace_id=\"ééé", "é");
	/* A family without exemplars: a plain update. */
	cmx_histogram_observe_exemplar(&plain, 0.5, 1, TRACE("x"));
	assert_line(&f, "plain_bucket{le=\"1.0\"} 1", "");
	/* An invalid observation leaves nothing. */
	cmx_histogram_observe_exemplar(&h, NAN, 1, TRACE("nan"));
	assert_int_equal(info(f.segment_path).bad_exemplars, 6);
	assert_int_equal(info(f.segment_path).invalid_updates, 1);
	fixture_close(&f);
}

/* Two writers at once may mix their words; what is shown is one of them. */
TEST(mixtures_are_not_shown)
{
	struct fixture f = fixture_open("", METRICS);
	struct cmx_histogram h = histogram(f.reg, "h", 0, NULL);
	struct cmxr_reader *reader;
	const struct cmxr_snapshot *snapshot;
	struct cmxr_buffer body = { NULL, 0, 0 };
	struct cmx_error err;
	pid_t pids[4];
	int n_shown = 0;

	for (int i = 0; i < 4; i++) {
		pids[i] = test_spawn();
		if (pids[i] == 0) {
			char id[120], span[2] = { (char)('a' + i), '\0' };

			memset(id, 'a' + i, sizeof(id) - 1);
			id[100] = '\0';
			for (;;)
				cmx_histogram_observe_exemplar(&h, 0.5, 2,
				    (struct cmx_label[]){ { "t", id },
					{ "s", span } });
		}
	}
	assert_int_equal(cmxr_open(f.segment_path, &reader, NULL), 0);
	cmxr_show_processes(reader, false);
	for (int i = 0; i < 20000; i++) {
		const char *at;

		assert_int_equal(cmxr_snapshot_take(reader, &snapshot, NULL),
		    0);
		assert_int_equal(
		    cmxr_encode(&(struct cmxr_input){ .snapshot = snapshot }, 1,
			CMXR_OPENMETRICS, NULL, &body, &err),
		    0);
		body.data[body.size - 1] = '\0';
		at = strstr(body.data, "# {t=\"");
		if (at == NULL)
			continue;
		n_shown++;
		at += strlen("# {t=\"");
		for (int j = 1; j < 100; j++)
			assert_int_equal(at[j], at[0]);
		assert_memory_equal(at + 100, "\",s=\"", 5);
		assert_int_equal(at[105], at[0]);
	}
	assert_true(n_shown > 100);
	cmxr_buffer_free(&body);
	cmxr_close(reader);
	for (int i = 0; i < 4; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	fixture_close(&f);
}

/* What no writer makes is not shown, check sum or not. */
TEST(forged_bytes_are_refused)
{
	struct cmxi_shm_exemplar e, broken;
	size_t p;
	struct cmx_label pair;

	assert_true(cmxi_exemplar_fill(&e, 1, 2, 1, TRACE("x")));
	assert_true(cmxi_exemplar_is_valid(&e));
	for (size_t i = 0; i < sizeof(e); i++)
		for (int bit = 0; bit < 8; bit++) {
			broken = e;
			((unsigned char *)&broken)[i] ^=
			    (unsigned char)(1 << bit);
			/* The lowest bit of the check is always set. */
			if (i > 0 || bit > 0)
				assert_false(cmxi_exemplar_is_valid(&broken));
		}
	memset(&broken, 0, sizeof(broken));
	assert_false(cmxi_exemplar_is_valid(&broken));
	memset(&broken, 0xff, sizeof(broken));
	assert_false(cmxi_exemplar_is_valid(&broken));
	p = 0;
	assert_true(cmxi_exemplar_next(&e, &p, &pair));
	assert_string_equal(pair.name, "trace_id");
	assert_string_equal(pair.value, "x");
	assert_false(cmxi_exemplar_next(&e, &p, &pair));
}

/* A damaged mark: the slots of the last series would lie behind it. */
TEST(exemplars_beyond_the_pages_are_not_looked_at)
{
	struct fixture f = fixture_open("", METRICS);
	struct cmxi_shm_header h;
	FILE *file;

	counter(f.reg, "a_total", 1, VALUES("last"));
	assert_int_equal(info(f.segment_path).invalid_entries, 0);
	file = fopen(f.segment_path, "r+");
	assert_int_equal(fread(&h, sizeof(h), 1, file), 1);
	h.arena_ready = h.arena_used - sizeof(struct cmxi_shm_exemplar);
	assert_int_equal(fseek(file,
			     offsetof(struct cmxi_shm_header, arena_ready),
			     SEEK_SET),
	    0);
	assert_int_equal(fwrite(&h.arena_ready, 8, 1, file), 1);
	fclose(file);
	assert_int_equal(info(f.segment_path).invalid_entries, 1);
	assert_false(shows(f.segment_path, "a_total{x=\"last\"} 0"));
	fixture_close(&f);
}

TEST(created_is_shown_where_it_is_asked_for)
{
	struct fixture f = fixture_open("", METRICS);
	const struct cmxr_options options = { .with_created = true };
	const struct cmxr_snapshot *snapshot;
	struct cmxr_buffer body = { NULL, 0, 0 };
	struct cmxr_reader *reader;
	const char *line;
	double at;

	counter(f.reg, "a_total", 1, VALUES("1"));
	assert_int_equal(cmxr_open(f.segment_path, &reader, NULL), 0);
	assert_int_equal(cmxr_snapshot_take(reader, &snapshot, NULL), 0);
	assert_int_equal(cmxr_encode(&(struct cmxr_input){ .snapshot =
							       snapshot },
			     1, CMXR_OPENMETRICS, &options, &body, NULL),
	    0);
	body.data[body.size - 1] = '\0';
	line = strstr(body.data, "\na_created{x=\"1\"} ");
	assert_non_null(line);
	at = strtod(strchr(line, ' '), NULL);
	assert_true(
	    at > (double)time(NULL) - 60 && at <= (double)time(NULL) + 1);
	assert_non_null(strstr(body.data, "\nh_created "));
	cmxr_buffer_free(&body);
	cmxr_close(reader);
	fixture_close(&f);
}
