/*
 * ownership.c: the mode and the group that a segment gets.
 */
#include "write/ownership.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "segment/segment_path.h"

#define MODE_VARIABLE  "CODEAI_METRICS_MODE"
#define GROUP_VARIABLE "CODEAI_METRICS_GROUP"

bool
cmxi_mode_is_allowed(unsigned long mode)
{
	return mode <= 0777 && (mode & 0600) == 0600 && (mode & 0002) == 0;
}

static const char *
variable(const char *name)
{
	const char *value = secure_getenv(name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

static int
mode_from_environment(struct cmxi_owner *owner, struct cmx_error *err)
{
	const char *text = variable(MODE_VARIABLE);
	unsigned long mode;
	char *end;

	if (text == NULL)
		return 0;
	mode = strtoul(text, &end, 8);
	if (*end != '\0' || !cmxi_mode_is_allowed(mode))
		return cmxi_error(err, CMX_ERR_ARGUMENT,
		    MODE_VARIABLE
		    " is \"%.32s\"; it must be an octal number up to 777 by which the owner can read and write the file and others cannot write it, such as 0660",
		    text);
	owner->mode = (mode_t)mode;
	return 0;
}

static int
group_from_environment(struct cmxi_owner *owner, struct cmx_error *err)
{
	const char *text = variable(GROUP_VARIABLE);
	const struct group *group;
	unsigned long gid;
	char *end;

	if (text == NULL)
		return 0;
	gid = strtoul(text, &end, 10);
	if (*end == '\0' && gid < UINT32_MAX) {
		owner->gid = (gid_t)gid;
		return 0;
	}
	group = getgrnam(text);
	if (group == NULL)
		return cmxi_error(err, CMX_ERR_ARGUMENT,
		    GROUP_VARIABLE
		    " is \"%.64s\", which is no group of this machine and no group id",
		    text);
	owner->gid = group->gr_gid;
	return 0;
}

int
cmxi_ownership_choose(const struct cmx_create_options *options,
    struct cmxi_owner *owner, bool *is_chosen, struct cmx_error *err)
{
	int r = 0;

	*owner = (struct cmxi_owner){ .uid = (uid_t)-1, .gid = (gid_t)-1 };
	if (options != NULL && options->mode != 0)
		owner->mode = (mode_t)options->mode;
	else
		r = mode_from_environment(owner, err);
	if (r == 0 && options != NULL && options->has_group)
		owner->gid = (gid_t)options->group;
	else if (r == 0)
		r = group_from_environment(owner, err);
	*is_chosen = owner->mode != 0 || owner->gid != (gid_t)-1;
	if (owner->mode == 0)
		owner->mode =
		    geteuid() == 0 || owner->gid != (gid_t)-1 ? 0660 : 0600;
	return r;
}

/*
 * The segments that this one replaced and that still count are read with it,
 * so they get the same; nothing is said where that cannot be.
 */
static void
adopt_predecessors(const struct cmxi_segment *s, const struct cmxi_owner *owner)
{
	uint64_t seed = s->fixed.predecessor_seed;

	/* Bound: a segment waits for no more than these. */
	for (int i = 0; i < CMXI_PREDECESSORS_MAX && seed != 0; i++)
		seed = cmxi_segment_adopt_name(s->path, seed, owner);
}

int
cmxi_ownership_adopt(const struct cmxi_segment *s,
    const struct cmxi_owner *owner, struct cmx_error *err)
{
	struct stat st;

	if (fstat(s->fd, &st) != 0 ||
	    (st.st_uid != geteuid() && geteuid() != 0) ||
	    ((owner->gid == (gid_t)-1 || owner->gid == st.st_gid) &&
		owner->mode == (st.st_mode & 07777)))
		return 0;
	adopt_predecessors(s, owner);
	return cmxi_segment_set_owner(s, owner, err);
}

void
cmxi_ownership_open_directory(const char *path, const struct cmxi_owner *owner)
{
	char directory[CMXI_PATH_MAX];
	struct stat st;
	int saved = errno;

	cmxi_path_directory(path, directory, sizeof(directory));
	if (owner->gid != (gid_t)-1 && lstat(directory, &st) == 0 &&
	    S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
	    st.st_gid != owner->gid &&
	    chown(directory, (uid_t)-1, owner->gid) == 0)
		chmod(directory, 02770);
	errno = saved;
}
