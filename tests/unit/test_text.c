/* Texts from outside come out harmless: on a terminal, in a table, as JSON, in
 * a page; and figures for people. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../spool/family.h"
#include "../../spool/figures.h"
#include "../../spool/html.h"
#include "../../spool/layout.h"
#include "../../spool/prometheus.h"
#include "../../spool/text.h"

/* What a writer wrote; for free(). */
struct capture {
	FILE *file;
	char *text;
	size_t size;
};

static void begin(struct capture *made)
{
	made->file = open_memstream(&made->text, &made->size);
	assert_non_null(made->file);
}

static void expect(struct capture *made, const char *text)
{
	assert_int_equal(fclose(made->file), 0);
	assert_string_equal(made->text, text);
	free(made->text);
}

static uint32_t decoded(const char *text, size_t *length)
{
	uint32_t point;

	*length = text_decode(text, strlen(text), &point);
	return point;
}

static void utf8_is_read_strictly(void **state)
{
	static const struct {
		const char *text;
		size_t length;
		uint32_t point;
	} cases[] = {
		{ "a", 1, 'a' }, { "\xC3\xBC", 2, 0xFC }, { "\xE4\xBD\xA0", 3, 0x4F60 },
		{ "\xF0\x9F\x98\x80", 4, 0x1F600 },
		{ "\xC0\xAF", 1, TEXT_INVALID }, { "\xC1\xBF", 1, TEXT_INVALID },
		{ "\xE0\x80\xAF", 1, TEXT_INVALID }, { "\xED\xA0\x80", 1, TEXT_INVALID },
		{ "\xF4\x90\x80\x80", 1, TEXT_INVALID }, { "\xF0\x80\x80\xAF", 1, TEXT_INVALID },
		{ "\xC3", 1, TEXT_INVALID }, { "\xE4\xBD", 1, TEXT_INVALID },
		{ "\xC3(", 1, TEXT_INVALID }, { "\x80", 1, TEXT_INVALID },
		{ "\xFF", 1, TEXT_INVALID },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t length;
		uint32_t point = decoded(cases[i].text, &length);

		if (point != cases[i].point || length != cases[i].length)
			fail_msg("case %zu", i);
	}
}

static void characters_are_written_as_they_are_read(void **state)
{
	static const uint32_t points[] = { 'a', 0xFC, 0x7FF, 0x800, 0xFFFD, 0x10000, 0x10FFFF };
	struct capture made;

	(void)state;
	for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
		size_t length;

		begin(&made);
		text_put(made.file, points[i]);
		fclose(made.file);
		assert_int_equal(decoded(made.text, &length), points[i]);
		assert_int_equal(length, made.size);
		free(made.text);
	}
}

static void plain_is_ascii_and_fits(void **state)
{
	char out[12];

	(void)state;
	text_plain(out, sizeof out, "plain text");
	assert_string_equal(out, "plain text");
	text_plain(out, sizeof out, "\x1b[2J\\\xC3");
	assert_string_equal(out, "\\x1B[2J...");
	text_plain(out, sizeof out, "exactly 11!");
	assert_string_equal(out, "exactly 11!");
	text_plain(out, sizeof out, "more than 11");
	assert_string_equal(out, "more tha...");
	text_plain(out, sizeof out, "\xFF\xFF\xFF");
	assert_string_equal(out, "\\xFF\\xFF...");
	text_plain(out, sizeof out, "");
	assert_string_equal(out, "");
}

static void terminals_get_no_orders(void **state)
{
	static const char text[] = "\xC3\xBC\x1b[2J\xC2\x9b\xE2\x80\xAE\x7f\xff\n\tx";
	struct capture made;

	(void)state;
	begin(&made);
	text_write(made.file, text, sizeof text - 1, false);
	expect(&made, "\xC3\xBC\\x1B[2J\\xC2\\x9B\\xE2\\x80\\xAE\\x7F\\xFF\\x0A\\x09x");
	begin(&made);
	text_write(made.file, "a\n\tb\r\0", 6, true);
	expect(&made, "a\n\tb\\x0D\\x00");
}

static void json_keeps_its_meaning(void **state)
{
	static const char text[] = "\"\xC3\xBC\\n\x1b\xC2\x9b\xE2\x80\xAE\xF3\xA0\x80\xA1\xff\"";
	struct capture made;

	(void)state;
	begin(&made);
	text_write_json(made.file, text, sizeof text - 1);
	expect(&made, "\"\xC3\xBC\\n\\u001b\\u009b\\u202e\\udb40\\udc21\xEF\xBF\xBD\"");
}

static void pages_hold_text_only(void **state)
{
	struct capture made;

	(void)state;
	begin(&made);
	html_text(made.file, "<b>&\"'\x1b\xff\xC3\xBC");
	expect(&made, "&lt;b&gt;&amp;&quot;&#39;\xEF\xBF\xBD\xEF\xBF\xBD\xC3\xBC");
}

static void pages_hold_no_telephone_numbers(void **state)
{
	static const char *const cases[][2] = {
		{ "for +16505550100.", "for \xE2\x80\xA6." },
		{ "for +1 (650) 555-0100, too", "for \xE2\x80\xA6, too" },
		{ "400144455008/x", "\xE2\x80\xA6/x" },
		{ "code 404, 2 tries", "code 404, 2 tries" },
		{ "84.4 GB (of 270.5)", "84.4 GB (of 270.5)" },
		{ "<1234567>", "&lt;\xE2\x80\xA6&gt;" },
		{ "SUB-525", "SUB-525" }, { "", "" }, { "+", "+" }, { "(", "(" },
	};
	struct capture made;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		begin(&made);
		html_text_masked(made.file, cases[i][0]);
		expect(&made, cases[i][1]);
	}
}

