/* What makes two failures the same one for cron. */
#include "fixture.h"

#include <string.h>

#include "../../renew/told.h"

static bool is_same(const char *code, const char *one, const char *other)
{
	struct failure a, b;
	char key_a[TOLD_KEY], key_b[TOLD_KEY];

	failure_set(&a, FAILURE_REFUSED, "%s", one);
	failure_set(&b, FAILURE_REFUSED, "%s", other);
	(void)snprintf(a.code, sizeof a.code, "%s", code);
	(void)snprintf(b.code, sizeof b.code, "%s", code);
	told_key("inbound", &a, key_a);
	told_key("inbound", &b, key_b);
	return strcmp(key_a, key_b) == 0;
}

static void numbers_times_and_ids_make_no_difference(void **state)
{
	(void)state;
	assert_true(is_same("", "size: 1025 of 1024 bytes", "size: 3000 of 1024 bytes"));
	assert_true(is_same("", "after 59 min, at 2026-11-24T22:18:23Z",
		"after 1 h 0 min, at 2026-11-25T01:00:00Z"));
	assert_true(is_same("", "x (RCRequestId abc-def)", "x (RCRequestId ghi)"));
	assert_true(is_same("", "it is 5bd0167f-a1ea-4333.", "it is 77-cafe01."));
}

static void words_make_a_difference(void **state)
{
	(void)state;
	assert_false(is_same("", "status: 404", "size: 404"));
	assert_false(is_same("CMN-101", "CMN-101, [eventFilters]", "CMN-101, [expiresIn]"));
	assert_false(is_same("", "filter /a/b", "filter /a/c"));
	assert_false(is_same("", "(RCRequestId", "(RCRequestId abc) more"));
}

static void only_known_codes_count(void **state)
{
	struct failure failure;
	char key[TOLD_KEY], other[TOLD_KEY], label[TOLD_LABEL];

	(void)state;
	failure_set(&failure, FAILURE_REFUSED, "ODD-1, HTTP 400: no");
	strcpy(failure.code, "ODD-1");
	told_key(NULL, &failure, key);
	failure_set(&failure, FAILURE_REFUSED, "STRANGE, HTTP 400: no");
	strcpy(failure.code, "STRANGE");
	told_key(NULL, &failure, other);
	assert_string_equal(key, other);
	told_label(key, label);
	assert_string_equal(label, "run refused");
	strcpy(failure.code, "CMN-102");
	told_key("inbound", &failure, key);
	told_label(key, label);
	assert_string_equal(label, "inbound CMN-102");
	told_label("run lock", label);
	assert_string_equal(label, "run lock");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_times_and_ids_make_no_difference),
		cmocka_unit_test(words_make_a_difference),
		cmocka_unit_test(only_known_codes_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
