/*
 * run: takes waiting events and starts a command for each; `ringspool run`.
 *
 * The invariants it keeps are told in states.h.  run.c is the loop; runner.c
 * takes an event and puts it where it belongs afterwards; job.h is the
 * command, queue.h which event is next, serial.h order within a key.
 */
#ifndef RINGSPOOL_RUN_H
#define RINGSPOOL_RUN_H

#include "job.h"
#include "log.h"
#include "queue.h"
#include "serial.h"
#include "spools.h"
#include "watch.h"

struct runner {
	const struct config *config;
	const struct log *log;
	struct command command;
	bool follow;
	unsigned keep_days;	/* what went well stays so long in done/; 0: is removed */
	enum serial_by by;
	const char *event;	/* a glob, or NULL */

	struct spools spools;
	struct queue queue;
	struct serial *serial;	/* NULL: any order */
	bool broken[SPOOLS];	/* a sync failed: what was moved since may not last */
	struct watch watch;
	struct job *jobs;
	unsigned job_count;	/* -j */
	bool stopping;		/* nothing more is taken */
	bool draining;		/* the same, until all jobs ended and the spool is opened anew */
	bool strand;		/* an interrupted event is to be recovered */
	bool changed;		/* a round may find something to start */
	bool passed_over;	/* an event, for a fault of its file */
	int status;		/* exit status */
	unsigned troubles;	/* times in a row that the spool refused a move */
	int64_t pause;		/* nothing is moved before, clock_milliseconds(); 0: now */
	int64_t again;		/* a round is due, for what others held; 0: none */
	struct log_limit limit;	/* for lines about trouble */
};

/* Opens spools, queue and watches; again after the spools were replaced.  0,
 * or -1 with *why filled. */
int runner_open(struct runner *runner, struct reason *why);
void runner_close(struct runner *runner);

/* Tries to open a spool that could not be opened before. */
void runner_open_missing(struct runner *runner);

/* Says what is wrong, ten times a minute at most. */
void runner_report(struct runner *runner, int level, const char *what,
	const struct reason *why);

/* How many jobs are not free. */
unsigned runner_busy(const struct runner *runner);

/* Puts back to work what a killed `run` left in work/, with its number of
 * tries: to retry/, due at once. */
void runner_recover(struct runner *runner);

/* Starts jobs as long as there are free ones and events for them. */
void runner_start_jobs(struct runner *runner);

/* Moves the events of ended jobs to where they belong, makes that durable, and
 * only then logs it and frees the jobs.  Where it cannot be made durable it is
 * not logged, and the run ends: the next finds what there is. */
void runner_settle(struct runner *runner);

#endif
