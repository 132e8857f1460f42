/*
 * filters: how they are compared.
 *
 * The platform fills in ids where we wrote ~, so a filter is taken apart into
 * its shape (ids replaced by ~, query parameters sorted) and the ids of
 * account and extension.  A declared filter is looked up among the present
 * ones with those ids left out of the comparison that it wrote as ~.
 */
#include "filters.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ACCOUNT "/restapi/v1.0/account/{accountId}"
#define EXTENSION ACCOUNT "/extension/{extensionId}"

const struct filter_kind filter_kinds[] = {
	{ "inbound-sms", "SMS", "a text message has arrived",
		EXTENSION "/message-store/instant?type=SMS" },
	{ "sms-batches", "SMS", "a batch of high-volume messages changes its state",
		ACCOUNT "/a2p-sms/batches" },
	{ "sms-batch", "SMS", "one batch of high-volume messages changes its state",
		ACCOUNT "/a2p-sms/batches/{batchId}" },
	{ "sms-batch-messages", "SMS", "a high-volume message arrives or changes its state",
		ACCOUNT "/a2p-sms/messages" },
	{ "sms-opt-outs", "SMS", "somebody opts out of high-volume messages",
		ACCOUNT "/a2p-sms/opt-outs" },

	{ "messages", "Messages", "the message store changes: counts, no texts",
		EXTENSION "/message-store" },
	{ "inbound-messages", "Messages", "the message store changes by what came in",
		EXTENSION "/message-store?direction=Inbound" },
	{ "outbound-messages", "Messages", "the message store changes by what went out",
		EXTENSION "/message-store?direction=Outbound" },
	{ "sms-messages", "Messages", "the message store changes by text messages",
		EXTENSION "/message-store?type=SMS" },
	{ "fax-messages", "Messages", "the message store changes by faxes",
		EXTENSION "/message-store?type=Fax" },
	{ "pager-messages", "Messages", "the message store changes by internal messages",
		EXTENSION "/message-store?type=Pager" },
	{ "voicemail-messages", "Messages", "the message store changes by voicemail",
		EXTENSION "/message-store?type=Voicemail" },
	{ "inbound-fax", "Messages", "a fax has arrived",
		EXTENSION "/fax?direction=Inbound" },
	{ "voicemail", "Messages", "a voicemail message has arrived",
		EXTENSION "/voicemail" },
	{ "message-threads", "Messages", "a shared conversation of text messages changes",
		ACCOUNT "/message-threads/sync" },

	{ "contact-center-number", "Contact center", "a contact center phone number changes",
		ACCOUNT "/phone-number?usageType=ContactCenterNumber" },

	{ "account-telephony-sessions", "Telephony", "any call of the account changes its state",
		ACCOUNT "/telephony/sessions" },
	{ "account-inbound-calls", "Telephony", "an inbound call of the account changes its state",
		ACCOUNT "/telephony/sessions?direction=Inbound" },
	{ "account-outbound-calls", "Telephony", "an outbound call of the account changes its state",
		ACCOUNT "/telephony/sessions?direction=Outbound" },
	{ "account-missed-calls", "Telephony", "a call of the account was missed",
		ACCOUNT "/telephony/sessions?missedCall=true" },
	{ "account-call-recordings", "Telephony", "a call of the account was recorded",
		ACCOUNT "/telephony/sessions?withRecordings=true" },
	{ "account-calls-in-status", "Telephony", "a call of the account reaches one state",
		ACCOUNT "/telephony/sessions?statusCode={statusCode}" },

	{ "account-presence", "Presence", "the presence of any user of the account changes",
		ACCOUNT "/presence" },
	{ "telephony-sessions", "Presence", "a call of the extension changes its state",
		EXTENSION "/telephony/sessions" },
	{ "inbound-calls", "Presence", "an inbound call of the extension changes its state",
		EXTENSION "/telephony/sessions?direction=Inbound" },
	{ "outbound-calls", "Presence", "an outbound call of the extension changes its state",
		EXTENSION "/telephony/sessions?direction=Outbound" },
	{ "missed-calls", "Presence", "a call of the extension was missed",
		EXTENSION "/telephony/sessions?missedCall=true" },
	{ "call-recordings", "Presence", "a call of the extension was recorded",
		EXTENSION "/telephony/sessions?withRecordings=true" },
	{ "calls-in-status", "Presence", "a call of the extension reaches one state",
		EXTENSION "/telephony/sessions?statusCode={statusCode}" },
	{ "dnd-status", "Presence", "the extension's do-not-disturb status changes",
		EXTENSION "/presence/dnd" },
	{ "presence", "Presence", "the extension's presence changes",
		EXTENSION "/presence" },
	{ "presence-detailed", "Presence", "the same with the details of its calls",
		EXTENSION "/presence?detailedTelephonyState=true&sipData=true" },
	{ "line-presence", "Presence", "the presence of a line that the extension monitors changes",
		EXTENSION "/presence/line/presence" },
	{ "monitored-lines", "Presence", "the list of lines that the extension monitors changes",
		EXTENSION "/presence/line" },
	{ "favorite-presence", "Presence", "the presence of one of the extension's favorites changes",
		EXTENSION "/favorite/presence" },
	{ "call-queue-presence", "Presence", "the presence of a member of one call queue changes",
		ACCOUNT "/call-queues/{groupId}/presence" },

	{ "team-posts", "Team messaging", "a post is added, changed or removed",
		"/team-messaging/v1/posts" },
	{ "team-groups", "Team messaging", "a team or conversation changes or gains a member",
		"/team-messaging/v1/groups" },
	{ "glip-posts", "Team messaging", "team-posts by its older path",
		"/restapi/v1.0/glip/posts" },
	{ "glip-groups", "Team messaging", "team-groups by its older path",
		"/restapi/v1.0/glip/groups" },

	{ "directory", "Account", "an entry of the company directory changes",
		ACCOUNT "/directory/entries" },
	{ "emergency-address", "Account", "the emergency address of one device changes",
		ACCOUNT "/device/{deviceId}/emergency-address" },
	{ "favorites", "Account", "the extension's list of favorites changes",
		EXTENSION "/favorite" },
	{ "grants", "Account", "the extension's list of granted permissions changes",
		EXTENSION "/grant" },
	{ "extension-info", "Account", "the extension's own record changes",
		EXTENSION },
	{ "extensions", "Account", "an extension is added, changed or removed",
		ACCOUNT "/extension" },

	{ "ringsense-insights", "RingSense", "the insights into a recorded call are ready",
		"/ai/ringsense/v1/public/accounts/{accountId}/domains/pbx/insights" },

	{ "renewal-reminder", "Subscription", "the subscription is about to expire",
		"/restapi/v1.0/subscription/~?threshold={threshold}&interval={interval}" },
};
const size_t filter_kind_count = sizeof filter_kinds / sizeof filter_kinds[0];

