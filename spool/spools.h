/*
 * spools: the spool and the fallback spool of one configuration, which the
 * operator's tool serves alike.
 *
 * Events of both are taken by their time of receipt, not one spool before the
 * other: the fallback took what arrived during an outage of the first, and
 * consumers want the order of arrival.
 */
#ifndef RINGSPOOL_SPOOLS_H
#define RINGSPOOL_SPOOLS_H

#include "config.h"
#include "states.h"

enum { SPOOLS = 2 };

struct spools {
	const struct config *config;
	unsigned count;			/* configured: 1 or 2 */
	struct states *states[SPOOLS];	/* NULL: could not be opened */
};

/* Opens what can be opened.  Returns 0; 1 when one of two could not be opened,
 * -1 when none could: then *why says why for the last one that failed.
 * *config must outlive it; end with spools_close() in every case. */
int spools_open(struct spools *spools, const struct config *config,
	struct reason *why);
void spools_close(struct spools *spools);

/* Opens what is not open, such as a file system that was mounted since: 1 when
 * all are open by now and one was opened, 0 when there was nothing to open, -1
 * with *why filled when one cannot be opened still. */
int spools_open_missing(struct spools *spools, struct reason *why);

/* The path of one, open or not. */
const char *spools_path(const struct spools *spools, unsigned which);

#endif
