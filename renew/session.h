/*
 * session: puts a run together, has it done, and ends it: settings, lock,
 * state, secrets and the platform on the way in; state, status.json, the JSON
 * document and the exit status on the way out.
 */
#ifndef RINGSPOOL_SESSION_H
#define RINGSPOOL_SESSION_H

#include <stdbool.h>

#include "commands.h"

struct session_options {
	const char *config;		/* file; NULL: from the environment, or the default */
	int verbosity;
	bool json, dry_run;
	const struct command *command;	/* NULL: reconcile */
	int word_count;			/* of the command's arguments */
	char *const *words;
};

/* Tells that the command line makes no sense, with --json in a document, too;
 * returns the exit status. */
int session_refuse(const struct session_options *options, const char *text);

/* Returns the exit status, after sysexits.h; all failures are reported. */
int session_work(const struct session_options *options);

#endif