/* A piece of a longer text. */
struct piece {
	const char *at;
	size_t length;
};

static struct piece trimmed(const char *text)
{
	struct piece piece;

	while (isspace((unsigned char)*text))
		text++;
	piece = (struct piece){ text, strlen(text) };
	while (piece.length > 0 && isspace((unsigned char)text[piece.length - 1]))
		piece.length--;
	return piece;
}

static bool piece_is(struct piece piece, const char *text)
{
	return strlen(text) == piece.length && memcmp(piece.at, text, piece.length) == 0;
}

/* Cuts the text up to the next byte of `ends` off *rest.  False when *rest was
 * used up before (its `at` is NULL). */
static bool cut(struct piece *rest, const char *ends, struct piece *part)
{
	size_t length = 0;

	if (!rest->at)
		return false;
	while (length < rest->length && !strchr(ends, rest->at[length]))
		length++;
	*part = (struct piece){ rest->at, length };
	*rest = length == rest->length ? (struct piece){ NULL, 0 }
		: (struct piece){ rest->at + length + 1, rest->length - length - 1 };
	return true;
}

/* Expansion. */

static bool is_placeholder(struct piece piece)
{
	return piece.length > 0 && (*piece.at == '{' || piece_is(piece, "~"));
}

/* Whether the path of a filter, without its query, is that of a kind. */
static bool path_matches(struct piece kind, struct piece path)
{
	struct piece wanted, segment;

	while (cut(&kind, "/", &wanted)) {
		if (!cut(&path, "/", &segment))
			return false;
		if (is_placeholder(wanted) ? segment.length == 0
			: wanted.length != segment.length
			|| memcmp(wanted.at, segment.at, wanted.length) != 0)
			return false;
	}
	return !path.at;
}

