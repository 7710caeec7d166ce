/*
 * top.h: the parts of "codeai-metrics top", and what they know of each other.
 *
 *	../cmd_top.c	options, and the loop
 *	watch.c		the segment: opened, read, and opened again
 *	list.c		rows: families or series, what they do, in an order
 *	columns.c	what a row shows
 *	heat.c		the buckets of one row over time, its exemplars
 *	usage.c		what a process takes
 *	plain.c		rows as lines, or as JSON
 *	text.c		numbers for people, texts of a width
 *	screen.c	the terminal (ncurses only here)
 *	keys.c		what the keys do
 *	draw.c		the screen of rows
 *	draw_row.c	the screen of one row
 *	draw_other.c	processes, the segment, help
 */
#ifndef TOP_H
#define TOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <codeai/metrics_reader.h>

#include "../clock.h"
#include "watch/groups.h"
#include "watch/tally.h"

#define HISTORY    96 /* samples of a second, or of two thirds of one */
#define FILTER_MAX 64

/* watch.c */

struct watch {
	const char *path; /* null: the default */
	struct cmxr_reader *reader;
	const struct cmxr_snapshot *snapshot; /* null: there is none now */
	struct cmxr_info info, before;
	bool has_before;
	uint64_t now_ns; /* monotonic, of the snapshot */
	double seconds;  /* since the one before; 0: there was none */
	double wall;
	uint64_t number;  /* another one for another file */
	char state[1200]; /* what is wrong, or "" */
};

/* Read it now; where it is not, or was replaced, open what there is. */
void watch_sample(struct watch *);
void watch_close(struct watch *);

/* list.c */

enum sort { BY_RATE, BY_VALUE, BY_NAME, BY_P99, N_SORTS };

struct row {
	struct tally *tally;
	size_t listed; /* its number in the list */
	size_t group;
	double key;
};

/* A family of a list, with its totals at the mark. */
struct listed {
	struct tally *tally;
	double *mark; /* of the first groups; or null */
	size_t n_mark;
	unsigned long mark_generation;
};

struct list {
	bool has_each;      /* each series is a row, else each family */
	const char *family; /* only this one; null: all that the globs want */
	size_t n_globs;
	const char *const *globs;
	struct groups names; /* of the families, numbered as they are listed */
	struct listed *at;
	size_t n, capacity;
	struct row *rows;
	size_t n_rows, row_capacity, n_unseen;
	bool is_marked;
};

/* How the rows are chosen and ordered. */
struct order {
	enum sort by;
	bool is_reversed, has_unseen;
	const char *filter; /* "": all */
};

/* Returns N_SORTS where there is none of that name. */
enum sort sort_find(const char *name);
/* Return false where memory ended. */
bool list_sample(struct list *, const struct watch *);
bool list_arrange(struct list *, const struct order *);
void list_mark(struct list *, bool is_set);
void list_clear(struct list *);
/* The total at the mark; NaN: there is none, or it was not there. */
double list_marked(const struct list *, const struct row *);

/* columns.c */

enum column {
	TOTAL,
	RATE,
	RATE_10,
	RATE_60,
	MEAN,
	P50,
	P95,
	P99,
	N_COLUMNS,
};

#define COLUMN_SIZE 24

const char *column_name(enum column);
/* NaN: it has none.  Gauges have a total only, which is their value. */
double column_value(const struct row *, enum column);
/* For people; raw: with all digits. */
void column_text(const struct row *, enum column, bool is_raw,
    char text[COLUMN_SIZE]);
/* "name{label="value"}", as long as the room is. */
void row_name(const struct row *, char *text, size_t size);

/* heat.c */

#define EXEMPLARS_MAX  8
#define EXEMPLAR_BYTES 200

/* The last samples of the buckets of one histogram. */
struct heat {
	size_t n_buckets, n; /* samples so far */
	float *counts;       /* HISTORY rows of n_buckets */
	size_t n_exemplars;
	char exemplars[EXEMPLARS_MAX][EXEMPLAR_BYTES];
};

void heat_clear(struct heat *);
/* Returns false where memory ended. */
bool heat_sample(struct heat *, const struct row *,
    const struct cmxr_snapshot *);
