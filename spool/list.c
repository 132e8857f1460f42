/*
 * The subcommand list: the events of the spools, oldest first.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "row.h"
#include "select.h"
#include "tool.h"

enum {
	ROWS_AT_ONCE = 256,
	OLDEST_MAX = 1000000
};

struct listing {
	struct selection selection;
	size_t limit;		/* 0: all */
	bool json;
	time_t now;
	struct table *table;
};

static int usage(int status)
{
	fprintf(status ? stderr : stdout,
		"usage: ringspool list [--state STATE] [--event GLOB] [--since TIME]\n"
		"           [--until TIME] [--oldest N] [--all] [--json] [NAME...]\n");
	return status;
}

static int print_event(void *context, struct states *states, const struct entry *entry)
{
	struct listing *listing = context;
	struct envelope envelope = { .uuid = "" };

	if (entry->state != STATE_BAD)
		row_read_envelope(states, entry, &envelope);
	if (listing->json)
		row_print_json(states_path(states), entry, &envelope, listing->now);
	else
		table_add(listing->table, entry, &envelope);
	return ferror(stdout) ? 1 : 0;	/* nobody reads on: `list | head` */
}

static int list(struct tool *tool, struct listing *listing)
{
	struct reason why;
	int result;

	/* What is done is history, and may be long. */
	if (!listing->selection.states_named && !listing->selection.all
	    && listing->selection.name_count == 0)
		listing->selection.states &= ~STATE_BIT(STATE_DONE);
	listing->table = table_new(ROWS_AT_ONCE, listing->now);
	if (!listing->table)
		return tool_complain("list", EX_OSERR, "out of memory");
	result = select_sorted(&tool->spools, &listing->selection, listing->limit,
		print_event, listing, &why);
	table_end(listing->table);
	if (result < 0)
		return tool_complain("list", EX_IOERR, why.text);
	return fflush(stdout) == 0 && !ferror(stdout) ? EX_OK : EX_IOERR;
}

enum { OPTION_JSON = 0x200, OPTION_OLDEST };

static const struct option options[] = {
	SELECT_OPTIONS,
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "oldest", required_argument, NULL, OPTION_OLDEST },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 }
};

static int take_limit(struct listing *listing, const char *text)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end || number < 1 || number > OLDEST_MAX)
		return tool_complain("list", EX_USAGE, "--oldest wants a number from 1 on");
	listing->limit = number;
	return 0;
}

/* Takes one option; 0 or an exit status. */
static int take_option(struct listing *listing, int option)
{
	struct reason why;

	if (option == OPTION_JSON) {
		listing->json = true;
		return 0;
	}
	if (option == OPTION_OLDEST)
		return take_limit(listing, optarg);
	if (!select_takes(option))
		return usage(EX_USAGE);
	return select_option(&listing->selection, option, optarg, &why) < 0
		? tool_complain("list", EX_USAGE, why.text) : 0;
}

static int parse(struct listing *listing, int argc, char **argv)
{
	struct reason why;
	int option, status;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'h')
			return -1;
		status = take_option(listing, option);
		if (status != 0)
			return status;
	}
	return select_names(&listing->selection, argv + optind, &why) < 0
		? tool_complain("list", EX_USAGE, why.text) : 0;
}

int command_list(struct tool *tool, int argc, char **argv)
{
	struct listing listing = { .now = time(NULL) };
	int status;

	select_init(&listing.selection, STATES_ALL);
	status = parse(&listing, argc, argv);
	if (status < 0)
		status = usage(EX_OK);
	else if (status == 0)
		status = list(tool, &listing);
	select_free(&listing.selection);
	return status;
}