/* Whether a kind's query has this parameter, with this value or a placeholder. */
static bool query_has(struct piece query, struct piece parameter)
{
	struct piece wanted, name, value = parameter, wanted_name;

	cut(&value, "=", &name);
	while (cut(&query, "&", &wanted)) {
		cut(&wanted, "=", &wanted_name);
		if (wanted_name.length != name.length
			|| memcmp(wanted_name.at, name.at, name.length) != 0)
			continue;
		if (is_placeholder(wanted) || (wanted.length == value.length
			&& strncasecmp(wanted.at, value.at, value.length) == 0))
			return true;
	}
	return false;
}

/* With a parameter: whether a kind of this path has it.  Without (its `at` is
 * NULL): whether there is a kind of this path. */
static bool is_in_a_kind(struct piece path, struct piece parameter)
{
	for (size_t i = 0; i < filter_kind_count; i++) {
		struct piece query = { filter_kinds[i].path, strlen(filter_kinds[i].path) };
		struct piece kind_path = { NULL, 0 };

		cut(&query, "?", &kind_path);
		if (path_matches(kind_path, path) && (!parameter.at || query_has(query, parameter)))
			return true;
	}
	return false;
}

static bool is_known(const char *filter)
{
	struct piece query = { filter, strlen(filter) }, path = query, parameter;

	cut(&query, "?", &path);
	if (!is_in_a_kind(path, (struct piece){ NULL, 0 }))
		return false;
	while (cut(&query, "&", &parameter)) {
		if (!is_in_a_kind(path, parameter))
			return false;
	}
	return true;
}

static const char *path_of_name(struct piece word)
{
	for (size_t i = 0; i < filter_kind_count; i++) {
		if (piece_is(word, filter_kinds[i].name))
			return filter_kinds[i].path;
	}
	return NULL;
}

/* Replaces each `placeholder` by ~, in place. */
static void put_mine(char *path, const char *placeholder)
{
	size_t length = strlen(placeholder);

	while ((path = strstr(path, placeholder)) != NULL) {
		*path = '~';
		memmove(path + 1, path + length, strlen(path + length) + 1);
	}
}

static int check_path(const char *path, struct reason *why)
{
	static const char reminder[] = "/restapi/v1.0/subscription/";

	for (const char *at = path; *at; at++) {
		if (isspace((unsigned char)*at) || iscntrl((unsigned char)*at))
			return reason_set(why, "filter %.200s: a blank inside", path);
	}
	if (!strpbrk(path, "{}"))
		return 0;
	if (strncmp(path, reminder, strlen(reminder)) == 0)
		return reason_set(why, "filter %.200s: a reminder is asked for by "
			"reminder_threshold and reminder_interval", path);
	return reason_set(why, "filter %.200s: give the path with a value in place of "
		"what stands in braces", path);
}

int filter_expand(const char *word, char **path, bool *known, struct reason *why)
{
	struct piece text = trimmed(word);
	const char *named = path_of_name(text);

	if (!named && *text.at != '/')
		return reason_set(why, "filter \"%.*s\": neither a known name (ringspool-renew "
			"filters lists them) nor a path, which begins with /",
			text.length > 200 ? 200 : (int)text.length, text.at);
	*path = named ? strdup(named) : strndup(text.at, text.length);
	if (!*path)
		return reason_set(why, "out of memory");
	put_mine(*path, "{accountId}");
	put_mine(*path, "{extensionId}");
	if (check_path(*path, why) < 0) {
		free(*path);
		*path = NULL;
		return -1;
	}
	*known = is_known(*path);
	return 0;
}

