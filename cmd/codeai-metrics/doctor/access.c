/*
 * access.c: on what the file lies, and who may open it.
 */
#include <grp.h>
#include <limits.h>
#include <linux/magic.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "doctor.h"

#define GROUPS_MAX 256
/* Less room than this may end in the next minute. */
#define ROOM_MIN (16UL << 20)

static void
check_filesystem(const struct patient *p, struct findings *f)
{
	struct statfs fs;
	unsigned long long room;

	if (statfs(p->path, &fs) != 0)
		return;
	if ((unsigned long)fs.f_type != TMPFS_MAGIC &&
	    (unsigned long)fs.f_type != RAMFS_MAGIC &&
	    (unsigned long)fs.f_type != HUGETLBFS_MAGIC)
		find(f, WARNING,
		    "move it to a directory under /dev/shm or /run: on a disk an update can wait for it",
		    "the file system is not in memory (type 0x%lx)",
		    (unsigned long)fs.f_type);
	else
		find(f, FINE, NULL, "the file system is in memory");
	room = (unsigned long long)fs.f_bavail * (unsigned long long)fs.f_bsize;
	/* One without a limit says 0 blocks. */
	if (fs.f_blocks > 0 && room < ROOM_MIN)
		find(f, ERROR,
		    "make room, or mount it larger: new series and CPUs get no memory, and are not counted",
		    "the file system has %llu KiB left", room / 1024);
}

static void
check_mode(const struct patient *p, const struct stat *st, struct findings *f)
{
	const struct passwd *pw = getpwuid(st->st_uid);
	const struct group *gr = getgrgid(st->st_gid);

	find(f, FINE, NULL, "it is of %s:%s, mode %04o",
	    pw != NULL ? pw->pw_name : "?", gr != NULL ? gr->gr_name : "?",
	    (unsigned int)st->st_mode & 07777);
	if ((st->st_mode & S_IWOTH) != 0)
		find(f, ERROR, "chmod o-w it; give it to a group instead",
		    "everybody may write it (%s): anybody can change the numbers",
		    p->path);
}

void
check_file(const struct patient *p, struct findings *f)
{
	struct stat st;

	check_filesystem(p, f);
	if (stat(p->path, &st) == 0)
		check_mode(p, &st, f);
	if (!cmxr_is_current(p->reader))
		find(f, WARNING, "restart what uses it",
		    "the path names another file now");
}

/* Users */

struct user {
	uid_t uid;
	gid_t groups[GROUPS_MAX];
	int n_groups;
};

static bool
look_up(const char *name, struct user *u)
{
	const struct passwd *pw = getpwnam(name);
	char *end;
	unsigned long uid;

	if (pw == NULL) {
		uid = strtoul(name, &end, 10);
		if (end == name || *end != '\0' || uid >= (uid_t)-1)
			return false;
		pw = getpwuid((uid_t)uid);
		if (pw == NULL) {
			u->uid = (uid_t)uid;
			u->n_groups = 0;
			return true;
		}
	}
	u->uid = pw->pw_uid;
	u->n_groups = GROUPS_MAX;
	if (getgrouplist(pw->pw_name, pw->pw_gid, u->groups, &u->n_groups) < 0)
		u->n_groups = GROUPS_MAX;
	return true;
}

/*
 * Has the user these bits (4 read, 2 write, 1 search) by the mode?  Access
 * control lists are not looked at.
 */
static bool
has_access(const struct user *u, const struct stat *st, unsigned int bits)
{
	unsigned int mode = st->st_mode;

	if (u->uid == 0)
		return true;
	if (u->uid == st->st_uid)
		return (mode >> 6 & bits) == bits;
	for (int i = 0; i < u->n_groups; i++)
		if (u->groups[i] == st->st_gid)
			return (mode >> 3 & bits) == bits;
	return (mode & bits) == bits;
}

/* The first directory of the path that the user may not search, or null. */
static const char *
closed_directory(const struct user *u, const char *path, char *at)
{
	struct stat st;

	for (size_t i = 1; path[i] != '\0'; i++) {
		if (path[i] != '/')
			continue;
		memcpy(at, path, i);
		at[i] = '\0';
		if (stat(at, &st) == 0 && !has_access(u, &st, 1))
			return at;
	}
	return NULL;
}

void
check_user(const struct patient *p, const char *name, struct findings *f)
{
	char real[PATH_MAX], at[PATH_MAX];
	struct user u;
	struct stat st;
	const struct passwd *pw;
	const char *closed;

	if (!look_up(name, &u)) {
		find(f, ERROR, NULL, "-u %s: there is no such user", name);
		return;
	}
	if (realpath(p->path, real) == NULL || stat(real, &st) != 0) {
		find(f, NOTE, NULL,
		    "-u %s: the path names no file that can be examined", name);
		return;
	}
	pw = getpwuid(u.uid);
	if (pw != NULL)
		name = pw->pw_name;
	closed = closed_directory(&u, real, at);
	if (closed != NULL)
		find(f, ERROR,
		    "open the directory to the user's group (chgrp, chmod g+x), or name another place",
		    "%s cannot enter %s", name, closed);
	else if (!has_access(&u, &st, 4))
		find(f, ERROR,
		    "codeai-metrics create -g GROUP makes it for a group; so does CODEAI_METRICS_GROUP",
		    "%s cannot read it: an exporter of that user shows nothing",
		    name);
	else if (!has_access(&u, &st, 2))
		find(f, WARNING,
		    "enough for an exporter; a process that counts needs mode 0660 and the group",
		    "%s can read it, and cannot write", name);
	else
		find(f, FINE, NULL, "%s can read and write it", name);
}

void
check_limits(const struct patient *p, struct findings *f)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
	    limit.rlim_cur < p->info.apparent_bytes)
		find(f, WARNING, "ulimit -f unlimited, or LimitFSIZE=infinity",
		    "processes with this shell's limit of file sizes cannot make such a segment");
	if (getrlimit(RLIMIT_AS, &limit) == 0 &&
	    limit.rlim_cur < 2 * p->info.apparent_bytes)
		find(f, WARNING, "ulimit -v unlimited, or LimitAS=infinity",
		    "processes with this shell's limit of address space may not be able to map it");
}
