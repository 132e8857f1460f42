/*
 * confine: what the web-facing programs can reach once they have started.
 *
 * Landlock (landlock(7)) lets the process, from then on, make, write and
 * remove files below the spools only, read what lies in the directory of the
 * verification tokens only, and neither run a program, nor connect or bind by
 * TCP, nor signal another process.  Waiting events cannot be read, only made.
 *
 * A rule holds for the directory that a path leads to now, not for the path.
 * Where that leads elsewhere later (a volume is mounted, a spool made anew), the
 * confinement, which nothing can widen, is in the way: confine_outgrown() tells,
 * and a new process is needed.
 */
#ifndef RINGSPOOL_CONFINE_H
#define RINGSPOOL_CONFINE_H

#include <stdbool.h>

#include "config.h"
#include "reason.h"

/* Programs built with a sanitizer, or to measure coverage, are not to be
 * confined: their run-time library reads /proc, and writes files of its own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(COVERAGE)
#define CONFINE_POSSIBLE false
#else
#define CONFINE_POSSIBLE true
#endif

/* The version of Landlock that this kernel has and we can use, or 0. */
int confine_version(void);

/* Confines this thread, and what threads it starts, to what `config` names; a
 * spool that is not there is left out.  `alone`: no other process can take over.
 * -1 with *why filled: nothing was done. */
int confine(const struct config *config, bool alone, struct reason *why);

/* Whether nothing but the confinement keeps this process from opening what is
 * at `path`. */
bool confine_outgrown(const char *path);

#endif
