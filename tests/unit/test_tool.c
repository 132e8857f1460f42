/* The parts of the operator's tool that need no spool: the oldest of many,
 * times, delays, and what an exit status means. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../spool/job.h"
#include "../../spool/oldest.h"
#include "../../spool/select.h"

#define TEST(function) cmocka_unit_test(function)

static struct entry entry_at(time_t seconds)
{
	struct entry entry = { .received = { .tv_sec = seconds } };

	(void)snprintf(entry.file, sizeof entry.file, "%ld.json", (long)seconds);
	return entry;
}

/* Adds 0 .. count - 1 in an order that visits each once. */
static void add_all(struct oldest *oldest, int count)
{
	for (int i = 0; i < count; i++) {
		struct entry entry = entry_at((i * 7919) % count);

		oldest_add(oldest, NULL, &entry);
	}
	oldest_sort(oldest);
}

static void the_oldest_of_many_and_then_the_next(void **unused)
{
	enum { COUNT = 1000, AT_ONCE = 30 };
	struct oldest oldest;
	struct reason why;
	time_t next = 0;

	(void)unused;
	assert_int_equal(oldest_init(&oldest, AT_ONCE, &why), 0);
	for (;;) {
		add_all(&oldest, COUNT);
		for (size_t i = 0; i < oldest.count; i++)
			assert_int_equal(oldest.items[i].entry.received.tv_sec, next++);
		if (!oldest.more)
			break;
		assert_int_equal(oldest.count, AT_ONCE);
		oldest_restart(&oldest, true);
	}
	assert_int_equal(next, COUNT);
	oldest_free(&oldest);
}

static void exactly_what_fits(void **unused)
{
	struct oldest oldest;
	struct reason why;

	(void)unused;
	assert_int_equal(oldest_init(&oldest, 10, &why), 0);
	add_all(&oldest, 10);
	assert_int_equal(oldest.count, 10);
	assert_false(oldest.more);
	oldest_free(&oldest);
}

static void durations(void **unused)
{
	static const struct {
		const char *text;
		time_t seconds;		/* -1: refused */
	} cases[] = { { "0", 0 }, { "90", 90 }, { "90s", 90 }, { "5m", 300 }, { "2h", 7200 },
		{ "30d", 2592000 }, { "1w", 604800 }, { "", -1 }, { "m", -1 }, { "-5", -1 },
		{ "5 m", -1 }, { "5y", -1 }, { "5mm", -1 }, { "1234567890", -1 } };

	(void)unused;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct reason why;
		time_t seconds = 0;
		int result = select_duration("--x", cases[i].text, &seconds, &why);

		assert_int_equal(result, cases[i].seconds < 0 ? -1 : 0);
		if (result == 0)
			assert_int_equal(seconds, cases[i].seconds);
	}
}

static void times(void **unused)
{
	static const struct {
		const char *text;
		time_t when;		/* -1: refused */
	} cases[] = { { "@1785585600", 1785585600 }, { "2026-08-01T12:00:00Z", 1785585600 },
		{ "2026-08-01T12:00Z", 1785585600 }, { "2026-08-01Z", 1785542400 },
		{ "2026-08-01T14:00", 1785585600 }, { "2026-08-01 14:00:00", 1785585600 },
		{ "2026-08-01", 1785535200 }, { "2026-01-15", 1768431600 },
		{ "yesterday", -1 }, { "2026-13-01", -1 }, { "2026-08-01Tnoon", -1 }, { "@x", -1 } };
	struct reason why;
	time_t when, now = time(NULL);

	(void)unused;
	setenv("TZ", "Europe/Berlin", 1);
	tzset();
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int result = select_time("--x", cases[i].text, &when, &why);

		assert_int_equal(result, cases[i].when < 0 ? -1 : 0);
		if (result == 0)
			assert_int_equal(when, cases[i].when);
	}
	assert_int_equal(select_time("--x", "2h", &when, &why), 0);
	assert_in_range(when, now - 7200, now - 7198);
}

static void delays_grow_to_six_hours(void **unused)
{
	static const unsigned middle[] = { 30, 90, 270, 810, 2430, 7290, 21600, 21600 };

	(void)unused;
	for (unsigned attempt = 1; attempt <= 8; attempt++)
		for (int i = 0; i < 100; i++)
			assert_in_range(job_delay(30, attempt), middle[attempt - 1] * 3 / 4,
				middle[attempt - 1] * 5 / 4 + 1);
	assert_in_range(job_delay(30, 4000000), 16200, 27001);
	assert_int_equal(job_delay(0, 9), 0);
}

static enum entry_state judged(int status, unsigned attempt, bool timed_out,
	const char *reason)
{
	struct command command = { .retries = 2, .delay = 30 };
	struct job job = { .status = status, .timed_out = timed_out };

	job.claim.entry.attempt = attempt;
	job_judge(&job, &command);
	if (reason)
		assert_string_equal(job.target.reason, reason);
	else
		assert_null(job.target.reason);
	return job.target.state;
}

static void what_a_status_means(void **unused)
{
	(void)unused;
	assert_int_equal(judged(0, 1, false, NULL), STATE_DONE);
	assert_int_equal(judged(0, 9, false, NULL), STATE_DONE);
	assert_int_equal(judged(1 << 8, 1, false, "exit-1"), STATE_RETRYING);
	assert_int_equal(judged(1 << 8, 2, false, "exit-1"), STATE_RETRYING);
	assert_int_equal(judged(1 << 8, 3, false, "exit-1"), STATE_FAILED);
	assert_int_equal(judged(100 << 8, 1, false, "exit-100"), STATE_FAILED);
	assert_int_equal(judged(9, 1, false, "signal-9"), STATE_RETRYING);
	assert_int_equal(judged(0, 1, true, "timeout"), STATE_RETRYING);
	assert_int_equal(judged(100 << 8, 3, true, "timeout"), STATE_FAILED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_oldest_of_many_and_then_the_next),
		TEST(exactly_what_fits),
		TEST(durations),
		TEST(times),
		TEST(delays_grow_to_six_hours),
		TEST(what_a_status_means),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
