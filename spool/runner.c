#include "run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

enum {
	PAUSE_MS = 1000,	/* before a move is tried again */
	AGAIN_MS = 250,		/* before a key is tried again that another held */
	TROUBLES_MAX = 5,	/* times, then what can end ends */
	INTERRUPTIONS_MAX = 10	/* beyond the tries that --retries allows */
};

static const struct entry work_directory = { .state = STATE_RUNNING };
static const struct entry retry_directory = { .state = STATE_RETRYING };

void runner_report(struct runner *runner, int level, const char *what,
	const struct reason *why)
{
	struct log_line line;
	unsigned suppressed;

	if (!log_allowed(&runner->limit, &suppressed))
		return;
	log_begin(&line, runner->log, level, what);
	log_text(&line, "reason", why->text);
	if (suppressed)
		log_number(&line, "suppressed", suppressed);
	log_end(&line);
}

/* The fault of one file must not stop the others: its event stays where it is,
 * to be met again. */
static void pass_over(void *context, const struct entry *entry, const struct reason *why)
{
	struct runner *runner = context;
	char path[sizeof "retry/" + ENTRY_FILE_SIZE];
	struct log_line line;
	unsigned suppressed;

	runner->passed_over = true;
	if (!log_allowed(&runner->limit, &suppressed))
		return;
	(void)snprintf(path, sizeof path, "%s/%s", entry_state_directory(entry->state),
		entry->file);
	log_begin(&line, runner->log, LOG_ERR, "passed-over");
	log_text(&line, "name", entry->name);
	log_text(&line, "file", path);
	log_text(&line, "reason", why->text);
	log_text(&line, "note", "make the file readable, or move it out of the spool");
	if (suppressed)
		log_number(&line, "suppressed", suppressed);
	log_end(&line);
}

/* The directories that are watched must be there. */
static int make_directories(const struct spools *spools, struct reason *why)
{
	for (unsigned i = 0; i < spools->count; i++) {
		struct states *states = spools->states[i];

		if (states && (states_directory(states, &work_directory, true, why) < 0
		    || states_directory(states, &retry_directory, true, why) < 0))
			return -1;
	}
	return 0;
}

static void open_watch(struct runner *runner)
{
	struct reason why;
	unsigned in = STATE_BIT(STATE_WAITING) | STATE_BIT(STATE_RETRYING);
	/* What leaves work/ frees its key. */
	unsigned out = runner->serial ? STATE_BIT(STATE_RUNNING) : 0;

	runner->watch.fd = -1;
	if (runner->follow && watch_open(&runner->watch, &runner->spools, in, out, &why) < 0)
		runner_report(runner, LOG_WARNING, "no-watch", &why);
}

int runner_open(struct runner *runner, struct reason *why)
{
	int opened = spools_open(&runner->spools, runner->config, why);

	runner->watch.fd = -1;
	if (opened < 0)
		return -1;
	if (opened > 0)
		runner_report(runner, LOG_ERR, "spool-trouble", why);
	if (make_directories(&runner->spools, why) < 0
	    || queue_init(&runner->queue, &runner->spools, runner->event, pass_over,
		    runner, why) < 0)
		return -1;
	if (runner->by != SERIAL_NONE) {
		runner->serial = serial_open(&runner->spools, runner->by, why);
		if (!runner->serial)
			return -1;
	}
	open_watch(runner);
	runner->changed = true;
	return 0;
}

void runner_open_missing(struct runner *runner)
{
	struct reason why;
	int opened = spools_open_missing(&runner->spools, &why);

	if (opened > 0 && make_directories(&runner->spools, &why) < 0)
		opened = -1;
	if (opened < 0)
		runner_report(runner, LOG_ERR, "spool-trouble", &why);
	if (opened <= 0)
		return;
	watch_close(&runner->watch);
	open_watch(runner);
}

void runner_close(struct runner *runner)
{
	watch_close(&runner->watch);
	serial_close(runner->serial);
	runner->serial = NULL;
	queue_free(&runner->queue);
	spools_close(&runner->spools);
}

unsigned runner_busy(const struct runner *runner)
{
	unsigned busy = 0;

	for (unsigned i = 0; i < runner->job_count; i++)
		busy += runner->jobs[i].phase != JOB_FREE;
	return busy;
}

