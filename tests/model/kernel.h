/*
 * kernel.h: the state of the model's kernel, and what its parts share.
 */
#ifndef MODEL_KERNEL_H
#define MODEL_KERNEL_H

#include <sys/types.h>

#include "parts.h"

#define NAMES        24
#define DESCRIPTIONS 40
#define FDS          24
#define MAPPINGS     32
#define LOCKS        48
#define MUTEXES      8
#define PATH_ROOM    64
#define FIRST_FD     3
#define NONE         (-1)

struct file {
	bool is_used, was_linked;
	bool is_memory; /* a segment; else a text that is there to be read */
	uint8_t n_links;
	uint16_t n_open; /* descriptions */
	uint32_t mode, uid, gid;
	uint64_t size;
	struct clock locks; /* what lock calls order */
};

struct name {
	char path[PATH_ROOM]; /* empty: free */
	int file;
};

/* An open file description: descriptors and mappings refer to it. */
struct description {
	int16_t file; /* NONE: a text of /proc */
	uint16_t n_users;
	bool is_used, may_write;
	uint32_t position;
	char text[192]; /* of /proc, made when it was opened */
};

struct mapping {
	bool is_used, is_dontfork, is_wipeonfork, may_write;
	int16_t description; /* NONE: anonymous */
	uintptr_t at;
	size_t size;
};

/* Of a description (OFD), or of a process (POSIX). */
struct lock {
	bool is_used, is_posix;
	int16_t file, owner, type;
	int64_t from, to;
};

struct mutex {
	const void *at; /* null: free */
};

struct task {
	bool is_alive, has_begun, is_locked_out;
	int16_t fds[FDS];
	struct mapping mappings[MAPPINGS];
	struct mutex mutexes[MUTEXES]; /* that are held */
	struct clock mutexes_clock;    /* what unlocking them orders */
	uint32_t n_random, n_tokens;
};

struct kernel {
	struct file files[N_FILES];
	struct name names[NAMES];
	struct description descriptions[DESCRIPTIONS];
	struct lock locks[LOCKS];
	struct task tasks[MODEL_PROCESSES];
	struct clock names_clock, pipe_clock, deaths_clock;
	uint64_t now_ns;
	unsigned int n_told;
	int n_files;
};

extern struct kernel kernel;

/* Which files a process has mapped, and for writing: bits. */
extern uint32_t kernel_mapped[MODEL_PROCESSES],
    kernel_writable[MODEL_PROCESSES];

struct task *task_self(void);

/* The description of a descriptor, or null and EBADF. */
struct description *description_of(int fd);
int fd_new(int description);
int description_new(int file, bool may_write);
void description_drop(int description, const void *code);

/* Does dropping the last user of a description drop locks? */
bool description_has_locks(int description);

int name_find(const char *path);

/* A text under /proc, or null where there is none. */
const char *proc_text(const char *path, const void *code);

void locks_drop(bool is_posix, int owner, int file);
void step_names(const char *path, bool writes, const void *code);

static inline void *
file_base(int file)
{
	return (void *)(SPACE_BASE + (uint64_t)file * FILE_ROOM);
}

#endif