/* Comparison. */

enum { ID_ACCOUNT, ID_EXTENSION, IDS };

struct parsed {
	char *shape;		/* ids replaced by ~, parameters sorted */
	char *id[IDS];		/* "" where the filter has no such place */
	bool explained;		/* by a declared one */
};

struct parsed_set {
	struct parsed *filters;
	size_t count;
};

static int compare_pieces(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;
	size_t shorter = x->length < y->length ? x->length : y->length;
	int order = shorter ? memcmp(x->at, y->at, shorter) : 0;

	return order ? order : (x->length > y->length) - (x->length < y->length);
}

static void append(char **end, char before, struct piece piece)
{
	*(*end)++ = before;
	memcpy(*end, piece.at, piece.length);
	*end += piece.length;
}

/* Which id the segment after this one is; IDS: none. */
static int id_after(struct piece segment)
{
	if (piece_is(segment, "account") || piece_is(segment, "accounts"))
		return ID_ACCOUNT;
	return piece_is(segment, "extension") ? ID_EXTENSION : IDS;
}

/* Appends the path's shape, keeping the ids in *parsed.  A reminder is always
 * the subscription's own, so its id is not kept. */
static int shape_path(struct parsed *parsed, char **end, struct piece path)
{
	struct piece segment, before = { "", 0 };

	cut(&path, "/", &segment);	/* what is before the first / */
	while (cut(&path, "/", &segment)) {
		int which = id_after(before);
		bool place = which < IDS && !parsed->id[which];

		if (place && !(parsed->id[which] = strndup(segment.at, segment.length)))
			return -1;
		append(end, '/', place || piece_is(before, "subscription")
			? (struct piece){ "~", 1 } : segment);
		before = segment;
	}
	return 0;
}

/* Appends the query's parameters in order. */
static int shape_query(char **end, struct piece query)
{
	struct piece *parameters = malloc((query.length + 1) * sizeof *parameters);
	size_t count = 0;

	if (!parameters)
		return -1;
	while (cut(&query, "&", &parameters[count]))
		count++;
	qsort(parameters, count, sizeof *parameters, compare_pieces);
	for (size_t i = 0; i < count; i++)
		append(end, i ? '&' : '?', parameters[i]);
	free(parameters);
	return 0;
}

static int parse(struct parsed *parsed, const char *filter)
{
	struct piece query = trimmed(filter), path = query;
	char *end;

	/* An empty id grows to ~: one byte for each / at most. */
	parsed->shape = end = malloc(2 * query.length + 2);
	if (!end)
		return -1;
	cut(&query, "?", &path);
	if (shape_path(parsed, &end, path) < 0)
		return -1;
	if (query.at && shape_query(&end, query) < 0)
		return -1;
	*end = '\0';
	for (int i = 0; i < IDS; i++) {
		if (!parsed->id[i] && !(parsed->id[i] = strdup("")))
			return -1;
	}
	return 0;
}

static void set_free(struct parsed_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		free(set->filters[i].shape);
		free(set->filters[i].id[ID_ACCOUNT]);
		free(set->filters[i].id[ID_EXTENSION]);
	}
	free(set->filters);
}

static int set_parse(struct parsed_set *set, char *const *filters, size_t count)
{
	*set = (struct parsed_set){ calloc(count + 1, sizeof *set->filters), 0 };
	if (!set->filters)
		return -1;
	while (set->count < count) {
		struct parsed *parsed = &set->filters[set->count++];

		if (parse(parsed, filters[set->count - 1]) < 0)
			return -1;
	}
	return 0;
}

/* Order by shape and by those ids that are not masked; `mask` has a bit per id
 * that counts as equal. */
