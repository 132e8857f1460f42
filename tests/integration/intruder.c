/*
 * intruder: what somebody who took over a web-facing process would try.
 *
 * Preloaded into it.  What is done before the process serves (the constructor) is
 * not confined; poll(2) and accept4(2) are called when it serves, and the first such
 * call tries all that follows and tells, a line each, what came of it: "done", or
 * the error's name.
 *
 *	INTRUDER_FILE	a file outside the spool that the user may write and run
 *	INTRUDER_EVENT	an event that waits
 *	INTRUDER_SPOOL	the spool
 *	INTRUDER_TOKENS	the file of the verification tokens
 *	INTRUDER_PORT	a TCP port of 127.0.0.1 where somebody listens
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int tcp[2];		/* sockets from the time before the confinement */

static const char *given(const char *name)
{
	return getenv(name);
}

static int closed(int fd)
{
	return fd < 0 ? -1 : close(fd);
}

static int make_inet_socket(void)
{
	return closed(socket(AF_INET, SOCK_STREAM, 0));
}

static int make_unix_stream_socket(void)
{
	return closed(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int connect_tcp(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(given("INTRUDER_PORT"))),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	return connect(tcp[0], (struct sockaddr *)&address, sizeof address);
}

static int bind_tcp(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	return bind(tcp[1], (struct sockaddr *)&address, sizeof address);
}

/* An empty file: where running it is not forbidden, ENOEXEC tells so. */
static int execute(void)
{
	char *const arguments[] = { "program", NULL };

	execve(given("INTRUDER_FILE"), arguments, arguments);
	return errno == ENOEXEC ? 0 : -1;
}

static int start_process(void)
{
	long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		(void)waitpid((pid_t)pid, NULL, 0);
	return pid < 0 ? -1 : 0;
}

static int run_memory(void)
{
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_EXEC,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? -1 : munmap(memory, 4096);
}

static int signal_parent(void)
{
	return kill(getppid(), SIGCONT);
}

static int trace_parent(void)
{
	return (int)ptrace(PTRACE_SEIZE, getppid(), 0, 0);
}

static int write_outside(void)
{
	return closed(open(given("INTRUDER_FILE"), O_WRONLY));
}

static int truncate_outside(void)
{
	return truncate(given("INTRUDER_FILE"), 0);
}

static const char *beside(const char *suffix)
{
	static char path[4096];

	(void)snprintf(path, sizeof path, "%s.%s", given("INTRUDER_FILE"), suffix);
	return path;
}

static int make_outside(void)
{
	return closed(open(beside("made"), O_WRONLY | O_CREAT, 0600));
}

static int make_directory_outside(void)
{
	return mkdirat(AT_FDCWD, beside("directory"), 0700);
}

static int remove_outside(void)
{
	return unlinkat(AT_FDCWD, beside("remove"), 0);
}

static int link_in_spool(void)
{
	char path[4096];

	(void)snprintf(path, sizeof path, "%s/new/link", given("INTRUDER_SPOOL"));
	return symlink("/etc/passwd", path);
}

static int read_file(void)
{
	return closed(open("/etc/passwd", O_RDONLY));
}

static int list_directory(void)
{
	return closed(open("/", O_RDONLY | O_DIRECTORY));
}

static int read_event(void)
{
	return closed(open(given("INTRUDER_EVENT"), O_RDONLY));
}

static int read_tokens(void)
{
	return closed(open(given("INTRUDER_TOKENS"), O_RDONLY));
}

static int write_spool(void)
{
	char path[4096];

	(void)snprintf(path, sizeof path, "%s/new/intruder", given("INTRUDER_SPOOL"));
	return closed(open(path, O_WRONLY | O_CREAT, 0600)) < 0 ? -1
		: unlinkat(AT_FDCWD, path, 0);
}

static const struct {
	const char *name;
	int (*attempt)(void);
} attempts[] = {
	{ "make-inet-socket", make_inet_socket },
	{ "make-unix-stream-socket", make_unix_stream_socket },
	{ "connect-tcp", connect_tcp },
	{ "bind-tcp", bind_tcp },
	{ "execute", execute },
	{ "start-process", start_process },
	{ "run-memory", run_memory },
	{ "signal-parent", signal_parent },
	{ "trace-parent", trace_parent },
	{ "write-outside", write_outside },
	{ "truncate-outside", truncate_outside },
	{ "make-outside", make_outside },
	{ "make-directory-outside", make_directory_outside },
	{ "remove-outside", remove_outside },
	{ "link-in-spool", link_in_spool },
	{ "read-file", read_file },
	{ "list-directory", list_directory },
	{ "read-event", read_event },
	{ "read-tokens", read_tokens },
	{ "write-spool", write_spool },
};

static void intrude(void)
{
	static atomic_flag tried = ATOMIC_FLAG_INIT;

	if (atomic_flag_test_and_set(&tried))
		return;
	for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++) {
		int result = attempts[i].attempt();

		dprintf(STDERR_FILENO, "intruder: %s %s\n", attempts[i].name,
			result < 0 ? strerrorname_np(errno) : "done");
	}
	dprintf(STDERR_FILENO, "intruder: end\n");
}

__attribute__((constructor)) static void prepare(void)
{
	for (int i = 0; i < 2; i++)
		tcp[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

int accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
	intrude();
	return (int)syscall(SYS_accept4, fd, address, size, flags);
}

int poll(struct pollfd *list, nfds_t count, int timeout)
{
	/* The guardian waits by it, too. */
	if (strcmp(program_invocation_short_name, "ringspool.fcgi") != 0)
		intrude();
	return (int)syscall(SYS_poll, list, count, timeout);
}