static void end(struct runner *runner, int status)
{
	runner->stopping = true;
	if (runner->status == EX_OK)
		runner->status = status;
}

/* The spool refused a move, as a full disk does: wait a little.  Where nobody
 * waits for us to follow the spool, give up after a few times. */
static void note_trouble(struct runner *runner, const struct reason *why)
{
	runner_report(runner, LOG_ERR, "spool-trouble", why);
	runner->pause = clock_milliseconds() + PAUSE_MS;
	if (++runner->troubles >= TROUBLES_MAX && !runner->follow)
		end(runner, EX_IOERR);
}

static void log_interrupted(const struct runner *runner, const struct claim *claim)
{
	struct log_line line;

	log_begin(&line, runner->log, LOG_WARNING, "interrupted");
	log_text(&line, "name", claim->entry.name);
	log_number(&line, "attempt", claim->entry.attempt);
	log_text(&line, "state", entry_state_name(claim->entry.state));
	log_end(&line);
}

/* An event whose commands never live to their end must not be tried for ever:
 * it may be what ends them. */
static int recover_claim(struct runner *runner, struct claim *claim, struct reason *why)
{
	struct target target = { .state = STATE_RETRYING,
		.attempt = claim->entry.attempt, .due = time(NULL) };

	if (target.attempt > runner->command.retries + 1 + INTERRUPTIONS_MAX) {
		target.state = STATE_FAILED;
		target.reason = "interrupted";
	}
	switch (states_move(claim, &target, why)) {
	case MOVE_DONE:
		log_interrupted(runner, claim);
		queue_note(&runner->queue, LANE_DUE);
		return 0;
	case MOVE_FAILED:
		return -1;
	default:
		return 0;
	}
}

static int recover_entry(void *context, struct states *states, const struct entry *entry)
{
	struct runner *runner = context;
	struct reason why;
	struct claim claim;
	enum claim_result claimed = states_claim(&claim, states, entry, &why);

	if (claimed == CLAIM_FAILED)
		pass_over(runner, entry, &why);
	if (claimed != CLAIM_OURS)
		return 0;
	if (recover_claim(runner, &claim, &why) < 0)
		note_trouble(runner, &why);
	states_release(&claim);
	return 0;
}

void runner_recover(struct runner *runner)
{
	struct reason why;

	runner->strand = false;
	for (unsigned i = 0; i < runner->spools.count; i++)
		if (runner->spools.states[i] && states_each_in(runner->spools.states[i],
		    STATE_RUNNING, NULL, recover_entry, runner, NULL, &why) < 0)
			note_trouble(runner, &why);
}

static struct job *free_job(struct runner *runner)
{
	for (unsigned i = 0; i < runner->job_count; i++)
		if (runner->jobs[i].phase == JOB_FREE)
			return &runner->jobs[i];
	return NULL;
}

enum take {
	TAKE_STARTED,
	TAKE_USED_UP,	/* another has it, it is gone, or it cannot be read */
	TAKE_LATER,	/* its key is busy */
	TAKE_TROUBLE	/* the spool or the command refuses */
};

/* The command could not be started, so the event was not tried. */
static enum take put_back(struct runner *runner, struct job *job,
	const struct entry *origin, const struct reason *why)
{
	struct target target = { .state = origin->state, .attempt = origin->attempt,
		.due = origin->due };
	struct reason trouble;

	runner_report(runner, LOG_ERR, "cannot-start", why);
	if (states_move(&job->claim, &target, &trouble) == MOVE_FAILED)
		runner_report(runner, LOG_ERR, "spool-trouble", &trouble);
	end(runner, EX_UNAVAILABLE);
	return TAKE_TROUBLE;
}

static enum take start(struct runner *runner, struct job *job,
	const struct entry *origin, const struct envelope *envelope)
{
	struct log_line line;
	struct reason why;

	if (job_start(job, &runner->command, envelope, &why) < 0)
		return put_back(runner, job, origin, &why);
	log_begin(&line, runner->log, LOG_DEBUG, "start");
	log_text(&line, "name", job->claim.entry.name);
	log_number(&line, "attempt", job->claim.entry.attempt);
	log_number(&line, "pid", (uint64_t)job->pid);
	log_end(&line);
	return TAKE_STARTED;
}

