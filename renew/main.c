/*
 * ringspool-renew: keeps the platform's subscriptions what the configuration
 * says; ringspool-renew(8).
 *
 * This file reads the command line; session.c puts a run together and ends it.
 * What a run without a subcommand does is in reconcile.c, plan.c and
 * carry_out.c.
 */
#include <curl/curl.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "commands.h"
#include "process.h"
#include "json.h"
#include "session.h"

enum { SPLAY_MOST = 86400 };

static void print_usage(FILE *out)
{
	fputs("usage: ringspool-renew [-v] [--json] [--dry-run] [--splay SECONDS] [-c CONFIG]"
		" [COMMAND ...]\n\nWithout a command: make the subscriptions on the platform"
		" what the configuration says.\n\n", out);
	for (const struct command *command = commands; command->name; command++)
		fprintf(out, "  %-8s %-14s %s\n", command->name, command->arguments,
			command->purpose);
	fputs("\n  -c, --config CONFIG   instead of /etc/ringspool/ringspool.conf\n"
		"  -n, --dry-run         say what would be called\n"
		"      --json            one JSON document on standard output\n"
		"      --splay SECONDS   wait at random up to so long first\n"
		"  -v, --verbose         tell changes; twice: headers, too\n"
		"  -V, --version         print the version\n"
		"  -h, --help            print this\n", out);
}

/* What is wrong with the command line, and the word that is. */
struct complaint {
	const char *text;		/* NULL: nothing */
	const char *word;
};

static int refuse_usage(const struct session_options *options,
	const struct complaint *complaint)
{
	char text[200];
	int status;

	(void)snprintf(text, sizeof text, "%s%s", complaint->text, complaint->word);
	status = session_refuse(options, text);
	fputs("Try: ringspool-renew --help\n", stderr);
	return status;
}

static void take_command(struct session_options *options, int count, char *const *words,
	struct complaint *complaint)
{
	const struct command *command = command_find(words[0]);

	options->command = command;
	options->word_count = count - 1;
	options->words = words + 1;
	if (!command)
		*complaint = (struct complaint){ "no such command: ", words[0] };
	else if (options->word_count < command->least)
		*complaint = (struct complaint){ "an argument is missing for ", words[0] };
	else if (command->most >= 0 && options->word_count > command->most)
		*complaint = (struct complaint){ "too many arguments for ", words[0] };
}

static bool take_splay(const char *text, long *splay)
{
	char *end;

	errno = 0;
	*splay = strtol(text, &end, 10);
	return errno == 0 && end != text && *end == '\0' && *splay >= 0 && *splay <= SPLAY_MOST;
}

/* What is asked for instead of a run. */
enum instead { NOTHING, VERSION, HELP };

/* All options are read before the first complaint is told: --json, behind it,
 * says how. */
static void take_options(struct session_options *options, long *splay,
	enum instead *instead, int argc, char **argv, struct complaint *complaint)
{
	enum { JSON = 256, SPLAY };
	static const struct option known[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "dry-run", no_argument, NULL, 'n' },
		{ "json", no_argument, NULL, JSON },
		{ "splay", required_argument, NULL, SPLAY },
		{ "verbose", no_argument, NULL, 'v' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	int option;

	while ((option = getopt_long(argc, argv, ":c:nvVh", known, NULL)) != -1) {
		struct complaint found = { 0 };

		switch (option) {
		case 'c':
			options->config = optarg;
			break;
		case 'n':
			options->dry_run = true;
			break;
		case JSON:
			options->json = true;
			break;
		case SPLAY:
			if (!take_splay(optarg, splay))
				found = (struct complaint){
					"--splay needs seconds from 0 to 86400, not ", optarg };
			break;
		case 'v':
			options->verbosity++;
			break;
		case 'V':
			*instead = VERSION;
			break;
		case 'h':
			*instead = HELP;
			break;
		case ':':
			found = (struct complaint){ "an argument is missing for ", argv[optind - 1] };
			break;
		default:
			found = (struct complaint){ "no such option: ", argv[optind - 1] };
		}
		if (!complaint->text)
			*complaint = found;
	}
}

/* Returns -1 to go on, or the status to end with. */
static int take_arguments(struct session_options *options, long *splay, int argc,
	char **argv)
{
	struct complaint complaint = { 0 };
	enum instead instead = NOTHING;

	take_options(options, splay, &instead, argc, argv, &complaint);
	if (!complaint.text && instead == NOTHING && optind < argc)
		take_command(options, argc - optind, argv + optind, &complaint);
	if (complaint.text)
		return refuse_usage(options, &complaint);
	if (instead == VERSION)
		puts("ringspool-renew " RINGSPOOL_VERSION);
	else if (instead == HELP)
		print_usage(stdout);
	return instead == NOTHING ? -1 : EX_OK;
}

static void wait_splay(long splay)
{
	unsigned random = 0;

	(void)!getrandom(&random, sizeof random, 0);	/* without it: no wait */
	if (splay > 0)
		sleep(random % (unsigned)(splay + 1));
}

int main(int argc, char **argv)
{
	const struct rlimit no_core = { 0, 0 };
	struct session_options options = { 0 };
	long splay = 0;
	int status = take_arguments(&options, &splay, argc, argv);

	if (status >= 0)
		return status;
	process_prepare();
	umask(077);		/* what it writes is its own */
	(void)setrlimit(RLIMIT_CORE, &no_core);	/* it would hold the credentials */
	json_start();
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0) {
		fputs("ringspool-renew: libcurl cannot be started\n", stderr);
		return EX_OSERR;
	}
	wait_splay(splay);
	status = session_work(&options);
	curl_global_cleanup();
	return status;
}
