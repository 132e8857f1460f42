/*
 * The subcommands that move events from one state to another, or remove them:
 * hold, release, retry, replay, delete and prune.  They differ in a row of a
 * table; how an event is selected, claimed, moved and counted is the same.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "keep.h"
#include "select.h"
#include "tool.h"

struct action {
	const char *name;
	const char *did;	/* "held 3 events" */
	unsigned states;	/* that it acts on */
	unsigned usual;		/* of these, where --state names none */
	enum entry_state target;
	bool removes;		/* for good, instead of moving */
	bool by_age;		/* wants --older-than */
};

#define FINAL (STATE_BIT(STATE_DONE) | STATE_BIT(STATE_FAILED) | STATE_BIT(STATE_BAD))

static const struct action hold = { .name = "hold", .did = "held",
	.states = STATE_BIT(STATE_WAITING) | STATE_BIT(STATE_RETRYING),
	.target = STATE_HELD };
static const struct action release = { .name = "release", .did = "released",
	.states = STATE_BIT(STATE_HELD), .target = STATE_WAITING };
static const struct action retry = { .name = "retry", .did = "made due",
	.states = STATE_BIT(STATE_RETRYING) | STATE_BIT(STATE_FAILED),
	.target = STATE_RETRYING };
static const struct action replay = { .name = "replay", .did = "replayed",
	.states = FINAL, .target = STATE_WAITING };
static const struct action delete = { .name = "delete", .did = "deleted",
	.states = STATES_ALL, .removes = true };
static const struct action prune = { .name = "prune", .did = "pruned",
	.states = STATES_ALL & ~STATE_BIT(STATE_RUNNING),
	.usual = STATE_BIT(STATE_DONE), .removes = true, .by_age = true };

/* One call of a subcommand. */
struct acting {
	const struct action *action;
	struct selection selection;
	bool *found;		/* which of the names were met */
	bool dry_run, yes;
	uint64_t acted, busy, clashes;
	time_t now;
	struct reason why;
};

static int usage(const struct action *action, int status)
{
	fprintf(status ? stderr : stdout,
		"usage: ringspool %s%s [--state STATE] [--event GLOB] [--since TIME]\n"
		"           [--until TIME] [--all] [--dry-run]%s [NAME...]\n",
		action->name, action->by_age ? " --older-than AGE" : "",
		action->removes ? " [--yes]" : "");
	return status;
}

static void note_found(struct acting *acting, const struct entry *entry)
{
	const struct selection *selection = &acting->selection;

	for (size_t i = 0; i < selection->name_count; i++)
		if (strcmp(selection->names[i], entry->name) == 0)
			acting->found[i] = true;
}

/* What the tool did not find; 0 or EX_NOINPUT. */
static int report_missing(const struct acting *acting)
{
	int status = EX_OK;

	for (size_t i = 0; i < acting->selection.name_count; i++) {
		if (acting->found[i])
			continue;
		fprintf(stderr, "ringspool %s: no such event in a state to %s: %s\n",
			acting->action->name, acting->action->name,
			acting->selection.names[i]);
		status = EX_NOINPUT;
	}
	return status;
}

static enum move_result perform(struct acting *acting, struct claim *claim)
{
	const struct entry *entry = &claim->entry;
	struct target target = { .state = acting->action->target };

	if (acting->action->removes)
		return states_remove(claim, &acting->why);
	if (target.state == STATE_RETRYING) {
		/* What failed for good begins anew; what is due stays so. */
		target.attempt = entry->state == STATE_FAILED ? 0 : entry->attempt;
		target.due = acting->now;
		if (entry->state == STATE_RETRYING && entry->due <= acting->now)
			return MOVE_DONE;
	}
	return states_move(claim, &target, &acting->why);
}

static int act_on_claim(struct acting *acting, struct claim *claim)
{
	switch (perform(acting, claim)) {
	case MOVE_DONE:
		acting->acted++;
		return 0;
	case MOVE_GONE:
		return 0;
	case MOVE_CLASH:
		acting->clashes++;
		fprintf(stderr, "ringspool %s: %s: an event of this name waits already\n",
			acting->action->name, claim->entry.name);
		return 0;
	default:
		return -1;
	}
}

static int act_on(void *context, struct states *states, const struct entry *entry)
{
	struct acting *acting = context;
	struct claim claim;
	int result;

	note_found(acting, entry);
	switch (states_claim(&claim, states, entry, &acting->why)) {
	case CLAIM_OURS:
		result = act_on_claim(acting, &claim);
		states_release(&claim);
		return result;
	case CLAIM_BUSY:
		acting->busy++;
		return 0;
	case CLAIM_GONE:
		return 0;
	default:
		return -1;
	}
}

static int show(void *context, struct states *states, const struct entry *entry)
{
	struct acting *acting = context;

	(void)states;
	note_found(acting, entry);
	printf("%s\n", entry->name);
	acting->acted++;
	return 0;
}

static int count(void *context, struct states *states, const struct entry *entry)
{
	(void)states;
	(void)entry;
	++*(uint64_t *)context;
	return 0;
}

/* Asks before what cannot be undone.  0: go on; else the exit status. */
static int confirm(struct acting *acting, struct spools *spools)
{
	const char *name = acting->action->name;
	uint64_t number = 0;
	char answer[8];

	if (!acting->action->removes || acting->yes || acting->dry_run)
		return 0;
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return tool_complain(name, EX_USAGE,
			"this cannot be undone; without a terminal it wants --yes");
	if (select_each(spools, &acting->selection, count, &number, &acting->why) < 0)
		return tool_complain(name, EX_IOERR, acting->why.text);
	fprintf(stderr, "%s %llu event%s for good? [y/N] ", name,
		(unsigned long long)number, number == 1 ? "" : "s");
	if (!fgets(answer, sizeof answer, stdin) || (answer[0] != 'y' && answer[0] != 'Y'))
		return tool_complain(name, EX_NOPERM, "nothing was done");
	return 0;
}

