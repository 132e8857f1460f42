/* Turns at the spools: how many at once, who waits, and who is refused. */
#include "fixture.h"

#include <poll.h>

#include "../../fcgi/turns.h"
#include "clock.h"

enum { MANY = 100 };

static struct turns turns;
static struct waiting waiting[MANY];

/* Takes all of two turns. */
static int set_up(void **state)
{
	(void)state;
	turns_init(&turns, 2);
	for (int i = 0; i < 2; i++)
		assert_int_equal(turns_take(&turns, &waiting[i]), TURN_TAKEN);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	turns_destroy(&turns);
	return 0;
}

/* How many of those after the first two are queued before one is refused. */
static int queue_all(void)
{
	int i = 2;

	while (i < MANY && turns_take(&turns, &waiting[i]) == TURN_QUEUED)
		i++;
	return i - 2;
}

static void who_leaves_takes_the_next_along(void **state)
{
	(void)state;
	for (int i = 2; i < 5; i++)
		assert_int_equal(turns_take(&turns, &waiting[i]), TURN_QUEUED);
	for (int i = 2; i < 5; i++)
		assert_ptr_equal(turns_pass(&turns, 0), &waiting[i]);
	assert_null(turns_pass(&turns, 0));
	assert_int_equal(turns_take(&turns, &waiting[0]), TURN_TAKEN);
	assert_int_equal(turns_take(&turns, &waiting[2]), TURN_QUEUED);
}

/* One of the two turns, many times, and then both are taken. */
static void let_turns_take(int64_t milliseconds)
{
	for (int i = 0; i < MANY; i++) {
		assert_null(turns_pass(&turns, milliseconds));
		assert_int_equal(turns_take(&turns, &waiting[0]), TURN_TAKEN);
	}
}

/* Waits until clock_milliseconds() is there. */
static void wait_until(int64_t then)
{
	while (clock_milliseconds() < then)
		poll(NULL, 0, 1);
}

static void as_many_wait_as_can_be_served_in_time(void **state)
{
	(void)state;
	let_turns_take(100);	/* ten a second by each turn */
	assert_int_equal(queue_all(), 2 * TURNS_WAIT_MS / 100);
}

static void a_fast_disk_lets_all_wait(void **state)
{
	(void)state;
	let_turns_take(1);
	assert_int_equal(queue_all(), MANY - 2);
}

static void a_slow_first_turn_refuses_nobody(void **state)
{
	(void)state;
	assert_null(turns_pass(&turns, 2000));
	assert_int_equal(turns_take(&turns, &waiting[0]), TURN_TAKEN);
	assert_int_equal(queue_all(), MANY - 2);
}

static void after_a_pause_the_disk_is_not_slow_any_more(void **state)
{
	(void)state;
	let_turns_take(100);
	for (int i = 0; i < 2; i++)
		assert_null(turns_pass(&turns, 100));
	wait_until(clock_milliseconds() + 1100);
	for (int i = 0; i < 2; i++)
		assert_int_equal(turns_take(&turns, &waiting[i]), TURN_TAKEN);
	assert_int_equal(queue_all(), MANY - 2);
}

static void one_slow_turn_does_not_make_a_slow_disk(void **state)
{
	(void)state;
	for (int i = 0; i < MANY; i++) {
		assert_null(turns_pass(&turns, i == MANY / 2 ? 800 : 1));
		assert_int_equal(turns_take(&turns, &waiting[0]), TURN_TAKEN);
	}
	assert_int_equal(queue_all(), MANY - 2);
}

static void a_turn_that_tells_nothing_counts_for_nothing(void **state)
{
	(void)state;
	let_turns_take(100);
	let_turns_take(-1);
	assert_int_equal(queue_all(), 2 * TURNS_WAIT_MS / 100);
}

static void while_nothing_moves_who_waits_is_told_in_time(void **state)
{
	int64_t began = clock_milliseconds();
	int patience;

	(void)state;
	assert_null(turns_late(&turns, &patience));
	assert_int_equal(patience, -1);
	assert_int_equal(turns_take(&turns, &waiting[2]), TURN_QUEUED);
	assert_null(turns_late(&turns, &patience));
	assert_in_range(patience, 1, TURNS_LATE_MS);
	wait_until(began + TURNS_WAIT_MS + 1);
	for (int i = 3; i < MANY; i++)
		assert_int_equal(turns_take(&turns, &waiting[i]), TURN_REFUSED);
	wait_until(began + TURNS_LATE_MS + 100);
	assert_true(turns_is_late(&waiting[2]));
	assert_ptr_equal(turns_late(&turns, &patience), &waiting[2]);
	assert_null(turns_late(&turns, &patience));
	assert_null(turns_pass(&turns, 0));	/* it does not come twice */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_leaves_takes_the_next_along),
		TEST(as_many_wait_as_can_be_served_in_time),
		TEST(a_fast_disk_lets_all_wait),
		TEST(a_slow_first_turn_refuses_nobody),
		TEST(after_a_pause_the_disk_is_not_slow_any_more),
		TEST(one_slow_turn_does_not_make_a_slow_disk),
		TEST(a_turn_that_tells_nothing_counts_for_nothing),
		TEST(while_nothing_moves_who_waits_is_told_in_time),
	};

	return cmocka_run_group_tests_name("turns", tests, NULL, NULL);
}
