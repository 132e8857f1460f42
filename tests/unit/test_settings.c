/* The sections of the renewal program, and the credentials. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../renew/credentials.h"
#include "../../renew/settings.h"

#define GOOD "[subscription a]\naddress = https://hooks.example.com/a\nfilter = voicemail\n"

static struct fixture fixture;

static int make(void **state)
{
	(void)state;
	fixture_make(&fixture);
	unsetenv("RC_SERVER_URL");
	unsetenv("CREDENTIALS_DIRECTORY");
	unsetenv("STATE_DIRECTORY");
	return 0;
}

static int take_away(void **state)
{
	(void)state;
	fixture_remove(&fixture);
	return 0;
}

static void accept(const char *text, struct settings *settings)
{
	struct reason why = { "" };
	const char *path = fixture_file(&fixture, "conf", text, 0644);

	if (settings_load(settings, path, &why) < 0)
		fail_msg("refused: %s", why.text);
}

/* The text is refused for this reason, in this line (0: none is told). */
static void refuse(const char *text, unsigned line, const char *reason)
{
	struct settings settings;
	struct reason why = { "" };
	const char *path = fixture_file(&fixture, "conf", text, 0644);
	char wanted[400];

	assert_int_equal(settings_load(&settings, path, &why), -1);
	settings_free(&settings);
	if (line > 0)
		(void)snprintf(wanted, sizeof wanted, "%s:%u: %s", path, line, reason);
	else
		(void)snprintf(wanted, sizeof wanted, "%s", reason);
	if (strncmp(why.text, wanted, strlen(wanted)) != 0)
		fail_msg("\n\"%s\" instead of\n\"%s\"", why.text, wanted);
}

static void defaults_are_those_documented(void **state)
{
	struct settings settings;

	(void)state;
	accept(GOOD, &settings);
	assert_string_equal(settings.server, "https://platform.ringcentral.com");
	assert_string_equal(settings.credentials, "/etc/ringspool/credentials");
	assert_string_equal(settings.state_dir, "/var/lib/ringspool");
	assert_string_equal(settings.ca_file, "");
	assert_int_equal(settings.count, 1);
	assert_int_equal(settings.subscriptions[0].expires_in, 604800);
	assert_int_equal(settings.subscriptions[0].renew_before, 259200);
	assert_int_equal(settings.subscriptions[0].filter_count, 1);
	assert_int_equal(settings.warning_count, 0);
	settings_free(&settings);
}

static void all_keys_are_taken(void **state)
{
	struct settings settings;
	const struct declared *declared;

	(void)state;
	accept("[receiver]\nspool = /spool\nverification_tokens = /tokens\n"
		"[platform]\nserver = https://platform.ringcentral.biz/\n"
		"credentials = /credentials\nstate_dir = /state\nca_file = /ca\ntimeout = 7\n"
		"[subscription b.2]\nfilter =   inbound-sms  \n"
		"address = https://hooks.example.com/x?a=b;c ; a comment\n"
		"filter = /restapi/v1.0/account/{accountId}/extension/{extensionId} \n"
		"expires_in = 1000\nrenew_before = 100\nreminder_threshold = 400\n"
		"reminder_interval = 200\n", &settings);
	declared = settings_find(&settings, "b.2");
	assert_non_null(declared);
	assert_string_equal(settings.server, "https://platform.ringcentral.biz");
	assert_string_equal(settings.receiver.spool, "/spool");
	assert_int_equal(settings.timeout, 7);
	assert_string_equal(declared->address, "https://hooks.example.com/x?a=b;c");
	assert_int_equal(declared->filter_count, 3);
	assert_string_equal(declared->filters[1], "/restapi/v1.0/account/~/extension/~");
	assert_string_equal(declared->filters[2],
		"/restapi/v1.0/subscription/~?threshold=400&interval=200");
	assert_null(settings_find(&settings, "a"));
	settings_free(&settings);
}

static void the_margin_fits_a_short_life(void **state)
{
	struct settings settings;

	(void)state;
	accept(GOOD "expires_in = 3600\nreminder_threshold = 600\n", &settings);
	assert_int_equal(settings.subscriptions[0].renew_before, 1800);
	assert_int_equal(settings.subscriptions[0].reminder_interval, 300);
	settings_free(&settings);
}

static void the_environment_wins(void **state)
{
	struct settings settings;

	(void)state;
	setenv("RC_SERVER_URL", "http://127.0.0.1:1", 1);
	setenv("CREDENTIALS_DIRECTORY", "/given", 1);
	setenv("STATE_DIRECTORY", "/stated:/another", 1);
	accept("[platform]\ncredentials = /c\nstate_dir = /s\n", &settings);
	assert_string_equal(settings.server, "http://127.0.0.1:1");
	assert_string_equal(settings.credentials, "/given");
	assert_string_equal(settings.state_dir, "/stated");
	settings_free(&settings);
	unsetenv("RC_SERVER_URL");
	unsetenv("CREDENTIALS_DIRECTORY");
	unsetenv("STATE_DIRECTORY");
}

