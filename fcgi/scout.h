/*
 * scout: says at the start what keeps events from being taken in; then notices when
 * the confinement no longer fits (see confine.h), and asks the guardian for a process
 * that it does fit.
 *
 * It is a thread of its own: its looking may take as long as a disk hangs.
 */
#ifndef RINGSPOOL_SCOUT_H
#define RINGSPOOL_SCOUT_H

#include "config.h"
#include "reason.h"

enum { SCOUT_NO_GUARDIAN = -1 };

/* Looks once, then a few times a second, until the process ends; `config` must last
 * as long.  SCOUT_NO_GUARDIAN: only once.  -1 with *why filled. */
int scout_start(const char *program, const struct config *config, int guardian,
	struct reason *why);

#endif
