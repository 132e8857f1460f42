/*
 * ringspool: the operator's tool.  Options, configuration, and the table of
 * subcommands; what they do is in their own files.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "process.h"
#include "tool.h"

static const char program[] = "ringspool";

static const struct subcommand {
	const char *name;
	int (*run)(struct tool *tool, int argc, char **argv);
	bool opens_itself;	/* the spools */
	const char *summary;
} subcommands[] = {
	{ "run", command_run, true, "start a command for each event" },
	{ "hold", command_hold, false, "set waiting events aside" },
	{ "release", command_release, false, "let held events wait again" },
	{ "retry", command_retry, false, "try failing and failed events now" },
	{ "replay", command_replay, false, "let done, failed or bad events wait again" },
	{ "delete", command_delete, false, "remove events" },
	{ "prune", command_prune, false, "remove old events" },
	{ "import", command_import, false, "put files in as the receiver does" },
	{ "list", command_list, false, "list events" },
	{ "show", command_show, false, "show events, readable" },
	{ "raw", command_raw, false, "write events as they were received" },
	{ "follow", command_follow, false, "tell events as they come" },
	{ "stats", command_stats, false, "count events, by state and kind; Prometheus" },
	{ "check", command_check, true, "monitoring plug-in" },
	{ "report", command_report, true, "write a status page" },
};

enum { SUBCOMMANDS = sizeof subcommands / sizeof subcommands[0] };

static int usage(FILE *out, int status)
{
	fprintf(out, "usage: %s [-c CONFIG] SUBCOMMAND [OPTION...] [ARGUMENT...]\n"
		"       %s -V | -h\n", program, program);
	for (size_t i = 0; i < SUBCOMMANDS; i++)
		fprintf(out, "  %-9s %s\n", subcommands[i].name, subcommands[i].summary);
	fprintf(out, "See %s(1).\n", program);
	return status;
}

static const struct subcommand *find(const char *name)
{
	for (size_t i = 0; i < SUBCOMMANDS; i++)
		if (strcmp(subcommands[i].name, name) == 0)
			return &subcommands[i];
	return NULL;
}

static bool wants_help(int argc, char **argv)
{
	return argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
}

static int run(const struct subcommand *subcommand, const char *file, int argc,
	char **argv)
{
	struct tool tool = { .spools = { .count = 0 } };
	struct reason why;
	int opened, status;

	if (wants_help(argc, argv))	/* which needs no configuration, and no spool */
		return subcommand->run(&tool, argc, argv);
	if (config_load(&tool.config, file, &why) < 0)
		return subcommand->run == command_check ? check_complain(why.text)
			: tool_complain(subcommand->name, EX_CONFIG, why.text);
	log_open(&tool.log, program, tool.config.log, tool.config.log_level);
	if (!subcommand->opens_itself) {
		opened = spools_open(&tool.spools, &tool.config, &why);
		if (opened != 0)
			(void)tool_complain(subcommand->name, 0, why.text);
		if (opened < 0)
			return EX_UNAVAILABLE;
	}
	status = subcommand->run(&tool, argc, argv);
	spools_close(&tool.spools);
	return status;
}

int main(int argc, char **argv)
{
	const struct subcommand *subcommand;
	const char *file = NULL;
	int option;

	process_prepare();
	/* '+': what follows the subcommand is the subcommand's. */
	while ((option = getopt(argc, argv, "+c:Vh")) != -1) {
		switch (option) {
		case 'c':
			file = optarg;
			break;
		case 'V':
			printf("%s %s\n", program, RINGSPOOL_VERSION);
			return EX_OK;
		case 'h':
			return usage(stdout, EX_OK);
		default:
			return usage(stderr, EX_USAGE);
		}
	}
	if (optind == argc)
		return usage(stderr, EX_USAGE);
	subcommand = find(argv[optind]);
	if (!subcommand) {
		(void)tool_complain(argv[optind], 0, "no such subcommand");
		return usage(stderr, EX_USAGE);
	}
	argc -= optind;
	argv += optind;
	optind = 0;	/* 0 and not 1: glibc then forgets the '+' as well */
	return run(subcommand, file, argc, argv);
}
