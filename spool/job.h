/*
 * job: one run of the consumer's command for one event.
 *
 *	job.claim = ... an event in work/, locked ...
 *	job_start(&job, &command, &envelope, &why);
 *	... job_read_output(), job_expire() as time passes, job_reap() on SIGCHLD ...
 *	job_judge(&job, &command);
 *	... move the event to job.target ...
 *	job_finish(&job, log);
 *
 * The command has the file on standard input, what it prints goes to the log
 * a line each, and it is the head of a process group of its own.  It inherits
 * the event's locked descriptor a second time beside standard input, so that
 * it keeps the lock even where it closes or redirects that.
 */
#ifndef RINGSPOOL_JOB_H
#define RINGSPOOL_JOB_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "event.h"
#include "log.h"
#include "states.h"

/* What is the same for all jobs of a `run`. */
struct command {
	char **argv;		/* NULL-terminated; found by PATH, no shell */
	sigset_t mask;		/* the signal mask it gets */
	unsigned timeout;	/* seconds; 0: none */
	unsigned retries;	/* after the first try */
	unsigned delay;		/* seconds before the first of them */
};

enum job_phase {
	JOB_FREE,
	JOB_RUNNING,
	JOB_ENDED,	/* the command is gone, the event still in work/ */
	JOB_MOVED	/* the event is where it belongs, not yet durably */
};

enum { JOB_LINE_SIZE = 1024 };

struct job {
	enum job_phase phase;
	struct claim claim;
	int key;		/* the lock of its key (serial.h), closed on exec, or -1 */
	pid_t pid;
	int output;		/* what the command prints, or -1 */
	char line[JOB_LINE_SIZE];	/* the part of a line that came so far */
	size_t line_used;
	int64_t began, deadline;	/* clock_milliseconds(); deadline INT64_MAX: none */
	bool timed_out, killed;
	int status;		/* of waitpid(2) */
	struct target target;	/* where the event goes; done: or is removed */
	char reason[ENTRY_REASON_SIZE];	/* target.reason points here */
	bool gone;		/* somebody removed it from work/ meanwhile */
};

/* Starts the command for job->claim.  0, or -1 with *why filled; the claim
 * stays the caller's in both cases. */
int job_start(struct job *job, const struct command *command,
	const struct envelope *envelope, struct reason *why);

/* Logs what the command printed since; never waits. */
void job_read_output(struct job *job, const struct log *log);

/* Ends a command that is over its time limit: its process group gets SIGTERM
 * and, five seconds later, SIGKILL. */
void job_expire(struct job *job, int64_t now);

/* Whether the command has ended: then it is reaped and the phase JOB_ENDED. */
bool job_reap(struct job *job, const struct log *log);

/* Where the event of an ended job goes, in job->target: by exit status, number
 * of tries and time. */
void job_judge(struct job *job, const struct command *command);

/* The delay before the next try after `attempt` tries, in seconds: three times
 * as long each time, six hours at most, and up to a quarter more or less by
 * chance, so that what failed together does not come back together. */
enum { JOB_DELAY_MAX = 6 * 60 * 60 };
unsigned job_delay(unsigned first, unsigned attempt);

/* Logs how it went, and frees the job. */
void job_finish(struct job *job, const struct log *log);

/* Gives the locks back: of the key only after that of the event, which is
 * where it belongs by then. */
void job_free(struct job *job);

#endif
