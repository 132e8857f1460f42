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
 *	               +- guardian_ask(), SIGHUP, --+
 *	                  or it died
 *
 * The one that serves goes on until its successor does.  Each has a pipe of its own
 * to the guardian; what one tells that is about to end counts for nothing.
 *
 * Where processes crash, or ask for another, as soon as they have started, the
 * starts become rare: two have 0.2 s between them, then twice that, at most 30 s;
 * SIGHUP, and 5 s without such a need, begin anew.
 */
#ifndef RINGSPOOL_GUARDIAN_H
#define RINGSPOOL_GUARDIAN_H

#include <stdbool.h>

struct ward {
	/* Runs in a process of its own, which ends with what it returns.  Calls
	 * guardian_ready(); ends at SIGTERM, which is blocked, in good order. */
	int (*serve)(void *context, int guardian);
	/* SIGHUP came; false: leave all as it is. */
	bool (*reload)(void *context);
	/* A process serves that was started after that. */
	void (*reloaded)(void *context);
	/* Tells of trouble: what, and why. */
	void (*complain)(void *context, const char *what, const char *why);
	void *context;
};

/* Blocks the signals that are waited for: to be called before all else. */
void guardian_block_signals(void);

/* Called by serve() where it may hang and has neither thread nor request yet: SIGTERM
 * and SIGINT end it at once, until guardian_block_signals(). */
void guardian_unblock_ends(void);

/* Until SIGTERM or SIGINT; returns the status of the process that served, or 0,
 * once all that it started have ended.  One that ends unasked is replaced,
 * whatever its status; but where none has ever been ready, one that exits is
 * the end, and its status is returned. */
int guardian_run(const struct ward *ward);

/* Called by serve(): it serves now.  The predecessor is stopped. */
void guardian_ready(int guardian);

/* Called by any thread of serve(), SIGPIPE being ignored: another process is
 * wanted.  Does nothing while one is on its way. */
void guardian_ask(int guardian);

/* Called by serve() when it is to end: it does so even without guardian. */
void guardian_leave(void);

#endif
