#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../renew/filters.h"

#define MINE "/restapi/v1.0/account/~/extension/~"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The kinds. */

static void every_name_is_unique(void **state)
{
	(void)state;
	for (size_t i = 0; i < filter_kind_count; i++) {
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(filter_kinds[i].name, filter_kinds[j].name);
	}
}

static void every_path_stands_there_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < filter_kind_count; i++) {
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(filter_kinds[i].path, filter_kinds[j].path);
	}
}

static void kinds_of_one_family_stand_together(void **state)
{
	size_t changes = 0, families = 0;

	(void)state;
	for (size_t i = 0; i < filter_kind_count; i++) {
		size_t j = 0;

		while (strcmp(filter_kinds[j].family, filter_kinds[i].family) != 0)
			j++;
		families += j == i;
		changes += i == 0 || strcmp(filter_kinds[i].family, filter_kinds[i - 1].family) != 0;
	}
	assert_int_equal(changes, families);
}

/* Expansion. */

static void expands(const char *word, const char *wanted, bool wanted_known)
{
	char *path;
	bool known = !wanted_known;
	struct reason why = { "" };

	if (filter_expand(word, &path, &known, &why) < 0)
		fail_msg("%s: %s", word, why.text);
	assert_string_equal(path, wanted);
	if (known != wanted_known)
		fail_msg("%s is %s", path, known ? "known" : "unknown");
	free(path);
}

static void is_refused(const char *word, const char *complaint)
{
	char *path;
	bool known;
	struct reason why = { "" };

	assert_int_equal(filter_expand(word, &path, &known, &why), -1);
	if (!strstr(why.text, complaint))
		fail_msg("%s: %s", word, why.text);
}

static void a_name_becomes_its_path(void **state)
{
	(void)state;
	expands("inbound-sms", MINE "/message-store/instant?type=SMS", true);
	expands("voicemail", MINE "/voicemail", true);
	expands("account-presence", "/restapi/v1.0/account/~/presence", true);
	expands("ringsense-insights",
		"/ai/ringsense/v1/public/accounts/~/domains/pbx/insights", true);
}

static void every_kind_expands_or_says_what_is_missing(void **state)
{
	(void)state;
	for (size_t i = 0; i < filter_kind_count; i++) {
		char *path;
		bool known;
		struct reason why = { "" };

		if (filter_expand(filter_kinds[i].name, &path, &known, &why) < 0) {
			assert_non_null(strchr(filter_kinds[i].path, '{'));
			assert_true(why.text[0] != '\0');
			continue;
		}
		assert_true(known);
		assert_null(strpbrk(path, "{}"));
		free(path);
	}
}

static void blanks_around_are_trimmed(void **state)
{
	(void)state;
	expands(" \tvoicemail\r\n", MINE "/voicemail", true);
	expands("/restapi/v1.0/account/{accountId}/extension/{extensionId} ", MINE, true);
}

static void placeholders_of_account_and_extension_become_mine(void **state)
{
	(void)state;
	expands("/restapi/v1.0/account/{accountId}/extension/{extensionId}/presence",
		MINE "/presence", true);
	expands("/restapi/v1.0/account/{accountId}/extension/77/presence",
		"/restapi/v1.0/account/~/extension/77/presence", true);
}

static void own_ids_and_values_are_known(void **state)
{
	static const char *const words[] = {
		"/restapi/v1.0/account/12/extension/34/fax?direction=Inbound",
		"/restapi/v1.0/account/~/a2p-sms/batches/99",
		"/restapi/v1.0/account/~/call-queues/5/presence",
		MINE "/message-store?type=VoiceMail&direction=Inbound",
		"/restapi/v1.0/account/~/telephony/sessions?statusCode=Setup&missedCall=true",
		"/restapi/v1.0/subscription/~?threshold=86400&interval=3600",
		"/restapi/v1.0/glip/posts",
		"/team-messaging/v1/posts",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(words); i++)
		expands(words[i], words[i], true);
}

static void unknown_paths_pass_and_are_told(void **state)
{
	static const char *const words[] = {
		"/restapi/v2/accounts/~/something-new",
		MINE "/presence/other",
		MINE "/message-store?type=Carrier-pigeon",
		MINE "/presence?detailed=true",
		"/restapi/v1.0/account//presence",
		"/restapi/v1.0/account",
		"/",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(words); i++)
		expands(words[i], words[i], false);
}

