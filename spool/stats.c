/*
 * The subcommand stats: how much is in the spools, for a person, as JSON, or
 * for Prometheus.
 */
#include <cjson/cJSON.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "figures.h"
#include "output.h"
#include "prometheus.h"
#include "renewal.h"
#include "survey.h"
#include "text.h"
#include "tool.h"

struct stats {
	bool prometheus, json, quick;
	const char *file;		/* -o; NULL: standard output */
	const char *status;		/* --status; NULL: where the configuration says */
};

static int usage(int status)
{
	fprintf(status ? stderr : stdout,
		"usage: ringspool stats [--quick] [--json]\n"
		"       ringspool stats --prometheus [-o FILE] [--status FILE]\n");
	return status;
}

static void print_row(const char *state, const char *family, const struct tally *tally,
	time_t now)
{
	char events[FIGURE_SIZE], bytes[FIGURE_SIZE], oldest[FIGURE_SIZE] = "-";
	char minute[FIGURE_SIZE], hour[FIGURE_SIZE], day[FIGURE_SIZE];

	figure_count(events, tally->events);
	figure_bytes(bytes, tally->bytes);
	if (tally->events > 0)
		figure_span(oldest, figure_age(now, tally->oldest));
	figure_count(minute, tally->arrivals.minute);
	figure_count(hour, tally->arrivals.hour);
	figure_count(day, tally->arrivals.day);
	printf("%-9s %-44s %11s %9s %7s %9s %9s %11s\n", state, family, events, bytes,
		oldest, minute, hour, day);
}

static void print_state(const struct survey *survey, int state)
{
	size_t families = survey->family_count;

	print_row(entry_state_name((enum entry_state)state), "", &survey->states[state],
		survey->now);
	for (size_t i = 0; i < families; i++)
		if (survey->families[i].states[state].events > 0)
			print_row("", survey->families[i].family,
				&survey->families[i].states[state], survey->now);
}

static void print_strange(const struct strange *strange)
{
	char count[FIGURE_SIZE];

	figure_count(count, strange->count);
	printf("can be no event, and no subcommand takes it: %s, such as ", count);
	text_write(stdout, strange->example, strlen(strange->example), false);
	putchar('\n');
}

static void print_table(const struct survey *survey)
{
	char minute[FIGURE_SIZE], hour[FIGURE_SIZE], day[FIGURE_SIZE];

	printf("%-9s %-44s %11s %9s %7s %9s %9s %11s\n", "STATE", "EVENT", "EVENTS",
		"SIZE", "OLDEST", "LAST 1m", "LAST 1h", "LAST 1d");
	for (int state = 0; state < STATE_COUNT; state++)
		if (survey->states[state].events > 0 || state == STATE_WAITING)
			print_state(survey, state);
	figure_count(minute, survey->arrivals.minute);
	figure_count(hour, survey->arrivals.hour);
	figure_count(day, survey->arrivals.day);
	if (survey->strange.count > 0)
		print_strange(&survey->strange);
	printf("arrived, with those that were taken since: %s in the last minute,"
		" %s in the last hour, %s in the last day\n", minute, hour, day);
}

static void add_arrivals(cJSON *json, const struct arrivals *arrivals)
{
	cJSON *object = cJSON_AddObjectToObject(json, "arrivals");

	(void)cJSON_AddNumberToObject(object, "minute", (double)arrivals->minute);
	(void)cJSON_AddNumberToObject(object, "hour", (double)arrivals->hour);
	(void)cJSON_AddNumberToObject(object, "day", (double)arrivals->day);
}

static void add_tally(cJSON *json, const struct tally *tally, time_t now)
{
	(void)cJSON_AddNumberToObject(json, "events", (double)tally->events);
	(void)cJSON_AddNumberToObject(json, "bytes", (double)tally->bytes);
	if (tally->events > 0)
		(void)cJSON_AddNumberToObject(json, "oldest_age_seconds",
			(double)figure_age(now, tally->oldest));
	else
		(void)cJSON_AddNullToObject(json, "oldest_age_seconds");
	add_arrivals(json, &tally->arrivals);
}