static int summarize(const struct acting *acting)
{
	printf("%s%s %llu event%s\n", acting->dry_run ? "would have " : "",
		acting->action->did, (unsigned long long)acting->acted,
		acting->acted == 1 ? "" : "s");
	if (acting->busy > 0)
		fprintf(stderr, "ringspool %s: %llu in use, left alone\n",
			acting->action->name, (unsigned long long)acting->busy);
	if (fflush(stdout) != 0)
		return EX_IOERR;
	return acting->busy > 0 || acting->clashes > 0 ? EX_TEMPFAIL : EX_OK;
}

static int sync_all(struct spools *spools, struct reason *why)
{
	for (unsigned i = 0; i < spools->count; i++)
		if (spools->states[i] && states_sync(spools->states[i], why) < 0)
			return -1;
	return 0;
}

static int act(struct tool *tool, struct acting *acting)
{
	struct spools *spools = &tool->spools;
	int status = confirm(acting, spools);
	int missing;

	if (status != 0)
		return status;
	if (select_each(spools, &acting->selection, acting->dry_run ? show : act_on,
	    acting, &acting->why) < 0 || sync_all(spools, &acting->why) < 0) {
		(void)summarize(acting);
		return tool_complain(acting->action->name, EX_IOERR, acting->why.text);
	}
	if (acting->action->removes && !acting->dry_run)
		keep_remove_empty_days(spools);
	status = summarize(acting);
	missing = report_missing(acting);
	return missing ? missing : status;
}

enum { OPTION_DRY_RUN = SELECT_END, OPTION_YES, OPTION_OLDER_THAN };

static const struct option options[] = {
	SELECT_OPTIONS,
	{ "dry-run", no_argument, NULL, OPTION_DRY_RUN },
	{ "yes", no_argument, NULL, OPTION_YES },
	{ "older-than", required_argument, NULL, OPTION_OLDER_THAN },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 }
};

/* Takes one option; 0 or an exit status. */
static int take_option(struct acting *acting, int option)
{
	time_t age;

	switch (option) {
	case OPTION_DRY_RUN:
		acting->dry_run = true;
		return 0;
	case OPTION_YES:
		acting->yes = true;
		return 0;
	case OPTION_OLDER_THAN:
		if (select_duration("--older-than", optarg, &age, &acting->why) < 0)
			return tool_complain(acting->action->name, EX_USAGE,
				acting->why.text);
		acting->selection.older = acting->now - age;
		return 0;
	default:
		if (!select_takes(option))
			return usage(acting->action, EX_USAGE);
		if (select_option(&acting->selection, option, optarg, &acting->why) < 0)
			return tool_complain(acting->action->name, EX_USAGE,
				acting->why.text);
		return 0;
	}
}

/* Whether what was asked for makes sense; 0 or an exit status. */
static int check_selection(const struct acting *acting)
{
	const struct action *action = acting->action;

	if (acting->selection.states & ~action->states) {
		fprintf(stderr, "ringspool %s: acts on", action->name);
		for (int i = 0; i < STATE_COUNT; i++)
			if (action->states & STATE_BIT(i))
				fprintf(stderr, " %s", entry_state_name((enum entry_state)i));
		fprintf(stderr, " only\n");
		return EX_USAGE;
	}
	if (action->by_age && !acting->selection.older)
		return tool_complain(action->name, EX_USAGE, "wants --older-than AGE");
	if (!select_is_said(&acting->selection))
		return tool_complain(action->name, EX_USAGE,
			"say which events: by NAME, by an option, or --all");
	return 0;
}

static int parse(struct acting *acting, int argc, char **argv)
{
	int option, status;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'h')
			return -1;
		status = take_option(acting, option);
		if (status != 0)
			return status;
	}
	if (select_names(&acting->selection, argv + optind, &acting->why) < 0)
		return tool_complain(acting->action->name, EX_USAGE, acting->why.text);
	acting->found = calloc(acting->selection.name_count + 1, sizeof acting->found[0]);
	if (!acting->found)
		return tool_complain(acting->action->name, EX_OSERR, "out of memory");
	return check_selection(acting);
}

static int run(const struct action *action, struct tool *tool, int argc, char **argv)
{
	struct acting acting = { .action = action, .now = time(NULL) };
	int status;

	select_init(&acting.selection, action->usual ? action->usual : action->states);
	status = parse(&acting, argc, argv);
	if (status < 0)
		status = usage(action, EX_OK);
	else if (status == 0)
		status = act(tool, &acting);
	free(acting.found);
	select_free(&acting.selection);
	return status;
}

int command_hold(struct tool *tool, int argc, char **argv)
{
	return run(&hold, tool, argc, argv);
}

int command_release(struct tool *tool, int argc, char **argv)
{
	return run(&release, tool, argc, argv);
}

int command_retry(struct tool *tool, int argc, char **argv)
{
	return run(&retry, tool, argc, argv);
}

int command_replay(struct tool *tool, int argc, char **argv)
{
	return run(&replay, tool, argc, argv);
}

int command_delete(struct tool *tool, int argc, char **argv)
{
	return run(&delete, tool, argc, argv);
}

int command_prune(struct tool *tool, int argc, char **argv)
{
	return run(&prune, tool, argc, argv);
}