/* i is 0 for the last sample; 0 where there is none. */
double heat_count(const struct heat *, size_t i, size_t bucket);

/* usage.c */

struct usage {
	double cpu_seconds, resident_bytes;
	double n_descriptors; /* NaN: they may not be seen */
};

/*
 * Of a process that is seen under its own pid, which another pid namespace does
 * not allow.  Returns false where it is not.
 */
bool usage_read(const struct cmxr_process *, struct usage *);

/* text.c */

/* A number in at most 8 columns: 1.20k, 12.3M; seconds: 4.95ms, 3.2min. */
void number_text(double v, const char *unit, char text[COLUMN_SIZE]);
/* The unit of a family: its schema's, or what its name ends with. */
const char *unit_of(const struct cmx_family_def *);
/*
 * A text of exactly so many columns: cut, or padded with blanks; without
 * control characters and, unless is_utf8, without what ASCII has not.
 * Returns what must be freed; null: no memory.
 */
char *fit_text(const char *text, int width, bool is_utf8);

/* screen.c */

enum paint { PLAIN, STRONG, QUIET, HEAD, CHOSEN, GOOD, WARN, BAD };

enum key {
	KEY_NOTHING = -1,
	KEYS_FIRST = 0x1000,
	GO_UP,
	GO_DOWN,
	GO_PAGE_UP,
	GO_PAGE_DOWN,
	GO_HOME,
	GO_END,
	GO_IN,
	GO_BACK,
	ERASE,
	RESIZED,
};

/* Prints why it cannot be, and returns false. */
bool screen_begin(void);
/* The terminal is as it was. */
void screen_end(void);
bool screen_is_utf8(void);
void screen_size(int *n_lines, int *n_columns);
void screen_clear(void);
/* A text in a line, from a column on, in so many columns. */
void screen_put(int line, int column, int width, enum paint, const char *);
void screen_show(void);
/* A character, or one of enum key; waits at most so many milliseconds. */
int screen_key(int milliseconds);

/* The program */

enum view { ROWS, ONE, PROCESSES, SEGMENT };

struct processes;

struct top {
	struct watch watch;
	struct list families, series; /* series: of one, or of all */
	enum view view;
	bool is_help, has_series; /* ROWS shows the series */
	char *family;             /* of the series; null: all */
	struct order order;
	char filter[FILTER_MAX];
	bool is_filtering, is_paused, is_raw, is_relative, has_moved;
	double interval; /* seconds */
	double pace;     /* the same, or longer where reading takes long */
	/* Their next sample is that of the mark. */
	bool marks_families, marks_series;
	double marked;                   /* wall clock; 0: no mark */
	struct row chosen;               /* its tally is null: none */
	unsigned long chosen_generation; /* of its tally: else it is gone */
	size_t at, first; /* the chosen row, and the first that is shown */
	size_t n_shown;   /* rows that have room */
	struct row one;   /* the row of ONE */
	unsigned long one_generation; /* of its tally: else it is gone */
	struct heat heat;
	struct processes *processes;
	bool wants_sample, wants_end;
};

/* The list that ROWS shows. */
struct list *top_list(struct top *);
/* Read the segment, and all that is shown of it.  False: no memory. */
bool top_sample(struct top *);
void top_arrange(struct top *);

/* keys.c */

void key_do(struct top *, int key);
/* ROWS shows the series of a family; of all for null. */
void top_show_series(struct top *, const char *family);

/* draw.c */

void draw(struct top *);
/* The line on which rows begin, and those that are no rows. */
#define FIRST_LINE  3
#define OTHER_LINES 5

/* draw_row.c */

void draw_row(struct top *, int n_lines, int n_columns);
/* A bar of eighths for a value of 0 to 1. */
const char *spark(double part);

/* draw_other.c */

void draw_processes(struct top *, int n_lines, int n_columns);
void draw_segment(struct top *, int n_lines, int n_columns);
void draw_help(int n_lines, int n_columns);
void processes_free(struct processes *);
bool processes_sample(struct top *);

/* plain.c */

void plain_print(struct top *, size_t n_rows);
void plain_json(struct top *, size_t n_rows);

#endif
