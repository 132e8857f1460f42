/* What status.json says; it is another program's and another user's. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../spool/renewal.h"

static const char configuration[] = "[platform]\nstate_dir = %s\n"
	"[subscription inbound]\naddress = https://x/\nfilter = voicemail\n"
	"[subscription faxes]\naddress = https://y/\n";

/* A configuration whose state directory is root/state. */
static const char *configure(const struct fixture *fixture)
{
	char text[PATH_MAX];
	const char *state = fixture_path(fixture, "state");

	assert_int_equal(mkdir(state, 0755), 0);
	(void)snprintf(text, sizeof text, configuration, state);
	return fixture_file(fixture, "ringspool.conf", text, 0644);
}

static void all_that_is_said_is_read(void **state)
{
	struct fixture fixture;
	struct renewal renewal;
	struct reason why;
	const char *config;

	(void)state;
	fixture_make(&fixture);
	config = configure(&fixture);
	fixture_file(&fixture, "state/status.json", "{\"version\":1,"
		"\"run_at\":\"2026-11-24T10:01:00Z\",\"last_good_run\":\"2026-11-24T10:00:00Z\","
		"\"error\":{\"exit_status\":75,\"code\":\"CMN-301\",\"text\":\"later\"},"
		"\"subscriptions\":[{\"name\":\"inbound\",\"status\":\"Active\","
		"\"expires_at\":\"2026-12-01T10:00:00Z\",\"disabled_filters\":[{},{}],"
		"\"last_good_run\":null,\"error\":null},{\"name\":\"faxes\",\"status\":null}]}",
		0644);
	assert_int_equal(renewal_read(&renewal, config, NULL, &why), 0);
	assert_true(renewal.present);
	assert_int_equal(renewal.declared, 2);
	assert_int_equal(renewal.run, 1795514460);
	assert_int_equal(renewal.last_good, 1795514400);
	assert_string_equal(renewal.code, "CMN-301");
	assert_string_equal(renewal.error, "later");
	assert_int_equal(renewal.count, 2);
	assert_true(subscription_is_active(&renewal.subscriptions[0]));
	assert_int_equal(renewal.subscriptions[0].expires, 1796119200);
	assert_int_equal(renewal.subscriptions[0].disabled_filters, 2);
	assert_int_equal(renewal.subscriptions[0].last_good, 0);
	assert_false(subscription_is_active(&renewal.subscriptions[1]));
	assert_string_equal(renewal.subscriptions[1].status, "");
	renewal_free(&renewal);
	fixture_remove(&fixture);
}

static void a_missing_file_is_no_error(void **state)
{
	struct fixture fixture;
	struct renewal renewal;
	struct reason why;

	(void)state;
	fixture_make(&fixture);
	assert_int_equal(renewal_read(&renewal, configure(&fixture), NULL, &why), 0);
	assert_false(renewal.present);
	assert_int_equal(renewal.declared, 2);
	renewal_free(&renewal);
	assert_int_equal(renewal_read(&renewal, "", fixture_path(&fixture, "none"), &why), 0);
	assert_false(renewal.present);
	assert_int_equal(renewal.declared, 0);
	renewal_free(&renewal);
	fixture_remove(&fixture);
}

static void texts_are_cut_and_types_are_checked(void **state)
{
	struct fixture fixture;
	struct renewal renewal;
	struct reason why;
	char text[4096];

	(void)state;
	fixture_make(&fixture);
	(void)snprintf(text, sizeof text, "{\"version\":1,\"last_good_run\":\"1969-01-01T00:00:00Z\","
		"\"run_at\":\"2026-11-24T10:00:00Zx\",\"error\":7,\"subscriptions\":[7,null,"
		"{\"name\":\"%0999d\",\"status\":{},\"expires_at\":1,\"disabled_filters\":{\"a\":1},"
		"\"error\":{\"text\":\"%0999d\",\"code\":\"%0999d\"}}]}", 0, 0, 0);
	assert_int_equal(renewal_read(&renewal, "", fixture_file(&fixture, "s", text, 0644),
		&why), 0);
	assert_int_equal(renewal.last_good, 0);
	assert_int_equal(renewal.run, 0);
	assert_int_equal(renewal.count, 3);
	assert_string_equal(renewal.subscriptions[0].name, "");
	assert_int_equal(strlen(renewal.subscriptions[2].name),
		sizeof renewal.subscriptions[2].name - 1);
	assert_int_equal(renewal.subscriptions[2].expires, 0);
	assert_int_equal(renewal.subscriptions[2].disabled_filters, 0);
	renewal_free(&renewal);
	fixture_remove(&fixture);
}

static void what_is_no_status_is_refused_with_a_reason(void **state)
{
	static const char *const texts[] = { "", "{", "[]", "7", "{\"version\":2}", "{}",
		"{\"version\":1}x" };
	struct fixture fixture;
	struct renewal renewal;
	struct reason why;

	(void)state;
	fixture_make(&fixture);
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		const char *path = fixture_file(&fixture, "s", texts[i], 0644);

		if (renewal_read(&renewal, "", path, &why) == 0)
			fail_msg("taken: %s", texts[i]);
		assert_false(renewal.present);
		assert_non_null(strstr(renewal.trouble, path));
		renewal_free(&renewal);
	}
	assert_int_equal(mkfifo(fixture_path(&fixture, "fifo"), 0644), 0);
	assert_int_equal(renewal_read(&renewal, "", fixture_path(&fixture, "fifo"), &why), -1);
	renewal_free(&renewal);
	fixture_remove(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_is_said_is_read),
		cmocka_unit_test(a_missing_file_is_no_error),
		cmocka_unit_test(texts_are_cut_and_types_are_checked),
		cmocka_unit_test(what_is_no_status_is_refused_with_a_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