/* Moves a claimed event to work/ and starts its command. */
static enum take take_claim(struct runner *runner, struct job *job)
{
	struct entry origin = job->claim.entry;
	struct target target = { .state = STATE_RUNNING, .attempt = origin.attempt + 1 };
	struct envelope envelope;	/* stays empty where the file is no event */
	struct reason why;

	/* A disk that gives nothing back must not make an event look empty. */
	if (states_read_envelope(job->claim.fd, &envelope, &why) == -2) {
		pass_over(runner, &origin, &why);
		return TAKE_USED_UP;
	}
	switch (states_move(&job->claim, &target, &why)) {
	case MOVE_DONE:
		runner->troubles = 0;
		return start(runner, job, &origin, &envelope);
	case MOVE_FAILED:
		note_trouble(runner, &why);
		return TAKE_TROUBLE;
	default:
		return TAKE_USED_UP;
	}
}

/* An event that another has: in a round by keys those behind it must wait. */
static enum take leave(struct runner *runner, const struct picked *picked)
{
	struct reason why;

	if (!runner->serial)
		return TAKE_USED_UP;
	runner->again = clock_milliseconds() + AGAIN_MS;
	if (serial_block(runner->serial, picked, queue_is_behind(&runner->queue, picked),
	    &why) < 0)
		note_trouble(runner, &why);
	return TAKE_LATER;
}

static enum take take(struct runner *runner, struct job *job, struct picked *picked)
{
	struct reason why;
	enum take result;

	switch (states_claim(&job->claim, picked->states, &picked->entry, &why)) {
	case CLAIM_OURS:
		result = take_claim(runner, job);
		if (result != TAKE_STARTED)
			states_release(&job->claim);
		return result;
	case CLAIM_BUSY:
		return leave(runner, picked);
	case CLAIM_FAILED:
		pass_over(runner, &picked->entry, &why);
		return TAKE_USED_UP;
	default:
		return TAKE_USED_UP;
	}
}

/* The same in the order of the keys: the key is locked before the event is
 * claimed, or another `run` could start a younger event of it in between. */
static enum take take_in_order(struct runner *runner, struct job *job,
	struct picked *picked)
{
	struct reason why;
	enum take result;

	switch (serial_try(runner->serial, picked, queue_is_behind(&runner->queue, picked),
		&job->key, &why)) {
	case SERIAL_FREE:
		result = take(runner, job, picked);
		if (result != TAKE_STARTED && job->key >= 0) {
			close(job->key);
			job->key = -1;
		}
		return result;
	case SERIAL_STRANDED:
		runner->strand = true;
		return TAKE_LATER;
	case SERIAL_BUSY:
		runner->again = clock_milliseconds() + AGAIN_MS;
		return TAKE_LATER;
	case SERIAL_BLOCKED:
		return TAKE_LATER;
	case SERIAL_FAILED:
		note_trouble(runner, &why);
		return TAKE_TROUBLE;
	case SERIAL_UNREADABLE:
		pass_over(runner, &picked->entry, &why);
		return TAKE_USED_UP;
	default:
		return TAKE_USED_UP;
	}
}

/* One round, from the oldest event on. */
static void start_round(struct runner *runner)
{
	struct picked *picked;
	struct job *job;

	runner->again = 0;
	queue_rewind(&runner->queue);
	if (runner->serial)
		serial_begin_round(runner->serial);
	while (!runner->stopping && (job = free_job(runner)) != NULL
	       && (picked = queue_next(&runner->queue)) != NULL) {
		enum take result = runner->serial ? take_in_order(runner, job, picked)
			: take(runner, job, picked);

		if (result == TAKE_TROUBLE)
			break;
		if (result == TAKE_LATER)
			queue_pass(&runner->queue, picked);
		else
			queue_use(&runner->queue, picked);
	}
	queue_end_round(&runner->queue);
}

static int read_queue(struct runner *runner, struct reason *why)
{
	int read = queue_read(&runner->queue, why);

	if (read > 0 && runner->serial && runner->queue.behind_anew
	    && serial_begin_behind(runner->serial, why) < 0)
		return -1;
	return read;
}