static void what_can_be_no_filter_is_refused(void **state)
{
	(void)state;
	is_refused("", "neither");
	is_refused("  ", "neither");
	is_refused("inbound-sm", "ringspool-renew filters");
	is_refused("restapi/v1.0/glip/posts", "neither");
	is_refused("https://platform.ringcentral.com/restapi/v1.0/glip/posts", "neither");
	is_refused("/restapi/v1.0/account/~/a2p-sms/batches/{batchId}", "in braces");
	is_refused("/restapi/v1.0/account/{accountid}/presence", "in braces");
	is_refused("call-queue-presence", "{groupId}");
	is_refused("renewal-reminder", "reminder_threshold");
	is_refused(MINE "/voicemail " MINE "/presence", "blank");
}

/* Comparison. */

#define ASSERT_COMPARE(wanted, ours, theirs) \
	assert_int_equal(filters_equal(ours, COUNT(ours), theirs, COUNT(theirs)), wanted)

static void mine_equals_the_ids_filled_in(void **state)
{
	char *ours[] = { MINE "/presence", "/restapi/v1.0/account/~/extension",
		"/ai/ringsense/v1/public/accounts/~/domains/pbx/insights" };
	char *theirs[] = { "/restapi/v1.0/account/37439510/extension/130829004/presence",
		"/restapi/v1.0/account/37439510/extension",
		"/ai/ringsense/v1/public/accounts/37439510/domains/pbx/insights" };

	(void)state;
	ASSERT_COMPARE(true, ours, theirs);
	ASSERT_COMPARE(true, ours, ours);
}

static void order_repeats_and_blanks_make_no_difference(void **state)
{
	char *ours[] = { MINE "/voicemail", MINE "/presence?sipData=true&detailedTelephonyState=true" };
	char *theirs[] = {
		"/restapi/v1.0/account/1/extension/2/presence?detailedTelephonyState=true&sipData=true",
		"/restapi/v1.0/account/1/extension/2/voicemail ",
		"/restapi/v1.0/account/1/extension/2/voicemail" };

	(void)state;
	ASSERT_COMPARE(true, ours, theirs);
	ASSERT_COMPARE(false, theirs, ours);	/* own ids, and ~ is shown */
}

static void more_or_fewer_differ(void **state)
{
	char *one[] = { MINE "/voicemail" };
	char *two[] = { "/restapi/v1.0/account/1/extension/2/voicemail",
		"/restapi/v1.0/account/1/extension/2/presence" };
	char *mine[] = { MINE "/voicemail", MINE "/presence" };

	(void)state;
	ASSERT_COMPARE(false, one, two);
	ASSERT_COMPARE(false, mine, one);
	ASSERT_COMPARE(true, mine, two);
	assert_false(filters_equal(one, 1, NULL, 0));
	assert_false(filters_equal(NULL, 0, two, 2));
	assert_true(filters_equal(NULL, 0, NULL, 0));
}

static void another_query_differs(void **state)
{
	char *all[] = { MINE "/message-store" };
	char *texts[] = { MINE "/message-store?type=SMS" };
	char *faxes[] = { MINE "/message-store?type=Fax" };

	(void)state;
	ASSERT_COMPARE(false, all, texts);
	ASSERT_COMPARE(false, texts, all);
	ASSERT_COMPARE(false, texts, faxes);
}

static void a_declared_id_equals_itself_only(void **state)
{
	char *ours[] = { "/restapi/v1.0/account/123/extension/4/presence" };
	char *same[] = { "/restapi/v1.0/account/123/extension/4/presence" };
	char *account[] = { "/restapi/v1.0/account/124/extension/4/presence" };
	char *extension[] = { "/restapi/v1.0/account/123/extension/5/presence" };
	char *half[] = { "/restapi/v1.0/account/~/extension/4/presence" };

	(void)state;
	ASSERT_COMPARE(true, ours, same);
	ASSERT_COMPARE(false, ours, account);
	ASSERT_COMPARE(false, ours, extension);
	ASSERT_COMPARE(true, half, account);
	ASSERT_COMPARE(false, half, extension);
}

static void mine_is_one_id(void **state)
{
	char *ours[] = { MINE "/presence" };
	char *theirs[] = { "/restapi/v1.0/account/1/extension/2/presence",
		"/restapi/v1.0/account/1/extension/3/presence" };

	(void)state;
	ASSERT_COMPARE(false, ours, theirs);
}

static void mine_beside_others(void **state)
{
	char *ours[] = { MINE "/presence", "/restapi/v1.0/account/~/extension/3/presence" };
	char *theirs[] = { "/restapi/v1.0/account/1/extension/3/presence",
		"/restapi/v1.0/account/1/extension/2/presence" };
	char *others[] = { "/restapi/v1.0/account/1/extension/4/presence",
		"/restapi/v1.0/account/1/extension/2/presence" };
	char *merged[] = { "/restapi/v1.0/account/1/extension/3/presence" };

	(void)state;
	ASSERT_COMPARE(true, ours, theirs);
	ASSERT_COMPARE(false, ours, others);
	ASSERT_COMPARE(true, ours, merged);	/* 3 may well be mine */
}

