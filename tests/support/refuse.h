/*
 * refuse.h: filters that answer a system call with an error.
 */
#ifndef TEST_REFUSE_H
#define TEST_REFUSE_H

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static inline bool
filter_with(struct sock_filter *code, size_t n)
{
	const struct sock_fprog program = { (unsigned short)n, code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

#define REFUSE_LOAD(member)                \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, \
	    offsetof(struct seccomp_data, member))
#define REFUSE_WITH(error)        \
	BPF_STMT(BPF_RET | BPF_K, \
	    SECCOMP_RET_ERRNO | ((uint32_t)(error)&0xffff))
#define REFUSE_NOT BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

/* From here on, in this process and its children; false: not possible here. */
static inline bool
refuse(long number, int error)
{
	struct sock_filter code[] = {
		REFUSE_LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1),
		REFUSE_WITH(error),
		REFUSE_NOT,
	};

	return filter_with(code, sizeof(code) / sizeof(code[0]));
}

/* Files without a name, as overlays of older kernels do. */
static inline bool
refuse_unnamed_files(void)
{
	struct sock_filter code[] = {
		REFUSE_LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
		REFUSE_LOAD(args[2]),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K,
		    (uint32_t)(O_TMPFILE & ~O_DIRECTORY), 0, 1),
		REFUSE_WITH(EOPNOTSUPP),
		REFUSE_NOT,
	};

	return filter_with(code, sizeof(code) / sizeof(code[0]));
}

#endif
