/*
 * reminders: the marks that the receiver leaves in the spool's renew/ when a
 * renewal reminder came: an empty file named by the subscription's safe name.
 *
 * They are hints to renew earlier.  Where the spool is not on this machine
 * there are none, and nothing is wrong.
 */
#ifndef RINGSPOOL_REMINDERS_H
#define RINGSPOOL_REMINDERS_H

#include <stddef.h>

#include "reason.h"

struct reminders {
	int directory;		/* SPOOL/renew, or -1 */
	char **names;
	size_t count;
};

/* Reads the marks.  Returns 0, also where there is no spool, or -1 with *why
 * filled when they cannot be read, or not be taken away: then there are none,
 * for every run would obey them anew.  Marks of two days that nobody took are
 * removed.  reminders_free() is due in either case. */
int reminders_read(struct reminders *reminders, const char *spool, struct reason *why);

/* Removes the mark of the subscription with this id, if there is one. */
void reminders_take(struct reminders *reminders, const char *id);

void reminders_free(struct reminders *reminders);

#endif
