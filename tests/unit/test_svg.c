/* The picture of arrivals: its scale, its bars, and what it says in words. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../spool/recent.h"
#include "../../spool/svg.h"

static void scale_ends_with_a_round_number(void **state)
{
	static const uint64_t cases[][2] = { { 0, 2 }, { 1, 2 }, { 2, 2 }, { 3, 4 }, { 5, 6 },
		{ 7, 10 }, { 10, 10 }, { 11, 20 }, { 21, 40 }, { 41, 60 }, { 61, 100 },
		{ 101, 200 }, { 999, 1000 }, { 1000001, 2000000 } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(svg_ceiling(cases[i][0]), cases[i][1]);
	for (uint64_t most = 1; most < UINT64_MAX / 3; most = most * 3 + 1) {
		assert_true(svg_ceiling(most) >= most);
		if (most < UINT64_MAX / 100000) {
			assert_true(svg_ceiling(most) <= most * 2);
			assert_int_equal(svg_ceiling(most) % 2, 0);
		}
	}
	assert_true(svg_ceiling(UINT64_MAX) == UINT64_MAX);
}

static void bars_are_seen_and_stay_in_the_plot(void **state)
{
	(void)state;
	assert_true(svg_height(0, 1000000, 100) <= 0);
	assert_true(svg_height(1, 1000000, 100) >= 1);
	assert_true(svg_height(1000000, 1000000, 100) > 99.9);
	assert_true(svg_height(1000000, 1000000, 100) <= 100);
	assert_true(svg_height(50, 100, 100) > 49.9 && svg_height(50, 100, 100) < 50.1);
}

static size_t count(const char *text, const char *part)
{
	size_t found = 0;

	while ((text = strstr(text, part)) != NULL) {
		found++;
		text++;
	}
	return found;
}

static void a_bar_for_each_hour_that_had_events(void **state)
{
	uint64_t hourly[72] = { [0] = 3, [1] = 7, [71] = 1 };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(out);
	svg_arrivals(out, hourly, 72, 1795516200);
	fclose(out);
	assert_int_equal(count(text, "<rect"), 3);
	assert_non_null(strstr(text, "11 events in the last 72 hours; 7 in the busiest hour,"
		" 3 so far in the present one."));
	assert_non_null(strstr(text, ">2026-11-24T10 h: 3<"));
	assert_non_null(strstr(text, ">2026-11-24T09 h: 7<"));
	assert_non_null(strstr(text, "24 h ago"));
	assert_int_equal(count(text, "nan") + count(text, "inf"), 0);
	free(text);
}

/* Beside it, for want of a picture: what follow remembers. */
static void recent_things_are_known_for_two_turns(void **state)
{
	struct recent recent = { .present = { .size = 0 } };

	(void)state;
	for (uint64_t key = 0; key < 5000; key++)
		assert_int_equal(recent_note(&recent, key * 1024), 1);
	for (uint64_t key = 0; key < 5000; key++)
		assert_int_equal(recent_note(&recent, key * 1024), 0);
	recent_turn(&recent);
	assert_int_equal(recent_note(&recent, 1024), 0);
	recent_turn(&recent);
	assert_int_equal(recent_note(&recent, 1024), 1);
	recent_free(&recent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scale_ends_with_a_round_number),
		cmocka_unit_test(bars_are_seen_and_stay_in_the_plot),
		cmocka_unit_test(a_bar_for_each_hour_that_had_events),
		cmocka_unit_test(recent_things_are_known_for_two_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
