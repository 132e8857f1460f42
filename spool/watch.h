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

/* Called for each name that came or went; `file` is what the directory has it
 * by, unchecked. */
typedef void watch_visit(void *context, unsigned spool, enum entry_state state,
	const char *file);

/* As watch_read(), and tells each name through `visit`. */
unsigned watch_each(struct watch *watch, watch_visit *visit, void *context);

/* The states whose directories changed since (STATE_BITs); all of them when
 * events were lost. */
unsigned watch_read(struct watch *watch);

#endif
