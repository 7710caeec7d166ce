/*
 * scenarios.h: every scenario, once.
 */
#ifndef SCENARIO_SCENARIOS_H
#define SCENARIO_SCENARIOS_H

#include "../model.h"

#define MODEL_SCENARIOS(X) \
	X(insert2)         \
	X(insert2_read)    \
	X(insert3)         \
	X(insert_read)     \
	X(insert_page)     \
	X(insert_keys)     \
	X(insert_threads)  \
	X(spares)          \
	X(full)            \
	X(no_pages)        \
	X(fork_counts)     \
	X(register2)       \
	X(register_read)   \
	X(register_insert) \
	X(register_clash)  \
	X(group)           \
	X(group_read)      \
	X(group_threads)   \
	X(pairs)           \
	X(pairs2)          \
	X(doubles)         \
	X(gauge_add)       \
	X(exemplar)        \
	X(exemplar_read)   \
	X(cell_page)       \
	X(cell_page_read)  \
	X(gauge_page)      \
	X(gauge_threads)   \
	X(slot)            \
	X(claims)          \
	X(claims_read)     \
	X(claims3)         \
	X(shortage)        \
	X(threads)         \
	X(fork)            \
	X(fork_gap)        \
	X(locked_out)      \
	X(lost_slot)       \
	X(lost_and_taken)  \
	X(given_back)      \
	X(role)            \
	X(short_calls)     \
	X(create2)         \
	X(remove)          \
	X(apply_open)      \
	X(apply_writer)    \
	X(create_apply)    \
	X(apply2)          \
	X(apply_twice)     \
	X(apply_fork)      \
	X(carry)           \
	X(carry_read)      \
	X(carry2)          \
	X(close)

#define X(name) extern const struct model_scenario scenario_##name;
MODEL_SCENARIOS(X)
#undef X

#endif
