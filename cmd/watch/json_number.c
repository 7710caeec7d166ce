/*
 * json_number.c: a double as JSON.
 */
#include <math.h>

#include "watch/json_number.h"

/* Below it each whole number is a double. */
#define WHOLE_MAX 9007199254740992.0

json_t *
json_number(double v)
{
	if (isnan(v))
		return json_null();
	if (isinf(v))
		return json_string(v > 0 ? "+Inf" : "-Inf");
	return v == floor(v) && fabs(v) <= WHOLE_MAX ?
	    json_integer((json_int_t)v) :
	    json_real(v);
}
