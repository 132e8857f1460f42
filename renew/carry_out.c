#include "carry_out.h"

#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "check.h"
#include "notes.h"
#include "times.h"

enum {
	CLOCK_ROUNDING = 2,		/* seconds; both times were cut to whole ones */
	FIRST_RETRY = 15 * 60,		/* of a sick endpoint */
	SECOND_RETRY = 60 * 60,
	REASON_SHOWN = 120,		/* bytes of the platform's, before ours */
	LATER_RETRY = 24 * 60 * 60
};

/* The steps of one declared subscription. */
struct work {
	struct run *run;
	const struct declared *declared;
	const struct step *steps;
	size_t count;
	const struct record *removed;	/* by a step's turn, to make room; or NULL */
};

static const char *name_of(const struct declared *declared)
{
	return declared ? declared->name : NULL;
}

static int save(struct run *run, const struct declared *declared)
{
	struct failure failure;
	struct reason why;

	if (state_save(run->state, run->store, &why) == 0)
		return 0;
	failure_set(&failure, FAILURE_CONFIG, "%s", why.text);
	return fail_subscription(run, declared, &failure);
}

/* Creating. */

/* The subscription that a call made although its reply did not come: one of
 * our address that was not there before.  1 found, 0 not, -1 failed. */
static int find_created(struct run *run, const struct declared *declared,
	struct record *record, struct failure *failure)
{
	struct records now;
	int found = 0;

	if (platform_list(run->platform, &now, failure) < 0)
		return -1;
	for (size_t i = 0; i < now.count && !found; i++) {
		struct record *one = &now.items[i];

		if (one->webhook && address_equal(one->address, declared->address)
		    && !records_find(&run->present, one->id)) {
			*record = *one;
			*one = (struct record){ 0 };	/* its memory moved */
			found = 1;
		}
	}
	records_free(&now);
	return found;
}

/* Creates, and where that is uncertain looks before it creates again. */
static int create(struct run *run, const struct declared *declared,
	struct record *record, struct failure *failure)
{
	while (platform_create(run->platform, declared, run->token, record, failure) < 0) {
		struct failure trouble = *failure;
		bool again;
		int found;

		if (failure->kind != FAILURE_UNCERTAIN)
			return -1;
		again = platform_wait(run->platform, trouble.retry_after); /* it may still be at work */
		if (!again && trouble.retry_after > 0) {
			failure->kind = FAILURE_LATER;	/* the next run looks */
			return -1;
		}
		report_detail(run->report, "%s: create: %s; looking whether it was made",
			declared->name, failure->text);
		found = find_created(run, declared, record, failure);
		if (found != 0)
			return found > 0 ? 0 : -1;
		if (!again) {
			*failure = trouble;
			return -1;
		}
	}
	return 0;
}

/* A rule of the check that the platform's handshake would fail by, or that
 * would get the subscription blacklisted again. */
static const struct check_line *first_fault(const struct check_report *report)
{
	for (size_t i = 0; i < report->count; i++)
		if (report->lines[i].outcome == CHECK_FAIL
		    && strcmp(report->lines[i].rule, "wrong-token") != 0)
			return &report->lines[i];
	return NULL;
}

static const struct check_line *check(struct run *run, const struct declared *declared,
	struct check_report *report)
{
	struct check_request request = { .address = declared->address,
		.verification_token = run->token, .ca_file = run->settings->ca_file,
		.masking = run->report->masking };

	(void)check_endpoint(&request, report);
	return first_fault(report);
}

/* The platform's handshake failed: says which rule does from here. */
static void explain_endpoint(struct run *run, const struct declared *declared,
	struct failure *failure)
{
	struct check_report report;
	const struct check_line *fault = check(run, declared, &report);
	struct failure plain = *failure;

	if (fault)
		failure_set(failure, FAILURE_ENDPOINT, "%s. Checked from here: %s: %s; %s",
			plain.text, fault->rule, fault->measured, fault->remedy);
	else
		failure_set(failure, FAILURE_ENDPOINT, "%s. Checked from here it passes:"
			" is it the same from the internet?", plain.text);
	memcpy(failure->code, plain.code, sizeof failure->code);
}

/* Deleting and replacing. */

static int delete_record(struct run *run, const struct declared *declared,
	const struct record *record, const char *why)
{
	struct failure failure;

	if (platform_delete(run->platform, record->id, &failure) < 0)
		return fail_subscription(run, declared, &failure);
	for (size_t i = 0; i < run->state->known_count; i++) {
		struct known *known = &run->state->known[i];

		known_drop_old(known, record->id);
		if (known->id && strcmp(known->id, record->id) == 0) {
			(void)known_set_text(&known->id, NULL);
			(void)known_set_text(&known->status, NULL);
			known->expires_at = 0;
		}
	}
	reminders_take(run->reminders, record->id);
	report_change(run->report, "deleted", name_of(declared), record->id, "%s", why);
	return 0;
}

