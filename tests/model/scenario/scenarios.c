/*
 * scenarios.c: the list of scenarios.
 */
#include "scenarios.h"

#define X(name) &scenario_##name,
const struct model_scenario *const model_scenarios[] = { MODEL_SCENARIOS(X)
	    NULL };
#undef X