static void a_reminder_is_the_subscriptions_own(void **state)
{
	char *ours[] = { "/restapi/v1.0/subscription/~?threshold=86400&interval=3600" };
	char *shown[] = { "/restapi/v1.0/subscription/5d1e2c3a-11?interval=3600&threshold=86400" };
	char *other[] = { "/restapi/v1.0/subscription/~?threshold=43200&interval=3600" };

	(void)state;
	ASSERT_COMPARE(true, ours, shown);
	ASSERT_COMPARE(false, ours, other);
}

static void odd_filters_are_compared_all_the_same(void **state)
{
	char *odd[] = { "", "?", "/account", "/account/", "/account//extension/",
		"//", "no path", "/a?&&", "/extension/?x" };
	char *one[] = { "/account/" };

	(void)state;
	ASSERT_COMPARE(true, odd, odd);
	ASSERT_COMPARE(false, odd, one);
}

enum { MANY = 2000 };

/* The presence of many extensions, out of order. */
static char **many(const char *account, unsigned first)
{
	char **made = calloc(MANY, sizeof(*made));

	assert_non_null(made);
	for (unsigned i = 0; i < MANY; i++)
		assert_true(asprintf(&made[i], "/restapi/v1.0/account/%s/extension/%u/presence",
			account, first + (i * 7) % MANY) > 0);
	return made;
}

static void drop_many(char **filters)
{
	for (size_t i = 0; i < MANY; i++)
		free(filters[i]);
	free(filters);
}

static void two_thousand_are_compared(void **state)
{
	char **ours = many("~", 100000);
	char **theirs = many("123456789", 100000);
	char **others = many("123456789", 100001);

	(void)state;
	assert_true(filters_equal(ours, MANY, theirs, MANY));
	assert_false(filters_equal(ours, MANY, others, MANY));
	drop_many(ours);
	drop_many(theirs);
	drop_many(others);
}

static void fewer_are_left_out_whatever_they_are_called(void **state)
{
	char *ours[] = { MINE "/voicemail", MINE "/presence", MINE "/message-store",
		MINE "/presence", "/restapi/v1.0/account/1/extension/2/presence" };
	char *renamed[] = { "/v2/one", "/v2/two", "/v2/two", "/v2/three",
		"/restapi/v1.0/account/1/extension/2/presence" };

	(void)state;
	assert_int_equal(filters_left_out(ours, 3, ours, 3), 0);
	assert_int_equal(filters_left_out(ours, 3, ours, 2), 1);
	assert_int_equal(filters_left_out(ours, 2, ours, 3), 0);
	assert_int_equal(filters_left_out(ours, 4, ours, 2), 1);	/* a repeat is none */
	assert_int_equal(filters_left_out(ours, 3, renamed, 4), 0);
	assert_int_equal(filters_left_out(ours, 3, renamed, 3), 1);
	assert_int_equal(filters_left_out(ours, 3, NULL, 0), 3);
	assert_int_equal(filters_left_out(ours, 5, renamed + 1, 4), 0);	/* ~ is that id */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_name_is_unique),
		cmocka_unit_test(every_path_stands_there_once),
		cmocka_unit_test(kinds_of_one_family_stand_together),
		cmocka_unit_test(a_name_becomes_its_path),
		cmocka_unit_test(every_kind_expands_or_says_what_is_missing),
		cmocka_unit_test(blanks_around_are_trimmed),
		cmocka_unit_test(placeholders_of_account_and_extension_become_mine),
		cmocka_unit_test(own_ids_and_values_are_known),
		cmocka_unit_test(unknown_paths_pass_and_are_told),
		cmocka_unit_test(what_can_be_no_filter_is_refused),
		cmocka_unit_test(mine_equals_the_ids_filled_in),
		cmocka_unit_test(order_repeats_and_blanks_make_no_difference),
		cmocka_unit_test(more_or_fewer_differ),
		cmocka_unit_test(another_query_differs),
		cmocka_unit_test(a_declared_id_equals_itself_only),
		cmocka_unit_test(mine_is_one_id),
		cmocka_unit_test(mine_beside_others),
		cmocka_unit_test(a_reminder_is_the_subscriptions_own),
		cmocka_unit_test(odd_filters_are_compared_all_the_same),
		cmocka_unit_test(two_thousand_are_compared),
		cmocka_unit_test(fewer_are_left_out_whatever_they_are_called),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
