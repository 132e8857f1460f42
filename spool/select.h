/*
 * select: which events a command is about - by NAME, by state, by the event's
 * path, by time - and walks over them in bounded memory.
 *
 * Calling sequence of a command:
 *
 *	struct selection selection;
 *
 *	select_init(&selection, the states the command acts on);
 *	while ((option = getopt_long(argc, argv, "...", options, NULL)) != -1)
 *		if (select_takes(option)) {
 *			if (select_option(&selection, option, optarg, &why) < 0)
 *				... usage ...
 *		} else ...
 *	if (select_names(&selection, argv + optind, &why) < 0) ...
 *	select_each(...) or select_sorted(...)
 *	select_free(&selection);
 *
 * with SELECT_OPTIONS among its long options.
 */
#ifndef RINGSPOOL_SELECT_H
#define RINGSPOOL_SELECT_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "event.h"
#include "oldest.h"
#include "spools.h"

struct selection {
	unsigned states;	/* STATE_BITs */
	bool states_named;	/* by --state; else the command's own choice */
	const char *event;	/* a glob that the envelope's event must match; NULL */
	time_t since, until;	/* since <= time of receipt < until; 0: unbounded */
	time_t older;		/* in its state since before this time; 0: unbounded */
	bool all;		/* --all: an empty selection means everything */
	char (*names)[SPOOL_NAME_SIZE];	/* these only, in order; NULL: any */
	size_t name_count;
};

/* Values of getopt_long(3) for the options that select. */
enum {
	SELECT_STATE = 0x100,
	SELECT_EVENT,
	SELECT_SINCE,
	SELECT_UNTIL,
	SELECT_ALL,
	SELECT_END
};

#define SELECT_OPTIONS \
	{ "state", required_argument, NULL, SELECT_STATE }, \
	{ "event", required_argument, NULL, SELECT_EVENT }, \
	{ "since", required_argument, NULL, SELECT_SINCE }, \
	{ "until", required_argument, NULL, SELECT_UNTIL }, \
	{ "all", no_argument, NULL, SELECT_ALL }

void select_init(struct selection *selection, unsigned states);
void select_free(struct selection *selection);

bool select_takes(int option);

/* Takes an option.  0, or -1 with *why filled. */
int select_option(struct selection *selection, int option, const char *argument,
	struct reason *why);

/* Takes the operands, a NULL-terminated list of NAMEs.  0, or -1 with *why
 * filled. */
int select_names(struct selection *selection, char **words, struct reason *why);

/* Whether anything narrows it: a name, an option, or --all, which says that
 * nothing should. */
bool select_is_said(const struct selection *selection);

/* Whether an event is meant.  *envelope is filled where the selection has an
 * `event`, else it is left alone.  1, 0, or -1 with *why filled; what cannot
 * be read, or is gone, is not meant. */
int select_matches(const struct selection *selection, struct states *states,
	const struct entry *entry, struct envelope *envelope, struct reason *why);

/* Calls `visit` for each event that is meant, in no order; memory does not
 * grow.  As states_each(). */
int select_each(struct spools *spools, const struct selection *selection,
	states_visit *visit, void *context, struct reason *why);

/* The same, oldest first, and at most `limit` of them (0: all).  Memory is
 * bounded: what is many is read in several walks of SELECT_AT_ONCE. */
enum { SELECT_AT_ONCE = 16384 };
int select_sorted(struct spools *spools, const struct selection *selection,
	size_t limit, states_visit *visit, void *context, struct reason *why);

/* Reads a point in time: YYYY-MM-DD, YYYY-MM-DDTHH:MM[:SS], local time or UTC
 * with a Z behind; @SECONDS since 1970; or a duration, which means that long
 * ago.  0, or -1 with *why filled, which begins with the option's name. */
int select_time(const char *option, const char *text, time_t *when, struct reason *why);

/* Reads a duration: a number and s, m, h, d or w; a bare number is seconds.
 * 0, or -1 with *why filled, which begins with the option's name. */
int select_duration(const char *option, const char *text, time_t *seconds,
	struct reason *why);

#endif
