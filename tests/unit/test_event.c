/* What an event is called, and what is no event. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#include "event.h"

static struct event read_event(const char *body)
{
	struct event event = { .digest = 0 };
	struct reason why = { .text = "" };

	if (event_read(&event, body, strlen(body), &why) != 0)
		fail_msg("refused: %s: %s", body, why.text);
	return event;
}

static void assert_no_event(const char *body, size_t size, const char *complaint)
{
	struct event event;
	struct reason why = { .text = "" };

	assert_int_equal(event_read(&event, body, size, &why), -1);
	assert_non_null(strstr(why.text, complaint));
}

static bool same_name(const char *one, const char *other)
{
	struct event a = read_event(one), b = read_event(other);

	if (strcmp(a.name, b.name) != 0)
		return false;
	assert_true(a.digest == b.digest);
	return true;
}

static void assert_readable(const char *body, const char *readable)
{
	struct event event = read_event(body);
	size_t length = strlen(readable);

	if (strncmp(event.name, readable, length) != 0)
		fail_msg("%s is not %s-...", event.name, readable);
	assert_int_equal(event.name[length], '-');
	assert_int_equal(strlen(event.name), length + 1 + 16);
	assert_int_equal(strspn(event.name + length + 1, "0123456789abcdef"), 16);
}

static void uuid_becomes_a_safe_name(void **state)
{
	char longest[300] = "{\"uuid\":\"", expected[65];

	(void)state;
	assert_readable("{\"uuid\":\"5496200236759723935\"}", "5496200236759723935");
	assert_readable("{\"uuid\":\"2c9F-11\"}", "2c9F-11");
	assert_readable("{\"uuid\":\"../../etc/passwd\"}", "______etc_passwd");
	assert_readable("{\"uuid\":\"-rf\"}", "_rf");
	assert_readable("{\"uuid\":\"a\\n\\u00e9.b\"}", "a____b");
	assert_readable("{\"uuid\":\"_\"}", "_");
	memset(longest + strlen(longest), 'x', 200);
	strcat(longest, "\"}");
	memset(expected, 'x', 64);
	expected[64] = '\0';
	assert_readable(longest, expected);
}

static void the_three_members_make_the_name(void **state)
{
	const char *base = "{\"uuid\":\"1\",\"subscriptionId\":\"s\",\"event\":\"/e\"}";

	(void)state;
	assert_true(same_name(base, "{\"event\":\"/e\",\"timestamp\":\"later\","
		"\"uuid\":\"1\",\"subscriptionId\":\"s\",\"body\":{\"x\":1}}"));
	assert_true(same_name(base, "{\"uuid\":\"\\u0031\",\"subscriptionId\":\"s\","
		"\"event\":\"\\/e\"}"));
	assert_false(same_name(base, "{\"uuid\":\"2\",\"subscriptionId\":\"s\",\"event\":\"/e\"}"));
	assert_false(same_name(base, "{\"uuid\":\"1\",\"subscriptionId\":\"t\",\"event\":\"/e\"}"));
	assert_false(same_name(base, "{\"uuid\":\"1\",\"subscriptionId\":\"s\",\"event\":\"/f\"}"));
	assert_false(same_name(base, "{\"uuid\":\"1\",\"subscriptionId\":\"s\"}"));
	assert_false(same_name("{\"uuid\":\"1\",\"event\":\"\"}", "{\"uuid\":\"1\"}"));
	/* Lengths are part of it: nothing moves from one member to the next. */
	assert_false(same_name("{\"uuid\":\"1\",\"subscriptionId\":\"ab\",\"event\":\"c\"}",
		"{\"uuid\":\"1\",\"subscriptionId\":\"a\",\"event\":\"bc\"}"));
	/* The same readable form, other uuids. */
	assert_false(same_name("{\"uuid\":\"a.b\"}", "{\"uuid\":\"a/b\"}"));
}

static void what_cannot_be_compared_goes_by_the_whole_body(void **state)
{
	(void)state;
	/* cJSON ends a text at a NUL, and rounds numbers to a double. */
	assert_false(same_name("{\"uuid\":\"a\\u0000b\"}", "{\"uuid\":\"a\\u0000c\"}"));
	assert_true(same_name("{\"uuid\":\"a\\u0000b\"}", "{\"uuid\":\"a\\u0000b\"}"));
	assert_false(same_name("{\"uuid\":12345678901234567890}",
		"{\"uuid\":12345678901234567891}"));
	assert_true(same_name("{\"uuid\":12}", "{\"uuid\":12}"));
	assert_false(same_name("{\"uuid\":\"1\",\"subscriptionId\":12345678901234567890}",
		"{\"uuid\":\"1\",\"subscriptionId\":12345678901234567891}"));
	assert_false(same_name("{\"uuid\":\"1\",\"event\":[\"x\"]}", "{\"uuid\":\"1\",\"event\":[\"y\"]}"));
	assert_false(same_name("{\"uuid\":\"\\uD83D\"}", "{\"uuid\":\"\\uD83E\"}"));
	assert_false(same_name("{\"uuid\":null,\"x\":1}", "{\"uuid\":null,\"x\":2}"));
}

