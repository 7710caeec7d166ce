/*
 * json_number.h: numbers in JSON, which has neither NaN nor infinities.
 */
#ifndef JSON_NUMBER_H
#define JSON_NUMBER_H

#include <jansson.h>

/*
 * Whole numbers without a fraction; null for NaN, which is "not known"; the
 * strings +Inf and -Inf, as dump -f json has them.
 */
json_t *json_number(double v);

#endif
