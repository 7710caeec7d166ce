/*
 * live_slots.c: the slots whose process lives.
 */
#include "read/live_slots.h"

#include <errno.h>
#include <fcntl.h>

#include "base/clock.h"
#include "base/error.h"

/*
 * The kernel walks all locks of the file for each question, so the time grows
 * with the square of the processes: 16,000 take some seconds.  A file can have
 * 65,536 beacons, all of one enemy, and no scrape waits for so many.
 */
#define LIST_SECONDS_MAX 5

struct range {
	uint64_t from, to;
};

static int
check_time(uint64_t begun_ns, size_t n_found, struct cmx_error *err)
{
	if (cmxi_clock_ns(CLOCK_MONOTONIC) - begun_ns <
	    LIST_SECONDS_MAX * CMXI_NS_PER_SECOND)
		return 0;
	return cmxi_error(err, CMX_ERR_SYSTEM,
	    "the kernel takes more than %d s to list the locks of the segment's processes, of which %zu are found; use a segment for each part of so many processes, or lower limits.processes",
	    LIST_SECONDS_MAX, n_found);
}

/*
 * Ask the kernel for any lock on the bytes of the slots [from, to).  Returns 1
 * with its *slot and whether it is a beacon, 0 for none, or -1.  The question
 * is that of a read lock (F_RDLCK), which meets write locks only: a process
 * that may only read the file cannot forge a beacon.
 */
static int
find_lock(const struct cmxi_segment *s, struct range range, uint64_t *slot,
    bool *is_beacon)
{
	struct flock lock = { .l_type = F_RDLCK,
		.l_whence = SEEK_SET,
		.l_start = (off_t)CMXI_CLAIM_BYTE(range.from),
		.l_len = (off_t)(2 * (range.to - range.from)) };
	int64_t start, end;

	if (fcntl(s->fd, F_OFD_GETLK, &lock) != 0)
		return -1;
	if (lock.l_type == F_UNLCK)
		return 0;
	/* A lock may begin before the range, and reach over it (l_len is 0). */
	start = lock.l_start < CMXI_CLAIM_BYTE(range.from) ?
	    CMXI_CLAIM_BYTE(range.from) :
	    (int64_t)lock.l_start;
	end = lock.l_len == 0 ? INT64_MAX :
				(int64_t)lock.l_start + (int64_t)lock.l_len;
	*slot = (uint64_t)(start - CMXI_SLOTS_OFFSET) / 2;
	/* The claim alone is that of a process which wipes the slot now. */
	*is_beacon = end > CMXI_BEACON_BYTE(*slot);
	return *slot < range.to ? 1 : 0;
}

/*
 * List the beacons.  The kernel names any lock of a range, not the first one;
 * so the range is cut at it and both parts are asked, which is 2n + 1 questions
 * for n live processes.
 */
int
cmxi_slots_list_live(const struct cmxi_segment *s, struct cmxi_buf *slots,
    struct cmx_error *err)
{
	struct cmxi_buf stack = { .data = NULL };
	struct range range = { 0, s->fixed.n_slots };
	uint64_t begun_ns;
	int r = 0;

	slots->size = 0;
	begun_ns = cmxi_clock_ns(CLOCK_MONOTONIC);
	cmxi_buf_bytes(&stack, &range, sizeof(range));
	while (r == 0 && stack.size >= sizeof(range)) {
		uint64_t slot;
		uint32_t number;
		bool is_beacon = false;

		stack.size -= sizeof(range);
		memcpy(&range, stack.data + stack.size, sizeof(range));
		if (range.from >= range.to)
			continue;
		r = check_time(begun_ns, slots->size / sizeof(number), err);
		if (r != 0)
			break;
		int found = find_lock(s, range, &slot, &is_beacon);
		if (found < 0)
			r = cmxi_error_system(err, CMX_ERR_SYSTEM, errno,
			    "cannot ask for the beacons of the segment");
		if (found <= 0)
			continue;
		number = (uint32_t)slot;
		if (is_beacon)
			cmxi_buf_bytes(slots, &number, sizeof(number));
		cmxi_buf_bytes(&stack, &(struct range){ range.from, slot },
		    sizeof(range));
		cmxi_buf_bytes(&stack, &(struct range){ slot + 1, range.to },
		    sizeof(range));
	}
	if (r == 0 && (stack.failed || slots->failed))
		r = cmxi_error(err, CMX_ERR_MEMORY,
		    "no memory for the live slots");
	cmxi_buf_fini(&stack);
	return r;
}
