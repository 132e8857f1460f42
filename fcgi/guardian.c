#include "guardian.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

enum { PAUSE_MS = 200 };	/* between two starts */

struct guardian {
	const struct ward *ward;
	pid_t serving;		/* 0: none */
	pid_t coming;		/* started, not serving yet; 0: none */
	bool wanted;		/* another process is to be started */
	int64_t started;	/* the last one; clock_milliseconds() */
	int status;		/* to end with, once `ended` */
	bool ended;
};

static void waited_for(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGINT);
	sigaddset(signals, SIGHUP);
	sigaddset(signals, GUARDIAN_ASK);
	sigaddset(signals, GUARDIAN_READY);
	sigaddset(signals, SIGCHLD);
}

void guardian_block_signals(void)
{
	sigset_t signals;

	waited_for(&signals);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	(void)signal(SIGCHLD, SIG_DFL);	/* ignored, no status would be kept */
}

void guardian_ready(pid_t guardian)
{
	(void)kill(guardian, GUARDIAN_READY);
}

void guardian_ask(pid_t guardian)
{
	(void)kill(guardian, GUARDIAN_ASK);
}

void guardian_leave(void)
{
	(void)prctl(PR_SET_PDEATHSIG, 0);
}

/* Ends with its guardian, were that killed. */
static _Noreturn void become_ward(const struct ward *ward, pid_t guardian)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != guardian)
		_exit(EX_OSERR);
	exit(ward->serve(ward->context, guardian));
}

static void start(struct guardian *guardian)
{
	pid_t self = getpid(), pid;

	guardian->started = clock_milliseconds();
	/* It hangs where the last one did, most likely at a disk. */
	if (guardian->coming)
		(void)kill(guardian->coming, SIGKILL);
	guardian->coming = 0;
	pid = fork();
	if (pid == 0)
		become_ward(guardian->ward, self);
	if (pid < 0) {
		guardian->ward->complain(guardian->ward->context, "not-started",
			strerror(errno));
		return;
	}
	guardian->coming = pid;
	guardian->wanted = false;
}

static void succeed(struct guardian *guardian)
{
	if (guardian->serving)
		(void)kill(guardian->serving, SIGTERM);
	guardian->serving = guardian->coming;
	guardian->coming = 0;
}

static void bury(struct guardian *guardian, pid_t pid, int status)
{
	char why[64];

	if (pid != guardian->serving && pid != guardian->coming)
		return;
	if (pid == guardian->coming)
		guardian->coming = 0;
	else
		guardian->serving = 0;
	if (WIFEXITED(status)) {
		/* The predecessor goes on where a successor failed. */
		guardian->ended = !guardian->serving;
		guardian->status = WEXITSTATUS(status);
		return;
	}
	(void)snprintf(why, sizeof why, "signal %d (%s)", WTERMSIG(status),
		strsignal(WTERMSIG(status)));
	guardian->ward->complain(guardian->ward->context, "died", why);
	guardian->wanted = !guardian->serving && !guardian->coming;
}

static void bury_all(struct guardian *guardian)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		bury(guardian, pid, status);
}

/* Waits for the one that serves; one that was to follow is not needed. */
static int stop(struct guardian *guardian)
{
	pid_t last = guardian->serving ? guardian->serving : guardian->coming;
	int status;

	if (guardian->serving && guardian->coming)
		(void)kill(guardian->coming, SIGKILL);
	if (!last || kill(last, SIGTERM) < 0 || waitpid(last, &status, 0) < 0)
		return EX_OK;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;
}

int guardian_run(const struct ward *ward)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };
	struct guardian guardian = { .ward = ward, .wanted = true,
		.started = clock_milliseconds() - PAUSE_MS };
	sigset_t signals;
	siginfo_t info;

	waited_for(&signals);
	while (!guardian.ended) {
		if (guardian.wanted && clock_milliseconds() - guardian.started >= PAUSE_MS)
			start(&guardian);
		switch (sigtimedwait(&signals, &info, guardian.wanted ? &pause : NULL)) {
		case SIGTERM:
		case SIGINT:
			return stop(&guardian);
		case SIGHUP:
			guardian.wanted |= ward->reload(ward->context);
			break;
		case GUARDIAN_ASK:
			guardian.wanted |= info.si_pid == guardian.serving && !guardian.coming;
			break;
		case GUARDIAN_READY:
			if (info.si_pid == guardian.coming)
				succeed(&guardian);
			break;
		case SIGCHLD:
			bury_all(&guardian);
		}
	}
	return guardian.status;
}
