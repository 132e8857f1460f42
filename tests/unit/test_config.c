/* The configuration: strict, with file and line in every complaint. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config.h"

static struct fixture fixture;

static int load(const char *text, struct config *config, struct reason *why)
{
	return config_load(config, fixture_file(&fixture, "c.conf", text, 0644), why);
}

static void assert_refused(const char *text, unsigned line, const char *complaint)
{
	struct config config;
	struct reason why = { .text = "" };
	char place[32];

	assert_int_equal(load(text, &config, &why), -1);
	(void)snprintf(place, sizeof place, "/c.conf:%u: ", line);
	if (!strstr(why.text, place) || !strstr(why.text, complaint))
		fail_msg("%s does not say \"%s%s\"", why.text, place, complaint);
}

static void every_key_is_taken(void **state)
{
	struct config config;
	struct reason why;

	(void)state;
	assert_int_equal(load("# comment\n"
		"[receiver]\n"
		"spool = /a/b        ; behind a value\n"
		"   fallback_spool=/c\n"
		"verification_tokens = /d\n"
		"max_body = 2M\n"
		"min_free = 1G\n"
		"seen_days = 7\n"
		"request_timeout = 20\n"
		"log = syslog\n"
		"log_level = debug\n", &config, &why), 0);
	assert_string_equal(config.spool, "/a/b");
	assert_string_equal(config.fallback_spool, "/c");
	assert_string_equal(config.verification_tokens, "/d");
	assert_int_equal(config.max_body, 2 << 20);
	assert_int_equal(config.min_free, 1 << 30);
	assert_int_equal(config.seen_days, 7);
	assert_int_equal(config.request_timeout, 20);
	assert_int_equal(config.log, LOG_TO_SYSLOG);
	assert_int_equal(config.log_level, LOG_DEBUG);
}

static void defaults_hold_for_an_empty_file(void **state)
{
	struct config config;
	struct reason why;

	(void)state;
	assert_int_equal(load("", &config, &why), 0);
	assert_string_equal(config.spool, "/var/spool/ringspool");
	assert_string_equal(config.fallback_spool, "");
	assert_string_equal(config.verification_tokens, "");
	assert_int_equal(config.max_body, 16 << 20);
	assert_int_equal(config.min_free, 64 << 20);
	assert_int_equal(config.seen_days, 3);
	assert_int_equal(config.request_timeout, 10);
	assert_int_equal(config.log, LOG_TO_STDERR);
	assert_int_equal(config.log_level, LOG_INFO);
}

static void other_programs_sections_are_theirs(void **state)
{
	struct config config;
	struct reason why;

	(void)state;
	assert_int_equal(load("[platform]\nserver = x\n[subscription a]\nfilter = 1\n"
		"filter = 2\n[receiver]\nseen_days = 1\n", &config, &why), 0);
	assert_int_equal(config.seen_days, 1);
}

static void the_environment_wins(void **state)
{
	struct config config;
	struct reason why;

	(void)state;
	setenv("RINGSPOOL_SPOOL", "/env", 1);
	assert_int_equal(load("[receiver]\nspool = /file\n", &config, &why), 0);
	assert_string_equal(config.spool, "/env");
	setenv("RINGSPOOL_SPOOL", "relative", 1);
	assert_int_equal(load("", &config, &why), -1);
	assert_non_null(strstr(why.text, "RINGSPOOL_SPOOL"));
	unsetenv("RINGSPOOL_SPOOL");
	/* Set but empty must not mean "any sender". */
	setenv("RINGSPOOL_VERIFICATION_TOKENS", "", 1);
	assert_int_equal(load("", &config, &why), -1);
	unsetenv("RINGSPOOL_VERIFICATION_TOKENS");
}

static void a_file_that_is_named_may_not_be_missing(void **state)
{
	struct config config;
	struct reason why;

	(void)state;
	assert_int_equal(config_load(&config, fixture_path(&fixture, "none"), &why), -1);
	assert_non_null(strstr(why.text, "No such file"));
	setenv("RINGSPOOL_CONFIG", fixture_path(&fixture, "none"), 1);
	assert_int_equal(config_load(&config, NULL, &why), -1);
	unsetenv("RINGSPOOL_CONFIG");
	assert_int_equal(config_load(&config, "/", &why), -1);	/* a directory */
}

