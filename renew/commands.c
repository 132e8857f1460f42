#include "commands.h"

#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "carry_out.h"
#include "check.h"
#include "check_print.h"
#include "filters.h"
#include "plan.h"
#include "reconcile.h"
#include "show.h"

/* A word of the command line: which subscription it means. */
struct meant {
	const struct declared *declared;	/* or NULL */
	const struct record *record;		/* or NULL: none is there */
};

static void fail(struct run *run, const char *name, enum failure_kind kind,
	const char *format, const char *word)
{
	struct failure failure;

	failure_set(&failure, kind, "%s%s", format, word);
	report_failure(run->report, name, &failure);
}

static void report_api_failure(struct run *run, const char *name,
	const struct failure *failure)
{
	run_meet(run, failure);
	report_failure(run->report, name, failure);
}

/* A section's name comes before an id.  False, reported, for neither. */
static bool resolve(struct run *run, const struct plan *plan, const char *word,
	struct meant *meant)
{
	const struct settings *settings = run->settings;

	*meant = (struct meant){ .declared = settings_find(settings, word) };
	if (meant->declared) {
		meant->record = plan->kept[meant->declared - settings->subscriptions];
		return true;
	}
	meant->record = records_find(&run->present, word);
	for (size_t i = 0; meant->record && i < settings->count; i++)
		if (plan->kept[i] && strcmp(plan->kept[i]->id, word) == 0)
			meant->declared = &settings->subscriptions[i];
	if (!meant->record)
		fail(run, NULL, FAILURE_GONE, "neither a declared subscription nor an id on the"
			" platform: ", word);
	return meant->record != NULL;
}

/* Reading. */

static void list(struct run *run, int count, char *const *words)
{
	struct plan plan;

	(void)count;
	(void)words;
	if (observe(run, &plan) < 0)
		return;
	show_list(run, &plan);
	plan_free(&plan);
}

static void show(struct run *run, int count, char *const *words)
{
	struct meant meant;
	struct plan plan;

	(void)count;
	if (observe(run, &plan) < 0)
		return;
	if (resolve(run, &plan, words[0], &meant)) {
		if (meant.record)
			show_record(run, meant.declared, meant.record);
		else
			fail(run, words[0], FAILURE_GONE, "is declared, but not on the platform", "");
	}
	plan_free(&plan);
}

static void token(struct run *run, int count, char *const *words)
{
	struct failure failure;
	struct grant grant;

	(void)count;
	(void)words;
	if (platform_authorise(run->platform, &grant, &failure) < 0)
		report_api_failure(run, NULL, &failure);
	else
		show_grant(run, &grant);
}

static void filters(struct run *run, int count, char *const *words)
{
	(void)count;
	(void)words;
	show_filters(run);
}

/* Changing: each makes a plan of its own out of the one that reconcile()
 * would carry out. */

typedef int chooser(struct run *run, const struct plan *plan, const struct meant *meant,
	const char *word, struct plan *chosen);

/* Carries out what `choose` makes of each word; of every declared
 * subscription where there is none. */
static void change(struct run *run, int count, char *const *words, chooser *choose)
{
	struct plan plan, chosen = { 0 };
	bool good = true;

	if (observe(run, &plan) < 0)
		return;
	for (int i = 0; i < count && good; i++) {
		struct meant meant;

		good = resolve(run, &plan, words[i], &meant)
			&& choose(run, &plan, &meant, words[i], &chosen) == 0;
	}
	for (size_t i = 0; count == 0 && i < run->settings->count && good; i++) {
		struct meant meant = { &run->settings->subscriptions[i], plan.kept[i] };

		good = choose(run, &plan, &meant, meant.declared->name, &chosen) == 0;
	}
	if (good)
		carry_out(run, &chosen);
	plan_free(&chosen);
	plan_free(&plan);
}

static int add(struct run *run, struct plan *chosen, enum step_kind kind,
	const struct declared *declared, const struct record *record, const char *why)
{
	if (plan_add(chosen, kind, declared, record, why) == 0)
		return 0;
	fail(run, NULL, FAILURE_SYSTEM, "out of memory", "");
	return -1;
}

/* What the plan has for this declared subscription of one kind. */
static int add_planned(struct run *run, const struct plan *plan, struct plan *chosen,
	const struct declared *declared, enum step_kind kind)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct step *step = &plan->steps[i];

		if (step->declared == declared && step->kind == kind
		    && add(run, chosen, kind, declared, step->record, step->why) < 0)
			return -1;
	}
	return 0;
}

/* Neither creating nor renewing by hand brings back what is not Active. */
static void fail_inactive(struct run *run, const char *word, const struct record *record)
{
	struct failure failure;

	failure_set(&failure, FAILURE_REFUSED, "is still %s: run ringspool-renew without a"
		" command", record->status);
	report_failure(run->report, word, &failure);
}

static int choose_create(struct run *run, const struct plan *plan,
	const struct meant *meant, const char *word, struct plan *chosen)
{
	if (meant->record && meant->record->webhook && !record_is_active(meant->record)) {
		fail_inactive(run, word, meant->record);
		return 0;
	}
	if (meant->record) {
		report_change(run->report, "kept", meant->declared ? meant->declared->name : NULL,
			meant->record->id, "it is there already, and %s",
			meant->record->status ? meant->record->status : "of another transport");
		return 0;
	}
	if (add_planned(run, plan, chosen, meant->declared, STEP_CREATE) < 0)
		return -1;
	return add_planned(run, plan, chosen, meant->declared, STEP_DELETE);
}

