/*
 * db_names.c: the names of the prepared statements of a connection.
 *
 * A list orders the names by their last use, and its last name is dropped when
 * there are too many.  Chains by hash find a name.
 */
#include "kit/db_names.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/hash.h"

#define NAMES_MAX 1024
#define N_CHAINS  512

struct prepared {
	TAILQ_ENTRY(prepared) in_use; /* the one used last is first */
	LIST_ENTRY(prepared) in_chain;
	struct cmxi_db_labels labels;
	char name[];
};

struct cmx_db_names {
	TAILQ_HEAD(used_names, prepared) used;
	LIST_HEAD(, prepared) chains[N_CHAINS];
	size_t n;
	struct cmxi_db_labels unnamed; /* statement "" */
};

void
cmxi_db_labels_set(struct cmxi_db_labels *labels, const char *sql)
{
	labels->operation = cmx_db_operation(sql);
	cmx_db_entity(sql, labels->entity, sizeof(labels->entity));
}

static size_t
chain_of(const char *name)
{
	return cmxi_hash(name, strlen(name), 0) % N_CHAINS;
}

static struct prepared *
find_name(struct cmx_db_names *names, const char *name)
{
	struct prepared *p;

	LIST_FOREACH(p, &names->chains[chain_of(name)], in_chain)
	{
		if (strcmp(p->name, name) != 0)
			continue;
		TAILQ_REMOVE(&names->used, p, in_use);
		TAILQ_INSERT_HEAD(&names->used, p, in_use);
		return p;
	}
	return NULL;
}

static void
forget_last(struct cmx_db_names *names)
{
	struct prepared *p = TAILQ_LAST(&names->used, used_names);

	TAILQ_REMOVE(&names->used, p, in_use);
	LIST_REMOVE(p, in_chain);
	names->n--;
	free(p);
}

static struct prepared *
add_name(struct cmx_db_names *names, const char *name)
{
	size_t size = strlen(name) + 1;
	struct prepared *p = malloc(sizeof(*p) + size);

	if (p == NULL)
		return NULL;
	memcpy(p->name, name, size);
	TAILQ_INSERT_HEAD(&names->used, p, in_use);
	LIST_INSERT_HEAD(&names->chains[chain_of(name)], p, in_chain);
	if (++names->n > NAMES_MAX)
		forget_last(names);
	return p;
}

static struct cmx_db_names *
make_names(void)
{
	struct cmx_db_names *names = calloc(1, sizeof(*names));

	if (names == NULL)
		return NULL;
	TAILQ_INIT(&names->used);
	for (size_t i = 0; i < N_CHAINS; i++)
		LIST_INIT(&names->chains[i]);
	return names;
}

void
cmxi_db_names_put(struct cmx_db_names **namesp, const char *name,
    const struct cmxi_db_labels *labels)
{
	struct prepared *p;

	if (*namesp == NULL)
		*namesp = make_names();
	if (*namesp == NULL)
		return;
	if (name[0] == '\0') {
		(*namesp)->unnamed = *labels;
		return;
	}
	p = find_name(*namesp, name);
	if (p == NULL)
		p = add_name(*namesp, name);
	if (p != NULL)
		p->labels = *labels;
}

const struct cmxi_db_labels *
cmxi_db_names_get(struct cmx_db_names *names, const char *name)
{
	const struct prepared *p;

	if (names == NULL)
		return NULL;
	if (name[0] == '\0')
		return names->unnamed.operation == NULL ? NULL :
							  &names->unnamed;
	p = find_name(names, name);
	return p == NULL ? NULL : &p->labels;
}

void
cmxi_db_names_free(struct cmx_db_names *names)
{
	while (names != NULL && names->n > 0)
		forget_last(names);
	free(names);
}
