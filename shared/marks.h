/*
 * marks: when events were taken in, told by the marks in seen/.
 *
 * A mark is made once for every event, and stays when the event is consumed:
 * so it counts arrivals where nothing else is left of them.  (What a power
 * cut forgot in its last seconds is missing, and what went to bad/ never had
 * one.)
 */
#ifndef RINGSPOOL_MARKS_H
#define RINGSPOOL_MARKS_H

#include <time.h>

#include "reason.h"
#include "spool.h"

/* Calls `visit` with the time of each arrival since `since`, in no order; of
 * other days the marks are not even looked at, and marks older than the
 * retention time may be gone.  Returns 0, or -1 with *why filled. */
int marks_each(struct spool *spool, time_t since,
	void (*visit)(void *context, time_t arrived), void *context,
	struct reason *why);

#endif