static int compare_masked(const void *a, const void *b, void *mask)
{
	const struct parsed *x = a, *y = b;
	int order = strcmp(x->shape, y->shape);

	for (int i = 0; i < IDS && order == 0; i++) {
		if (!(*(const unsigned *)mask & 1u << i))
			order = strcmp(x->id[i], y->id[i]);
	}
	return order;
}

/* The ids that a declared filter leaves open. */
static unsigned mask_of(const struct parsed *declared)
{
	unsigned mask = 0;

	for (int i = 0; i < IDS; i++)
		mask |= strcmp(declared->id[i], "~") == 0 ? 1u << i : 0;
	return mask;
}

/* Index of the first that is not before `wanted`, in a set sorted by mask. */
static size_t find_first(const struct parsed_set *set, const struct parsed *wanted,
	unsigned mask)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_masked(&set->filters[middle], wanted, &mask) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Marks what a declared filter explains: one new filter at most, for ~ is one
 * id, beside its repeats and what others explained before.  False when it is
 * not there at all, or there for several ids. */
static bool explain(struct parsed_set *present, const struct parsed *declared,
	unsigned mask)
{
	unsigned exactly = 0;
	size_t first = find_first(present, declared, mask), i = first;
	const struct parsed *mine = NULL;

	for (; i < present->count; i++) {
		struct parsed *filter = &present->filters[i];

		if (compare_masked(filter, declared, &mask) != 0)
			break;
		if (filter->explained)
			continue;
		if (mine && compare_masked(mine, filter, &exactly) != 0)
			return false;
		mine = filter;
		filter->explained = true;
	}
	return i > first;
}

static void set_sort(struct parsed_set *set, unsigned mask)
{
	qsort_r(set->filters, set->count, sizeof *set->filters, compare_masked, &mask);
}

/* Whether the same stands before it, in a set sorted by all ids. */
static bool is_repeat(const struct parsed_set *set, size_t index)
{
	unsigned exactly = 0;

	return index > 0
		&& compare_masked(&set->filters[index - 1], &set->filters[index], &exactly) == 0;
}

/* How many differ, repeats not counted. */
struct difference {
	size_t missing;			/* declared, and not there as far as we know */
	size_t more;			/* there, and explained by none declared */
};

static struct difference compare_sets(struct parsed_set *declared, struct parsed_set *present)
{
	struct difference difference = { 0, 0 };

	set_sort(declared, 0);
	/* The more precise first, so that ~ gets what they leave over. */
	for (unsigned mask = 0; mask < 1u << IDS; mask++) {
		set_sort(present, mask);
		for (size_t i = 0; i < declared->count; i++)
			if (mask_of(&declared->filters[i]) == mask && !is_repeat(declared, i)
			    && !explain(present, &declared->filters[i], mask))
				difference.missing++;
	}
	set_sort(present, 0);
	for (size_t i = 0; i < present->count; i++)
		if (!present->filters[i].explained && !is_repeat(present, i))
			difference.more++;
	return difference;
}

/* None where memory runs out. */
static struct difference compare(char *const *declared, size_t declared_count,
	char *const *present, size_t present_count)
{
	struct parsed_set ours, theirs = { NULL, 0 };
	struct difference difference = { 0, 0 };

	if (set_parse(&ours, declared, declared_count) == 0
		&& set_parse(&theirs, present, present_count) == 0)
		difference = compare_sets(&ours, &theirs);
	set_free(&ours);
	set_free(&theirs);
	return difference;
}

bool filters_equal(char *const *declared, size_t declared_count,
	char *const *present, size_t present_count)
{
	struct difference difference = compare(declared, declared_count, present,
		present_count);

	return difference.missing == 0 && difference.more == 0;
}

size_t filters_left_out(char *const *declared, size_t declared_count,
	char *const *present, size_t present_count)
{
	struct difference difference = compare(declared, declared_count, present,
		present_count);

	return difference.missing > difference.more ? difference.missing - difference.more : 0;
}
