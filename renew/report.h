/*
 * report: what a run tells, to whom, and how often.
 *
 * Changes are told with -v; failures and warnings always, but under cron,
 * which mails every line: there a failure that lasts is told again once a
 * day, a warning once, and the end of a failure is told; and of one
 * subscription, or of the run, six different failures a day at most.  With
 * --json all of it is collected for the one document on standard output.
 *
 * All texts are masked here.
 */
#ifndef RINGSPOOL_REPORT_H
#define RINGSPOOL_REPORT_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "failure.h"
#include "masking.h"
#include "state.h"

struct report {
	int verbosity;
	bool json;
	bool cron;
	const struct masking *masking;
	struct state *state;		/* what was told before; or NULL */
	time_t now;			/* our clock */
	cJSON *changes, *problems;	/* arrays, with --json */
	struct failure first;		/* that the run met */
	bool failed;
};

void report_open(struct report *report, const struct masking *masking, int verbosity,
	bool json);
void report_close(struct report *report);

/* Whether standard error goes to cron's mail: it is a pipe or a file without a
 * name, and nothing says that somebody else is at its end: no terminal (also
 * not in TERM), no journal, no session of ssh(1). */
bool report_is_for_cron(void);

/* A change that was made: what was done ("created"), to which declared
 * subscription (NULL: none) and id (or NULL), and more in words. */
void report_change(struct report *report, const char *action, const char *name,
	const char *id, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* A line for -v that is no change. */
void report_detail(struct report *report, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A failure of a declared subscription, or of the run (name NULL). */
void report_failure(struct report *report, const char *name, const struct failure *failure);

/* What deserves attention but is no failure.  `daily`: told every day. */
void report_warning(struct report *report, const char *name, bool daily,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/* A warning that is told every day while it lasts, and then its end as that of a
 * failure; `what` names it: it is the same one whatever the text says. */
void report_lasting(struct report *report, const char *name, const char *what,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/* A warning that cron is told once as long as its subscription is declared,
 * also where it is not met in between; `what` is what makes it another one. */
void report_once(struct report *report, const char *name, const char *what,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/* A failure that was told elsewhere than through the state: that its end is. */
void report_recall(struct report *report, const char *label, time_t since);

/* The end of a run that looked at everything: failures of earlier runs that
 * were not met again have ended. */
void report_ended(struct report *report);

#endif