static void an_event_without_uuid_gets_a_name_of_its_own(void **state)
{
	(void)state;
	assert_false(same_name("{}", "{}"));
	assert_false(same_name("{\"uuid\":\"\"}", "{\"uuid\":\"\"}"));
	assert_false(same_name("{\"event\":\"/e\"}", "{\"event\":\"/e\"}"));
}

static void odd_texts_are_events(void **state)
{
	(void)state;
	read_event("{\"uuid\":\"1\",\"body\":\"cut emoji \\uD83D\"}");
	read_event("{\"uuid\":\"1\",\"body\":\"cut emoji \\uDE00 \\ud83d\\ud83d\\ude00\"}");
	read_event("{\"uuid\":\"1\",\"body\":\"\\\\uD83D is text\"}");
	read_event("{\"uuid\":\"1\",\"body\":\"\xff\xfe not UTF-8\"}");
	read_event(" \t\r\n{\"uuid\":\"1\"}\n\n ");
	read_event("{\"uuid\":\"1\",\"ownerId\":12,\"timestamp\":[]}");
}

static void what_is_no_event(void **state)
{
	(void)state;
	assert_no_event("", 0, "not one JSON object");
	assert_no_event("hello", 5, "not one JSON object");
	assert_no_event("[{}]", 4, "not one JSON object");
	assert_no_event("\"text\"", 6, "not one JSON object");
	assert_no_event("{\"a\":1", 6, "not one JSON object");
	assert_no_event("{} {}", 5, "not one JSON object");
	assert_no_event("{}x", 3, "not one JSON object");
	assert_no_event("{\"uuid\":\"a\0b\"}", 14, "NUL byte");
	assert_no_event("{}\0", 3, "NUL byte");
	assert_no_event("{\"a\":\"\\", 7, "not one JSON object");
	assert_no_event("{\"a\":\"\\u00\"}", 12, "not one JSON object");
}

static void deep_nesting_does_no_harm(void **state)
{
	enum { DEPTH = 100000 };
	char *body = malloc(DEPTH);

	(void)state;
	assert_non_null(body);
	memset(body, '[', DEPTH);
	assert_no_event(body, DEPTH, "not one JSON object");
	for (size_t i = 0; i + 5 <= DEPTH; i += 5)
		memcpy(body + i, "{\"a\":", 5);
	assert_no_event(body, DEPTH, "not one JSON object");
	free(body);
}

static void memory_of_the_parser_is_bounded(void **state)
{
	const size_t size = 16 << 20;
	char *body = malloc(size);

	(void)state;
	assert_non_null(body);
	memcpy(body, "{\"a\":[0", 7);
	for (size_t i = 7; i < size - 2; i++)
		body[i] = i % 2 ? ',' : '0';
	memcpy(body + size - 3, "0]}", 3);
	assert_no_event(body, size, "64 MiB");
	free(body);
	read_event("{\"uuid\":\"after\"}");	/* the budget is a body's, not a thread's */
}

static void a_long_text_is_an_event(void **state)
{
	const size_t size = 16 << 20;
	char *body = malloc(size);
	struct event event;
	struct reason why;

	(void)state;
	assert_non_null(body);
	memset(body, 'x', size);
	memcpy(body, "{\"uuid\":\"1\",\"b\":\"", 17);
	memcpy(body + size - 2, "\"}", 2);
	assert_int_equal(event_read(&event, body, size, &why), 0);
	free(body);
}

static void a_reminder_names_its_subscription(void **state)
{
	struct event event = read_event("{\"uuid\":\"1\",\"subscriptionId\":\"ab-1/2\",\"event\":"
		"\"/restapi/v1.0/subscription/~?threshold=86400&interval=3600\"}");

	(void)state;
	assert_true(event.reminder);
	assert_string_equal(event.subscription, "ab-1_2");
	assert_false(read_event("{\"event\":\"/restapi/v1.0/subscription/~\"}").reminder);
	assert_false(read_event("{\"event\":\"/restapi/v1.0/account/~?threshold=1\"}").reminder);
	assert_true(read_event("{\"event\":\"/ringspool/check\"}").check);
	assert_false(event.check);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uuid_becomes_a_safe_name),
		cmocka_unit_test(the_three_members_make_the_name),
		cmocka_unit_test(what_cannot_be_compared_goes_by_the_whole_body),
		cmocka_unit_test(an_event_without_uuid_gets_a_name_of_its_own),
		cmocka_unit_test(odd_texts_are_events),
		cmocka_unit_test(what_is_no_event),
		cmocka_unit_test(deep_nesting_does_no_harm),
		cmocka_unit_test(memory_of_the_parser_is_bounded),
		cmocka_unit_test(a_long_text_is_an_event),
		cmocka_unit_test(a_reminder_names_its_subscription),
	};

	return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
