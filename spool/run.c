#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "keep.h"
#include "tool.h"

enum {
	JOBS_MAX = 1024,
	LOOK_MS = 30 * 1000,		/* between two looks by itself */
	FORGET_MS = 60 * 60 * 1000,	/* between two looks at done/ */
	OTHERS = 2			/* descriptors to poll beside the jobs' */
};

/* What the loop waits with. */
struct loop {
	struct runner *runner;
	struct pollfd *polled;		/* signals, watch, then a job each */
	int signals;
	int64_t next_look, next_forget;	/* clock_milliseconds() */
};

/* Whether a path leads to another spool by now. */
static bool is_replaced(const struct spools *spools)
{
	for (unsigned i = 0; i < spools->count; i++)
		if (spools->states[i] && !spool_is_current(states_spool(spools->states[i])))
			return true;
	return false;
}

static void reopen(struct runner *runner)
{
	struct reason why;

	runner_close(runner);
	if (runner_open(runner, &why) == 0)
		return;
	runner_report(runner, LOG_ERR, "spool-trouble", &why);
	runner->stopping = true;
	runner->status = EX_UNAVAILABLE;
}

/* A spool that was replaced is opened anew; since jobs hold on to theirs, not
 * before the last of them ended, and none is started until then. */
static void follow_replacement(struct runner *runner)
{
	bool replaced = is_replaced(&runner->spools);

	runner->draining = replaced && runner_busy(runner) > 0;
	if (replaced && !runner->draining)
		reopen(runner);
}

static void forget_done(struct loop *loop, int64_t now)
{
	struct runner *runner = loop->runner;
	struct reason why;

	if (runner->keep_days == 0 || now < loop->next_forget)
		return;
	loop->next_forget = now + FORGET_MS;
	if (keep_forget(&runner->spools, runner->keep_days, &why) < 0)
		runner_report(runner, LOG_WARNING, "spool-trouble", &why);
}

/* What is due by time: a look at everything, whether a change was told or
 * not. */
static void look(struct loop *loop, int64_t now)
{
	struct runner *runner = loop->runner;
	bool drained = runner->draining && runner_busy(runner) == 0;

	if (runner->stopping || (now < loop->next_look && !drained))
		return;
	loop->next_look = now + LOOK_MS;
	follow_replacement(runner);
	if (runner->stopping || runner->draining)
		return;
	runner_open_missing(runner);
	runner_recover(runner);
	for (int i = 0; i < LANE_COUNT; i++)
		queue_note(&runner->queue, (enum queue_lane)i);
	runner->changed = true;
	forget_done(loop, now);
}

static bool is_over(const struct runner *runner)
{
	if (runner_busy(runner) > 0)
		return false;
	if (runner->stopping)
		return true;
	/* --once: all that could be started was, and nothing is left to read. */
	return !runner->follow && runner->pause == 0 && !runner->changed
		&& !queue_wants_reading(&runner->queue);
}

