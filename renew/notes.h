/*
 * notes: what a run learns of a declared subscription, from the platform's
 * list, its replies and their failures: kept in the state, and told.
 */
#ifndef RINGSPOOL_NOTES_H
#define RINGSPOOL_NOTES_H

#include "run.h"

/* Reports a failure of a declared subscription (NULL: one of the run), and
 * remembers what status.json tells of it.  Returns -1. */
int fail_subscription(struct run *run, const struct declared *declared,
	const struct failure *failure);
int fail_memory(struct run *run, const struct declared *declared);	/* it ran out */

/* Take note that a subscription is gone, or not Active as the record shows: it
 * is told when there is an Active one again.  -1: out of memory. */
int note_gone(struct run *run, struct known *known);
int note_dead(struct known *known, const struct record *record);

/* There is an Active one again, and how that came: the interruption is
 * told once, for what was sent meanwhile is lost. */
void note_recovery(struct run *run, struct known *known, const char *how);

/* Takes note of what the platform shows of a declared subscription, and
 * reports filters that it disabled. */
void note_record(struct run *run, const struct declared *declared,
	const struct record *record);

/* The same of the reply to a request that declared filters and lifetime, of
 * which `granted` says whether it shows how long a life is granted.  -1: it
 * failed, and that is reported. */
int note_reply(struct run *run, const struct declared *declared,
	const struct record *record, bool granted);

/* Warns of filters that the platform left out without a word. */
void report_left_out(struct run *run, const struct declared *declared,
	const struct known *known);

#endif
