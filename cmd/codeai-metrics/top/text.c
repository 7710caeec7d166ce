/*
 * text.c: numbers for people, and texts that fit in columns.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "../cmd.h"
#include "top.h"

#define NUMBER_WIDTH 8

const char *
unit_of(const struct cmx_family_def *def)
{
	static const char *const units[] = { "seconds", "bytes", "ratio" };
	size_t n = strlen(def->name);

	/* A time of day, not a duration. */
	if (def_is_timestamp(def) || def_is_start_time(def))
		return "";
	if (def->unit != NULL && def->unit[0] != '\0')
		return def->unit;
	if (n > 6 && strcmp(def->name + n - 6, "_total") == 0)
		n -= 6;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t size = strlen(units[i]);

		if (n > size && def->name[n - size - 1] == '_' &&
		    memcmp(def->name + n - size, units[i], size) == 0)
			return units[i];
	}
	return "";
}

/* Three digits, or all of a whole number below the base. */
static void
scaled(double v, double base, const char *const *names, char text[COLUMN_SIZE])
{
	int i = 0;

	/* Beyond the names of powers. */
	if (fabs(v) >= pow(base, 6) * 999) {
		snprintf(text, COLUMN_SIZE, "%.2e", v);
		return;
	}
	while (fabs(v) >= base * 0.9995 && i < 6) {
		v /= base;
		i++;
	}
	snprintf(text, COLUMN_SIZE, "%.*f%s",
	    (i == 0 && v == floor(v)) || fabs(v) >= 99.95 ? 0 :
		fabs(v) >= 9.995                          ? 1 :
							    2,
	    v, names[i]);
}

static void
duration(double v, char text[COLUMN_SIZE])
{
	static const struct {
		double from, size;
		const char *name;
	} units[] = { { 5400, 3600, "h" }, { 90, 60, "min" }, { 1, 1, "s" },
		{ 1e-3, 1e-3, "ms" }, { 0, 1e-6, "us" } };
	size_t i = 0;

	while (fabs(v) < units[i].from)
		i++;
	v /= units[i].size;
	snprintf(text, COLUMN_SIZE, "%.*f%s",
	    fabs(v) >= 99.95 || v == 0 ? 0 :
		fabs(v) >= 9.995       ? 1 :
					 2,
	    v, units[i].name);
}

void
number_text(double v, const char *unit, char text[COLUMN_SIZE])
{
	static const char *const decimal[] = { "", "k", "M", "G", "T", "P",
		"E" };
	static const char *const binary[] = { "B", "KiB", "MiB", "GiB", "TiB",
		"PiB", "EiB" };

	if (!isfinite(v))
		snprintf(text, COLUMN_SIZE, "%s",
		    isnan(v)  ? "-" :
			v > 0 ? "inf" :
				"-inf");
	else if (strcmp(unit, "seconds") == 0)
		duration(v, text);
	else if (strcmp(unit, "bytes") == 0)
		scaled(v, 1024, binary, text);
	else if (strcmp(unit, "ratio") == 0)
		snprintf(text, COLUMN_SIZE, "%.1f%%", v * 100);
	else if (v != 0 && fabs(v) < 0.01)
		snprintf(text, COLUMN_SIZE, "%.1e", v);
	else
		scaled(v, 1000, decimal, text);
	if (strlen(text) > NUMBER_WIDTH)
		snprintf(text, COLUMN_SIZE, "%.0e", v);
}

/* One character of a text: its bytes, and its columns; '?' for what is none. */
static size_t
next_character(const char *text, size_t n, bool is_utf8, int *columns,
    const char **shown)
{
	mbstate_t state = { 0 };
	wchar_t c;
	size_t size;

	*shown = text;
	*columns = 1;
	size = unprintable_size(text);
	if (size > 0) {
		*shown = "?";
		return size;
	}
	if ((unsigned char)*text < 0x80)
		return 1;
	size = is_utf8 ? mbrtowc(&c, text, n, &state) : 0;
	if (size > 0 && size <= n) {
		*columns = wcwidth(c);
		if (*columns >= 0)
			return size;
	}
	*shown = "?";
	*columns = 1;
	/* The whole character, where it is one. */
	size = 1;
	while (size < n && ((unsigned char)text[size] & 0xc0) == 0x80)
		size++;
	return size;
}

char *
fit_text(const char *text, int width, bool is_utf8)
{
	size_t n = strlen(text), used = 0;
	char *fit = malloc(n + (size_t)(width > 0 ? width : 0) + 1);
	int column = 0;

	if (fit == NULL)
		return NULL;
	for (size_t at = 0; at < n;) {
		const char *shown;
		int columns;
		size_t size = next_character(text + at, n - at, is_utf8,
		    &columns, &shown);

		if (column + columns > width)
			break;
		column += columns;
		if (*shown == '?')
			fit[used++] = '?';
		else {
			memcpy(fit + used, shown, size);
			used += size;
		}
		at += size;
	}
	while (column++ < width)
		fit[used++] = ' ';
	fit[used] = '\0';
	return fit;
}