/* Takes note of the token and address of one that was created or adopted, and
 * first of what it replaces: all that the plan deletes.  NULL: reported. */
static struct known *know_successor(struct work *work)
{
	struct run *run = work->run;
	struct known *known = state_know(run->state, work->declared->name);
	bool good = known != NULL;

	for (size_t i = 0; good && i < work->count; i++)
		if (work->steps[i].kind == STEP_DELETE && work->steps[i].record != work->removed)
			good = known_add_old(known, work->steps[i].record->id) == 0;
	if (!good) {
		(void)fail_memory(run, work->declared);
		return NULL;
	}
	memcpy(known->token, run->token_digest, sizeof known->token);
	known->creating[0] = '\0';
	known->creating_since = 0;
	digest_keyed(run->state->key, work->declared->address, known->address);
	return known;
}

/* Takes note of what was created, and that it replaces `gone` (or NULL). */
static int learn_created(struct work *work, const struct record *gone,
	const struct record *record)
{
	struct run *run = work->run;
	struct known *known = know_successor(work);

	if (!known)
		return -1;
	if (gone && known_add_old(known, gone->id) < 0)
		return fail_memory(run, work->declared);
	note_recovery(run, known, "created anew");
	if (note_reply(run, work->declared, record, true) < 0)
		return -1;
	return save(run, work->declared);
}

/* Remembers, before it is done, that one is created with the present token:
 * where the reply tells nothing, the next run knows it again. */
static int begin_creation(struct work *work)
{
	struct run *run = work->run;
	struct known *known = state_know(run->state, work->declared->name);

	if (!known)
		return fail_memory(run, work->declared);
	memcpy(known->creating, run->token_digest, sizeof known->creating);
	known->creating_since = platform_now(run->platform) - CLOCK_ROUNDING;
	return save(run, work->declared);
}

/* One that is not Active and is to be deleted anyway; or NULL. */
static const struct record *find_dead(const struct work *work)
{
	for (size_t i = 0; i < work->count; i++)
		if (work->steps[i].kind == STEP_DELETE && work->steps[i].record->webhook
		    && !record_is_active(work->steps[i].record))
			return work->steps[i].record;
	return NULL;
}

/* Creates one, which replaces *gone (NULL: none).  *gone becomes NULL where it
 * had to make room: a dead one sends nothing, so it may go first. */
static int create_for(struct work *work, const struct record **gone, const char *why)
{
	struct run *run = work->run;
	struct failure failure;
	struct record record;
	const struct record *dead = *gone && !record_is_active(*gone) ? *gone : find_dead(work);
	int result;

	if (begin_creation(work) < 0)
		return -1;
	result = create(run, work->declared, &record, &failure);
	if (result < 0 && failure.kind == FAILURE_LIMIT && dead) {
		if (delete_record(run, work->declared, dead, "there is no room beside it") < 0)
			return -1;
		if (dead == *gone)
			*gone = NULL;
		else
			work->removed = dead;
		result = create(run, work->declared, &record, &failure);
	}
	if (result < 0) {
		if (failure.kind == FAILURE_ENDPOINT)
			explain_endpoint(run, work->declared, &failure);
		return fail_subscription(run, work->declared, &failure);
	}
	result = learn_created(work, *gone, &record);
	report_change(run->report, "created", work->declared->name, record.id, "%s", why);
	record_free(&record);
	return result;
}

/* In place of one that went between the list and the call. */
static int create_for_gone(struct work *work)
{
	struct known *known = state_know(work->run->state, work->declared->name);
	const struct record *none = NULL;

	if (!known || (known->id && note_gone(work->run, known) < 0))
		return fail_memory(work->run, work->declared);
	return create_for(work, &none, "the one that was there is gone");
}

static int create_first(struct work *work, const char *why)
{
	const struct record *none = NULL;

	return create_for(work, &none, why);
}

static int replace(struct work *work, const struct record *record, const char *why)
{
	if (create_for(work, &record, why) < 0)
		return -1;
	return !record ? 0
		: delete_record(work->run, work->declared, record, "it was replaced");
}

/* Keeping. */

static int adopt(struct work *work, const struct record *record)
{
	struct run *run = work->run;
	struct known *known = know_successor(work);

	if (!known)
		return -1;
	if (known_set_text(&known->id, record->id) < 0
	    || known_set_disabled(known, record) < 0)
		return fail_memory(run, work->declared);
	known->asked_expires_in = known->lifetime = 0;
	known->asked[0] = known->answered[0] = '\0';
	note_record(run, work->declared, record);
	report_change(run->report, "adopted", work->declared->name, record->id,
		"it has the declared address");
	return save(run, work->declared);
}

