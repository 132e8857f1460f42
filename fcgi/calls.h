/*
 * calls: the system calls that the responder may use once it has started.
 *
 * A list of what it needs (seccomp(2), by libseccomp); all else fails with
 * ENOSYS, as on a kernel that lacks it, so that a C library which wants another call
 * takes an older one instead.  Not on it: sockets (but the one of syslog(3)), programs,
 * memory that can be executed, signals to others.
 */
#ifndef RINGSPOOL_CALLS_H
#define RINGSPOOL_CALLS_H

#include <stdbool.h>

#include "reason.h"

/* Restricts this thread and what threads it starts; `syslog`: it logs there.
 * -1 with *why filled: nothing was done. */
int calls_restrict(bool syslog, struct reason *why);

#endif
