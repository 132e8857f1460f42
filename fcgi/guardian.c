#include "guardian.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"

enum {
	PAUSE_MS = 200,		/* between two starts; doubled with each ... */
	PAUSE_MOST_MS = 30000,
	CALM_MS = 5000,		/* ... until none was wanted for so long */
	HANG_MS = 10000,	/* one that has not become ready hangs, most likely at a disk */
	CHILDREN = 16		/* one serves, one comes, others finish what they have */
};

/* What a process that serves tells the guardian. */
enum { READY = 'r', ASK = 'a' };

struct child {
	pid_t pid;		/* 0: none */
	int telling;		/* a pipe's end, to read from; -1: nothing more counts */
	bool reloads;		/* it is the first with a new configuration */
};

struct guardian {
	const struct ward *ward;
	int signals;		/* of signalfd(2) */
	struct child children[CHILDREN];
	struct child *serving;	/* NULL: none */
	struct child *coming;	/* started, not serving yet; NULL: none */
	bool served;		/* one has */
	bool wanted;		/* another process is to be started */
	bool reloads;		/* and a new configuration is why */
	int64_t started;	/* the last one; clock_milliseconds() */
	int64_t pause;		/* from then to the next start */
	int status;		/* to end with, once `ended` */
	bool ended;
};

/* Those that mean nothing to us, but end a process elsewhere, are never taken. */
static void blocked(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGINT);
	sigaddset(signals, SIGHUP);
	sigaddset(signals, SIGUSR1);
	sigaddset(signals, SIGUSR2);
	sigaddset(signals, SIGCHLD);
}

void guardian_block_signals(void)
{
	sigset_t signals;

	blocked(&signals);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	(void)signal(SIGCHLD, SIG_DFL);	/* ignored, no status would be kept */
}

void guardian_unblock_ends(void)
{
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigprocmask(SIG_UNBLOCK, &ends, NULL);
}

static void tell(int guardian, char what)
{
	/* One that is about to end is not listened to. */
	ssize_t ignored = write(guardian, &what, 1);

	(void)ignored;
}

void guardian_ready(int guardian)
{
	tell(guardian, READY);
}

void guardian_ask(int guardian)
{
	tell(guardian, ASK);
}

void guardian_leave(void)
{
	(void)prctl(PR_SET_PDEATHSIG, 0);
}

/* Ends with its guardian, were that killed. */
static _Noreturn void become_ward(const struct guardian *guardian, pid_t parent, int telling)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(EX_OSERR);
	close(guardian->signals);
	if (guardian->serving)
		close(guardian->serving->telling);
	exit(guardian->ward->serve(guardian->ward->context, telling));
}

/* The child of this process id; 0: a free place; NULL: there is none. */
static struct child *find(struct guardian *guardian, pid_t pid)
{
	for (size_t i = 0; i < CHILDREN; i++)
		if (guardian->children[i].pid == pid)
			return &guardian->children[i];
	return NULL;
}

static void ignore(struct child *child)
{
	if (child->telling >= 0)
		close(child->telling);
	child->telling = -1;
}

/* Makes it end in good order, unless it hangs before it serves. */
static void dismiss(struct child *child)
{
	(void)kill(child->pid, SIGTERM);
	ignore(child);
}

/* -1 with errno. */
static int launch(const struct guardian *guardian, struct child *child)
{
	pid_t self = getpid();
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	child->pid = fork();
	if (child->pid == 0) {
		close(ends[0]);
		become_ward(guardian, self, ends[1]);
	}
	close(ends[1]);
	if (child->pid < 0) {
		child->pid = 0;
		close(ends[0]);
		return -1;
	}
	child->telling = ends[0];
	child->reloads = guardian->reloads;
	return 0;
}

static void start(struct guardian *guardian)
{
	struct child *child = find(guardian, 0);

	guardian->started = clock_milliseconds();
	guardian->pause = guardian->pause ? guardian->pause * 2 : PAUSE_MS;
	if (guardian->pause > PAUSE_MOST_MS)
		guardian->pause = PAUSE_MOST_MS;
	if (guardian->coming)
		dismiss(guardian->coming);
	guardian->coming = NULL;
	errno = EAGAIN;
	if (!child || launch(guardian, child) < 0) {
		guardian->ward->complain(guardian->ward->context, "not-started",
			strerror(errno));
		return;
	}
	guardian->coming = child;
	guardian->wanted = guardian->reloads = false;
}

/* Starts another, at once where the last start was long ago. */
static void want(struct guardian *guardian)
{
	if (!guardian->wanted && clock_milliseconds() - guardian->started >= CALM_MS)
		guardian->pause = 0;
	guardian->wanted = true;
}

static void reload(struct guardian *guardian)
{
	if (!guardian->ward->reload(guardian->ward->context))
		return;
	guardian->reloads = true;
	guardian->pause = PAUSE_MS;	/* somebody has mended what was wrong */
	want(guardian);
}