static void mistakes_are_told_with_their_line(void **state)
{
	(void)state;
	refuse("[platform]\nserver = ftp://x\n", 2, "server needs an address");
	refuse("[platform]\nserver = http://example.com\n", 2, "server needs https://");
	refuse("[platform]\nserver = http://127.0.0.1.example.com\n", 2, "server needs https://");
	refuse("[platform]\nserver = https://u:p@example.com\n", 2,
		"server holds a user name or password");
	refuse("[platform]\nstate_dir = state\n", 2, "state_dir needs an absolute path");
	refuse("[platform]\ntimeout = 0\n", 2, "timeout needs a number of seconds");
	refuse("[platform]\ntimeout = 1\ntimeout = 2\n", 3, "timeout was already set in line 2");
	refuse("[platform]\nsecret = x\n", 2, "unknown key secret in [platform]");
	refuse("[subscription a b]\naddress = https://x/\n", 2, "the name in [subscription a b]");
	refuse(GOOD "address = https://x/\n", 4, "address was already set in line 2");
	refuse(GOOD "token = x\n", 4, "unknown key token in [subscription a]");
	refuse(GOOD "expires_in = 315360001\n", 4, "expires_in needs a number of seconds from 60");
	refuse(GOOD "expires_in = -1\n", 4, "expires_in needs a number of seconds");
	refuse(GOOD "expires_in = 7d\n", 4, "expires_in needs a number of seconds");
	refuse(GOOD "expires_in = 600\nexpires_in = 600\n", 5, "expires_in was already set");
	refuse(GOOD "renew_before = 604800\n", 4, "renew_before must be shorter than expires_in");
	refuse(GOOD "filter = nonsense\n", 4, "filter: ");
	refuse(GOOD "filter = sms-batch\n", 4, "filter: ");
	refuse("[subscription a]\nfilter = voicemail\n", 2, "[subscription a] has no address");
	refuse("[subscription a]\naddress = https://x/\n", 2, "[subscription a] has no filter");
	refuse("[subscription a]\naddress = https://x/#y\n", 2, "address holds a #");
	refuse("[receiver]\nno = 1\n", 2, "unknown key no in [receiver]");
}

static void the_bounds_of_reminders_are_ringcentral_s(void **state)
{
	struct settings settings;

	(void)state;
	accept(GOOD "reminder_threshold = 302400\nreminder_interval = 151200\n", &settings);
	settings_free(&settings);
	refuse(GOOD "reminder_threshold = 302401\n", 4, "reminder_threshold may be half");
	refuse(GOOD "reminder_threshold = 1000\nreminder_interval = 501\n", 5,
		"reminder_interval may be");
	refuse(GOOD "reminder_threshold = 59\n", 4, "reminder_threshold needs");
	refuse(GOOD "reminder_threshold = 100\n", 4, "reminder_interval may be");
	refuse(GOOD "reminder_interval = 100\n", 4, "reminder_interval is set without");
}

static void one_address_is_for_one_section(void **state)
{
	(void)state;
	refuse(GOOD "[subscription b]\naddress = https://HOOKS.example.com:443/a\n"
		"filter = voicemail\n", 5, "[subscription b] has the address of [subscription a]");
}

static void what_is_doubtful_is_a_warning(void **state)
{
	struct settings settings;

	(void)state;
	accept("[subscription a]\naddress = http://127.0.0.1/\nfilter = /restapi/v1.0/new\n",
		&settings);
	assert_int_equal(settings.warning_count, 2);
	assert_non_null(strstr(settings.warnings[0], ":2: address: "));
	assert_non_null(strstr(settings.warnings[1], ":3: filter /restapi/v1.0/new"));
	settings_free(&settings);
}

static void what_is_known_of_the_state_directory_survives_a_mistake(void **state)
{
	struct settings settings;
	struct reason why;
	const char *path = fixture_file(&fixture, "conf",
		"[platform]\nstate_dir = /somewhere\nserver = x\n", 0644);

	(void)state;
	assert_int_equal(settings_load(&settings, path, &why), -1);
	assert_string_equal(settings.state_dir, "/somewhere");
	settings_free(&settings);
}

/* Credentials. */

static const char *make_credentials(const char *secret, const char *jwt)
{
	const char *directory = fixture_path(&fixture, "credentials");

	assert_int_equal(mkdir(directory, 0700), 0);
	fixture_file(&fixture, "credentials/client_id", "an-id\n", 0600);
	fixture_file(&fixture, "credentials/client_secret", secret, 0600);
	fixture_file(&fixture, "credentials/jwt", jwt, 0400);
	return fixture_path(&fixture, "credentials");
}

