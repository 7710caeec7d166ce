/*
 * process.c: /proc/PID/comm.
 */
#include <stdio.h>
#include <string.h>

#include "process.h"

bool
process_name(uint32_t pid, char name[PROCESS_NAME_SIZE + 2])
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/comm", pid);
	f = fopen(path, "re");
	if (f == NULL || fgets(name, PROCESS_NAME_SIZE + 2, f) == NULL)
		name[0] = '\0';
	if (f != NULL)
		fclose(f);
	name[strcspn(name, "\n")] = '\0';
	return f != NULL;
}

bool
process_is_here(const struct cmxr_process *p)
{
	const char *slash = strrchr(p->command, '/');
	char name[PROCESS_NAME_SIZE + 2];

	return process_name(p->pid, name) &&
	    strncmp(name, slash != NULL ? slash + 1 : p->command,
		PROCESS_NAME_SIZE) == 0;
}
