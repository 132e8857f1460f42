/*
 * The subcommands show and raw: one event, for a person, or byte for byte.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "figures.h"
#include "layout.h"
#include "row.h"
#include "select.h"
#include "text.h"
#include "tool.h"

struct showing {
	const char *subcommand;
	struct selection selection;
	bool *shown;		/* which of the names were */
	bool raw, colours;
	bool begun;		/* something was printed */
	struct reason why;
};

static int usage(const char *subcommand, int status)
{
	fprintf(status ? stderr : stdout, "usage: ringspool %s [--state STATE] NAME...\n",
		subcommand);
	return status;
}

/* Whether a person looks on who wants colours (no-color.org). */
static bool wants_colours(void)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no_color && *no_color)
		&& term && strcmp(term, "dumb") != 0;
}

static void print_field(const struct showing *showing, const char *name,
	const char *value)
{
	const char *bold = showing->colours ? "\033[1m" : "";
	const char *normal = showing->colours ? "\033[0m" : "";

	printf("%s%-13s%s", bold, name, normal);
	if (value[0])
		text_write(stdout, value, strlen(value), false);
	else
		putchar('-');
	putchar('\n');
}

static void print_state(const struct showing *showing, const struct entry *entry)
{
	char due[FIGURE_SIZE] = "", text[160];

	if (entry->due)
		figure_time(due, entry->due);
	(void)snprintf(text, sizeof text, "%s%s%s%s%s", entry_state_name(entry->state),
		entry->reason[0] ? ", " : "", entry->reason, due[0] ? ", again at " : "", due);
	print_field(showing, "state", text);
	if (entry->attempt > 0) {
		(void)snprintf(text, sizeof text, "%u", entry->attempt);
		print_field(showing, "attempt", text);
	}
}

static void print_file(const struct showing *showing, const char *spool,
	const struct entry *entry)
{
	char size[FIGURE_SIZE], received[ROW_TIME_SIZE], path[ROW_PATH_SIZE];

	row_time(received, &entry->received);
	print_field(showing, "received", received);
	figure_bytes(size, entry->size);
	print_field(showing, "size", size);
	row_path(path, spool, entry);
	print_field(showing, "file", path);
}

static void print_envelope(const struct showing *showing, const struct envelope *envelope)
{
	print_field(showing, "event", envelope->event);
	print_field(showing, "uuid", envelope->uuid);
	print_field(showing, "subscription", envelope->subscription);
	print_field(showing, "owner", envelope->owner);
	print_field(showing, "timestamp", envelope->timestamp);
}

static void print_readable(const struct showing *showing, const char *spool,
	const struct entry *entry, const char *text, size_t size)
{
	struct envelope envelope;
	struct reason ignored;
	bool is_event = envelope_read(&envelope, text, size, &ignored) == 0;

	if (showing->begun)
		putchar('\n');
	print_field(showing, "name", entry->name);
	print_state(showing, entry);
	print_file(showing, spool, entry);
	if (is_event)
		print_envelope(showing, &envelope);
	putchar('\n');
	if (is_event) {
		layout_print(stdout, text, size, showing->colours);
	} else {
		text_write(stdout, text, size, true);
		putchar('\n');
	}
}

/* Copies the file as it is, of whatever size. */
static int copy(int fd, struct reason *why)
{
	char buffer[65536];
	ssize_t got;

	while ((got = read(fd, buffer, sizeof buffer)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return reason_set(why, "%s", strerror(errno));
		if (fwrite(buffer, 1, (size_t)got, stdout) != (size_t)got)
			return reason_set(why, "standard output: %s", strerror(errno));
	}
	return 0;
}

static int print_open(struct showing *showing, struct states *states,
	const struct entry *entry, int fd)
{
	size_t size;
	char *text;

	if (showing->raw)
		return copy(fd, &showing->why);
	text = states_read(fd, &size, &showing->why);
	if (!text)
		return -1;
	print_readable(showing, states_path(states), entry, text, size);
	free(text);
	return 0;
}

/* Where one NAME is to be written once, the first that is met is it. */
static bool *shown_mark(struct showing *showing, const char *name)
{
	for (size_t i = 0; i < showing->selection.name_count; i++)
		if (strcmp(showing->selection.names[i], name) == 0)
			return &showing->shown[i];
	return NULL;
}

static int show_event(void *context, struct states *states, const struct entry *entry)
{
	struct showing *showing = context;
	bool *shown = shown_mark(showing, entry->name);
	int fd, result;

	if (!shown || (showing->raw && *shown))
		return 0;
	fd = states_open_file(states, entry, &showing->why);
	if (fd < 0)	/* it just changed its state: perhaps it is met again */
		return errno == ENOENT ? 0 : -1;
	result = print_open(showing, states, entry, fd);
	close(fd);
	*shown = showing->begun = true;
	return result;
}

static int report_missing(const struct showing *showing)
{
	int status = EX_OK;

	for (size_t i = 0; i < showing->selection.name_count; i++) {
		if (showing->shown[i])
			continue;
		fprintf(stderr, "ringspool %s: no such event: %s\n", showing->subcommand,
			showing->selection.names[i]);
		status = EX_NOINPUT;
	}
	return status;
}

static int show(struct tool *tool, struct showing *showing)
{
	int result;

	showing->shown = calloc(showing->selection.name_count, sizeof showing->shown[0]);
	if (!showing->shown)
		return tool_complain(showing->subcommand, EX_OSERR, "out of memory");
	showing->colours = wants_colours();
	result = select_each(&tool->spools, &showing->selection, show_event, showing,
		&showing->why);
	if (fflush(stdout) != 0)
		return EX_IOERR;
	if (result < 0)
		return tool_complain(showing->subcommand, EX_IOERR, showing->why.text);
	return report_missing(showing);
}

static const struct option options[] = {
	{ "state", required_argument, NULL, SELECT_STATE },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 }
};

static int parse(struct showing *showing, int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'h')
			return -1;
		if (option != SELECT_STATE)
			return usage(showing->subcommand, EX_USAGE);
		if (select_option(&showing->selection, option, optarg, &showing->why) < 0)
			return tool_complain(showing->subcommand, EX_USAGE, showing->why.text);
	}
	if (select_names(&showing->selection, argv + optind, &showing->why) < 0)
		return tool_complain(showing->subcommand, EX_USAGE, showing->why.text);
	return showing->selection.name_count > 0 ? 0 : usage(showing->subcommand, EX_USAGE);
}

static int run(struct tool *tool, const char *subcommand, bool raw, int argc, char **argv)
{
	struct showing showing = { .subcommand = subcommand, .raw = raw };
	int status;

	select_init(&showing.selection, STATES_ALL);
	status = parse(&showing, argc, argv);
	if (status < 0)
		status = usage(subcommand, EX_OK);
	else if (status == 0)
		status = show(tool, &showing);
	free(showing.shown);
	select_free(&showing.selection);
	return status;
}

int command_show(struct tool *tool, int argc, char **argv)
{
	return run(tool, "show", false, argc, argv);
}

int command_raw(struct tool *tool, int argc, char **argv)
{
	return run(tool, "raw", true, argc, argv);
}
