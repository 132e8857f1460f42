#include "plan.h"

#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "filters.h"
#include "spool.h"

int plan_add(struct plan *plan, enum step_kind kind, const struct declared *declared,
	const struct record *record, const char *why)
{
	struct step *grown = reallocarray(plan->steps, plan->count + 1, sizeof *grown);

	if (!grown)
		return -1;
	plan->steps = grown;
	grown[plan->count++] = (struct step){ kind, declared, record, why };
	return 0;
}

void plan_free(struct plan *plan)
{
	free(plan->steps);
	free(plan->kept);
	*plan = (struct plan){ 0 };
}

/* What is known of this very record as the declared one, or NULL. */
static const struct known *known_of(const struct plan_input *input,
	const struct declared *declared, const struct record *record)
{
	const struct known *known = state_find(input->state, declared->name);

	return known && known->id && strcmp(known->id, record->id) == 0 ? known : NULL;
}

/* Whether the record has the declared address: by what is shown, or since it
 * was created with that very one, which the platform may write otherwise. */
static bool has_address(const struct plan_input *input, const struct declared *declared,
	const struct record *record)
{
	const struct known *known = known_of(input, declared, record);
	char digest[DIGEST_TEXT];

	if (address_equal(declared->address, record->address))
		return true;
	digest_keyed(input->state->key, declared->address, digest);
	return known && strcmp(known->address, digest) == 0;
}

/* Whether a creation with the present token, whose reply told nothing, may
 * have made the record. */
static bool may_be_created_so(const struct plan_input *input, const struct known *known,
	const struct record *record)
{
	return known->creating[0] && strcmp(known->creating, input->token) == 0
		&& record->created_at >= known->creating_since;
}

/* Whether the record was created with another verification token than the
 * present one.  Of a record that is new to us this cannot be seen: then it is
 * distrusted if the token changed since its section's last one. */
static bool has_other_token(const struct plan_input *input,
	const struct declared *declared, const struct record *record)
{
	const struct known *known = state_find_id(input->state, record->id);

	if (!known) {
		known = state_find(input->state, declared->name);
		if (known && may_be_created_so(input, known, record))
			return false;
	}
	return known && known->id && strcmp(known->token, input->token) != 0;
}

static bool was_replaced(const struct plan_input *input,
	const struct declared *declared, const struct record *record)
{
	const struct known *known = state_find(input->state, declared->name);

	for (size_t i = 0; known && i < known->old_count; i++)
		if (strcmp(known->old[i], record->id) == 0)
			return true;
	return false;
}

static bool is_declared_address(const struct plan_input *input, const char *address)
{
	for (size_t i = 0; i < input->declared_count; i++)
		if (address_equal(input->declared[i].address, address))
			return true;
	return false;
}

/* Whether the record is this declared subscription's affair: by its address,
 * or since it was ours under an address that nobody declares any more. */
static bool belongs_to(const struct plan_input *input, const struct declared *declared,
	const struct record *record)
{
	if (!record->webhook)
		return false;
	if (has_address(input, declared, record))
		return true;
	return (known_of(input, declared, record) || was_replaced(input, declared, record))
		&& !is_declared_address(input, record->address);
}

/* Whether it could be kept as it is, or updated into what is declared. */
static bool can_be_kept(const struct plan_input *input, const struct declared *declared,
	const struct record *record)
{
	return record->webhook && has_address(input, declared, record)
		&& !was_replaced(input, declared, record)
		&& !has_other_token(input, declared, record);
}

/* The filters shown, and those that are disabled: the platform may list the
 * latter among the former or not, and may tell of them only in the reply to
 * the request that declared them.  An array to be freed, or NULL. */
static char **list_all(const struct record *record, const struct disabled_filter *disabled,
	size_t disabled_count)
{
	char **all = calloc(record->filter_count + disabled_count + 1, sizeof *all);

	for (size_t i = 0; all && i < record->filter_count; i++)
		all[i] = record->filters[i];
	for (size_t i = 0; all && i < disabled_count; i++)
		all[record->filter_count + i] = disabled[i].filter;
	return all;
}

static bool shows_declared(const struct declared *declared, const struct record *record,
	const struct disabled_filter *disabled, size_t disabled_count)
{
	char **all = list_all(record, disabled, disabled_count);
	bool equal = !all	/* nothing is changed for no reason */
		|| filters_equal(declared->filters, declared->filter_count, all,
			record->filter_count + disabled_count);

	free(all);
	return equal;
}

/* Whether these are the filters that the platform made of the same ones
 * before: it may write them in a way that we do not know. */
static bool was_answered_so(const struct declared *declared, const struct record *record,
	const struct known *known)
{
	char asked[DIGEST_TEXT], answered[DIGEST_TEXT];

	return digest_set(declared->filters, declared->filter_count, asked) == 0
		&& digest_set(record->filters, record->filter_count, answered) == 0
		&& strcmp(asked, known->asked) == 0 && strcmp(answered, known->answered) == 0;
}

size_t plan_left_out(const struct declared *declared, const struct record *record,
	const struct known *known)
{
	char **all = list_all(record, known->disabled, known->disabled_count);
	size_t count = 0;

	/* Of other filters than the present ones it is no answer to these. */
	if (all && was_answered_so(declared, record, known))
		count = filters_left_out(declared->filters, declared->filter_count, all,
			record->filter_count + known->disabled_count);
	free(all);
	return count;
}