/* Whether a subscription now lives as long as it should: beyond the time when
 * it is renewed again, or about as long as it can.  A second more than before
 * is not enough: then every run would renew, until it dies. */
static bool is_prolonged(struct run *run, const struct declared *declared,
	const struct record *after)
{
	const struct known *known = state_find(run->state, declared->name);
	long full = declared->expires_in, slack;

	if (known && known->lifetime > 0 && known->lifetime < full)
		full = known->lifetime;
	slack = full / 10 < RUN_CLOCK_SLACK ? full / 10 : RUN_CLOCK_SLACK;
	return run_time_left(run, after) > plan_renew_before(declared, known)
		|| run_time_left(run, after) >= full - slack;
}

/* The update, and where the life did not grow by it the renewal proper. */
static int prolong(struct run *run, const struct declared *declared,
	const struct record *before, struct record *after, bool *grew, struct failure *failure)
{
	if (platform_update(run->platform, before->id, declared, after, failure) < 0)
		return -1;
	*grew = is_prolonged(run, declared, after);
	if (*grew)
		return 0;
	report_detail(run->report, "%s: expirationTime did not grow by the update; renewing",
		declared->name);
	record_free(after);
	if (platform_renew(run->platform, before->id, after, failure) < 0)
		return -1;
	*grew = is_prolonged(run, declared, after);
	return 0;
}

/* Neither an update nor a renewal brings back what is not Active. */
static int fail_inactive(struct run *run, const struct declared *declared,
	const struct record *record)
{
	struct failure failure;

	failure_set(&failure, FAILURE_REFUSED, "is still %s: run ringspool-renew without a"
		" command", record->status);
	return fail_subscription(run, declared, &failure);
}

/* Takes note of an update or renewal, and tells it. */
static int conclude_update(struct work *work, const struct step *step,
	const struct record *after)
{
	struct run *run = work->run;
	char expires[TIME_TEXT];
	int result = note_reply(run, work->declared, after,
		after->expires_at > step->record->expires_at);

	if (!record_is_active(after))
		return fail_inactive(run, work->declared, after);
	reminders_take(run->reminders, step->record->id);
	time_format(after->expires_at, expires);
	report_change(run->report, step->kind == STEP_UPDATE ? "updated" : "renewed",
		work->declared->name, after->id, "%s; it now ends %s", step->why, expires);
	return result;
}

static int update(struct work *work, const struct step *step)
{
	struct run *run = work->run;
	const struct declared *declared = work->declared;
	struct failure failure;
	struct record after;
	bool grew;
	int result;

	if (prolong(run, declared, step->record, &after, &grew, &failure) < 0) {
		if (failure.kind == FAILURE_GONE)
			return create_for_gone(work);
		return fail_subscription(run, declared, &failure);
	}
	if (!grew) {
		report_warning(run->report, declared->name, true, "the platform answered the"
			" renewal, but expirationTime did not grow: creating it anew");
		record_free(&after);
		return replace(work, step->record, "renewing did not prolong it");
	}
	result = conclude_update(work, step, &after);
	record_free(&after);
	return result;
}

/* Reviving. */

static long retry_after(unsigned tries)
{
	return tries == 0 ? FIRST_RETRY : tries == 1 ? SECOND_RETRY : LATER_RETRY;
}

/* The check fails here, and it is not the time to try all the same. */
static int fail_sick(struct run *run, const struct declared *declared,
	const struct record *record, const struct check_line *fault, time_t next_try)
{
	struct failure failure;
	char when[TIME_TEXT];

	time_format(next_try, when);
	failure_set(&failure, FAILURE_ENDPOINT, "the subscription is %.*s%s%.*s%s, and our"
		" endpoint does not pass: %s: %s; %s. Tried all the same after %s",
		REASON_SHOWN, record->status, record->trouble ? " (" : "",
		REASON_SHOWN, record->trouble ? record->trouble : "", record->trouble ? ")" : "",
		fault->rule, fault->measured, fault->remedy, when);
	if (fault->sub_code)
		(void)snprintf(failure.code, sizeof failure.code, "%s", fault->sub_code);
	return fail_subscription(run, declared, &failure);
}

/* Not Active, and so it will stay: create anew if the endpoint passes, or if
 * it is time to let the platform's own handshake decide. */