static int choose_put(struct run *run, const struct plan *plan, const struct meant *meant,
	const char *word, struct plan *chosen, enum step_kind kind)
{
	if (!meant->declared) {
		fail(run, NULL, FAILURE_USAGE, "no declared subscription, so nothing is known of"
			" its filters: ", word);
		return -1;
	}
	if (!meant->record) {
		fail(run, word, FAILURE_GONE, "is declared, but not on the platform:"
			" ringspool-renew create ", word);
		return -1;
	}
	if (add_planned(run, plan, chosen, meant->declared, STEP_ADOPT) < 0)
		return -1;
	return add(run, chosen, kind, meant->declared, meant->record, "asked for by hand");
}

static int choose_update(struct run *run, const struct plan *plan,
	const struct meant *meant, const char *word, struct plan *chosen)
{
	return choose_put(run, plan, meant, word, chosen, STEP_UPDATE);
}

/* One that nobody declared keeps the filters and the lifetime that it has. */
static int renew_undeclared(struct run *run, const struct record *record)
{
	struct failure failure;
	struct record after;

	if (run->dry_run) {
		report_change(run->report, "would renew", NULL, record->id,
			"POST " PLATFORM_SUBSCRIPTIONS "/%s/renew", record->id);
		return 0;
	}
	if (platform_renew(run->platform, record->id, &after, &failure) < 0) {
		report_api_failure(run, NULL, &failure);
		return -1;
	}
	if (after.webhook && record->webhook && after.expires_at <= record->expires_at)
		fail(run, NULL, FAILURE_GONE, "the platform answered the renewal, but"
			" expirationTime did not grow: ", record->id);
	else if (after.webhook && !record_is_active(&after))
		fail_inactive(run, record->id, &after);
	else
		report_change(run->report, "renewed", NULL, record->id, "asked for by hand");
	record_free(&after);
	return 0;
}

static int choose_renew(struct run *run, const struct plan *plan,
	const struct meant *meant, const char *word, struct plan *chosen)
{
	if (!meant->declared)
		return renew_undeclared(run, meant->record);
	return choose_put(run, plan, meant, word, chosen, STEP_RENEW);
}

static int choose_delete(struct run *run, const struct plan *plan,
	const struct meant *meant, const char *word, struct plan *chosen)
{
	(void)plan;
	if (!meant->record) {
		report_change(run->report, "kept", word, NULL, "it is not on the platform");
		return 0;
	}
	return add(run, chosen, STEP_DELETE, meant->declared, meant->record,
		meant->declared ? "asked for by hand; while it is declared, the next run creates"
			" it anew" : "asked for by hand");
}

static void create(struct run *run, int count, char *const *words)
{
	change(run, count, words, choose_create);
}

static void update(struct run *run, int count, char *const *words)
{
	change(run, count, words, choose_update);
}

static void renew(struct run *run, int count, char *const *words)
{
	change(run, count, words, choose_renew);
}

static void delete(struct run *run, int count, char *const *words)
{
	change(run, count, words, choose_delete);
}

/* Checking. */

static void check_one(struct run *run, const struct declared *declared)
{
	struct check_request request = { .address = declared->address,
		.verification_token = run->token, .ca_file = run->settings->ca_file,
		.masking = run->report->masking };
	struct check_report report;
	unsigned faults = check_endpoint(&request, &report);

	show_check(run, declared, &report, faults);
	if (faults > 0)
		fail(run, declared->name, FAILURE_ENDPOINT, "the endpoint does not pass the check",
			"");
}

static void check(struct run *run, int count, char *const *words)
{
	for (int i = 0; i < count; i++) {
		const struct declared *declared = settings_find(run->settings, words[i]);

		if (declared)
			check_one(run, declared);
		else
			fail(run, NULL, FAILURE_USAGE, "no declared subscription: ", words[i]);
	}
	for (size_t i = 0; count == 0 && i < run->settings->count; i++)
		check_one(run, &run->settings->subscriptions[i]);
	if (run->settings->count == 0)
		fail(run, NULL, FAILURE_CONFIG, "the configuration declares no [subscription NAME]",
			"");
}

const struct command commands[] = {
	{ "list", "", "what is on the platform", NEEDS_PLATFORM, 0, 0, list },
	{ "show", "NAME|ID", "all of one subscription", NEEDS_PLATFORM, 1, 1, show },
	{ "create", "[NAME...]", "create what is declared and not there", NEEDS_PLATFORM,
		0, -1, create },
	{ "update", "[NAME|ID...]", "declare filters and lifetime anew", NEEDS_PLATFORM,
		0, -1, update },
	{ "renew", "[NAME|ID...]", "renew now", NEEDS_PLATFORM, 0, -1, renew },
	{ "delete", "NAME|ID...", "delete from the platform", NEEDS_PLATFORM, 1, -1, delete },
	{ "filters", "", "event filters known by name", NEEDS_NOTHING, 0, 0, filters },
	{ "token", "", "try the credentials", NEEDS_PLATFORM, 0, 0, token },
	{ "check", "[NAME...]", "try our own endpoint as RingCentral would", NEEDS_SETTINGS,
		0, -1, check },
	{ 0 }
};

const struct command *command_find(const char *name)
{
	for (const struct command *command = commands; command->name; command++)
		if (strcmp(command->name, name) == 0)
			return command;
	return NULL;
}
