/*
 * tool: what every subcommand of ringspool(1) is given, and the subcommands.
 *
 * A subcommand reads its own options (argv[0] is its name), says what went
 * wrong on standard error, and returns an exit status after sysexits(3).
 */
#ifndef RINGSPOOL_TOOL_H
#define RINGSPOOL_TOOL_H

#include "config.h"
#include "log.h"
#include "spools.h"

struct tool {
	struct config config;
	struct log log;		/* for `run`; the others talk on stderr */
	struct spools spools;	/* opened by main, or by who opens_itself */
};

/* Says "ringspool SUBCOMMAND: text" on standard error and returns `status`. */
int tool_complain(const char *subcommand, int status, const char *text);

/* Starting a command for each event: run.c. */
int command_run(struct tool *tool, int argc, char **argv);

/* Putting events in as the receiver does: import.c. */
int command_import(struct tool *tool, int argc, char **argv);

/* Acting on events: act.c. */
int command_hold(struct tool *tool, int argc, char **argv);
int command_release(struct tool *tool, int argc, char **argv);
int command_retry(struct tool *tool, int argc, char **argv);
int command_delete(struct tool *tool, int argc, char **argv);
int command_replay(struct tool *tool, int argc, char **argv);
int command_prune(struct tool *tool, int argc, char **argv);

/* Looking and watching, each in a file of its name. */
int command_list(struct tool *tool, int argc, char **argv);
int command_show(struct tool *tool, int argc, char **argv);
int command_raw(struct tool *tool, int argc, char **argv);
int command_follow(struct tool *tool, int argc, char **argv);
int command_stats(struct tool *tool, int argc, char **argv);
int command_check(struct tool *tool, int argc, char **argv);
int command_report(struct tool *tool, int argc, char **argv);

/* What `check` says of a configuration that cannot be used: it is run by a
 * monitoring system, which reads standard output and knows four statuses. */
int check_complain(const char *text);

#endif
