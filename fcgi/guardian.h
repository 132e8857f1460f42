/*
 * guardian: the process that starts the one which serves, and starts it anew.
 *
 * What serves is confined and cannot leave that.  Where the confinement no
 * longer fits (the configuration changed, a spool's volume was mounted), or a
 * peer made libfcgi crash, another process must take over; the guardian, which is
 * not confined, hears of the web only that one is wanted.  It holds the
 * listening socket, so that no request fails meanwhile, and the process id that
 * a supervisor knows.
 *
 *	(start) --> coming --guardian_ready()--> serving --SIGTERM--> (ends)
 *	               ^                            |
 *	               +--- guardian_ask(), SIGHUP -+
 *
 * The one that serves goes on until its successor does.
 */
#ifndef RINGSPOOL_GUARDIAN_H
#define RINGSPOOL_GUARDIAN_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

/* What is sent to the guardian; two, for signals of one number are not counted. */
enum {
	GUARDIAN_ASK = SIGUSR1,
	GUARDIAN_READY = SIGUSR2
};

struct ward {
	/* Runs in a process of its own, which ends with what it returns.  Calls
	 * guardian_ready(); ends at SIGTERM. */
	int (*serve)(void *context, pid_t guardian);
	/* SIGHUP came; false: leave all as it is. */
	bool (*reload)(void *context);
	/* Tells of trouble: what, and why. */
	void (*complain)(void *context, const char *what, const char *why);
	void *context;
};

/* Blocks the signals that are waited for: to be called before all else. */
void guardian_block_signals(void);

/* Until SIGTERM or SIGINT, or until the process that serves ends by itself;
 * returns its status.  One that a signal ended is replaced. */
int guardian_run(const struct ward *ward);

/* Called by serve(): it serves now.  The predecessor is stopped. */
void guardian_ready(pid_t guardian);

/* Called by any thread of serve(): another process is wanted.  Does nothing
 * while one is on its way. */
void guardian_ask(pid_t guardian);

/* Called by serve() when it is to end: it does so even without guardian. */
void guardian_leave(void);

#endif
