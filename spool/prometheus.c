#include "prometheus.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "figures.h"
#include "text.h"

void prometheus_label(FILE *out, const char *value)
{
	size_t left = strlen(value);

	putc('"', out);
	while (left > 0) {
		uint32_t point;
		size_t length = text_decode(value, left, &point);

		/* One bad byte, and the collector drops the whole file. */
		if (point == TEXT_INVALID)
			text_put(out, 0xFFFD);
		else if (point == '\n')
			fputs("\\n", out);
		else if (point == '"' || point == '\\')
			fprintf(out, "\\%c", (char)point);
		else if (text_is_control(point))
			putc('?', out);
		else
			fwrite(value, 1, length, out);
		value += length;
		left -= length;
	}
	putc('"', out);
}

static void head(FILE *out, const char *name, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

static void print_states(FILE *out, const struct survey *survey)
{
	head(out, "ringspool_spool_events", "Events in the spool, by state.");
	for (int i = 0; i < STATE_COUNT; i++)
		fprintf(out, "ringspool_spool_events{state=\"%s\"} %" PRIu64 "\n",
			entry_state_name((enum entry_state)i), survey->states[i].events);
	head(out, "ringspool_spool_bytes", "Size of the events in the spool, by state.");
	for (int i = 0; i < STATE_COUNT; i++)
		fprintf(out, "ringspool_spool_bytes{state=\"%s\"} %" PRIu64 "\n",
			entry_state_name((enum entry_state)i), survey->states[i].bytes);
}

static void print_strange(FILE *out, const struct survey *survey)
{
	head(out, "ringspool_spool_strange", "Files in the spool that can be no event.");
	fprintf(out, "ringspool_spool_strange %" PRIu64 "\n", survey->strange.count);
}

static void print_oldest(FILE *out, const struct survey *survey)
{
	time_t oldest = survey_oldest(survey);

	head(out, "ringspool_oldest_event_age_seconds", "Time since the oldest event was"
		" received that is waiting, running or to be tried again; 0 without one.");
	fprintf(out, "ringspool_oldest_event_age_seconds %" PRIdMAX "\n",
		oldest ? (intmax_t)figure_age(survey->now, oldest) : 0);
}

/* Whether an earlier subscription has the same name: a series that comes
 * twice makes the collector drop the whole file. */
static bool is_repeated(const struct renewal *renewal, size_t which)
{
	for (size_t i = 0; i < which; i++)
		if (strcmp(renewal->subscriptions[i].name,
		    renewal->subscriptions[which].name) == 0)
			return true;
	return false;
}

static void sample(FILE *out, const char *name, const struct subscription *subscription,
	intmax_t value)
{
	fprintf(out, "%s{name=", name);
	prometheus_label(out, subscription->name);
	fprintf(out, "} %" PRIdMAX "\n", value);
}

static void print_subscriptions(FILE *out, const struct renewal *renewal)
{
	static const char expiry[] = "ringspool_subscription_expiry_timestamp_seconds";
	static const char active[] = "ringspool_subscription_active";
	const struct subscription *all = renewal->subscriptions;

	head(out, expiry, "When the subscription ends, as of the last renewal run.");
	for (size_t i = 0; i < renewal->count; i++)
		if (all[i].expires && !is_repeated(renewal, i))
			sample(out, expiry, &all[i], all[i].expires);
	head(out, active, "Whether the platform calls the subscription Active.");
	for (size_t i = 0; i < renewal->count; i++)
		if (!is_repeated(renewal, i))
			sample(out, active, &all[i], subscription_is_active(&all[i]));
}

static void print_renewal(FILE *out, const struct renewal *renewal)
{
	static const char success[] = "ringspool_renew_last_success_timestamp_seconds";

	/* Declared, but never seen: 0, a success in 1970, which raises alarms. */
	if (!renewal->present && renewal->declared == 0)
		return;
	if (renewal->count > 0)
		print_subscriptions(out, renewal);
	head(out, success, "When ringspool-renew last found, or made, all well; 0 never.");
	fprintf(out, "%s %" PRIdMAX "\n", success, (intmax_t)renewal->last_good);
}

void prometheus_print(FILE *out, const struct survey *survey,
	const struct renewal *renewal)
{
	print_states(out, survey);
	print_strange(out, survey);
	print_oldest(out, survey);
	print_renewal(out, renewal);
}
