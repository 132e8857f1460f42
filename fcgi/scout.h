/*
 * scout: notices when the confinement no longer fits (see confine.h), and asks the
 * guardian for a process that it does fit.
 *
 * It is a thread of its own: its looking may take as long as a disk hangs.
 */
#ifndef RINGSPOOL_SCOUT_H
#define RINGSPOOL_SCOUT_H

#include "config.h"
#include "reason.h"

/* Looks, a few times a second, until the process ends; `config` must last as
 * long.  -1 with *why filled. */
int scout_start(const struct config *config, int guardian, struct reason *why);

#endif
