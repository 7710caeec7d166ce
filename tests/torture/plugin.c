/*
 * plugin.c: a plugin with updates inlined into it, for reload.c.
 */
#include <codeai/metrics.h>

void plugin_update(const struct cmx_counter *, int n);

void
plugin_update(const struct cmx_counter *counter, int n)
{
	for (int i = 0; i < n; i++)
		cmx_counter_inc(counter);
}
