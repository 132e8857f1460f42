#include "job.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

enum {
	GRACE_MS = 5000,		/* from SIGTERM to SIGKILL */
	READS_AT_ONCE = 64,		/* so that one that floods starves no other */
	EXIT_PERMANENT = 100,		/* as in qmail's commands */
	EXPONENT_MAX = 20
};

unsigned job_delay(unsigned first, unsigned attempt)
{
	uint64_t delay = first;
	uint32_t random = UINT32_MAX / 2;

	for (unsigned i = 1; i < attempt && i < EXPONENT_MAX && delay < JOB_DELAY_MAX; i++)
		delay *= 3;
	if (delay > JOB_DELAY_MAX)
		delay = JOB_DELAY_MAX;
	/* Without a random number: the middle. */
	(void)!getrandom(&random, sizeof random, GRND_NONBLOCK);
	return (unsigned)((delay * (1536 + (uint64_t)random % 1025) + 1024) / 2048);
}

/* What the command learns of its event.  Our own environment is what it
 * inherits: this program has one thread, and each start sets all of them. */
static int set_environment(const struct job *job, const struct envelope *envelope)
{
	const struct entry *entry = &job->claim.entry;
	char path[PATH_MAX + ENTRY_FILE_SIZE + 8], attempt[16];

	(void)snprintf(path, sizeof path, "%s/%s/%s", states_path(job->claim.states),
		entry_state_directory(entry->state), entry->file);
	(void)snprintf(attempt, sizeof attempt, "%u", entry->attempt);
	return setenv("RINGSPOOL_FILE", path, 1) < 0
		|| setenv("RINGSPOOL_UUID", envelope->uuid, 1) < 0
		|| setenv("RINGSPOOL_EVENT", envelope->event, 1) < 0
		|| setenv("RINGSPOOL_SUBSCRIPTION", envelope->subscription, 1) < 0
		|| setenv("RINGSPOOL_OWNER", envelope->owner, 1) < 0
		|| setenv("RINGSPOOL_ATTEMPT", attempt, 1) < 0 ? -1 : 0;
}

/* The descriptors of the command.  dup2(2) of a descriptor onto itself takes
 * its close-on-exec flag away, in this child alone. */
static int plan_descriptors(posix_spawn_file_actions_t *actions,
	const struct job *job, int output)
{
	int fd = job->claim.fd;
	int error = posix_spawn_file_actions_adddup2(actions, fd, STDIN_FILENO);

	if (!error)
		error = posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO);
	if (!error)
		error = posix_spawn_file_actions_adddup2(actions, output, STDERR_FILENO);
	if (!error)
		error = posix_spawn_file_actions_adddup2(actions, fd, fd);
	return error;
}

static int plan_process(posix_spawnattr_t *attributes, const struct command *command)
{
	sigset_t defaults;
	int error;

	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);	/* ignored by us, as is */
	sigaddset(&defaults, SIGXFSZ);
	error = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP
		| POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (!error)
		error = posix_spawnattr_setpgroup(attributes, 0);
	if (!error)
		error = posix_spawnattr_setsigmask(attributes, &command->mask);
	if (!error)
		error = posix_spawnattr_setsigdefault(attributes, &defaults);
	return error;
}

static int spawn(struct job *job, const struct command *command, int output)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int error = posix_spawn_file_actions_init(&actions);

	if (error)
		return error;
	error = posix_spawnattr_init(&attributes);
	if (!error) {
		error = plan_descriptors(&actions, job, output);
		if (!error)
			error = plan_process(&attributes, command);
		if (!error)
			error = posix_spawnp(&job->pid, command->argv[0], &actions,
				&attributes, command->argv, environ);
		posix_spawnattr_destroy(&attributes);
	}
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

int job_start(struct job *job, const struct command *command,
	const struct envelope *envelope, struct reason *why)
{
	int pipe_ends[2], error;

	if (set_environment(job, envelope) < 0)
		return reason_set(why, "out of memory");
	if (pipe2(pipe_ends, O_CLOEXEC) < 0)
		return reason_set(why, "pipe: %s", strerror(errno));
	/* The file was opened without waiting; the command reads as it likes. */
	if (fcntl(pipe_ends[0], F_SETFL, O_NONBLOCK) < 0
	    || fcntl(job->claim.fd, F_SETFL, 0) < 0)
		error = errno;
	else
		error = spawn(job, command, pipe_ends[1]);
	close(pipe_ends[1]);
	if (error) {
		close(pipe_ends[0]);
		return reason_set(why, "%.200s: %s", command->argv[0], strerror(error));
	}
	job->output = pipe_ends[0];
	job->line_used = 0;
	job->timed_out = job->killed = job->gone = false;
	job->began = clock_milliseconds();
	job->deadline = command->timeout > 0
		? job->began + (int64_t)command->timeout * 1000 : INT64_MAX;
	job->phase = JOB_RUNNING;
	return 0;
}

