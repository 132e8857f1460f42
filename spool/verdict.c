#include "verdict.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "figures.h"
#include "text.h"

enum {
	FREE_CRITICAL_PART = 10,	/* of min_free */
	HOUR = 3600,
	DAY = 24 * HOUR,
	SKEW = 5 * 60		/* between two machines' clocks */
};

enum level level_worse(enum level a, enum level b)
{
	static const int rank[] = { [LEVEL_OK] = 0, [LEVEL_UNKNOWN] = 1,
		[LEVEL_WARNING] = 2, [LEVEL_CRITICAL] = 3 };

	return rank[a] >= rank[b] ? a : b;
}

const char *level_name(enum level level)
{
	static const char *const names[] = { "OK", "WARNING", "CRITICAL", "UNKNOWN" };

	return names[level];
}

void limits_set_defaults(struct limits *limits, const struct config *config)
{
	const struct range none = { .none = true };

	*limits = (struct limits){
		.oldest = { { .end = 5 * 60 }, { .end = HOUR } },
		.failed = { { .end = 0 }, none },
		.expiry = { { .start = DAY, .endless = true },
			{ .start = 6 * HOUR, .endless = true } },
		.renewal = { { .end = HOUR }, { .end = DAY } },
		.min_free = config->min_free,
	};
}

struct judging {
	const struct limits *limits;
	const struct survey *survey;
	const struct renewal *renewal;
	void (*tell)(void *context, const struct finding *finding);
	void *context;
};

static enum level judge(const struct threshold *threshold, double value)
{
	if (range_alerts(&threshold->critical, value))
		return LEVEL_CRITICAL;
	return range_alerts(&threshold->warning, value) ? LEVEL_WARNING : LEVEL_OK;
}

static void set_label(struct finding *finding, const char *before, const char *name)
{
	(void)snprintf(finding->label, sizeof finding->label, "%s%s", before, name);
	for (char *at = finding->label; *at; at++)
		if (!isalnum((unsigned char)*at) && !strchr("_-.", *at))
			*at = '_';
}

static void judge_oldest(const struct judging *judging)
{
	time_t oldest = survey_oldest(judging->survey);
	time_t age = oldest ? figure_age(judging->survey->now, oldest) : 0;
	struct finding finding = { .label = "oldest", .unit = "s", .value = (double)age,
		.threshold = &judging->limits->oldest };
	char span[FIGURE_SIZE];

	figure_span(span, age);
	finding.level = judge(finding.threshold, finding.value);
	if (oldest)
		(void)snprintf(finding.text, sizeof finding.text, "oldest event waits %s",
			span);
	else
		strcpy(finding.text, "no event waits");	/* fits */
	judging->tell(judging->context, &finding);
}

static void judge_failed(const struct judging *judging)
{
	uint64_t failed = judging->survey->states[STATE_FAILED].events;
	struct finding finding = { .label = "failed", .unit = "", .value = (double)failed,
		.threshold = &judging->limits->failed };
	char count[FIGURE_SIZE];

	figure_count(count, failed);
	finding.level = judge(finding.threshold, finding.value);
	(void)snprintf(finding.text, sizeof finding.text, "%s event%s failed", count,
		failed == 1 ? "" : "s");
	judging->tell(judging->context, &finding);
}

/* Nobody takes it: an event under a name that was spoiled would wait for ever. */
static void judge_strange(const struct judging *judging)
{
	const struct strange *strange = &judging->survey->strange;
	struct finding finding = { .level = LEVEL_WARNING };
	char count[FIGURE_SIZE];

	if (strange->count == 0)
		return;
	figure_count(count, strange->count);
	(void)snprintf(finding.text, sizeof finding.text, "%s file%s in the spool cannot"
		" be %s", count, strange->count == 1 ? "" : "s",
		strange->count == 1 ? "an event" : "events");
	text_plain(finding.example, sizeof finding.example, strange->example);
	judging->tell(judging->context, &finding);
}

static void judge_spool(const struct judging *judging, unsigned which)
{
	static const char *const names[SPOOLS] = { "spool", "fallback spool" };
	const struct space *space = &judging->survey->space[which];
	uint64_t min_free = judging->limits->min_free;
	uint64_t critical = min_free / FREE_CRITICAL_PART;
	struct threshold threshold = {
		{ .start = (double)min_free, .endless = true, .none = min_free == 0 },
		{ .start = (double)critical, .endless = true,
			.none = min_free == 0 } };
	struct finding finding = { .unit = "B", .value = (double)space->free,
		.threshold = &threshold, .total = (double)space->total };
	char bytes[FIGURE_SIZE], trouble[160];

	if (!space->open) {
		/* Without its fallback nothing is lost yet. */
		finding.level = which == 0 ? LEVEL_CRITICAL : LEVEL_WARNING;
		text_plain(trouble, sizeof trouble, space->trouble.text);
		(void)snprintf(finding.text, sizeof finding.text, "%s cannot be used: %s",
			names[which], trouble);
		judging->tell(judging->context, &finding);
		return;
	}
	finding.level = judge(&threshold, finding.value);
	set_label(&finding, "free", which == 0 ? "" : "_fallback");
	figure_bytes(bytes, space->free);
	(void)snprintf(finding.text, sizeof finding.text, "%s free in the %s%s", bytes,
		names[which], finding.level == LEVEL_OK ? "" : ", less than min_free");
	judging->tell(judging->context, &finding);
}