static void succeed(struct guardian *guardian)
{
	struct child *predecessor = guardian->serving;

	guardian->serving = guardian->coming;
	guardian->coming = NULL;
	guardian->served = true;
	if (guardian->serving->reloads)
		guardian->ward->reloaded(guardian->ward->context);
	if (predecessor)
		dismiss(predecessor);
}

/* Reads what a child told. */
static void hear(struct guardian *guardian, struct child *child)
{
	char what;

	if (read(child->telling, &what, 1) <= 0)
		ignore(child);	/* it has ended, or is about to */
	else if (what == READY && child == guardian->coming)
		succeed(guardian);
	else if (what == ASK && child == guardian->serving && !guardian->coming)
		want(guardian);
}

static void complain(const struct guardian *guardian, const struct child *child, int status)
{
	const char *what = child == guardian->coming && child->reloads ? "not-reloaded" : "died";
	char why[64];

	if (WIFEXITED(status))
		(void)snprintf(why, sizeof why, "status %d", WEXITSTATUS(status));
	else
		(void)snprintf(why, sizeof why, "signal %d (%s)", WTERMSIG(status),
			strsignal(WTERMSIG(status)));
	guardian->ward->complain(guardian->ward->context, what, why);
}

static void bury(struct guardian *guardian, struct child *child, int status)
{
	if (WIFEXITED(status) && !guardian->served && child == guardian->coming) {
		guardian->ended = true;	/* it has told why */
		guardian->status = WEXITSTATUS(status);
	} else if (child == guardian->coming || child == guardian->serving) {
		complain(guardian, child, status);
	}
	if (child == guardian->coming)
		guardian->coming = NULL;
	if (child == guardian->serving)
		guardian->serving = NULL;
	ignore(child);
	child->pid = 0;
}

/* Process 1 of a container inherits others' children as well. */
static void bury_all(struct guardian *guardian)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct child *child = find(guardian, pid);

		if (child)
			bury(guardian, child, status);
	}
}

static void take_signal(struct guardian *guardian)
{
	struct signalfd_siginfo info;

	if (read(guardian->signals, &info, sizeof info) != sizeof info)
		return;
	switch (info.ssi_signo) {
	case SIGTERM:
	case SIGINT:
		guardian->ended = true;
		break;
	case SIGHUP:
		reload(guardian);
		break;
	case SIGCHLD:
		bury_all(guardian);
	}
}

/* How long until another is to be started; -1: none is wanted. */
static int time_left(const struct guardian *guardian)
{
	int64_t pause = guardian->pause, left;

	if (!guardian->wanted)
		return -1;
	if (guardian->coming && pause < HANG_MS)
		pause = HANG_MS;
	left = guardian->started + pause - clock_milliseconds();
	return left > 0 ? (int)left : 0;
}

static int telling(const struct child *child)
{
	return child ? child->telling : -1;
}

static void wait_and_do(struct guardian *guardian)
{
	/* The signals first: whose death is seen has told all it had to tell. */
	struct pollfd awaited[] = {
		{ .fd = guardian->signals, .events = POLLIN },
		{ .fd = telling(guardian->coming), .events = POLLIN },
		{ .fd = telling(guardian->serving), .events = POLLIN },
	};
	struct child *coming = guardian->coming, *serving = guardian->serving;

	if (poll(awaited, sizeof awaited / sizeof awaited[0], time_left(guardian)) <= 0)
		return;
	if (serving && awaited[2].revents)
		hear(guardian, serving);
	if (coming && awaited[1].revents)
		hear(guardian, coming);
	if (awaited[0].revents)
		take_signal(guardian);
}

/* Ends all, and waits for each: what runs is finished. */
static int stop(struct guardian *guardian)
{
	struct child *end = guardian->children + CHILDREN, *child;
	int status;

	for (child = guardian->children; child < end; child++)
		if (child->pid)
			dismiss(child);
	for (child = guardian->children; child < end; child++)
		if (child->pid && waitpid(child->pid, &status, 0) > 0
		    && child == guardian->serving)
			guardian->status = WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;
	return guardian->status;
}

int guardian_run(const struct ward *ward)
{
	struct guardian guardian = { .ward = ward, .status = EX_OK };
	sigset_t signals;

	blocked(&signals);
	guardian.signals = signalfd(-1, &signals, SFD_CLOEXEC);
	if (guardian.signals < 0) {
		ward->complain(ward->context, "not-started", strerror(errno));
		return EX_OSERR;
	}
	while (!guardian.ended) {
		if (!guardian.serving && !guardian.coming)
			want(&guardian);
		if (time_left(&guardian) == 0)
			start(&guardian);
		wait_and_do(&guardian);
	}
	return stop(&guardian);
}
