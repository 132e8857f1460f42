/*
 * The subcommand follow: tells events as they come, until it is ended.
 *
 * inotify(7) names what arrives, so that nothing is searched for.  As it can
 * be missing, or lose some, the directories are looked at as well from time
 * to time: what came into its state within WINDOW and was not told yet is
 * told then.
 */
#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "oldest.h"
#include "recent.h"
#include "row.h"
#include "tool.h"
#include "watch.h"

enum {
	LOOK_SECONDS = 30,
	LOOK_MAX = 3600,
	TOLD_AT_ONCE = 4096		/* by one look; the next goes on */
};

struct following {
	struct spools *spools;
	const char *event;		/* a glob; NULL: any */
	bool json;
	unsigned look;			/* seconds between two looks */
	bool begun;			/* the first look was had */
	struct watch watch;
	struct recent told;
	struct oldest found;		/* by a look */
	struct table *table;
};

static int usage(int status)
{
	fprintf(status ? stderr : stdout,
		"usage: ringspool follow [--event GLOB] [--json] [--look SECONDS]\n");
	return status;
}

/* FNV-1a. */
static uint64_t digest(uint64_t value, const void *bytes, size_t size)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < size; i++)
		value = (value ^ at[i]) * UINT64_C(0x100000001b3);
	return value;
}

/* One arrival: a replayed event arrives anew. */
static uint64_t key_of(const struct states *states, const struct entry *entry)
{
	const char *spool = states_path(states);
	uint64_t key = digest(UINT64_C(0xcbf29ce484222325), spool, strlen(spool));

	key = digest(key, entry->file, strlen(entry->file));
	key = digest(key, &entry->since.tv_sec, sizeof entry->since.tv_sec);
	return digest(key, &entry->since.tv_nsec, sizeof entry->since.tv_nsec);
}

static void tell(struct following *following, const char *spool,
	const struct entry *entry, const struct envelope *envelope)
{
	time_t now = time(NULL);

	if (following->event && fnmatch(following->event, envelope->event, 0) != 0)
		return;
	if (following->json) {
		row_print_json(spool, entry, envelope, now);
		return;
	}
	table_set_time(following->table, now);
	table_add(following->table, entry, envelope);
}

/* An open event, if it was not told before. */
static void tell_open(struct following *following, struct states *states,
	struct entry *entry, int fd)
{
	struct envelope envelope;
	struct reason ignored;
	struct stat status;

	if (fstat(fd, &status) < 0)
		return;
	entry->received = status.st_mtim;
	entry->since = status.st_ctim;
	entry->size = (uint64_t)status.st_size;
	if (recent_note(&following->told, key_of(states, entry)) == 0)
		return;
	(void)states_read_envelope(fd, &envelope, &ignored);
	tell(following, states_path(states), entry, &envelope);
}

/* What inotify named. */
static void take_name(void *context, unsigned spool, enum entry_state state,
	const char *file)
{
	struct following *following = context;
	struct states *states = following->spools->states[spool];
	const struct envelope unknown = { .uuid = "" };
	struct entry entry;
	struct reason ignored;
	int fd;

	if (!states || !entry_parse(&entry, state, file))
		return;
	fd = states_open_file(states, &entry, &ignored);
	if (fd >= 0) {
		tell_open(following, states, &entry, fd);
		close(fd);
	} else if (errno == ENOENT) {
		/* A consumer was faster, but it did arrive. */
		tell(following, states_path(states), &entry, &unknown);
	}
}

/* How long an arrival counts as new: longer than from one look to the one
 * after the next. */
static time_t window(const struct following *following)
{
	return 4 * (time_t)following->look;
}

static int find_new(void *context, struct states *states, const struct entry *entry)
{
	struct following *following = context;

	if (entry->since.tv_sec < time(NULL) - window(following))
		return 0;
	/* The first look only notes what is there already, under another key than
	 * what is told: what arrives while it lasts, inotify tells as well. */
	if (following->begun)
		oldest_add(&following->found, states, entry);
	else
		(void)recent_note(&following->told, ~key_of(states, entry));
	return 0;
}

/* Tells what a look found. */
static void tell_found(struct following *following)
{
	oldest_sort(&following->found);
	for (size_t i = 0; i < following->found.count; i++) {
		struct picked *picked = &following->found.items[i];
		struct reason ignored;
		int fd;

		if (recent_note(&following->told, ~key_of(picked->states,
		    &picked->entry)) == 0)
			continue;
		fd = states_open_file(picked->states, &picked->entry, &ignored);
		if (fd < 0)
			continue;
		tell_open(following, picked->states, &picked->entry, fd);
		close(fd);
	}
	oldest_restart(&following->found, false);
}