/* Adds ": CODE text" of an error, if there is one. */
static void add_error(struct finding *finding, const char *code, const char *error)
{
	size_t used = strlen(finding->text);
	char text[120];

	if (!error[0])
		return;
	text_plain(text, sizeof text, error);
	(void)snprintf(finding->text + used, sizeof finding->text - used, ": %s", text);
	used = strlen(finding->text);
	if (code[0] && !strstr(text, code)) {
		text_plain(text, sizeof text, code);
		(void)snprintf(finding->text + used, sizeof finding->text - used, " (%s)",
			text);
	}
}

static void judge_renewal(const struct judging *judging)
{
	const struct renewal *renewal = judging->renewal;
	time_t age = figure_age(judging->survey->now, renewal->last_good);
	struct finding finding = { .unit = "s" };
	char span[FIGURE_SIZE];

	if (renewal->trouble[0]) {
		finding.level = LEVEL_UNKNOWN;
		text_plain(finding.text, sizeof finding.text, renewal->trouble);
	} else if (renewal->last_good == 0) {
		finding.level = renewal->present ? LEVEL_CRITICAL : LEVEL_UNKNOWN;
		strcpy(finding.text, renewal->present ? "no good renewal run yet"
			: "ringspool-renew has not run");	/* fit */
	} else if (renewal->last_good > judging->survey->now + SKEW) {
		finding.level = LEVEL_UNKNOWN;
		strcpy(finding.text, "the last good renewal run is in the future: the"
			" clock or status.json is wrong");	/* fits */
	} else {
		finding.value = (double)age;
		finding.threshold = &judging->limits->renewal;
		finding.level = judge(finding.threshold, finding.value);
		set_label(&finding, "renewal", "");
		figure_span(span, age);
		(void)snprintf(finding.text, sizeof finding.text, "last good renewal run"
			" %s ago", span);
	}
	add_error(&finding, renewal->code, renewal->error);
	judging->tell(judging->context, &finding);
}

/* Credentials or configuration: no repetition mends that. */
static void judge_last_run(const struct judging *judging)
{
	int status = judging->renewal->exit_status;
	struct finding finding = { .level = LEVEL_WARNING };

	if (status != EX_NOPERM && status != EX_CONFIG)
		return;
	(void)snprintf(finding.text, sizeof finding.text, "the last renewal run ended with"
		" %d, and so will the next: run ringspool-renew -v", status);
	judging->tell(judging->context, &finding);
}

static void judge_status(const struct judging *judging,
	const struct subscription *subscription)
{
	struct finding finding = { .level = subscription_is_active(subscription)
		? LEVEL_OK : LEVEL_CRITICAL };
	char name[56], status[40];

	text_plain(name, sizeof name, subscription->name);
	text_plain(status, sizeof status, subscription->status[0] ? subscription->status
		: "not there");
	if (finding.level == LEVEL_OK && subscription->disabled_filters > 0) {
		finding.level = LEVEL_WARNING;
		(void)snprintf(finding.text, sizeof finding.text, "%s: %zu filters refused"
			" by the platform", name, subscription->disabled_filters);
	} else {
		(void)snprintf(finding.text, sizeof finding.text, "%s is %s", name, status);
	}
	add_error(&finding, subscription->code, subscription->error);
	judging->tell(judging->context, &finding);
}

static void judge_expiry(const struct judging *judging,
	const struct subscription *subscription)
{
	time_t left = subscription->expires - judging->survey->now;
	struct finding finding = { .unit = "s", .value = (double)left,
		.threshold = &judging->limits->expiry };
	char name[56], span[FIGURE_SIZE];

	text_plain(name, sizeof name, subscription->name);
	set_label(&finding, "expiry_", subscription->name);
	finding.level = left <= 0 ? LEVEL_CRITICAL
		: judge(finding.threshold, finding.value);
	figure_span(span, left < 0 ? -left : left);
	(void)snprintf(finding.text, sizeof finding.text,
		left > 0 ? "%s ends in %s" : "%s ended %s ago", name, span);
	judging->tell(judging->context, &finding);
}

void verdict_judge(const struct limits *limits, const struct config *config,
	const struct survey *survey, const struct renewal *renewal,
	void (*tell)(void *context, const struct finding *finding), void *context)
{
	struct judging judging = { limits, survey, renewal, tell, context };

	judge_oldest(&judging);
	judge_failed(&judging);
	judge_strange(&judging);
	judge_spool(&judging, 0);
	if (config->fallback_spool[0])
		judge_spool(&judging, 1);
	if (!renewal->present && renewal->declared == 0 && !renewal->trouble[0])
		return;
	judge_renewal(&judging);
	judge_last_run(&judging);
	for (size_t i = 0; i < renewal->count; i++) {
		judge_status(&judging, &renewal->subscriptions[i]);
		if (renewal->subscriptions[i].expires)
			judge_expiry(&judging, &renewal->subscriptions[i]);
	}
}
