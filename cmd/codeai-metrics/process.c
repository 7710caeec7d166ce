/*
 * process.c: the name that the kernel has, beside that of the command.
 */
#include <stdio.h>
#include <string.h>

#include "process.h"

/* Bytes of a name that the kernel keeps. */
#define NAME_SIZE 15

bool
process_is_here(const struct cmxr_process *p)
{
	const char *slash = strrchr(p->command, '/');
	char path[64], name[NAME_SIZE + 2] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/comm", p->pid);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	if (fgets(name, sizeof(name), f) == NULL)
		name[0] = '\0';
	fclose(f);
	name[strcspn(name, "\n")] = '\0';
	return strncmp(name, slash != NULL ? slash + 1 : p->command,
		   NAME_SIZE) == 0;
}