static void log_output(struct job *job, const struct log *log)
{
	struct log_line line;

	job->line[job->line_used] = '\0';
	log_begin(&line, log, LOG_NOTICE, "output");
	log_text(&line, "name", job->claim.entry.name);
	log_text(&line, "line", job->line);
	log_end(&line);
	job->line_used = 0;
}

/* Cuts what was printed into lines; a line that does not fit becomes several,
 * and a NUL byte ends one. */
static void take_output(struct job *job, const struct log *log, const char *text,
	size_t size)
{
	for (size_t i = 0; i < size; i++) {
		bool end = text[i] == '\n' || text[i] == '\0';

		if (!end)
			job->line[job->line_used++] = text[i];
		if (end || job->line_used == sizeof job->line - 1)
			log_output(job, log);
	}
}

static void close_output(struct job *job, const struct log *log)
{
	if (job->line_used > 0)
		log_output(job, log);
	close(job->output);
	job->output = -1;
}

void job_read_output(struct job *job, const struct log *log)
{
	char buffer[4096];

	for (int i = 0; job->output >= 0 && i < READS_AT_ONCE; i++) {
		ssize_t got = read(job->output, buffer, sizeof buffer);

		if (got > 0)
			take_output(job, log, buffer, (size_t)got);
		else if (got == 0 || (errno != EAGAIN && errno != EINTR))
			close_output(job, log);
		else
			return;
	}
}

void job_expire(struct job *job, int64_t now)
{
	if (job->phase != JOB_RUNNING || now < job->deadline)
		return;
	(void)kill(-job->pid, job->timed_out ? SIGKILL : SIGTERM);
	job->killed = job->timed_out;
	job->timed_out = true;
	job->deadline = job->killed ? INT64_MAX : now + GRACE_MS;
}

bool job_reap(struct job *job, const struct log *log)
{
	siginfo_t info = { .si_pid = 0 };

	if (job->phase != JOB_RUNNING || waitid(P_PID, (id_t)job->pid, &info,
	    WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
		return false;
	/* While it is not reaped its process group's number is nobody else's. */
	if (job->timed_out)
		(void)kill(-job->pid, SIGKILL);
	while (waitpid(job->pid, &job->status, 0) < 0 && errno == EINTR)
		;
	/* What it left running may hold the pipe for long: only what is there. */
	job_read_output(job, log);
	if (job->output >= 0)
		close_output(job, log);
	job->phase = JOB_ENDED;
	return true;
}

/* A word for the file's name and the log. */
static void describe(const struct job *job, char reason[ENTRY_REASON_SIZE])
{
	if (job->timed_out)
		strcpy(reason, "timeout");
	else if (WIFSIGNALED(job->status))
		(void)snprintf(reason, ENTRY_REASON_SIZE, "signal-%d", WTERMSIG(job->status));
	else
		(void)snprintf(reason, ENTRY_REASON_SIZE, "exit-%d", WEXITSTATUS(job->status));
}

void job_judge(struct job *job, const struct command *command)
{
	unsigned attempt = job->claim.entry.attempt;
	bool exited = !job->timed_out && WIFEXITED(job->status);
	int code = exited ? WEXITSTATUS(job->status) : -1;

	job->target = (struct target){ .attempt = attempt };
	if (code == 0) {
		job->target.state = STATE_DONE;
		return;
	}
	describe(job, job->reason);
	job->target.reason = job->reason;
	if (code == EXIT_PERMANENT || attempt > command->retries) {
		job->target.state = STATE_FAILED;
		return;
	}
	job->target.state = STATE_RETRYING;
	job->target.due = time(NULL) + (time_t)job_delay(command->delay, attempt);
}

static const struct {
	int level;
	const char *what;
} verdicts[STATE_COUNT] = {
	[STATE_DONE] = { LOG_INFO, "done" },
	[STATE_RETRYING] = { LOG_WARNING, "retry" },
	[STATE_FAILED] = { LOG_ERR, "failed" },
};

void job_finish(struct job *job, const struct log *log)
{
	const struct target *target = &job->target;
	struct log_line line;

	log_begin(&line, log, verdicts[target->state].level, verdicts[target->state].what);
	log_text(&line, "name", job->claim.entry.name);
	log_number(&line, "attempt", target->attempt);
	if (target->reason)
		log_text(&line, "reason", target->reason);
	if (target->state == STATE_RETRYING && target->due > time(NULL))
		log_number(&line, "next", (uint64_t)(target->due - time(NULL)));
	log_number(&line, "ms", (uint64_t)(clock_milliseconds() - job->began));
	if (job->gone)
		log_text(&line, "note", "somebody removed the file meanwhile");
	log_end(&line);
	job_free(job);
}

void job_free(struct job *job)
{
	states_release(&job->claim);
	if (job->key >= 0)
		close(job->key);
	job->key = -1;
	job->phase = JOB_FREE;
}
