/*
 * survey: what is in the spools, counted in one walk and in bounded memory:
 * numbers, sizes and ages by state and by family of event, failures by their
 * reason, arrivals, and free space.  What stats, check and report say is made
 * of it.
 *
 * States and sizes cost a look at each file; families and failures cost
 * reading it, arrivals a look at each mark: only what is asked for is done.
 *
 * A family or reason beyond the first FAMILIES_MAX or FAILURES_MAX met is
 * counted as "(other)", for whoever can send events chooses their paths.
 */
#ifndef RINGSPOOL_SURVEY_H
#define RINGSPOOL_SURVEY_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "family.h"
#include "spools.h"

enum {
	FAMILIES_MAX = 64,
	FAILURES_MAX = 32,
	ARRIVAL_HOURS_MAX = 72
};

/* What to look for beyond numbers, sizes and ages by state. */
enum {
	SURVEY_FAMILIES = 1,
	SURVEY_FAILURES = 2,
	SURVEY_ARRIVALS = 4
};

struct arrivals {
	uint64_t minute, hour, day;	/* within the last ... */
};

struct tally {
	uint64_t events;
	uint64_t bytes;
	time_t oldest;			/* time of receipt; 0: none is there */
	struct arrivals arrivals;	/* of those that are still there */
};

struct family_tally {
	char family[FAMILY_SIZE];
	struct tally states[STATE_COUNT];
};

struct failure_tally {
	char reason[ENTRY_REASON_SIZE];
	char family[FAMILY_SIZE];
	uint64_t events;
	time_t first, last;		/* time of failing */
};

struct space {
	bool open;			/* whether the spool could be used */
	struct reason trouble;		/* why not, then */
	uint64_t free, total;		/* bytes, for unprivileged users */
};

struct survey {
	time_t now;
	struct tally states[STATE_COUNT];
	struct strange strange;		/* what no subcommand takes for an event */
	struct space space[SPOOLS];
	/* SURVEY_FAMILIES */
	struct family_tally families[FAMILIES_MAX + 1];
	size_t family_count;
	/* SURVEY_FAILURES */
	struct failure_tally failures[FAILURES_MAX + 1];
	size_t failure_count;
	/* SURVEY_ARRIVALS: of all events, consumed ones as well */
	struct arrivals arrivals;
	unsigned arrival_hours;		/* how far back marks are kept, 24 to 72 */
	uint64_t hourly[ARRIVAL_HOURS_MAX];	/* [0] is the present hour's, as of the
					 * clock; [1] the one before it */
};

/* Looks at all spools that are open.  Returns 0, or -1 with *why filled.
 * Families come sorted by name, failures with the most frequent first. */
int survey_take(struct survey *survey, struct spools *spools, unsigned what,
	struct reason *why);

/* When the oldest event was received that still wants to be handled: waiting,
 * running, or to be tried again.  0: there is none. */
time_t survey_oldest(const struct survey *survey);

#endif
