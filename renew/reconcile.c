#include "reconcile.h"

#include <string.h>

#include "address.h"
#include "carry_out.h"
#include "notes.h"
#include "times.h"

enum {
	LIFE_LEAST = 2 * PLAN_RENEW_LEAST	/* seconds that runs can keep alive */
};

static int fail(struct run *run, enum failure_kind kind, const char *text)
{
	struct failure failure;

	failure_set(&failure, kind, "%s", text);
	report_failure(run->report, NULL, &failure);
	run->ended = true;
	return -1;
}

/* Looks at a subscription that the state knows and the list lacks. */
static int look_for(struct run *run, struct known *known)
{
	struct failure failure;
	struct record record;
	char text[800];

	if (platform_get(run->platform, known->id, &record, &failure) == 0) {
		record_free(&record);
		(void)snprintf(text, sizeof text, "the list lacks %s (%s), which is there all the"
			" same: it is not believed, and nothing is changed. The next run asks again;"
			" should it last, ask RingCentral's support, or remove %.300s/state.json:"
			" then a second one is created beside it", known->id, known->name,
			run->settings->state_dir);
		return fail(run, FAILURE_NONSENSE, text);
	}
	if (failure.kind == FAILURE_GONE)
		return 0;
	known->doubtful = true;
	(void)fail_subscription(run, settings_find(run->settings, known->name), &failure);
	return run->ended ? -1 : 0;
}

/* A list that lacks what we know may be false or incomplete, and whoever
 * believes it creates a double in each run. */
static int check_list(struct run *run)
{
	for (size_t i = 0; i < run->state->known_count; i++) {
		struct known *known = &run->state->known[i];

		if (known->id && !records_find(&run->present, known->id)
		    && look_for(run, known) < 0)
			return -1;
	}
	return 0;
}

int observe(struct run *run, struct plan *plan)
{
	struct plan_input input = {
		.declared = run->settings->subscriptions, .declared_count = run->settings->count,
		.present = &run->present, .state = run->state, .token = run->token_digest,
		.reminders = run->reminders->names, .reminder_count = run->reminders->count
	};
	struct failure failure;

	if (platform_list(run->platform, &run->present, &failure) < 0) {
		run_meet(run, &failure);
		report_failure(run->report, NULL, &failure);
		run->ended = true;
		return -1;
	}
	if (check_list(run) < 0)
		return -1;
	input.now = platform_now(run->platform);
	return plan_make(plan, &input) < 0 ? fail(run, FAILURE_SYSTEM, "out of memory") : 0;
}

/* What the list says of a declared one, of which `kept` is to be kept, or NULL. */
static int note_one(struct run *run, const struct declared *declared,
	const struct record *kept)
{
	struct known *known = state_find(run->state, declared->name);
	const struct record *record;

	if (!known || !known->id || known->doubtful)
		return 0;
	record = records_find(&run->present, known->id);
	if (!record)
		return note_gone(run, known);
	if (record == kept)
		note_record(run, declared, record);
	else if (record->webhook && !record_is_active(record))
		return note_dead(known, record);
	return 0;
}

/* What the list says of the declared ones, before anything is changed. */
static int note_present(struct run *run, const struct plan *plan)
{
	for (size_t i = 0; i < run->settings->count; i++)
		if (note_one(run, &run->settings->subscriptions[i], plan->kept[i]) < 0)
			return fail(run, FAILURE_SYSTEM, "out of memory");
	return 0;
}

/* Entries of sections that are declared no more. */
static void forget_undeclared(struct run *run)
{
	struct state *state = run->state;

	for (size_t i = state->known_count; i-- > 0;) {
		const struct known *known = &state->known[i];
		const struct record *record;
		bool taken = false;

		if (known->doubtful || settings_find(run->settings, known->name))
			continue;
		record = known->id ? records_find(&run->present, known->id) : NULL;
		for (size_t j = 0; record && record->webhook && j < run->settings->count; j++)
			taken |= address_equal(run->settings->subscriptions[j].address,
				record->address);
		if (record && !taken)
			report_detail(run->report, "%s is no longer declared, but %s is still there:"
				" ringspool-renew delete %s", known->name, known->id, known->id);
		else
			state_forget(state, known->name);
	}
}

