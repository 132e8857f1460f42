/*
 * commands: the subcommands of ringspool-renew, by hand.
 */
#ifndef RINGSPOOL_COMMANDS_H
#define RINGSPOOL_COMMANDS_H

#include "run.h"

enum command_needs {
	NEEDS_NOTHING,
	NEEDS_SETTINGS,		/* and the verification token */
	NEEDS_PLATFORM		/* and the state, the lock, the credentials */
};

struct command {
	const char *name;
	const char *arguments;	/* for the usage */
	const char *purpose;
	enum command_needs needs;
	int least, most;	/* arguments; most -1: any number */
	/* Does it; failures are reported. */
	void (*execute)(struct run *run, int count, char *const *words);
};

/* Ends with a command without a name. */
extern const struct command commands[];

/* The command of this name, or NULL. */
const struct command *command_find(const char *name);

#endif
