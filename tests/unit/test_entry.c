/* What the names of event files say, by state. */
#include "fixture.h"

#include <string.h>

#include "entry.h"

#define TEST(function) cmocka_unit_test(function)

static struct entry parsed(enum entry_state state, const char *file)
{
	struct entry entry;

	assert_true(entry_parse(&entry, state, file));
	assert_string_equal(entry.file, file);
	assert_int_equal(entry.state, state);
	return entry;
}

static void refused(enum entry_state state, const char *file)
{
	struct entry entry;

	assert_false(entry_parse(&entry, state, file));
}

static void fields_are_read(void **unused)
{
	struct entry entry = parsed(STATE_RETRYING, "u1-0f.12.1795560273.json");

	(void)unused;
	assert_string_equal(entry.name, "u1-0f");
	assert_int_equal(entry.attempt, 12);
	assert_int_equal(entry.due, 1795560273);
	entry = parsed(STATE_FAILED, "u1-0f.3.signal-9.json");
	assert_int_equal(entry.attempt, 3);
	assert_string_equal(entry.reason, "signal-9");
	entry = parsed(STATE_RUNNING, "u1-0f.7.json");
	assert_int_equal(entry.attempt, 7);
	entry = parsed(STATE_BAD, "proven-00ff");
	assert_string_equal(entry.name, "proven-00ff");
}

static void fields_may_be_missing(void **unused)
{
	(void)unused;
	for (int state = 0; state < STATE_BAD; state++) {
		struct entry entry = parsed((enum entry_state)state, "u1.json");

		assert_string_equal(entry.name, "u1");
		assert_int_equal(entry.attempt, 0);
		assert_int_equal(entry.due, 0);
		assert_string_equal(entry.reason, "");
	}
	assert_int_equal(parsed(STATE_RETRYING, "u1.2.json").attempt, 2);
	assert_int_equal(parsed(STATE_FAILED, "u1.2.json").attempt, 2);
}

static void a_second_of_a_name_has_a_number(void **unused)
{
	(void)unused;
	assert_string_equal(parsed(STATE_HELD, "u1.c2.json").name, "u1");
	assert_string_equal(parsed(STATE_DONE, "u1.c99.json").name, "u1");
	assert_string_equal(parsed(STATE_FAILED, "u1.2.timeout.c3.json").reason, "timeout");
	assert_string_equal(parsed(STATE_FAILED, "u1.2.c3.json").reason, "");
	refused(STATE_HELD, "u1.c2.c3.json");
	refused(STATE_FAILED, "u1.2.c2.c3.json");
	refused(STATE_HELD, "u1.c.json");
	refused(STATE_HELD, "u1.c1000.json");
}

/* What a person moved by mv is an event in its new directory as well. */
static void fields_of_another_state_are_ignored(void **unused)
{
	static const char *const names[] = { "u1.c2.json", "u1.3.json", "u1.3.c2.json",
		"u1.3.1795560273.json", "u1.3.1795560273.c2.json", "u1.3.exit-1.json",
		"u1.3.exit-1.c2.json", "u1.json" };

	(void)unused;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		for (int state = 0; state < STATE_COUNT; state++) {
			struct entry entry = parsed((enum entry_state)state, names[i]);

			assert_string_equal(entry.name, "u1");
			if (state != STATE_RETRYING)
				assert_int_equal(entry.due, 0);
			if (state != STATE_FAILED)
				assert_string_equal(entry.reason, "");
			if (state != STATE_RUNNING && state != STATE_RETRYING
			    && state != STATE_FAILED)
				assert_int_equal(entry.attempt, 0);
		}
	assert_int_equal(parsed(STATE_FAILED, "u1.3.1795560273.json").attempt, 3);
	assert_string_equal(parsed(STATE_FAILED, "u1.3.1795560273.json").reason, "");
	assert_int_equal(parsed(STATE_RETRYING, "u1.3.json").attempt, 3);
	assert_int_equal(parsed(STATE_RETRYING, "u1.3.exit-1.json").attempt, 0);
}

static void what_is_no_event_is_refused(void **unused)
{
	static const char *const names[] = { "", ".json", "-x.json", "u1", "u1.JSON",
		"u 1.json", "u\n.json", "u1.json.", "u1.json~", "\xff.json", "u1..json",
		"a.b.json", ".u1.json", "u/1.json" };
	char longest[SPOOL_NAME_SIZE + 8];

	(void)unused;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		for (int state = 0; state < STATE_BAD; state++)
			refused((enum entry_state)state, names[i]);
	refused(STATE_RUNNING, "u1.-1.json");
	refused(STATE_RUNNING, "u1.1234567890.json");
	refused(STATE_RETRYING, "u1.1.1234567890123.json");
	refused(STATE_FAILED, "u1.1.a-reason-of-twenty-bytes.json");
	refused(STATE_FAILED, "u1.1.Exit.json");
	memset(longest, 'a', sizeof longest);
	strcpy(longest + SPOOL_NAME_SIZE - 1, ".json");
	(void)parsed(STATE_WAITING, longest);
	memset(longest, 'a', SPOOL_NAME_SIZE);
	strcpy(longest + SPOOL_NAME_SIZE, ".json");
	refused(STATE_WAITING, longest);
}

/* Whatever is written is read back, at the largest values of each field. */
static void names_come_back(void **unused)
{
	struct entry written = { .attempt = 999999999, .due = 999999999999,
		.reason = "interrupted" };

	(void)unused;
	memset(written.name, 'n', sizeof written.name - 1);
	for (int state = 0; state < STATE_COUNT; state++) {
		struct entry read;

		written.state = (enum entry_state)state;
		entry_format(&written, 1);
		read = parsed(written.state, written.file);
		assert_string_equal(read.name, written.name);
		if (state == STATE_RUNNING || state == STATE_RETRYING || state == STATE_FAILED)
			assert_int_equal(read.attempt, written.attempt);
		if (state == STATE_RETRYING)
			assert_true(read.due == written.due);
		if (state == STATE_FAILED)
			assert_string_equal(read.reason, written.reason);
	}
}

static void words_for_events(void **unused)
{
	char name[SPOOL_NAME_SIZE];

	(void)unused;
	assert_true(entry_name_from_word(name, "u1-0f"));
	assert_string_equal(name, "u1-0f");
	assert_true(entry_name_from_word(name, "/var/spool/ringspool/retry/u1-0f.3.99.json"));
	assert_string_equal(name, "u1-0f");
	assert_false(entry_name_from_word(name, "new/"));
	assert_false(entry_name_from_word(name, "u1 0f"));
	assert_false(entry_name_from_word(name, "-u1"));
}

static void words_for_states(void **unused)
{
	(void)unused;
	for (int state = 0; state < STATE_COUNT; state++)
		assert_int_equal(entry_state_named(entry_state_name((enum entry_state)state)), state);
	assert_int_equal(entry_state_named("nonesuch"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(fields_are_read),
		TEST(fields_may_be_missing),
		TEST(a_second_of_a_name_has_a_number),
		TEST(fields_of_another_state_are_ignored),
		TEST(what_is_no_event_is_refused),
		TEST(names_come_back),
		TEST(words_for_events),
		TEST(words_for_states),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