/* A life that ends between two runs, as declared or as granted. */
static void check_lifetime(struct run *run, const struct declared *declared,
	const struct known *known)
{
	struct failure failure;
	char span[TIME_TEXT];

	if (declared->expires_in < LIFE_LEAST
	    || declared->renew_before < PLAN_RENEW_LEAST)
		report_warning(run->report, declared->name, true, "expires_in (%ld) should be"
			" %d at least and renew_before (%ld) %d: runs are ten minutes apart",
			declared->expires_in, LIFE_LEAST, declared->renew_before,
			PLAN_RENEW_LEAST);
	if (!known || !known->id || known->lifetime <= 0
	    || known->lifetime >= LIFE_LEAST - RUN_CLOCK_SLACK)
		return;
	time_format_span(known->lifetime, span);
	failure_set(&failure, FAILURE_REFUSED, "the platform granted a life of %s: it cannot be"
		" kept alive by runs every ten minutes", span);
	(void)fail_subscription(run, declared, &failure);
}

static void check_filters(struct run *run, const struct declared *declared,
	const struct known *known)
{
	struct failure failure;

	if (!known || !known->id || !known->mute)
		return;
	failure_set(&failure, FAILURE_PERMISSION, "it is Active, but without an active filter, so"
		" no events come; give the application or user the permissions, then"
		" `ringspool-renew update %s`", declared->name);
	(void)fail_subscription(run, declared, &failure);
}

/* What is no failure of a call, but keeps events away all the same. */
static void check_kept(struct run *run)
{
	for (size_t i = 0; i < run->settings->count; i++) {
		const struct declared *declared = &run->settings->subscriptions[i];
		const struct known *known = state_find(run->state, declared->name);

		if (known)
			report_left_out(run, declared, known);
		if (!run->failed[i])
			check_lifetime(run, declared, known);
		if (!run->failed[i])
			check_filters(run, declared, known);
	}
}

/* Takes note of which subscriptions are well. */
static void note_success(struct run *run)
{
	for (size_t i = 0; i < run->settings->count; i++) {
		struct known *known = state_find(run->state, run->settings->subscriptions[i].name);

		if (!known || run->failed[i])
			continue;
		known->last_good = run->report->now;
		known->failing_since = 0;
		known->error_status = 0;
		known->code[0] = '\0';
		(void)known_set_text(&known->error, NULL);
	}
	if (!run->report->failed)
		run->state->last_good = run->report->now;
}

/* What cannot be remembered must not be begun.  But a renewal leaves nothing
 * to remember, and without it the subscription dies. */
static void renew_only(struct run *run, const struct plan *plan)
{
	struct plan renewals = { 0 };

	run->ended = false;
	for (size_t i = 0; i < plan->count; i++) {
		const struct step *step = &plan->steps[i];

		if (step->kind == STEP_RENEW && plan_add(&renewals, step->kind, step->declared,
		    step->record, step->why) < 0)
			break;		/* those before it are renewed */
	}
	carry_out(run, &renewals);
	plan_free(&renewals);
	run->ended = true;
}

static void carry_out_and_note(struct run *run, const struct plan *plan)
{
	struct reason why;

	if (!run->dry_run && note_present(run, plan) < 0)
		return;
	if (plan->count > 0 && !run->dry_run && state_save(run->state, run->store, &why) < 0) {
		(void)fail(run, FAILURE_CONFIG, why.text);
		renew_only(run, plan);
		return;
	}
	carry_out(run, plan);
	if (run->ended || run->dry_run)
		return;
	forget_undeclared(run);
	check_kept(run);
	note_success(run);
	report_ended(run->report);
}

void reconcile(struct run *run)
{
	struct plan plan;

	if (run->settings->count == 0) {
		(void)fail(run, FAILURE_CONFIG, "the configuration declares no [subscription NAME]");
		return;
	}
	for (size_t i = 0; i < run->settings->count; i++)
		if (!state_know(run->state, run->settings->subscriptions[i].name)) {
			(void)fail(run, FAILURE_SYSTEM, "out of memory");
			return;
		}
	for (size_t i = 0; i < run->settings->warning_count; i++)
		report_warning(run->report, NULL, false, "%s", run->settings->warnings[i]);
	if (observe(run, &plan) < 0)
		return;
	carry_out_and_note(run, &plan);
	plan_free(&plan);
}