/* A spool that was mounted over, or made anew, is another one. */
static bool are_current(const struct spools *spools)
{
	for (unsigned i = 0; i < spools->count; i++)
		if (!spools->states[i] || !spool_is_current(states_spool(spools->states[i])))
			return false;
	return true;
}

static void open_watch(struct following *following)
{
	struct reason why;

	if (watch_open(&following->watch, following->spools, STATE_BIT(STATE_WAITING), 0,
	    &why) < 0)
		(void)tool_complain("follow", 0, why.text);
}

static void reopen(struct following *following)
{
	const struct config *config = following->spools->config;
	struct reason why;

	watch_close(&following->watch);
	spools_close(following->spools);
	if (spools_open(following->spools, config, &why) != 0)
		(void)tool_complain("follow", 0, why.text);
	open_watch(following);
}

static void look(struct following *following)
{
	struct reason why;

	if (!are_current(following->spools))
		reopen(following);
	else if (following->watch.fd < 0)	/* there may be room for one by now */
		(void)watch_open(&following->watch, following->spools,
			STATE_BIT(STATE_WAITING), 0, &why);
	for (unsigned i = 0; i < following->spools->count; i++)
		if (following->spools->states[i]
		    && states_each_in(following->spools->states[i], STATE_WAITING, NULL,
			find_new, following, NULL, &why) < 0)
			(void)tool_complain("follow", 0, why.text);
	tell_found(following);
	following->begun = true;
}

static time_t clock_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* Until the reader is gone. */
static int follow(struct following *following)
{
	time_t next_look = 0, next_turn = clock_seconds() + window(following);

	for (;;) {
		/* A pipe that nobody reads is told as an error, unasked. */
		struct pollfd polled[] = { { .fd = following->watch.fd, .events = POLLIN },
			{ .fd = STDOUT_FILENO } };
		time_t now = clock_seconds();

		if (now >= next_turn) {
			recent_turn(&following->told);
			next_turn = now + window(following);
		}
		if (watch_each(&following->watch, take_name, following) == STATES_ALL
		    || now >= next_look) {
			look(following);
			next_look = clock_seconds() + (time_t)following->look;
		}
		if (fflush(stdout) != 0)
			return EX_IOERR;
		if (poll(polled, 2, (int)(next_look - clock_seconds()) * 1000) > 0
		    && (polled[1].revents & (POLLERR | POLLHUP)))
			return EX_IOERR;
	}
}

static int run(struct tool *tool, struct following *following)
{
	struct reason why;
	int status;

	following->spools = &tool->spools;
	following->table = table_new(1, time(NULL));
	status = following->table && oldest_init(&following->found, TOLD_AT_ONCE, &why) == 0
		? EX_OK : tool_complain("follow", EX_OSERR, "out of memory");
	if (status == EX_OK) {
		open_watch(following);	/* before the first look: nothing is missed */
		status = follow(following);
		watch_close(&following->watch);
	}
	if (following->table)
		table_end(following->table);
	oldest_free(&following->found);
	recent_free(&following->told);
	return status;
}

enum { OPTION_EVENT = 0x200, OPTION_JSON, OPTION_LOOK };

static const struct option options[] = {
	{ "event", required_argument, NULL, OPTION_EVENT },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "look", required_argument, NULL, OPTION_LOOK },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 }
};

static bool take_look(struct following *following, const char *text)
{
	char *end;
	unsigned long seconds = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end || seconds < 1 || seconds > LOOK_MAX)
		return false;
	following->look = (unsigned)seconds;
	return true;
}

int command_follow(struct tool *tool, int argc, char **argv)
{
	struct following following = { .look = LOOK_SECONDS };
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case OPTION_EVENT:
			following.event = optarg;
			break;
		case OPTION_JSON:
			following.json = true;
			break;
		case OPTION_LOOK:
			if (!take_look(&following, optarg))
				return tool_complain("follow", EX_USAGE,
					"--look wants 1 to 3600 seconds");
			break;
		case 'h':
			return usage(EX_OK);
		default:
			return usage(EX_USAGE);
		}
	}
	return optind < argc ? usage(EX_USAGE) : run(tool, &following);
}
