#include "notes.h"

#include <stdlib.h>
#include <string.h>

#include "filters.h"
#include "plan.h"
#include "times.h"

enum {
	LIFE_MOST = 315360000,	/* ten years, the platform's bound; the state holds it */
	DISABLED_TOLD = 3	/* filters, each with its reason */
};

int fail_subscription(struct run *run, const struct declared *declared,
	const struct failure *failure)
{
	struct known *known = declared ? state_know(run->state, declared->name) : NULL;
	char text[sizeof failure->text];

	run_meet(run, failure);
	report_failure(run->report, declared ? declared->name : NULL, failure);
	if (!known)
		return -1;
	run->failed[declared - run->settings->subscriptions] = true;
	if (!known->failing_since)
		known->failing_since = run->report->now;
	masking_text(run->report->masking, failure->text, text, sizeof text);
	(void)known_set_text(&known->error, text);	/* or the text before */
	memcpy(known->code, failure->code, sizeof known->code);
	known->error_status = failure_exit_status(failure->kind);
	return -1;
}

int fail_memory(struct run *run, const struct declared *declared)
{
	struct failure failure;

	failure_set(&failure, FAILURE_SYSTEM, "out of memory");
	return fail_subscription(run, declared, &failure);
}

static void report_disabled(struct run *run, const struct declared *declared,
	const struct known *known)
{
	for (size_t i = 0; i < known->disabled_count && i < DISABLED_TOLD; i++) {
		const struct disabled_filter *one = &known->disabled[i];

		report_warning(run->report, declared->name, true,
			"the platform disabled the filter %s: %s%s%s; give the application or"
			" user the permission, then `ringspool-renew update %s`", one->filter,
			one->reason, one->reason[0] && one->message[0] ? ", " : "", one->message,
			declared->name);
	}
	if (known->disabled_count > DISABLED_TOLD)
		report_warning(run->report, declared->name, true, "the platform disabled %zu"
			" filters in all; status.json lists them", known->disabled_count);
}

void report_left_out(struct run *run, const struct declared *declared,
	const struct known *known)
{
	if (known->left_out == 0 || known->mute)
		return;		/* of a mute one it is no news */
	report_lasting(run->report, declared->name, "filters left out",
		"the platform shows %ld of %zu filters, and does not say why: the rest bring no"
		" events; `ringspool-renew show %s` lists what it shows: correct the spelling of"
		" the others, or give the application the permission and `ringspool-renew"
		" update %s`", (long)declared->filter_count - known->left_out,
		declared->filter_count, declared->name, declared->name);
}

int note_gone(struct run *run, struct known *known)
{
	time_t expired = known->expires_at;

	if (expired == 0 || expired > platform_now(run->platform))
		expired = known->last_good;
	report_detail(run->report, "%s: %s is gone", known->name, known->id);
	if (known_set_lost(known, expired, "gone") < 0)
		return -1;
	(void)known_set_text(&known->id, NULL);
	(void)known_set_text(&known->status, NULL);
	known->expires_at = 0;
	return 0;
}

int note_dead(struct known *known, const struct record *record)
{
	bool said = record->trouble && record->trouble[0];
	char what[300];

	(void)snprintf(what, sizeof what, "%.60s%s%.200s%s", record->status,
		said ? " (" : "", said ? record->trouble : "", said ? ")" : "");
	return known_set_lost(known, known->last_good, what);
}

void note_recovery(struct run *run, struct known *known, const char *how)
{
	if (!known->lost)
		return;
	report_warning(run->report, known->name, false,
		"was %s; %s; events in between are lost", known->lost, how);
	free(known->interruption);
	known->interruption = known->lost;
	known->interrupted_from = known->lost_from;
	known->interrupted_until = run->report->now;
	known->lost = NULL;
	known->lost_from = 0;
}

/* Whether events can come: by a filter that is not disabled (which may be
 * listed all the same) and not that of the reminders. */
static bool has_active_filter(const struct record *record, const struct known *known)
{
	static const char reminders[] = PLATFORM_SUBSCRIPTIONS "/";

	for (size_t i = 0; i < record->filter_count; i++) {
		bool active = strncmp(record->filters[i], reminders, sizeof reminders - 1) != 0;

		for (size_t j = 0; active && j < known->disabled_count; j++)
			active = strcmp(known->disabled[j].filter, record->filters[i]) != 0;
		if (active)
			return true;
	}
	return false;
}

void note_record(struct run *run, const struct declared *declared,
	const struct record *record)
{
	struct known *known = state_know(run->state, declared->name);

	if (!known || known_set_text(&known->status, record->status) < 0) {
		(void)fail_memory(run, declared);
		return;
	}
	known->expires_at = record->expires_at;
	/* Where the list does not tell of disabled filters, what the reply to our
	 * request told still counts: until all that was declared is there. */
	if ((record->disabled_count > 0
		|| filters_equal(declared->filters, declared->filter_count,
			record->filters, record->filter_count))
	    && known_set_disabled(known, record) < 0)
		(void)fail_memory(run, declared);
	known->left_out = (long)plan_left_out(declared, record, known);
	known->mute = record_is_active(record) && !has_active_filter(record, known);
	if (record_is_active(record)) {
		known->tries = 0;
		known->next_try = 0;
		note_recovery(run, known, "is Active again");
	} else if (note_dead(known, record) < 0) {
		(void)fail_memory(run, declared);
	}
	report_disabled(run, declared, known);
}

static void tell_shorter_life(struct run *run, const struct declared *declared, long granted)
{
	/* What is too short to be kept is told as a failure. */
	bool kept = granted >= 2L * PLAN_RENEW_LEAST;
	char wanted[TIME_TEXT], got[TIME_TEXT], what[40];

	if (!kept || granted >= declared->expires_in - RUN_CLOCK_SLACK)
		return;
	time_format_span(declared->expires_in, wanted);
	time_format_span(granted, got);
	(void)snprintf(what, sizeof what, "expires_in %ld", declared->expires_in);
	report_once(run->report, declared->name, what,
		"expires_in asks for %s, the platform granted %s; it is renewed as much earlier",
		wanted, got);
}

/* The life that a reply grants; its date may be any. */
static long granted_life(const struct run *run, const struct record *record)
{
	time_t left = run_time_left(run, record);

	return left < 0 ? 0 : left > LIFE_MOST ? LIFE_MOST : (long)left;
}

int note_reply(struct run *run, const struct declared *declared,
	const struct record *record, bool granted)
{
	struct known *known = state_know(run->state, declared->name);

	if (!known || known_set_text(&known->id, record->id) < 0
	    || known_set_disabled(known, record) < 0
	    || digest_set(declared->filters, declared->filter_count, known->asked) < 0
	    || digest_set(record->filters, record->filter_count, known->answered) < 0)
		return fail_memory(run, declared);
	known->asked_expires_in = declared->expires_in;
	if (granted)
		known->lifetime = granted_life(run, record);
	note_record(run, declared, record);
	report_left_out(run, declared, known);
	if (known->lifetime > 0)
		tell_shorter_life(run, declared, known->lifetime);
	return 0;
}
