#include "calls.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Several names of one thing are those of other architectures and versions of
 * the C library. */
static const int plain[] = {
	/* connections; they come from a listener that is open already */
	SCMP_SYS(accept4), SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_wait), SCMP_SYS(eventfd2), SCMP_SYS(poll), SCMP_SYS(ppoll),
	SCMP_SYS(pselect6), SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg),
	SCMP_SYS(select), SCMP_SYS(setsockopt), SCMP_SYS(shutdown), SCMP_SYS(write),
	SCMP_SYS(writev),
	/* files */
	SCMP_SYS(access), SCMP_SYS(close), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
	SCMP_SYS(fchmod), SCMP_SYS(fchown), SCMP_SYS(fcntl), SCMP_SYS(fcntl64),
	SCMP_SYS(fstat), SCMP_SYS(fstat64), SCMP_SYS(fstatat64), SCMP_SYS(fstatfs),
	SCMP_SYS(fstatfs64), SCMP_SYS(fsync), SCMP_SYS(getdents64), SCMP_SYS(linkat),
	SCMP_SYS(lseek), SCMP_SYS(_llseek), SCMP_SYS(mkdirat), SCMP_SYS(mknodat),
	SCMP_SYS(newfstatat), SCMP_SYS(openat), SCMP_SYS(renameat2), SCMP_SYS(statx),
	SCMP_SYS(unlinkat), SCMP_SYS(utimensat), SCMP_SYS(utimensat_time64),
	/* threads and memory */
	SCMP_SYS(brk), SCMP_SYS(exit), SCMP_SYS(futex), SCMP_SYS(futex_time64),
	SCMP_SYS(madvise), SCMP_SYS(mremap), SCMP_SYS(munmap), SCMP_SYS(rseq),
	SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_yield), SCMP_SYS(set_robust_list),
	SCMP_SYS(sysinfo),
	/* time, signals, the end */
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_gettime64), SCMP_SYS(clock_nanosleep),
	SCMP_SYS(clock_nanosleep_time64), SCMP_SYS(exit_group), SCMP_SYS(geteuid),
	SCMP_SYS(getegid), SCMP_SYS(getgid), SCMP_SYS(getuid), SCMP_SYS(getpid),
	SCMP_SYS(getppid), SCMP_SYS(getrandom), SCMP_SYS(gettid),
	SCMP_SYS(gettimeofday), SCMP_SYS(nanosleep), SCMP_SYS(restart_syscall),
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigtimedwait), SCMP_SYS(rt_sigtimedwait_time64), SCMP_SYS(time),
};

static int allow_plain(scmp_filter_ctx filter)
{
	int result = 0;

	for (size_t i = 0; i < sizeof plain / sizeof plain[0] && result == 0; i++)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, plain[i], 0);
	return result;
}

/* Allows a call where the bits `mask` of its argument `number` are `value`. */
static int allow_where(scmp_filter_ctx filter, int call, unsigned number,
	scmp_datum_t mask, scmp_datum_t value)
{
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1,
		SCMP_CMP64(number, SCMP_CMP_MASKED_EQ, mask, value));
}

/* Memory that is not to be executed, and threads.  A C library that cannot
 * use clone3, whose flags no filter sees, takes clone. */
static int allow_memory_and_threads(scmp_filter_ctx filter)
{
	int result = allow_where(filter, SCMP_SYS(mmap), 2, PROT_EXEC, 0);

	if (result == 0)
		result = allow_where(filter, SCMP_SYS(mmap2), 2, PROT_EXEC, 0);
	if (result == 0)
		result = allow_where(filter, SCMP_SYS(mprotect), 2, PROT_EXEC, 0);
	if (result == 0)
		result = allow_where(filter, SCMP_SYS(clone), 0, CLONE_THREAD, CLONE_THREAD);
	return result;
}

/* To itself: abort(3). */
static int allow_signals(scmp_filter_ctx filter)
{
	int result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
		SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));

	if (result == 0)	/* guardian_leave() */
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
			SCMP_A0(SCMP_CMP_EQ, PR_SET_PDEATHSIG, 0));
	return result;
}

/* syslog(3) connects anew when the log's daemon was restarted. */
static int allow_syslog(scmp_filter_ctx filter)
{
	const scmp_datum_t kind = ~(scmp_datum_t)(SOCK_CLOEXEC | SOCK_NONBLOCK);
	int result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
		SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0),
		SCMP_A1(SCMP_CMP_MASKED_EQ, kind, SOCK_DGRAM));

	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(connect), 0);
	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(sendto), 0);
	return result;
}

static int load(scmp_filter_ctx filter, bool syslog)
{
	int result = allow_plain(filter);

	if (result == 0)
		result = allow_memory_and_threads(filter);
	if (result == 0)
		result = allow_signals(filter);
	if (result == 0 && syslog)
		result = allow_syslog(filter);
	return result == 0 ? seccomp_load(filter) : result;
}

int calls_restrict(bool syslog, struct reason *why)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int result;

	if (!filter)
		return reason_set(why, "seccomp: out of memory");
	result = load(filter, syslog);
	seccomp_release(filter);
	return result == 0 ? 0 : reason_set(why, "seccomp: %s", strerror(-result));
}
