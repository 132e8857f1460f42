/*
 * verdict: whether all is well with spools and subscriptions, against limits:
 * what `check` tells a monitoring system and `report` shows on top.
 */
#ifndef RINGSPOOL_VERDICT_H
#define RINGSPOOL_VERDICT_H

#include "ranges.h"
#include "renewal.h"
#include "survey.h"

/* Numbers are the exit statuses of the Monitoring Plugins. */
enum level {
	LEVEL_OK = 0,
	LEVEL_WARNING = 1,
	LEVEL_CRITICAL = 2,
	LEVEL_UNKNOWN = 3
};

struct threshold {
	struct range warning, critical;
};

struct limits {
	struct threshold oldest;	/* age of the oldest event to be handled, seconds */
	struct threshold failed;	/* number of failed events */
	struct threshold expiry;	/* of a subscription, seconds left */
	struct threshold renewal;	/* age of the last good run, seconds */
	uint64_t min_free;		/* bytes: less is a warning, a tenth critical */
};

/* One thing that was judged. */
struct finding {
	enum level level;
	char text[200];			/* printable, in one line */
	char example[160];		/* the same: for whoever may look into the spool */
	/* For performance data; an empty label: none. */
	char label[64];			/* letters, digits and _ - . */
	const char *unit;		/* "", "s" or "B" */
	double value;
	const struct threshold *threshold;
	double total;			/* the most it can be; 0: no such bound */
};

/* Limits for people who set none. */
void limits_set_defaults(struct limits *limits, const struct config *config);

/* Judges, and tells each finding through `tell`.  The subscriptions are judged
 * where the configuration declares any or status.json is there; the spools'
 * paths are those of *config. */
void verdict_judge(const struct limits *limits, const struct config *config,
	const struct survey *survey, const struct renewal *renewal,
	void (*tell)(void *context, const struct finding *finding), void *context);

/* The worse of two: critical, warning, unknown, ok. */
enum level level_worse(enum level a, enum level b);

/* "OK", "WARNING", "CRITICAL" or "UNKNOWN". */
const char *level_name(enum level level);

#endif