static void labels_are_quoted(void **state)
{
	struct capture made;

	(void)state;
	begin(&made);
	prometheus_label(made.file, "a\"b\\c\nd\xff\x07");
	expect(&made, "\"a\\\"b\\\\c\\nd\xEF\xBF\xBD?\"");
}

static void layout_changes_white_space_only(void **state)
{
	struct capture made;
	const char text[] = " {\"a\":[1,2.50],\"b\":{ },\"c\":\"x\\\"y\" , \"d\":null}";

	(void)state;
	begin(&made);
	layout_print(made.file, text, sizeof text - 1, false);
	expect(&made, "{\n  \"a\": [\n    1,\n    2.50\n  ],\n  \"b\": {},\n"
		"  \"c\": \"x\\\"y\",\n  \"d\": null\n}\n");
}

/* Whatever it is given: cut texts, and closing without opening. */
static void layout_always_ends(void **state)
{
	static const char *const texts[] = { "", "\"", "\"\\", "{", "[[[[", "]]}}", ":,",
		"\"a\\\"", "{\"a", "tru", "\x01" };
	struct capture made;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		/* Without a NUL behind it, for a sanitizer to see. */
		size_t size = strlen(texts[i]);
		char *exact = malloc(size ? size : 1);

		assert_non_null(exact);
		memcpy(exact, texts[i], size);
		begin(&made);
		layout_print(made.file, exact, size, true);
		fclose(made.file);
		free(made.text);
		free(exact);
	}
}

static void families_hold_no_ids(void **state)
{
	static const char *const cases[][2] = {
		{ "/restapi/v1.0/account/37439510/extension/400144455008/message-store/instant?type=SMS",
			"extension/~/message-store/instant?type=SMS" },
		{ "/restapi/v1.0/account/~/telephony/sessions", "account/~/telephony/sessions" },
		{ "/restapi/v1.0/account/1/a2p-sms/batches/7086", "account/~/a2p-sms/batches/~" },
		{ "/restapi/v1.0/glip/posts", "glip/posts" },
		{ "/team-messaging/v1/posts", "team-messaging/v1/posts" },
		{ "/restapi/v1.0/subscription/~?threshold=86400&interval=3600",
			"subscription/~?threshold=~&interval=~" },
		{ "/restapi/v1.0/account/1/presence?phoneNumber=%2B16505550100",
			"account/~/presence?phoneNumber=~" },
		{ "/x/+16505550100/9d38419f-645f-4ee3-a053-8cf1368c21c4/me@example.com/Call me",
			"x/~/~/~/~" },
		{ "/x/ad38419f-645f-4ee3-a053-8cf1368c21c4/b1650555", "x/~/~" },
		{ "", "(none)" }, { "/", "(none)" }, { "\x1b[2J", "~" }, { "//a//", "~/a/~/" },
		{ "/restapi/", "restapi/" }, { "/restapi/vx/a", "restapi/vx/a" },
	};
	char family[FAMILY_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		family_of(family, cases[i][0]);
		assert_string_equal(family, cases[i][1]);
	}
}

static void long_families_are_cut(void **state)
{
	char event[1024], family[FAMILY_SIZE];

	(void)state;
	for (size_t i = 0; i + 1 < sizeof event; i++)
		event[i] = i % 8 ? 'a' : '/';
	event[sizeof event - 1] = '\0';
	family_of(family, event);
	assert_true(strlen(family) < sizeof family);
	assert_non_null(strstr(family, "aaa"));
	assert_string_equal(family + strlen(family) - 3, "...");
}

static void figures_are_short(void **state)
{
	static const struct {
		time_t seconds;
		const char *text;
	} spans[] = { { 0, "0s" }, { 119, "119s" }, { 120, "2m" }, { 7199, "119m" },
		{ 7200, "2h" }, { 172799, "47h" }, { 172800, "2d" }, { -7200, "-2h" } };
	static const struct {
		uint64_t bytes;
		const char *text;
	} sizes[] = { { 0, "0 B" }, { 999, "999 B" }, { 1000, "1.0 kB" }, { 9650, "9.6 kB" },
		{ 999999, "999.9 kB" }, { 1000000, "1.0 MB" }, { UINT64_MAX, "18.4 EB" } };
	char text[FIGURE_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++) {
		figure_span(text, spans[i].seconds);
		assert_string_equal(text, spans[i].text);
	}
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		figure_bytes(text, sizes[i].bytes);
		assert_string_equal(text, sizes[i].text);
	}
	figure_count(text, 1234567);
	assert_string_equal(text, "1,234,567");
	figure_count(text, 123);
	assert_string_equal(text, "123");
	figure_count(text, UINT64_MAX);
	assert_string_equal(text, "18,446,744,073,709,551,615");
	assert_int_equal(figure_age(100, 40), 60);
	assert_int_equal(figure_age(40, 100), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8_is_read_strictly),
		cmocka_unit_test(characters_are_written_as_they_are_read),
		cmocka_unit_test(plain_is_ascii_and_fits),
		cmocka_unit_test(terminals_get_no_orders),
		cmocka_unit_test(json_keeps_its_meaning),
		cmocka_unit_test(pages_hold_text_only),
		cmocka_unit_test(pages_hold_no_telephone_numbers),
		cmocka_unit_test(labels_are_quoted),
		cmocka_unit_test(layout_changes_white_space_only),
		cmocka_unit_test(layout_always_ends),
		cmocka_unit_test(families_hold_no_ids),
		cmocka_unit_test(long_families_are_cut),
		cmocka_unit_test(figures_are_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