static void add_families(cJSON *json, const struct survey *survey, int state)
{
	cJSON *list = cJSON_AddArrayToObject(json, "families");

	for (size_t i = 0; i < survey->family_count; i++) {
		const struct family_tally *family = &survey->families[i];
		cJSON *one;

		if (family->states[state].events == 0)
			continue;
		one = cJSON_CreateObject();
		(void)cJSON_AddStringToObject(one, "event", family->family);
		add_tally(one, &family->states[state], survey->now);
		(void)cJSON_AddItemToArray(list, one);
	}
}

static cJSON *describe(const struct survey *survey, bool families)
{
	cJSON *json = cJSON_CreateObject();
	cJSON *states = cJSON_AddObjectToObject(json, "states");

	for (int i = 0; i < STATE_COUNT; i++) {
		cJSON *state = cJSON_AddObjectToObject(states,
			entry_state_name((enum entry_state)i));

		add_tally(state, &survey->states[i], survey->now);
		if (families)
			add_families(state, survey, i);
	}
	(void)cJSON_AddNumberToObject(json, "strange", (double)survey->strange.count);
	add_arrivals(json, &survey->arrivals);
	return json;
}

static int print_json(const struct survey *survey, bool families)
{
	cJSON *json = describe(survey, families);
	char *text = cJSON_Print(json);

	cJSON_Delete(json);
	if (!text)
		return tool_complain("stats", EX_OSERR, "out of memory");
	puts(text);
	cJSON_free(text);
	return EX_OK;
}

static int print_prometheus(const struct tool *tool, const struct stats *stats,
	const struct survey *survey)
{
	struct renewal renewal;
	struct output output;
	struct reason why;
	int result = renewal_read(&renewal, tool->config.file, stats->status, &why);

	if (result == 0)
		result = output_begin(&output, stats->file, &why);
	if (result == 0) {
		prometheus_print(output.file, survey, &renewal);
		result = output_commit(&output, &why);
	}
	renewal_free(&renewal);
	return result < 0 ? tool_complain("stats", EX_IOERR, why.text) : EX_OK;
}

static bool all_are_open(const struct spools *spools)
{
	for (unsigned i = 0; i < spools->count; i++)
		if (!spools->states[i])
			return false;
	return true;
}

static int print(struct tool *tool, const struct stats *stats)
{
	struct survey *survey = malloc(sizeof *survey);
	struct reason why;
	int status;

	if (!survey)
		return tool_complain("stats", EX_OSERR, "out of memory");
	/* Main said why.  Half of the figures would look like all of them; an old
	 * file is noticed by its age. */
	status = all_are_open(&tool->spools) ? EX_OK : EX_UNAVAILABLE;
	if (status != EX_OK && stats->prometheus)
		goto out;
	if (survey_take(survey, &tool->spools, stats->prometheus ? 0 : stats->quick
	    ? SURVEY_ARRIVALS : SURVEY_ARRIVALS | SURVEY_FAMILIES, &why) < 0)
		status = tool_complain("stats", EX_IOERR, why.text);
	else if (stats->prometheus)
		status = print_prometheus(tool, stats, survey);
	else if (stats->json && print_json(survey, !stats->quick) != EX_OK)
		status = EX_OSERR;
	else if (!stats->json)
		print_table(survey);
	if (fflush(stdout) != 0)
		status = EX_IOERR;
out:
	free(survey);
	return status;
}

enum { OPTION_PROMETHEUS = 0x200, OPTION_JSON, OPTION_QUICK, OPTION_STATUS };

static const struct option options[] = {
	{ "prometheus", no_argument, NULL, OPTION_PROMETHEUS },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "quick", no_argument, NULL, OPTION_QUICK },
	{ "output", required_argument, NULL, 'o' },
	{ "status", required_argument, NULL, OPTION_STATUS },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 }
};

int command_stats(struct tool *tool, int argc, char **argv)
{
	struct stats stats = { .file = NULL };
	int option;

	while ((option = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
		switch (option) {
		case OPTION_PROMETHEUS:
			stats.prometheus = true;
			break;
		case OPTION_JSON:
			stats.json = true;
			break;
		case OPTION_QUICK:
			stats.quick = true;
			break;
		case OPTION_STATUS:
			stats.status = optarg;
			break;
		case 'o':
			stats.file = optarg;
			break;
		case 'h':
			return usage(EX_OK);
		default:
			return usage(EX_USAGE);
		}
	}
	if (optind < argc || ((stats.file || stats.status) && !stats.prometheus)
	    || (stats.prometheus && (stats.json || stats.quick)))
		return usage(EX_USAGE);
	return print(tool, &stats);
}
