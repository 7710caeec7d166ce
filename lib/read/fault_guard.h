/*
 * fault_guard.h: a fault on a truncated mapping becomes a return value.
 */
#ifndef CMXI_FAULT_GUARD_H
#define CMXI_FAULT_GUARD_H

#include <setjmp.h>
#include <stddef.h>

struct cmxi_guard {
	const unsigned char *base;
	size_t size;
	sigjmp_buf jump;
};

/*
 * Watch a range in this thread:
 *
 *	struct cmxi_guard guard = { base, size };
 *	if (sigsetjmp(guard.jump, 0) == 0) {
 *		cmxi_guard_enter(&guard);
 *		... loads ...
 *	} else {
 *		a load hit a page that is no more
 *	}
 *	cmxi_guard_leave();
 *
 * Without cmxr_guard_install() the signal does what it always does.
 */
void cmxi_guard_enter(struct cmxi_guard *);
void cmxi_guard_leave(void);

#endif
