/*
 * error.h: filling the caller's struct cmx_error.
 */
#ifndef CMXI_ERROR_H
#define CMXI_ERROR_H

#include "base/compiler.h"
#include "codeai/metrics_base.h"

/*
 * Fill *err (may be null) with code and text, and return code.  Keeps errno.
 * A text that does not fit ends with "...".
 */
int cmxi_error(struct cmx_error *err, enum cmx_err code, const char *fmt, ...)
    CMX_PRINTF(3, 4);

/* The same for a failed system call: appends ": strerror(saved)". */
int cmxi_error_system(struct cmx_error *err, enum cmx_err code, int saved,
    const char *fmt, ...) CMX_PRINTF(4, 5);

/* Reset *err (may be null) to no error. */
/*
 * Put an error into another one: alone, or as a further line as long as there
 * is room.
 */
void cmxi_error_join(struct cmx_error *to, const struct cmx_error *,
    bool is_first);
void cmxi_error_clear(struct cmx_error *err);

#endif