static int recreate(struct work *work, const struct record *record)
{
	struct run *run = work->run;
	struct known *known = state_know(run->state, work->declared->name);
	time_t now = platform_now(run->platform);
	struct check_report report;
	const struct check_line *fault;

	if (!known)
		return fail_memory(run, work->declared);
	fault = check(run, work->declared, &report);
	if (fault && known->next_try == 0)
		known->next_try = now + retry_after(0);
	if (fault && now < known->next_try && known->next_try - now <= LATER_RETRY)
		return fail_sick(run, work->declared, record, fault, known->next_try);
	/* Counted before it is tried: whatever becomes of it. */
	known->next_try = now + retry_after(++known->tries);
	return replace(work, record, "the one that was there was not Active");
}

static int revive(struct work *work, const struct record *listed)
{
	struct run *run = work->run;
	struct failure failure;
	struct record record;
	int result;

	if (platform_get(run->platform, listed->id, &record, &failure) < 0) {
		if (failure.kind == FAILURE_GONE)
			return create_for_gone(work);
		return fail_subscription(run, work->declared, &failure);
	}
	note_record(run, work->declared, &record);
	if (record_is_active(&record)) {
		report_detail(run->report, "%s: is Active again", work->declared->name);
		result = 0;
	} else {
		result = recreate(work, &record);
	}
	record_free(&record);
	return result;
}

/* Steps. */

static int carry_out_step(struct work *work, const struct step *step)
{
	switch (step->kind) {
	case STEP_ADOPT:
		return adopt(work, step->record);
	case STEP_CREATE:
		return create_first(work, step->why);
	case STEP_UPDATE:
	case STEP_RENEW:
		return update(work, step);
	case STEP_REVIVE:
		return revive(work, step->record);
	case STEP_DELETE:
		return delete_record(work->run, work->declared, step->record, step->why);
	}
	return -1;
}

static void say_step(struct run *run, const struct step *step)
{
	static const struct {
		const char *action, *method, *and_then;
	} calls[] = {
		[STEP_ADOPT] = { "adopt", NULL, "" },
		[STEP_CREATE] = { "create", "POST", "" },
		[STEP_UPDATE] = { "update", "PUT", "" },
		[STEP_RENEW] = { "renew", "PUT", "" },
		[STEP_REVIVE] = { "revive", "GET", "; then, if the endpoint passes, POST and DELETE" },
		[STEP_DELETE] = { "delete", "DELETE", "" },
	};
	const char *id = step->record ? step->record->id : NULL;
	const char *method = calls[step->kind].method;

	if (!run->report->json)
		printf("%s%swould %s%s%s: %s (%s%s%s%s%s)\n",
			step->declared ? step->declared->name : "", step->declared ? ": " : "",
			calls[step->kind].action, id ? " " : "", id ? id : "", step->why,
			method ? method : "no call", method ? " " PLATFORM_SUBSCRIPTIONS : "",
			method && id ? "/" : "", method && id ? id : "",
			calls[step->kind].and_then);
	else
		report_change(run->report, calls[step->kind].action, name_of(step->declared), id,
			"would call %s: %s%s", method ? method : "nothing", step->why,
			calls[step->kind].and_then);
}

/* How many steps from here on belong to the same declared subscription. */
static size_t run_length(const struct plan *plan, size_t from)
{
	size_t count = 1;

	while (from + count < plan->count && plan->steps[from].declared
	    && plan->steps[from + count].declared == plan->steps[from].declared)
		count++;
	return count;
}

/* Whether it must not be touched: it is not known whether its subscription is
 * there, and a second one could be created beside it. */
static bool is_doubtful(const struct run *run, const struct declared *declared)
{
	const struct known *known = declared ? state_find(run->state, declared->name) : NULL;

	return known && known->doubtful;
}

static void fail_unreached(struct run *run, const struct declared *declared)
{
	struct failure failure;

	failure_set(&failure, FAILURE_LATER, "not reached: the run ended before it was looked"
		" after");
	if (declared)
		(void)fail_subscription(run, declared, &failure);
}

static void carry_out_work(struct work *work)
{
	if (work->run->ended) {
		fail_unreached(work->run, work->declared);
		return;
	}
	for (size_t i = 0; i < work->count && !is_doubtful(work->run, work->declared); i++) {
		const struct step *step = &work->steps[i];

		if (!(work->removed && step->record == work->removed)
		    && carry_out_step(work, step) < 0)
			break;
	}
}

void carry_out(struct run *run, const struct plan *plan)
{
	for (size_t i = 0; run->dry_run && i < plan->count; i++)
		say_step(run, &plan->steps[i]);
	for (size_t i = 0; !run->dry_run && i < plan->count;) {
		struct work work = { .run = run, .declared = plan->steps[i].declared,
			.steps = &plan->steps[i], .count = run_length(plan, i) };

		carry_out_work(&work);
		i += work.count;
	}
}
