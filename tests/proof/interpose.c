/*
 * What strace cannot do to a program; loaded into it by LD_PRELOAD.
 *
 *	FAIL_ALLOCATION=N	its Nth allocation finds no memory, and says so on
 *				standard error; counted from main() on, or, in a
 *				program that accepts connections, from the first.
 *				libfcgi is spared: it aborts the process
 *	SHORT_WRITES=1		a write to a file takes half of what is given
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);

static long which;
static bool short_writes;
static atomic_bool counting;
static atomic_long count;

__attribute__((constructor))
static void begin(void)
{
	const char *number = getenv("FAIL_ALLOCATION");

	which = number ? atol(number) : 0;
	short_writes = getenv("SHORT_WRITES");
	counting = getenv("GATEWAY_INTERFACE") != NULL;
}

int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
	counting = true;
	return (int)syscall(SYS_accept4, fd, address, length, flags);
}

static bool fails(const void *caller)
{
	static const char told[] = "allocation failed\n";
	Dl_info who;

	if (!counting || (dladdr(caller, &who) && strstr(who.dli_fname, "libfcgi"))
	    || atomic_fetch_add(&count, 1) + 1 != which)
		return false;
	(void)!syscall(SYS_write, STDERR_FILENO, told, sizeof told - 1);
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_calloc(number, size);
}

void *realloc(void *memory, size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_realloc(memory, size);
}

ssize_t write(int fd, const void *data, size_t size)
{
	struct stat status;

	if (short_writes && fd > STDERR_FILENO && size > 1 && fstat(fd, &status) == 0
	    && S_ISREG(status.st_mode))
		size /= 2;
	return syscall(SYS_write, fd, data, size);
}
