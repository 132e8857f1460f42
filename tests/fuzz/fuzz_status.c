/*
 * status.json, another program's and another user's file, as the operator's
 * tool reads it: what it says of subscriptions goes into a verdict for
 * monitoring, into Prometheus' format and into a page, and breaks none.
 *
 * An input is the file.
 */
#include "ground.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../spool/html.h"
#include "../../spool/prometheus.h"
#include "../../spool/text.h"
#include "../../spool/verdict.h"

enum { NOW = 1800000000 };

static struct config config;

static void check_finding(void *context, const struct finding *finding)
{
	(void)context;
	require(finding->level >= LEVEL_OK && finding->level <= LEVEL_UNKNOWN);
	require(finding->text[0] && ground_is_plain(finding->text, strlen(finding->text), ""));
	require(!strchr(finding->text, '\n'));
	for (const char *at = finding->label; *at; at++)
		require(isascii(*at) && (isalnum((unsigned char)*at) || strchr("_-.", *at)));
}

/* Each line is a comment or `name value` or `name{label="..."} value`, in UTF-8. */
static void check_prometheus(const struct survey *survey, const struct renewal *renewal)
{
	char *text = NULL;
	size_t size = 0, length;
	FILE *out = open_memstream(&text, &size);

	require(out != NULL);
	prometheus_print(out, survey, renewal);
	require(fclose(out) == 0);
	for (size_t at = 0; at < size; at += length) {
		uint32_t point;

		length = text_decode(text + at, size - at, &point);
		require(point != TEXT_INVALID && (point == '\n' || !text_is_control(point)));
	}
	for (char *line = text; *line; line = strchr(line, '\n') + 1) {
		char *value = strchr(line, '\n');

		while (value > line && value[-1] != ' ')
			value--;
		require(line[0] == '#' || strncmp(line, "ringspool_", 10) == 0);
		require(line[0] == '#' || isdigit((unsigned char)*value) || *value == '-');
	}
	free(text);
}

static void check_html(const char *text)
{
	char *page = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&page, &size);

	require(out != NULL);
	html_text(out, text);
	html_text_masked(out, text);
	require(fclose(out) == 0);
	require(strlen(page) == size && !strpbrk(page, "<>\"'"));
	free(page);
}

static void check_subscription(const struct subscription *subscription)
{
	require(subscription->expires >= 0 && subscription->last_good >= 0);
	check_html(subscription->name);
	check_html(subscription->status);
	check_html(subscription->error);
}

static void judge(const struct renewal *renewal)
{
	static struct survey survey = { .now = NOW };
	struct limits limits;

	limits_set_defaults(&limits, &config);
	verdict_judge(&limits, &config, &survey, renewal, check_finding, NULL);
	check_prometheus(&survey, renewal);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct reason why;

	(void)argc;
	(void)argv;
	ground_make();
	ground_write(ground_path("ringspool.conf"), "", 0, 0644);
	return config_load(&config, ground_path("ringspool.conf"), &why) == 0 ? 0 : 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct renewal renewal;
	struct reason why = { "" };

	ground_write(ground_path("status.json"), data, size, 0644);
	if (renewal_read(&renewal, "", ground_path("status.json"), &why) == 0)
		require(renewal.present && !renewal.trouble[0]);
	else
		require(!renewal.present && renewal.trouble[0] && why.text[0]);
	judge(&renewal);
	for (size_t i = 0; i < renewal.count; i++)
		check_subscription(&renewal.subscriptions[i]);
	renewal_free(&renewal);
	return 0;
}
