/*
 * negotiate.c: choose format and compression from Accept and Accept-Encoding.
 *
 * Each Prometheus since 2.42 sends another list, some with weights above 1 or
 * with a parameter twice; every list gets an answer.  A client that accepts
 * none of our formats gets text 0.0.4 with status 200.
 */
#include "codeai/metrics_reader.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A part of the header, [from, to), without blanks at its ends. */
struct part {
	const char *from, *to;
};

static struct part
trim_piece(struct part p)
{
	while (p.from < p.to && strchr(" \t", *p.from) != NULL)
		p.from++;
	while (p.from < p.to && strchr(" \t", p.to[-1]) != NULL)
		p.to--;
	return p;
}

/* Cut the next piece of *rest at a separator, and trim it. */
static bool
take_piece(struct part *rest, char separator, struct part *piece)
{
	const char *end;

	if (rest->from == NULL || rest->from > rest->to)
		return false;
	end = memchr(rest->from, separator, (size_t)(rest->to - rest->from));
	if (end == NULL)
		end = rest->to;
	*piece = trim_piece((struct part){ rest->from, end });
	rest->from = end + 1;
	return true;
}

static bool
piece_equals(struct part p, const char *text)
{
	size_t n = (size_t)(p.to - p.from);

	return strlen(text) == n && strncasecmp(p.from, text, n) == 0;
}

/* One clause: a type and the values of its parameters. */
struct clause {
	struct part type;
	double q;
	bool has_version;
	bool is_version_1, is_version_0;
	bool is_metric_family, is_delimited;
};

static double
parse_weight(struct part value)
{
	char text[16];
	size_t n = (size_t)(value.to - value.from);
	double q;

	if (n == 0 || n >= sizeof(text))
		return 1;
	memcpy(text, value.from, n);
	text[n] = '\0';
	/*
	 * Read digits and a point; a locale, a sign or an exponent has no
	 * meaning here.
	 */
	if (strspn(text, "0123456789.") != n)
		return 1;
	q = 0;
	for (char *p = text; *p != '\0' && *p != '.'; p++)
		q = q * 10 + (*p - '0');
	char *point = strchr(text, '.');
	double unit = 0.1;
	for (char *p = point; p != NULL && *++p != '\0' && *p != '.';
	     unit /= 10)
		q += (*p - '0') * unit;
	return q > 1 ? 1 : q;
}

static void
parse_parameter(struct part p, struct clause *c)
{
	struct part name, value = { p.to, p.to };

	take_piece(&p, '=', &name);
	take_piece(&p, '=', &value);
	if (value.to - value.from >= 2 && *value.from == '"' &&
	    value.to[-1] == '"') {
		value.from++;
		value.to--;
	}
	if (piece_equals(name, "q"))
		c->q = parse_weight(value);
	else if (piece_equals(name, "version")) {
		c->has_version = true;
		c->is_version_1 = piece_equals(value, "1.0.0");
		c->is_version_0 = piece_equals(value, "0.0.1");
	} else if (piece_equals(name, "proto"))
		c->is_metric_family =
		    piece_equals(value, "io.prometheus.client.MetricFamily");
	else if (piece_equals(name, "encoding"))
		c->is_delimited = piece_equals(value, "delimited");
}

static struct clause
parse_clause(struct part p)
{
	struct clause c = { .q = 1 };
	struct part parameter;

	take_piece(&p, ';', &c.type);
	while (take_piece(&p, ';', &parameter))
		parse_parameter(parameter, &c);
	return c;
}

/* The format that a clause asks for; 0 for a type that we do not have. */
static int
format_of(const struct clause *c)
{
	if (piece_equals(c->type, "application/openmetrics-text"))
		return !c->has_version || c->is_version_1 || c->is_version_0 ?
		    CMXR_OPENMETRICS :
		    0;
	if (piece_equals(c->type, "application/vnd.google.protobuf"))
		return c->is_metric_family && c->is_delimited ? CMXR_PROTOBUF :
								0;
	if (piece_equals(c->type, "text/plain") ||
	    piece_equals(c->type, "text/*") || piece_equals(c->type, "*/*"))
		return CMXR_TEXT;
	return 0;
}

enum cmxr_format
cmxr_negotiate(const char *accept)
{
	struct part rest = { accept,
		accept == NULL ? accept : accept + strlen(accept) };
	struct part piece;
	int best = CMXR_TEXT;
	double best_q = 0;

	/*
	 * Choose the clause with the greatest weight; the first among equals.
	 */
	while (take_piece(&rest, ',', &piece)) {
		struct clause c = parse_clause(piece);
		int format = format_of(&c);

		if (format != 0 && c.q > best_q) {
			best = format;
			best_q = c.q;
		}
	}
	return (enum cmxr_format)best;
}

bool
cmxr_accepts_gzip(const char *accept_encoding)
{
	struct part rest = { accept_encoding,
		accept_encoding == NULL ?
		    accept_encoding :
		    accept_encoding + strlen(accept_encoding) };
	struct part piece;
	double gzip = -1, any = -1;

	while (take_piece(&rest, ',', &piece)) {
		struct clause c = parse_clause(piece);

		if (piece_equals(c.type, "gzip") ||
		    piece_equals(c.type, "x-gzip"))
			gzip = c.q;
		else if (piece_equals(c.type, "*"))
			any = c.q;
	}
	return (gzip >= 0 ? gzip : any) > 0;
}
