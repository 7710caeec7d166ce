/*
 * sandbox.c: the daemon gives up what it does not need.
 *
 * Each part is best effort: an old kernel, or a container that forbids it,
 * leaves the others.  What stays allowed is to read segments and /proc, and to
 * answer the sockets that are open already.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/magic.h>
#include <linux/prctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "daemon.h"

/* Newer than the kernel's headers of Debian 12. */
#define ACCESS_FS_TRUNCATE  (UINT64_C(1) << 14)
#define ACCESS_FS_IOCTL_DEV (UINT64_C(1) << 15)
#define ACCESS_NET_TCP      UINT64_C(3)
struct ruleset {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
};

/* For the file systems of the segments to answer. */
#define SEARCH_SECONDS 2

#define READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

/* Nothing that is executed, not even with a set-uid bit, gives rights. */
static bool
no_new_privileges(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

/* Metrics can hold secrets of the services that wrote them. */
static bool
no_core_dump(void)
{
	static const struct rlimit none = { 0, 0 };

	return setrlimit(RLIMIT_CORE, &none) == 0 &&
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
}

/*
 * The groups of a user that is not root are how it may read segments; root
 * needs none.
 */
static bool
no_groups(void)
{
	return geteuid() != 0 || setgroups(0, NULL) == 0;
}

/*
 * Root keeps what reads the segments and the /proc of other users.  In a
 * container it may have CAP_DAC_OVERRIDE only, which writes too: then that.
 */
static bool
few_capabilities(void)
{
	uint32_t kept = 1U << CAP_DAC_READ_SEARCH | 1U << CAP_SYS_PTRACE;
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct data[2];
	uint32_t given_up = 0;

	if (syscall(SYS_capget, &header, data) != 0)
		return false;
	if (!(data[0].permitted & 1U << CAP_DAC_READ_SEARCH))
		kept |= 1U << CAP_DAC_OVERRIDE;
	for (int i = 0; i < 2; i++) {
		given_up |= data[i].inheritable |
		    (data[i].permitted & (i == 0 ? ~kept : ~0U));
		data[i].effective &= i == 0 ? kept : 0;
		data[i].permitted &= i == 0 ? kept : 0;
		data[i].inheritable = 0;
	}
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	/* Who has none may not even be allowed to give them up. */
	return given_up == 0 || syscall(SYS_capset, &header, data) == 0;
}

/* Landlock */

/* All rights that this version of Landlock knows. */
static struct ruleset
all_rights(int version)
{
	struct ruleset set = { .handled_access_fs =
				   (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1 };

	if (version >= 2)
		set.handled_access_fs |= LANDLOCK_ACCESS_FS_REFER;
	if (version >= 3)
		set.handled_access_fs |= ACCESS_FS_TRUNCATE;
	if (version >= 4)
		set.handled_access_net = ACCESS_NET_TCP;
	if (version >= 5)
		set.handled_access_fs |= ACCESS_FS_IOCTL_DEV;
	return set;
}

/* Let what is below a directory be read, and close it. */
static bool
may_read(int ruleset, int directory)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = READ,
		.parent_fd = directory };
	bool ok = directory >= 0 &&
	    syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH,
		&rule, 0) == 0;

	if (directory >= 0)
		close(directory);
	return ok;
}

