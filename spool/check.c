/*
 * The subcommand check: a monitoring plug-in after the Monitoring Plugins
 * guidelines.  Whatever happens it prints one line on standard output and
 * ends with 0, 1, 2 or 3.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "figures.h"
#include "text.h"
#include "tool.h"
#include "verdict.h"

enum { TIMEOUT_SECONDS = 30 };

struct checking {
	struct limits limits;
	const char *status;		/* --status */
	unsigned timeout;		/* seconds */
	enum level level;
	FILE *troubles, *rest, *performance;
};

/* A line that ends the check before anything could be judged. */
static int end_with(enum level level, const char *text)
{
	printf("RINGSPOOL %s: ", level_name(level));
	text_write(stdout, text, strlen(text), false);
	putchar('\n');
	(void)fflush(stdout);
	return (int)level;
}

int check_complain(const char *text)
{
	return end_with(LEVEL_UNKNOWN, text);
}

static void print_usage(FILE *out)
{
	fputs("usage: ringspool check [-w RANGE] [-c RANGE] [--failed-warning RANGE]\n"
		"           [--failed-critical RANGE] [--expiry-warning RANGE]\n"
		"           [--expiry-critical RANGE] [--renewal-warning RANGE]\n"
		"           [--renewal-critical RANGE] [--status FILE] [-t SECONDS]\n", out);
}

/* NFS can hang for ever, and the guidelines want an answer. */
static void give_up(int number)
{
	static const char line[] = "RINGSPOOL UNKNOWN: timed out\n";

	ssize_t written = write(STDOUT_FILENO, line, sizeof line - 1);

	(void)number;
	(void)written;
	_exit(LEVEL_UNKNOWN);
}

static void add_performance(FILE *out, const struct finding *finding)
{
	char warning[RANGE_TEXT], critical[RANGE_TEXT];

	range_format(&finding->threshold->warning, warning);
	range_format(&finding->threshold->critical, critical);
	fprintf(out, "%s%s=%.0f%s;%s;%s;0", ftell(out) > 0 ? " " : "", finding->label,
		finding->value, finding->unit, warning, critical);
	if (finding->total > 0)
		fprintf(out, ";%.0f", finding->total);
}

/* A bar would begin the performance data. */
static void put(FILE *out, const char *text)
{
	for (; *text; text++)
		putc(*text == '|' ? '/' : *text, out);
}

static void take(void *context, const struct finding *finding)
{
	struct checking *checking = context;
	FILE *out = finding->level == LEVEL_OK ? checking->rest : checking->troubles;

	checking->level = level_worse(checking->level, finding->level);
	if (ftell(out) > 0)
		fputs(", ", out);
	put(out, finding->text);
	if (finding->example[0]) {
		fputs(", such as ", out);
		put(out, finding->example);
	}
	if (finding->label[0])
		add_performance(checking->performance, finding);
}

static int print(struct checking *checking, const char *troubles, const char *rest,
	const char *performance)
{
	printf("RINGSPOOL %s: %s%s%s | %s\n", level_name(checking->level), troubles,
		troubles[0] && rest[0] ? "; " : "", rest, performance);
	return fflush(stdout) == 0 ? (int)checking->level : LEVEL_UNKNOWN;
}

static int judge(struct checking *checking, const struct config *config,
	const struct survey *survey, const struct renewal *renewal)
{
	char *texts[3] = { NULL, NULL, NULL };
	size_t sizes[3];
	FILE *out[3];
	int status = LEVEL_UNKNOWN;

	for (int i = 0; i < 3; i++)
		out[i] = open_memstream(&texts[i], &sizes[i]);
	if (out[0] && out[1] && out[2]) {
		checking->troubles = out[0];
		checking->rest = out[1];
		checking->performance = out[2];
		verdict_judge(&checking->limits, config, survey, renewal, take, checking);
	}
	for (int i = 0; i < 3; i++)
		if (!out[i] || fclose(out[i]) != 0)
			checking->troubles = NULL;
	status = checking->troubles ? print(checking, texts[0], texts[1], texts[2])
		: end_with(LEVEL_UNKNOWN, "out of memory");
	for (int i = 0; i < 3; i++)
		free(texts[i]);
	return status;
}