static bool has_filters(const struct plan_input *input, const struct declared *declared,
	const struct record *record)
{
	const struct known *known = known_of(input, declared, record);

	if (shows_declared(declared, record, record->disabled, record->disabled_count))
		return true;
	if (!known)
		return false;
	return (record->disabled_count == 0
		&& shows_declared(declared, record, known->disabled, known->disabled_count))
		|| was_answered_so(declared, record, known);
}

/* Whether `a` is to be kept rather than `b`. */
static bool is_better(const struct plan_input *input, const struct declared *declared,
	const struct record *a, const struct record *b)
{
	bool known_a = known_of(input, declared, a), known_b = known_of(input, declared, b);
	bool filters_a, filters_b;

	if (record_is_active(a) != record_is_active(b))
		return record_is_active(a);
	if (known_a != known_b)
		return known_a;
	filters_a = has_filters(input, declared, a);
	filters_b = has_filters(input, declared, b);
	if (filters_a != filters_b)
		return filters_a;
	if (a->expires_at != b->expires_at)
		return a->expires_at > b->expires_at;
	return strcmp(a->id, b->id) < 0;
}

static const struct record *find_best(const struct plan_input *input,
	const struct declared *declared)
{
	const struct record *best = NULL;

	for (size_t i = 0; i < input->present->count; i++) {
		const struct record *record = &input->present->items[i];

		if (can_be_kept(input, declared, record)
		    && (!best || is_better(input, declared, record, best)))
			best = record;
	}
	return best;
}

/* Where less was granted than declared, they are fewer in proportion:
 * otherwise every run would renew.  But never so few that no run comes. */
long plan_renew_before(const struct declared *declared, const struct known *known)
{
	long seconds = declared->renew_before;

	if (known && known->lifetime > 0 && known->lifetime < declared->expires_in)
		seconds = (long)((long long)seconds * known->lifetime / declared->expires_in);
	return seconds > PLAN_RENEW_LEAST ? seconds : PLAN_RENEW_LEAST;
}

static bool is_reminded(const struct plan_input *input, const struct record *record)
{
	char name[SPOOL_NAME_SIZE];

	spool_safe_name(name, record->id);
	for (size_t i = 0; i < input->reminder_count; i++)
		if (strcmp(input->reminders[i], name) == 0)
			return true;
	return false;
}

/* By the date of its end or by the seconds that the platform says are left:
 * by what is less, for one of two clocks may be wrong. */
static time_t seconds_left(const struct record *record, time_t now)
{
	time_t left = record->expires_at - now;

	return record->seconds_left >= 0 && record->seconds_left < left
		? record->seconds_left : left;
}

/* Why the record should be renewed now; NULL if it need not. */
static const char *why_renew(const struct plan_input *input,
	const struct declared *declared, const struct record *record)
{
	const struct known *known = known_of(input, declared, record);

	if (seconds_left(record, input->now) < plan_renew_before(declared, known))
		return "it is near its end";
	if (is_reminded(input, record))
		return "a reminder came";
	if (known && known->asked_expires_in && known->asked_expires_in != declared->expires_in)
		return "expires_in was changed";
	return NULL;
}

static int plan_kept(struct plan *plan, const struct plan_input *input,
	const struct declared *declared, const struct record *record)
{
	const char *why;

	if (!known_of(input, declared, record)
	    && plan_add(plan, STEP_ADOPT, declared, record, "it has the declared address") < 0)
		return -1;
	if (!record_is_active(record))
		return plan_add(plan, STEP_REVIVE, declared, record, "it is not Active");
	if (!has_filters(input, declared, record))
		return plan_add(plan, STEP_UPDATE, declared, record, "its filters differ");
	why = why_renew(input, declared, record);
	return why ? plan_add(plan, STEP_RENEW, declared, record, why) : 0;
}

static const char *why_delete(const struct plan_input *input,
	const struct declared *declared, const struct record *record, bool kept)
{
	if (!has_address(input, declared, record))
		return "the address was changed";
	if (was_replaced(input, declared, record))
		return "it was replaced";
	if (has_other_token(input, declared, record))
		return "the verification token was changed";
	return kept ? "it is a duplicate" : "it is replaced";
}

static int plan_one(struct plan *plan, const struct plan_input *input,
	const struct declared *declared, const struct record **kept)
{
	const struct record *best = find_best(input, declared);
	bool others = false;

	for (size_t i = 0; i < input->present->count; i++)
		others |= belongs_to(input, declared, &input->present->items[i]);
	*kept = best;
	if (best && plan_kept(plan, input, declared, best) < 0)
		return -1;
	if (!best && plan_add(plan, STEP_CREATE, declared, NULL,
	    others ? "what is there has another address or verification token"
	    : "none has its address") < 0)
		return -1;
	for (size_t i = 0; i < input->present->count; i++) {
		const struct record *record = &input->present->items[i];

		if (!(best && strcmp(record->id, best->id) == 0)
		    && belongs_to(input, declared, record)
		    && plan_add(plan, STEP_DELETE, declared, record,
			why_delete(input, declared, record, best != NULL)) < 0)
			return -1;
	}
	return 0;
}

int plan_make(struct plan *plan, const struct plan_input *input)
{
	*plan = (struct plan){ 0 };
	plan->kept = calloc(input->declared_count + 1, sizeof(const struct record *));
	if (!plan->kept)
		return -1;
	for (size_t i = 0; i < input->declared_count; i++)
		if (plan_one(plan, input, &input->declared[i], &plan->kept[i]) < 0) {
			plan_free(plan);
			return -1;
		}
	return 0;
}