static void a_file_is_the_value_but_for_one_end_of_line(void **state)
{
	struct credentials credentials;
	struct reason why;

	(void)state;
	assert_int_equal(credentials_load(&credentials,
		make_credentials(" %41:\"\\;#\xc3\xa9 \n\n", "aa.bb.cc\r\n"), &why), 0);
	assert_string_equal(credentials.client_id, "an-id");
	assert_string_equal(credentials.client_secret, " %41:\"\\;#\xc3\xa9 \n");
	assert_string_equal(credentials.jwt, "aa.bb.cc");
	credentials_free(&credentials);
}

static void refuse_credentials(const char *directory, const char *reason)
{
	struct credentials credentials;
	struct reason why = { "" };

	assert_int_equal(credentials_load(&credentials, directory, &why), -1);
	if (!strstr(why.text, reason))
		fail_msg("\"%s\" instead of \"%s\"", why.text, reason);
}

static void credentials_that_cannot_be_are_refused(void **state)
{
	char directory[PATH_MAX];

	(void)state;
	strcpy(directory, make_credentials("secret", "Bearer aa.bb"));
	refuse_credentials(directory, "no JWT has");
	fixture_file(&fixture, "credentials/client_secret", "\n", 0600);
	refuse_credentials(directory, "client_secret: is empty");
	fixture_file(&fixture, "credentials/client_secret", "x", 0640);
	fixture_file(&fixture, "credentials/jwt", "aa.bb", 0604);
	refuse_credentials(directory, "jwt: may be read by everybody");
	assert_int_equal(unlink(fixture_path(&fixture, "credentials/jwt")), 0);
	assert_int_equal(symlink("client_id", fixture_path(&fixture, "credentials/jwt")), 0);
	refuse_credentials(directory, "jwt: ");
	assert_int_equal(unlink(fixture_path(&fixture, "credentials/jwt")), 0);
	refuse_credentials(directory, "jwt: No such file or directory; put the value there"
		" (chmod 0600), or set RC_USER_JWT");
	assert_int_equal(chmod(directory, 0770), 0);
	refuse_credentials(directory, "may be changed by others");
	refuse_credentials("/nonexistent", "credentials /nonexistent: No such file or directory;"
		" it is to hold the files client_id, client_secret and jwt");
}

static void root_may_use_another_s_credentials_but_only_if_all_are_that_user_s(void **state)
{
	struct credentials credentials;
	char directory[PATH_MAX];
	struct reason why;

	(void)state;
	if (geteuid() != 0)
		skip();
	strcpy(directory, make_credentials("s", "a.b"));
	assert_int_equal(chown(directory, 65534, 65534), 0);
	assert_int_equal(chown(fixture_path(&fixture, "credentials/jwt"), 65534, 65534), 0);
	assert_int_equal(credentials_load(&credentials, directory, &why), 0);
	credentials_free(&credentials);
	assert_int_equal(chown(fixture_path(&fixture, "credentials/jwt"), 65533, 65534), 0);
	refuse_credentials(directory, "jwt: belongs to another user");
}

static void a_variable_wins_over_a_file_and_the_newer_over_the_older(void **state)
{
	struct credentials credentials;
	struct reason why;

	(void)state;
	setenv("RC_USER_JWT", "new.er", 1);
	setenv("RC_JWT", "old.er", 1);
	setenv("RC_CLIENT_ID", "older-id", 1);
	assert_int_equal(credentials_load(&credentials, make_credentials("s", "a.b"), &why), 0);
	assert_string_equal(credentials.jwt, "new.er");
	assert_string_equal(credentials.client_id, "older-id");
	assert_string_equal(credentials.client_secret, "s");
	assert_string_equal(credentials.source[0], "environment variable RC_CLIENT_ID");
	assert_string_equal(credentials.source[1], "file client_secret");
	credentials_free(&credentials);
	unsetenv("RC_USER_JWT");
	unsetenv("RC_JWT");
	unsetenv("RC_CLIENT_ID");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, take_away)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(defaults_are_those_documented),
		TEST(all_keys_are_taken),
		TEST(the_margin_fits_a_short_life),
		TEST(the_environment_wins),
		TEST(mistakes_are_told_with_their_line),
		TEST(the_bounds_of_reminders_are_ringcentral_s),
		TEST(one_address_is_for_one_section),
		TEST(what_is_doubtful_is_a_warning),
		TEST(what_is_known_of_the_state_directory_survives_a_mistake),
		TEST(a_file_is_the_value_but_for_one_end_of_line),
		TEST(credentials_that_cannot_be_are_refused),
		TEST(root_may_use_another_s_credentials_but_only_if_all_are_that_user_s),
		TEST(a_variable_wins_over_a_file_and_the_newer_over_the_older),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