static int check_opened(struct tool *tool, struct checking *checking)
{
	struct survey *survey = malloc(sizeof *survey);
	struct renewal renewal;
	struct reason why;
	int status;

	if (!survey)
		return end_with(LEVEL_UNKNOWN, "out of memory");
	if (survey_take(survey, &tool->spools, 0, &why) < 0) {
		free(survey);
		return end_with(LEVEL_CRITICAL, why.text);
	}
	(void)renewal_read(&renewal, tool->config.file, checking->status, &why);
	status = judge(checking, &tool->config, survey, &renewal);
	renewal_free(&renewal);
	free(survey);
	return status;
}

static int check(struct tool *tool, struct checking *checking)
{
	struct reason why;

	(void)signal(SIGALRM, give_up);
	(void)alarm(checking->timeout);
	if (spools_open(&tool->spools, &tool->config, &why) < 0)
		return end_with(LEVEL_CRITICAL, why.text);
	return check_opened(tool, checking);
}

enum {
	FAILED_WARNING = 0x200, FAILED_CRITICAL, EXPIRY_WARNING, EXPIRY_CRITICAL,
	RENEWAL_WARNING, RENEWAL_CRITICAL, STATUS
};

static const struct option options[] = {
	{ "warning", required_argument, NULL, 'w' },
	{ "critical", required_argument, NULL, 'c' },
	{ "failed-warning", required_argument, NULL, FAILED_WARNING },
	{ "failed-critical", required_argument, NULL, FAILED_CRITICAL },
	{ "expiry-warning", required_argument, NULL, EXPIRY_WARNING },
	{ "expiry-critical", required_argument, NULL, EXPIRY_CRITICAL },
	{ "renewal-warning", required_argument, NULL, RENEWAL_WARNING },
	{ "renewal-critical", required_argument, NULL, RENEWAL_CRITICAL },
	{ "status", required_argument, NULL, STATUS },
	{ "timeout", required_argument, NULL, 't' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 }
};

/* The threshold that an option sets, and how it is written; NULL: none. */
static struct range *range_of(struct limits *limits, int option, enum range_kind *kind)
{
	*kind = option == FAILED_WARNING || option == FAILED_CRITICAL ? RANGE_NUMBER
		: RANGE_TIME;
	switch (option) {
	case 'w':
		return &limits->oldest.warning;
	case 'c':
		return &limits->oldest.critical;
	case FAILED_WARNING:
		return &limits->failed.warning;
	case FAILED_CRITICAL:
		return &limits->failed.critical;
	case EXPIRY_WARNING:
		return &limits->expiry.warning;
	case EXPIRY_CRITICAL:
		return &limits->expiry.critical;
	case RENEWAL_WARNING:
		return &limits->renewal.warning;
	case RENEWAL_CRITICAL:
		return &limits->renewal.critical;
	default:
		return NULL;
	}
}

static int take_timeout(struct checking *checking, const char *text, struct reason *why)
{
	char *end;
	unsigned long seconds = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end || seconds < 1 || seconds > 3600)
		return reason_set(why, "-t wants 1 to 3600 seconds");
	checking->timeout = (unsigned)seconds;
	return 0;
}

/* Takes one option.  0, or -1 with *why filled. */
static int take_option(struct checking *checking, int option, struct reason *why)
{
	enum range_kind kind;
	struct range *range = range_of(&checking->limits, option, &kind);

	if (range)
		return range_parse(range, optarg, kind, why);
	if (option == 't')
		return take_timeout(checking, optarg, why);
	if (option != STATUS)
		return reason_set(why, "no such option; see ringspool(1)");
	checking->status = optarg;
	return 0;
}

int command_check(struct tool *tool, int argc, char **argv)
{
	struct checking checking = { .timeout = TIMEOUT_SECONDS };
	struct reason why;
	int option;

	limits_set_defaults(&checking.limits, &tool->config);
	opterr = 0;	/* one line, on standard output, is all that is read */
	while ((option = getopt_long(argc, argv, "w:c:t:h", options, NULL)) != -1) {
		if (option == 'h') {
			print_usage(stdout);
			return LEVEL_UNKNOWN;	/* as the guidelines have it */
		}
		if (take_option(&checking, option, &why) < 0)
			return end_with(LEVEL_UNKNOWN, why.text);
	}
	if (optind < argc)
		return end_with(LEVEL_UNKNOWN, "no operands are taken; see ringspool(1)");
	return check(tool, &checking);
}