static void mistakes_are_refused_with_file_and_line(void **state)
{
	char longest[5000] = "[receiver]\nspool = /", section[100] = "[";

	(void)state;
	assert_refused("[receiver]\nspol = /x\n", 2, "unknown key spol");
	assert_refused("\n\n[reciever]\nspool = /x\n", 4, "unknown section [reciever]");
	assert_refused("spool = /x\n", 1, "unknown section []");
	assert_refused("[receiver]\nspool = /x\nspool = /y\n", 3, "already set in line 2");
	assert_refused("[receiver]\nspool = x\n", 2, "absolute path");
	assert_refused("[receiver]\nverification_tokens =\n", 2, "absolute path");
	assert_refused("[receiver]\nmax_body = lots\n", 2, "number of bytes");
	assert_refused("[receiver]\nmax_body = 10\n", 2, "from 1K to 1G");
	assert_refused("[receiver]\nmax_body = 2G\n", 2, "from 1K to 1G");
	assert_refused("[receiver]\nmin_free = 16MB\n", 2, "number of bytes");
	assert_refused("[receiver]\nmin_free = 17179869185G\n", 2, "number of bytes");
	assert_refused("[receiver]\nmin_free = -1\n", 2, "number of bytes");
	assert_refused("[receiver]\nmin_free = 99999999999999999999\n", 2, "number of bytes");
	assert_refused("[receiver]\nseen_days = 0\n", 2, "from 1 to 30");
	assert_refused("[receiver]\nseen_days = 3 days\n", 2, "from 1 to 30");
	assert_refused("[receiver]\nrequest_timeout = 601\n", 2, "from 1 to 600");
	assert_refused("[receiver]\nlog = file\n", 2, "stderr or syslog");
	assert_refused("[receiver]\nlog_level = loud\n", 2, "error, warning");
	assert_refused("[receiver]\nno value\n", 2, "neither");
	assert_refused("[receiver\nspool = /x\n", 1, "neither");
	memset(longest + strlen(longest), 'x', 4100);
	assert_refused(longest, 2, "longer than 4000 bytes");
	longest[strlen("[receiver]\nspool = /") + 1023] = '\0';
	assert_refused(longest, 2, "longer than 1023 bytes");
	memset(section + 1, 's', 60);
	strcat(section, "]\n");
	assert_refused(section, 1, "longer than 49 bytes");
}

static void long_lines_are_whole(void **state)
{
	char text[3000] = "[receiver]\nspool = /";
	struct config config;
	struct reason why;

	(void)state;
	memset(text + strlen(text), 'x', 1000);
	assert_int_equal(load(text, &config, &why), 0);
	assert_int_equal(strlen(config.spool), 1001);
}

static void what_is_in_force_is_printed_with_its_origin(void **state)
{
	struct config config;
	struct reason why;
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	setenv("RINGSPOOL_SEEN_DAYS", "9", 1);
	assert_int_equal(load("[receiver]\nmax_body = 2M\n", &config, &why), 0);
	unsetenv("RINGSPOOL_SEEN_DAYS");
	config_print(&config, out);
	(void)fclose(out);
	assert_non_null(strstr(text, "max_body = 2M  (line 2)"));
	assert_non_null(strstr(text, "seen_days = 9  (RINGSPOOL_SEEN_DAYS)"));
	assert_non_null(strstr(text, "verification_tokens = none  (default)"));
	assert_non_null(strstr(text, "log_level = info  (default)"));
	free(text);
}

static int make(void **state)
{
	(void)state;
	fixture_make(&fixture);
	return 0;
}

static int clear(void **state)
{
	(void)state;
	fixture_remove(&fixture);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_is_taken),
		cmocka_unit_test(defaults_hold_for_an_empty_file),
		cmocka_unit_test(other_programs_sections_are_theirs),
		cmocka_unit_test(the_environment_wins),
		cmocka_unit_test(a_file_that_is_named_may_not_be_missing),
		cmocka_unit_test(mistakes_are_refused_with_file_and_line),
		cmocka_unit_test(long_lines_are_whole),
		cmocka_unit_test(what_is_in_force_is_printed_with_its_origin),
	};

	return cmocka_run_group_tests_name("config", tests, make, clear);
}
