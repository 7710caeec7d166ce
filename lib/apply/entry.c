/*
 * entry.c: the calls by which programs come in: open, and open the default.
 */
#include "codeai/metrics.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/call.h"
#include "base/error.h"
#include "segment/opened.h"
#include "write/open.h"

/*
 * Apply the schema first.  A service must start although that fails, so the
 * failure is told, and the segment is opened as it is.
 */
static int
apply_and_open(const char *segment, const char *schema,
    const struct cmx_create_options *options, struct cmx_registry **regp,
    struct cmx_error *err)
{
	struct cmx_error failure;
	int applied = cmx_apply(segment, schema, NULL, &failure);
	int r = cmxi_registry_open(segment, schema, options, regp, err);

	if (applied != 0 && r >= 0) {
		cmxi_error_join(err, &failure, true);
		return 1;
	}
	return r;
}

int
cmx_open_with(const char *segment, const char *schema,
    const struct cmx_create_options *options, struct cmx_registry **regp,
    struct cmx_error *err)
{
	struct cmx_create_options plain;
	struct cmxi_call call;
	int r;

	if (regp == NULL || options == NULL)
		return cmxi_error(err, CMX_ERR_ARGUMENT,
		    "cmx_open: regp or the options are null");
	call = cmxi_call_begin();
	*regp = NULL;
	plain = *options;
	plain.flags &= ~CMX_APPLY;
	if ((options->flags & CMX_APPLY) && !(options->flags & CMX_PRIVATE))
		r = apply_and_open(segment, schema, &plain, regp, err);
	else
		r = cmxi_registry_open(segment, schema, &plain, regp, err);
	/*
	 * A missing segment is no error for a call that is about to create it.
	 */
	if (r == 0)
		cmxi_error_clear(err);
	cmxi_call_end(&call);
	return r;
}

int
cmx_open(const char *segment, const char *schema, unsigned int flags,
    struct cmx_registry **regp, struct cmx_error *err)
{
	const struct cmx_create_options options = { .flags = flags };

	return cmx_open_with(segment, schema, &options, regp, err);
}

/* The kept registry, which is opened by the first call. */
static struct cmx_registry *
keep_default(struct cmx_error *err)
{
	static struct cmx_registry *kept;
	struct cmx_registry *reg = NULL, *opened;

	if (cmxi_opened_lock()) {
		reg = kept;
		cmxi_opened_unlock();
	}
	if (reg != NULL) {
		cmxi_error_clear(err);
		return reg;
	}
	if (cmx_open(NULL, NULL, 0, &opened, err) < 0 || !cmxi_opened_lock())
		return NULL;
	if (kept == NULL)
		kept = opened;
	reg = kept;
	cmxi_opened_unlock();
	/* Two threads came at once: the second one's open is taken back. */
	if (reg != opened)
		cmx_close(opened);
	return reg;
}

struct cmx_registry *
cmx_default(struct cmx_error *err)
{
	struct cmxi_call call = cmxi_call_begin();
	struct cmx_registry *reg = keep_default(err);

	cmxi_call_end(&call);
	return reg;
}