static bool can_take(const struct runner *runner)
{
	return !runner->stopping && !runner->draining && runner->pause == 0;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* How long nothing will happen by itself, for poll(2). */
static int time_to_wait(const struct loop *loop)
{
	const struct runner *runner = loop->runner;
	int64_t now = clock_milliseconds(), wait = LOOK_MS, queue = queue_wait(&runner->queue);
	bool can_start = can_take(runner) && runner_busy(runner) < runner->job_count;

	wait = earlier(wait, loop->next_look - now);
	if (runner->pause > 0)
		wait = earlier(wait, runner->pause - now);
	else if (can_start && runner->changed)
		wait = 0;
	else if (can_start && queue >= 0)
		wait = earlier(wait, queue);
	if (can_start && runner->again > 0)
		wait = earlier(wait, runner->again - now);
	for (unsigned i = 0; i < runner->job_count; i++)
		if (runner->jobs[i].phase == JOB_RUNNING)
			wait = earlier(wait, runner->jobs[i].deadline - now);
	return wait > 0 ? (int)wait : 0;
}

static void wait_for_something(struct loop *loop)
{
	struct runner *runner = loop->runner;

	loop->polled[0] = (struct pollfd){ .fd = loop->signals, .events = POLLIN };
	loop->polled[1] = (struct pollfd){ .fd = runner->watch.fd, .events = POLLIN };
	for (unsigned i = 0; i < runner->job_count; i++)
		loop->polled[OTHERS + i] = (struct pollfd){ .events = POLLIN,
			.fd = runner->jobs[i].phase == JOB_RUNNING
				? runner->jobs[i].output : -1 };
	if (poll(loop->polled, OTHERS + runner->job_count, time_to_wait(loop)) < 0)
		for (unsigned i = 0; i < OTHERS + runner->job_count; i++)
			loop->polled[i].revents = 0;
}

static void take_signals(struct loop *loop)
{
	struct signalfd_siginfo info;

	while (read(loop->signals, &info, sizeof info) == sizeof info)
		if (info.ssi_signo != SIGCHLD)
			loop->runner->stopping = true;
}

static void take_changes(struct runner *runner)
{
	unsigned changed = watch_read(&runner->watch);

	if (changed & STATE_BIT(STATE_WAITING))
		queue_note(&runner->queue, LANE_WAITING);
	if (changed & STATE_BIT(STATE_RETRYING))
		queue_note(&runner->queue, LANE_DUE);
	if (changed)
		runner->changed = true;
}

static void serve_jobs(struct loop *loop)
{
	struct runner *runner = loop->runner;
	int64_t now = clock_milliseconds();

	for (unsigned i = 0; i < runner->job_count; i++) {
		struct job *job = &runner->jobs[i];

		if (loop->polled[OTHERS + i].revents)
			job_read_output(job, runner->log);
		job_expire(job, now);
		(void)job_reap(job, runner->log);
	}
}

static void run_loop(struct loop *loop)
{
	struct runner *runner = loop->runner;

	for (;;) {
		int64_t now = clock_milliseconds();

		if (runner->pause > 0 && now >= runner->pause) {
			runner->pause = 0;
			runner->changed = true;
		}
		if (runner->again > 0 && now >= runner->again)
			runner->changed = true;
		runner_settle(runner);
		look(loop, now);
		if (can_take(runner))
			runner_start_jobs(runner);
		if (is_over(runner))
			return;
		wait_for_something(loop);
		take_signals(loop);
		take_changes(runner);
		serve_jobs(loop);
	}
}

/* Signals come by a descriptor; the commands get the mask of before. */
static int open_signals(struct command *command)
{
	sigset_t taken;

	sigemptyset(&taken);
	sigaddset(&taken, SIGCHLD);
	sigaddset(&taken, SIGTERM);
	sigaddset(&taken, SIGINT);
	sigaddset(&taken, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &taken, &command->mask) < 0)
		return -1;
	return signalfd(-1, &taken, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* Whether process_prepare() could take the descriptors 0 to 2: else an event's
 * file could become one of them. */
static bool has_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			return false;
	return true;
}

static int prepare(struct loop *loop, struct reason *why)
{
	struct runner *runner = loop->runner;

	runner->jobs = calloc(runner->job_count, sizeof runner->jobs[0]);
	loop->polled = calloc(OTHERS + runner->job_count, sizeof loop->polled[0]);
	if (!runner->jobs || !loop->polled)
		return reason_set(why, "out of memory");
	for (unsigned i = 0; i < runner->job_count; i++)
		runner->jobs[i] = (struct job){ .key = -1, .output = -1 };
	if (!has_standard_descriptors())
		return reason_set(why, "/dev/null cannot be opened");
	loop->signals = open_signals(&runner->command);
	if (loop->signals < 0)
		return reason_set(why, "%s", strerror(errno));
	return 0;
}

static int run(struct runner *runner)
{
	struct loop loop = { .runner = runner, .signals = -1 };
	struct reason why;

	if (prepare(&loop, &why) < 0) {
		runner->status = tool_complain("run", EX_OSERR, why.text);
	} else if (runner_open(runner, &why) < 0) {
		runner->status = tool_complain("run", EX_UNAVAILABLE, why.text);
		runner_close(runner);
	} else {
		run_loop(&loop);
		if (runner->status == EX_OK && runner->passed_over && !runner->follow)
			runner->status = EX_IOERR;
		runner_close(runner);
	}
	if (loop.signals >= 0)
		close(loop.signals);
	free(loop.polled);
	free(runner->jobs);
	return runner->status;
}

static int usage(int status)
{
	fprintf(status ? stderr : stdout,
		"usage: ringspool run [-j N] [--once | --follow] [--timeout SECONDS]\n"
		"           [--retries N] [--retry-delay SECONDS] [--keep DAYS]\n"
		"           [--event GLOB] [--serial-by owner|subscription|event]\n"
		"           -- COMMAND [ARGUMENT...]\n");
	return status;
}

enum {
	OPTION_ONCE = 0x100,
	OPTION_FOLLOW,
	OPTION_TIMEOUT,
	OPTION_RETRIES,
	OPTION_RETRY_DELAY,
	OPTION_KEEP,
	OPTION_EVENT,
	OPTION_SERIAL_BY
};

static const struct option options[] = {
	{ "jobs", required_argument, NULL, 'j' },
	{ "once", no_argument, NULL, OPTION_ONCE },
	{ "follow", no_argument, NULL, OPTION_FOLLOW },
	{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
	{ "retries", required_argument, NULL, OPTION_RETRIES },
	{ "retry-delay", required_argument, NULL, OPTION_RETRY_DELAY },
	{ "keep", required_argument, NULL, OPTION_KEEP },
	{ "event", required_argument, NULL, OPTION_EVENT },
	{ "serial-by", required_argument, NULL, OPTION_SERIAL_BY },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 }
};

static int take_number(const char *option, unsigned least, unsigned most,
	unsigned *number, struct reason *why)
{
	size_t digits = strspn(optarg, "0123456789");
	unsigned long value = strtoul(optarg, NULL, 10);

	if (digits == 0 || digits > 9 || optarg[digits] || value < least || value > most)
		return reason_set(why, "%s needs a number from %u to %u: %.40s", option,
			least, most, optarg);
	*number = (unsigned)value;
	return 0;
}

/* A number of seconds, or with a unit. */
static int take_seconds(const char *option, unsigned most, unsigned *number,
	struct reason *why)
{
	time_t seconds;

	if (select_duration(option, optarg, &seconds, why) < 0)
		return -1;
	if (seconds < 0 || seconds > (time_t)most)
		return reason_set(why, "%s needs %u seconds at most: %.40s", option, most,
			optarg);
	*number = (unsigned)seconds;
	return 0;
}

static int take_serial_by(const char *word, enum serial_by *by, struct reason *why)
{
	static const char *const words[] = { [SERIAL_OWNER] = "owner",
		[SERIAL_SUBSCRIPTION] = "subscription", [SERIAL_EVENT] = "event" };

	for (int i = SERIAL_OWNER; i <= SERIAL_EVENT; i++)
		if (strcmp(words[i], word) == 0) {
			*by = (enum serial_by)i;
			return 0;
		}
	return reason_set(why, "--serial-by needs owner, subscription or event: %.40s", word);
}

static int take_option(struct runner *runner, int option, struct reason *why)
{
	enum { SECONDS_MAX = 7 * 24 * 60 * 60 };

	switch (option) {
	case 'j':
		return take_number("--jobs", 1, JOBS_MAX, &runner->job_count, why);
	case OPTION_ONCE:
	case OPTION_FOLLOW:
		runner->follow = option == OPTION_FOLLOW;
		return 0;
	case OPTION_TIMEOUT:
		return take_seconds("--timeout", SECONDS_MAX, &runner->command.timeout, why);
	case OPTION_RETRIES:
		return take_number("--retries", 0, 1000, &runner->command.retries, why);
	case OPTION_RETRY_DELAY:
		return take_seconds("--retry-delay", JOB_DELAY_MAX, &runner->command.delay, why);
	case OPTION_KEEP:
		return take_number("--keep", 0, 36500, &runner->keep_days, why);
	case OPTION_EVENT:
		runner->event = optarg;
		return 0;
	default:
		return take_serial_by(optarg, &runner->by, why);
	}
}

int command_run(struct tool *tool, int argc, char **argv)
{
	struct runner runner = { .config = &tool->config, .log = &tool->log,
		.job_count = 1, .command = { .retries = 8, .delay = 30 } };
	struct reason why;
	int option;

	/* '+': the command's options are the command's. */
	while ((option = getopt_long(argc, argv, "+j:h", options, NULL)) != -1) {
		if (option == 'h')
			return usage(EX_OK);
		if (option == '?')
			return usage(EX_USAGE);
		if (take_option(&runner, option, &why) < 0)
			return tool_complain("run", EX_USAGE, why.text);
	}
	if (optind == argc)
		return usage(EX_USAGE);
	runner.command.argv = argv + optind;
	return run(&runner);
}
