/* Thresholds as the Monitoring Plugins guidelines write them. */
#include "fixture.h"

#include <string.h>

#include "../../spool/ranges.h"

static struct range parsed(const char *text, enum range_kind kind)
{
	struct range range;
	struct reason why;

	assert_int_equal(range_parse(&range, text, kind, &why), 0);
	return range;
}

static void alerts_as_the_guidelines_say(void **state)
{
	static const struct {
		const char *text;
		double value;
		bool alerts;
	} cases[] = {
		{ "10", -1, true }, { "10", 0, false }, { "10", 10, false }, { "10", 11, true },
		{ "10:", 9, true }, { "10:", 10, false }, { "10:", 1e12, false },
		{ "~:10", -1e12, false }, { "~:10", 10, false }, { "~:10", 11, true },
		{ "10:20", 9, true }, { "10:20", 15, false }, { "10:20", 21, true },
		{ "@10:20", 9, false }, { "@10:20", 10, true }, { "@10:20", 20, true },
		{ "@10:20", 21, false }, { "-5:-1", -6, true }, { "-5:-1", -3, false },
		{ "0", 0, false }, { "0", 1, true }, { "1.5", 1.6, true }, { ":10", 5, false },
		{ "@10", 5, true }, { "@10", 11, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct range range = parsed(cases[i].text, RANGE_NUMBER);

		if (range_alerts(&range, cases[i].value) != cases[i].alerts)
			fail_msg("%s with %g", cases[i].text, cases[i].value);
	}
}

static void times_are_kept_in_seconds(void **state)
{
	struct range range = parsed("5m", RANGE_TIME);

	(void)state;
	assert_false(range_alerts(&range, 300));
	assert_true(range_alerts(&range, 301));
	range = parsed("@1h:2d", RANGE_TIME);
	assert_true(range_alerts(&range, 3600));
	assert_true(range_alerts(&range, 172800));
	assert_false(range_alerts(&range, 172801));
	range = parsed("1w:", RANGE_TIME);
	assert_true(range_alerts(&range, 604799));
}

static void others_are_refused(void **state)
{
	static const char *const texts[] = { "", ":", "@", "@:", "~", "x", "10:x", "2:1",
		"1:2:3", "10 ", " 10", "1e3", "--1", "5x", "1.2.3", "~10:", "0x10", "inf",
		"nan", "99999999999999999999999999999999" };
	struct range range;
	struct reason why;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (range_parse(&range, texts[i], RANGE_NUMBER, &why) == 0)
			fail_msg("taken: \"%s\"", texts[i]);
	assert_int_equal(range_parse(&range, "5m", RANGE_NUMBER, &why), -1);
	assert_int_equal(range_parse(&range, "5mm", RANGE_TIME, &why), -1);
}

static void written_as_performance_data_wants_it(void **state)
{
	static const char *const cases[][2] = { { "5m", "300" }, { "1d:", "86400:" },
		{ "~:1h", "~:3600" }, { "10:20", "10:20" }, { "@1m:2m", "@60:120" },
		{ "50000000000:", "50000000000:" }, { "0:", "0:" }, { "-5:5", "-5:5" } };
	const struct range none = { .none = true };
	char text[RANGE_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct range range = parsed(cases[i][0], RANGE_TIME);

		range_format(&range, text);
		assert_string_equal(text, cases[i][1]);
	}
	range_format(&none, text);
	assert_string_equal(text, "");
	assert_false(range_alerts(&none, 1e300));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alerts_as_the_guidelines_say),
		cmocka_unit_test(times_are_kept_in_seconds),
		cmocka_unit_test(others_are_refused),
		cmocka_unit_test(written_as_performance_data_wants_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
