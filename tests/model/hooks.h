/*
 * hooks.h: between the accesses of the library and the order of memory.
 */
#ifndef MODEL_HOOKS_H
#define MODEL_HOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The code of the access that is looked at, for messages. */
extern const void *at_code;

/* Setup is under way: what it makes is there before each run. */
extern bool is_setting_up;

uint64_t clock_load(uintptr_t, uint8_t size, int order, bool may_be_stale,
    bool *is_stale);
void clock_store(uintptr_t, uint8_t size, uint64_t value, int order);
void clock_change(uintptr_t, uint8_t size, uint64_t value, int order);
void clock_look(uintptr_t, uint8_t size, int order);
void clock_fence(int order);
void memory_atomic(const void *, uint8_t size, bool writes);

#endif