void runner_start_jobs(struct runner *runner)
{
	struct reason why;

	if (runner->changed) {
		queue_note_passed(&runner->queue);
		start_round(runner);
	}
	runner->changed = false;
	/* Once: jobs that end, and signals, do not wait for a long row. */
	if (!runner->stopping && runner->pause == 0 && free_job(runner)) {
		int read = read_queue(runner, &why);

		if (read < 0)
			note_trouble(runner, &why);
		else if (read > 0)
			start_round(runner);
	}
	if (runner->strand)
		runner_recover(runner);
}

/* Moves the event of an ended job; -1 where the spool refuses. */
static int settle(struct runner *runner, struct job *job, struct reason *why)
{
	enum move_result result;

	job_judge(job, &runner->command);
	result = job->target.state == STATE_DONE && runner->keep_days == 0
		? states_remove(&job->claim, why)
		: states_move(&job->claim, &job->target, why);
	if (result == MOVE_FAILED)
		return -1;
	job->gone = result == MOVE_GONE;
	job->phase = JOB_MOVED;
	runner->troubles = 0;
	return 0;
}

/* Nothing helped and the program ends.  What went well must not run again, so
 * it is removed instead of kept; the rest stays in work/, from where the next
 * `run` takes it as interrupted. */
static void abandon(struct runner *runner, struct job *job)
{
	struct reason why;

	if (job->target.state == STATE_DONE && states_remove(&job->claim, &why) == MOVE_DONE) {
		job->phase = JOB_MOVED;
		return;
	}
	reason_set(&why, "%s stays in work/ after its command ended",
		job->claim.entry.name);
	runner_report(runner, LOG_ERR, "spool-trouble", &why);
	job_free(job);
}

/* Gives up what is left, once nothing more is taken and nothing helped. */
static void abandon_ended(struct runner *runner)
{
	end(runner, EX_IOERR);
	for (unsigned i = 0; i < runner->job_count; i++)
		if (runner->jobs[i].phase == JOB_ENDED)
			abandon(runner, &runner->jobs[i]);
}

static void settle_ended(struct runner *runner)
{
	struct reason why;
	bool refused = false;

	for (unsigned i = 0; i < runner->job_count; i++)
		if (runner->jobs[i].phase == JOB_ENDED
		    && settle(runner, &runner->jobs[i], &why) < 0)
			refused = true;
	if (!refused)
		return;
	note_trouble(runner, &why);
	if (runner->stopping && runner->troubles >= TROUBLES_MAX)
		abandon_ended(runner);
}

static void sync_spools(struct runner *runner)
{
	struct reason why;

	for (unsigned i = 0; i < runner->spools.count; i++) {
		if (!runner->spools.states[i]
		    || states_sync(runner->spools.states[i], &why) == 0)
			continue;
		runner_report(runner, LOG_CRIT, "spool-trouble", &why);
		runner->broken[i] = true;
		end(runner, EX_IOERR);
	}
}

static bool is_broken(const struct runner *runner, const struct job *job)
{
	for (unsigned i = 0; i < runner->spools.count; i++)
		if (runner->spools.states[i] == job->claim.states)
			return runner->broken[i];
	return false;
}

/* The event is where it belongs, durably as far as is known. */
static void finish(struct runner *runner, struct job *job)
{
	if (is_broken(runner, job)) {
		job_free(job);
		return;
	}
	if (job->target.state == STATE_RETRYING)
		queue_note_due(&runner->queue, job->target.due);
	job_finish(job, runner->log);
}

static bool has_moved(const struct runner *runner)
{
	for (unsigned i = 0; i < runner->job_count; i++)
		if (runner->jobs[i].phase == JOB_MOVED)
			return true;
	return false;
}

void runner_settle(struct runner *runner)
{
	if (runner->pause == 0)
		settle_ended(runner);
	if (!has_moved(runner))
		return;
	sync_spools(runner);
	for (unsigned i = 0; i < runner->job_count; i++) {
		struct job *job = &runner->jobs[i];

		if (job->phase != JOB_MOVED)
			continue;
		finish(runner, job);
		runner->changed = true;
		/* In the meantime more may have come, and nobody tells. */
		if (!runner->follow)
			queue_note(&runner->queue, LANE_WAITING);
	}
}
