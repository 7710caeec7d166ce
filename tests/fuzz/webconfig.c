/*
 * webconfig.c: the bytes of a web configuration, and those of the header by
 * which a client names itself.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <unistd.h>

#include "web/web.h"

static struct password_cache *cache;
static char path[300];

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *dir = getenv("FUZZ_DIR");

	(void)argc;
	(void)argv;
	snprintf(path, sizeof(path), "%s/web.yml",
	    dir != NULL ? dir : "/dev/shm");
	cache = password_cache_new();
	MUST(cache != NULL);
	return 0;
}

/* A configuration is right, or what is wrong is told. */
static void
read_config(const uint8_t *data, size_t size)
{
	struct complaints complaints = { 0 };
	struct web_config *c;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	MUST(write(fd, data, size) == (ssize_t)size);
	close(fd);
	c = web_config_read(path, &complaints);
	MUST(c != NULL);
	MUST(complaints.text != NULL || !c->has_tls || c->settings != NULL);
	web_config_free(c);
	free(complaints.text);
}

/* Nobody knows the password of this user. */
static void
log_in(const uint8_t *data, size_t size)
{
	static char name[] = "user";
	static char hash[] =
	    "$2b$04$......................ke8z3dKNeZFlDUuZ5w3Lv6s7e1mXfYi";
	struct pair user = { name, hash };
	const struct pairs users = { 1, &user };
	char *header = strndup((const char *)data, size);

	MUST(user_hash_fault(hash) == NULL);
	MUST(header == NULL || !users_allow(&users, cache, header));
	user_hash_fault(header != NULL ? header : "");
	free(header);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0 && data[0] == 'B')
		log_in(data, size);
	else
		read_config(data, size);
	return 0;
}