static bool
is_memory(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 &&
	    (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
}

/* Replace a path by that of its directory. */
static void
climb(char *path)
{
	const char *directory = dirname(path);

	memmove(path, directory, strlen(directory) + 1);
}

/*
 * Find the directory below which a segment will be.  A service makes its
 * directory anew at each start (RuntimeDirectory of systemd), and a rule is of
 * the old one then: so it is the root of the memory file system, which stays,
 * or the parent of the directory, which also covers what is mounted on it.
 * Where the directory is not there, it is the nearest one that is.  Returns
 * false where that is the root of all.
 */
static bool
find_stable_directory(char *path)
{
	char parent[SANDBOX_PATH_MAX];
	struct stat st, above;
	bool is_there;

	climb(path);
	is_there = stat(path, &st) == 0;
	while (stat(path, &st) != 0 && strcmp(path, "/") != 0 &&
	    strcmp(path, ".") != 0)
		climb(path);
	if (is_there && !is_memory(path)) {
		strcpy(parent, path);
		climb(parent);
		if (path[0] == '/' && strcmp(parent, "/") != 0)
			strcpy(path, parent);
	}
	while (is_memory(path) && stat(path, &st) == 0) {
		strcpy(parent, path);
		climb(parent);
		if (stat(parent, &above) != 0 || above.st_dev != st.st_dev ||
		    above.st_ino == st.st_ino)
			break;
		strcpy(path, parent);
	}
	return strcmp(path, "/") != 0;
}

/*
 * Make a path absolute, without links, as far as it exists; what does not exist
 * stays behind that.  Returns false where it is too long.
 */
static bool
resolve(const char *segment, char path[SANDBOX_PATH_MAX])
{
	char known[SANDBOX_PATH_MAX], there[PATH_MAX];
	const char *rest;

	if (strlen(segment) >= sizeof(known))
		return false;
	strcpy(known, segment);
	while (realpath(known, there) == NULL) {
		if (strcmp(known, "/") == 0 || strcmp(known, ".") == 0)
			return false;
		climb(known);
	}
	/* Of "a" nothing may exist but ".", which it does not begin with. */
	rest = strncmp(segment, known, strlen(known)) == 0 ?
	    segment + strlen(known) :
	    segment;
	return (size_t)snprintf(path, SANDBOX_PATH_MAX, "%s%s%s", there,
		   rest[0] != '\0' && rest[0] != '/' ? "/" : "",
		   rest) < SANDBOX_PATH_MAX;
}

/* Open the directory of a segment; -1 where there is none. */
static int
open_directory(const char *segment)
{
	char path[SANDBOX_PATH_MAX];

	return resolve(segment, path) && find_stable_directory(path) ?
	    open(path, O_PATH | O_CLOEXEC) :
	    -1;
}

/*
 * A thread looks at the paths, because a file system may not answer: then the
 * daemon starts without this part.
 */
struct search {
	const char *const *segments;
	size_t n;
	int *directories;
};

static void
look_at_paths(void *arg)
{
	struct search *s = arg;

	for (size_t i = 0; i < s->n; i++) {
		s->directories[i] = open_directory(s->segments[i]);
		if (s->directories[i] < 0)
			log_warn(
			    "%s: has no directory that the sandbox can let it have; make one and start again",
			    s->segments[i]);
	}
}

/*
 * Find the directories of all segments within two seconds.  Static: the thread
 * may go on.
 */
static const struct search *
find_directories(const char *const *segments, size_t n)
{
	static struct search search;
	enum call_end end;

	search.segments = segments;
	search.n = n;
	search.directories = calloc(n + 1, sizeof(*search.directories));
	if (search.directories == NULL)
		return NULL;
	end = call_within(SEARCH_SECONDS, look_at_paths, &search);
	if (end == CALL_IS_LATE)
		log_warn(
		    "a segment's file system does not answer: the sandbox is without Landlock");
	return end == CALL_ENDED ? &search : NULL;
}

static bool
read_only_files(const char *const *segments, size_t n)
{
	int version = (int)syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset set = all_rights(version);
	const struct search *found =
	    version < 1 ? NULL : find_directories(segments, n);
	bool ok = true;
	int ruleset;

	if (found == NULL)
		return false;
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &set,
	    version >= 4 ? sizeof(set) : sizeof(set.handled_access_fs), 0);
	if (ruleset < 0)
		return false;
	for (size_t i = 0; i < found->n; i++)
		if (found->directories[i] >= 0)
			ok &= may_read(ruleset, found->directories[i]);
	/* Which CPUs there are; absent in some containers. */
	may_read(ruleset, open("/sys/devices/system/cpu", O_PATH | O_CLOEXEC));
	ok &= may_read(ruleset, open("/proc", O_PATH | O_CLOEXEC));
	ok = ok && syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
	close(ruleset);
	return ok;
}

/* The parts, in the order in which they can be had. */
void
sandbox_enter(const char *const *segments, size_t n, struct sandbox *s)
{
	*s = (struct sandbox){ 0 };
	s->groups = no_groups();
	s->capabilities = few_capabilities();
	s->privileges = no_new_privileges();
	s->core = no_core_dump();
	s->files = s->privileges && read_only_files(segments, n);
	s->calls = s->privileges && syscall_filter_install();
}

void
sandbox_describe(const struct sandbox *s, char text[SANDBOX_TEXT_MAX])
{
	const struct {
		bool has;
		const char *name;
	} parts[] = { { s->privileges, "no new privileges" },
		{ s->groups, "no groups of root" },
		{ s->capabilities, "few capabilities" },
		{ s->core, "no core dump" }, { s->files, "Landlock" },
		{ s->calls, "seccomp" } };
	size_t at = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		at += (size_t)snprintf(text + at, SANDBOX_TEXT_MAX - at,
		    "%s%s: %s", i > 0 ? ", " : "", parts[i].name,
		    parts[i].has ? "yes" : "no");
}
