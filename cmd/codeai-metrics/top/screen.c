/*
 * screen.c: a terminal of lines and columns.  The only file that knows ncurses.
 */
#include <err.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "top.h"

/* Its names of keys go before those of top.h. */
#define NCURSES_NOMACROS 1
#include <ncurses.h>

static SCREEN *screen;
static bool is_utf8, has_colours;

static void
choose_colours(void)
{
	const char *no = getenv("NO_COLOR");

	has_colours = (no == NULL || no[0] == '\0') && has_colors();
	if (!has_colours)
		return;
	start_color();
	use_default_colors();
	init_pair(GOOD, COLOR_GREEN, -1);
	init_pair(WARN, COLOR_YELLOW, -1);
	init_pair(BAD, COLOR_RED, -1);
	init_pair(QUIET, COLOR_CYAN, -1);
}

bool
screen_begin(void)
{
	const char *terminal = getenv("TERM");

	setlocale(LC_CTYPE, "");
	is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	screen = newterm(NULL, stdout, stdin);
	if (screen == NULL) {
		warnx(
		    "TERM=%s: is no terminal that is known here; -b prints plain rows",
		    terminal != NULL ? terminal : "");
		return false;
	}
	choose_colours();
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	set_escdelay(50);
	curs_set(0);
	return true;
}

void
screen_end(void)
{
	if (screen == NULL)
		return;
	endwin();
	delscreen(screen);
	screen = NULL;
}

bool
screen_is_utf8(void)
{
	return is_utf8;
}

void
screen_size(int *n_lines, int *n_columns)
{
	getmaxyx(stdscr, *n_lines, *n_columns);
}

void
screen_clear(void)
{
	erase();
}

static attr_t
attributes_of(enum paint paint)
{
	switch (paint) {
	case STRONG:
		return A_BOLD;
	case HEAD:
		return A_REVERSE;
	case CHOSEN:
		return A_REVERSE | A_BOLD;
	case BAD:
		return A_BOLD |
		    (has_colours ? (attr_t)COLOR_PAIR(BAD) : A_NORMAL);
	case GOOD:
	case WARN:
	case QUIET:
		return has_colours ? (attr_t)COLOR_PAIR(paint) : A_NORMAL;
	default:
		return A_NORMAL;
	}
}

void
screen_put(int line, int column, int width, enum paint paint, const char *text)
{
	int n_lines, n_columns;
	char *fit;

	screen_size(&n_lines, &n_columns);
	if (line < 0 || line >= n_lines || column >= n_columns)
		return;
	if (column + width > n_columns)
		width = n_columns - column;
	fit = fit_text(text, width, is_utf8);
	if (fit == NULL)
		return;
	attrset((int)attributes_of(paint));
	mvaddstr(line, column, fit);
	attrset(A_NORMAL);
	free(fit);
}

void
screen_show(void)
{
	refresh();
}

int
screen_key(int milliseconds)
{
	int c;

	timeout(milliseconds);
	c = getch();
	switch (c) {
	case ERR:
		return KEY_NOTHING;
	case KEY_UP:
		return GO_UP;
	case KEY_DOWN:
		return GO_DOWN;
	case KEY_PPAGE:
		return GO_PAGE_UP;
	case KEY_NPAGE:
		return GO_PAGE_DOWN;
	case KEY_HOME:
		return GO_HOME;
	case KEY_END:
		return GO_END;
	case KEY_ENTER:
	case KEY_RIGHT:
	case '\r':
	case '\n':
		return GO_IN;
	case KEY_LEFT:
	case 27:
		return GO_BACK;
	case KEY_BACKSPACE:
	case 127:
	case '\b':
		return ERASE;
	case KEY_RESIZE:
		return RESIZED;
	default:
		return c;
	}
}
