/*
 * watch: tells that a directory of the spool changed, by inotify(7).
 *
 * It is a hint and may be missing: queues overflow, and file systems of other
 * machines tell nothing.  Who waits by it looks by itself as well, from time
 * to time.
 */
#ifndef RINGSPOOL_WATCH_H
#define RINGSPOOL_WATCH_H

#include "spools.h"

struct watch {
	int fd;					/* to poll(2); -1: none */
	int numbers[SPOOLS][STATE_COUNT];	/* of inotify; -1: not watched */
};

/* Watches for what comes into the directories of `in`, and what leaves those of
 * `out` (STATE_BITs); what does not exist is left out.  0, or -1 with *why
 * filled: then nothing is watched. */
int watch_open(struct watch *watch, const struct spools *spools, unsigned in,
	unsigned out, struct reason *why);
void watch_close(struct watch *watch);

/* The states whose directories changed since (STATE_BITs); all of them when
 * events were lost. */
unsigned watch_read(struct watch *watch);

#endif
