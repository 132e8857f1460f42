/* Texts from and for the platform: times, addresses, records, errors, secrets. */
#include "fixture.h"

#include <string.h>

#include "../../renew/address.h"
#include "../../renew/digest.h"
#include "../../renew/failure.h"
#include "../../renew/json.h"
#include "../../renew/masking.h"
#include "../../renew/record.h"
#include "../../renew/times.h"

/* Times. */

static void expect_moment(const char *text, long long wanted)
{
	time_t moment;

	assert_true(time_parse(text, &moment));
	assert_int_equal(moment, wanted);
}

static void times_with_any_zone_and_fraction_are_read(void **state)
{
	(void)state;
	expect_moment("2026-11-24T22:18:23Z", 1795558703);
	expect_moment("2026-11-24T22:18:23.123456Z", 1795558703);
	expect_moment("2026-11-24T22:18:23.1+0000", 1795558703);
	expect_moment("2026-11-25T00:48:23+02:30", 1795558703);
	expect_moment("2026-11-24T14:18:23-0800", 1795558703);
	expect_moment("2028-02-29T00:00:00Z", 1835395200);
}

static void what_is_no_time_is_refused(void **state)
{
	static const char *const texts[] = { "", "2026", "2026-11-24", "2026-11-24T22:18:23",
		"2026-11-24T22:18:23Zx", "2026-13-24T22:18:23Z", "2026-11-24 22:18:23Z",
		"2026-11-24T24:18:23Z", "2026-11-24T22:18:23+1", "x026-11-24T22:18:23Z",
		"2026-11-24T22:18:23+99:00" };
	time_t moment;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		assert_false(time_parse(texts[i], &moment));
}

static void spans_are_told_in_two_units(void **state)
{
	static const struct {
		time_t seconds;
		const char *text;
	} cases[] = { { 0, "0 s" }, { 59, "59 s" }, { 60, "1 min" }, { 3600, "1 h 0 min" },
		{ 86399, "23 h 59 min" }, { 86400, "1 day" }, { 604799, "6 days 23 h" },
		{ -90, "1 min ago" } };
	char text[TIME_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		time_format_span(cases[i].seconds, text);
		assert_string_equal(text, cases[i].text);
	}
}

/* Addresses. */

static void addresses_are_compared_as_places(void **state)
{
	(void)state;
	assert_true(address_equal("https://a.example/x?y=1", "https://A.example:443/x?y=1"));
	assert_true(address_equal("https://a.example", "https://a.example/"));
	assert_false(address_equal("https://a.example/x", "https://a.example/X"));
	assert_false(address_equal("https://a.example/x", "https://a.example/x/"));
	assert_false(address_equal("https://a.example/x", "https://a.example:444/x"));
	assert_false(address_equal("https://a.example/x", "http://a.example/x"));
	assert_false(address_equal("https://a.example:80/x", "http://a.example/x"));
	assert_false(address_equal("https://a.example/x?y=1", "https://a.example/x?y=2"));
	assert_false(address_equal("https://a.example/x?y=1", "https://a.example/x"));
	assert_false(address_equal("", "https://a.example/x"));
}

static void this_machine_is_known(void **state)
{
	(void)state;
	assert_true(address_is_loopback("http://127.0.0.1:80/"));
	assert_true(address_is_loopback("http://127.1.2.3/"));
	assert_true(address_is_loopback("http://localhost/"));
	assert_true(address_is_loopback("http://[::1]/"));
	assert_false(address_is_loopback("http://127.0.0.1.example.com/"));
	assert_false(address_is_loopback("http://localhost.example.com/"));
	assert_false(address_is_loopback("http://example.com/127.0.0.1"));
	assert_false(address_is_loopback("http://localhost@example.com/"));
	assert_false(address_is_loopback("http://[::2]/"));
}

static void queries_are_never_shown(void **state)
{
	char shown[ADDRESS_SHOWN], longest[3000];

	(void)state;
	address_show("https://a.example/x?secret", shown);
	assert_string_equal(shown, "https://a.example/x?***");
	address_show("https://a.example/x\033[2J", shown);
	assert_string_equal(shown, "https://a.example/x?[2J");
	address_show("https://u:p@ss@a.example/@b?c@d", shown);
	assert_string_equal(shown, "https://***@a.example/@b?***");
	address_show("u:p@a.example", shown);
	assert_string_equal(shown, "***@a.example");
	memset(longest, 'a', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	longest[2500] = '?';
	address_show(longest, shown);
	assert_int_equal(strlen(shown), ADDRESS_MAX_BYTES + 4);
}

/* Secrets. */

static void secrets_and_control_characters_are_masked(void **state)
{
	struct masking masking = { 0 };
	char out[64], small[8];

	(void)state;
	assert_int_equal(masking_add(&masking, "secret-longer"), 0);
	assert_int_equal(masking_add(&masking, "secret"), 0);
	assert_int_equal(masking_add(&masking, "a"), 0);	/* too short to be one */
	masking_text(&masking, "a secret-longer, secretsecret\n\xc3", out, sizeof out);
	assert_string_equal(out, "a ***, ******\\x0A\\xC3");
	masking_text(&masking, "12345secret", small, sizeof small);
	assert_string_equal(small, "12345");
	masking_free(&masking);
}

/* RFC 4231, test case 2, with the key filled up with zeros as HMAC does. */
static void the_keyed_digest_is_hmac(void **state)
{
	unsigned char key[DIGEST_KEY_BYTES] = "Jefe";
	char digest[DIGEST_TEXT];

	(void)state;
	digest_keyed(key, "what do ya want for nothing?", digest);
	assert_string_equal(digest,
		"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

static void the_digest_of_a_set_knows_no_order(void **state)
{
	char *one[] = { (char *)"a", (char *)"b", (char *)"a" };
	char *other[] = { (char *)"b", (char *)"a" }, *joined[] = { (char *)"ab" };
	char a[DIGEST_TEXT], b[DIGEST_TEXT];

	(void)state;
	assert_int_equal(digest_set(one, 3, a), 0);
	assert_int_equal(digest_set(other, 2, b), 0);
	assert_string_equal(a, b);
	assert_int_equal(digest_set(joined, 1, b), 0);
	assert_string_not_equal(a, b);
}

/* Errors. */

static void expect_failure(long status, const char *body, enum failure_kind kind,
	const char *code)
{
	struct masking none = { 0 };
	struct failure failure;

	assert_int_equal(failure_from_reply(&failure, status, body, strlen(body), "request-1",
		&none), -1);
	assert_int_equal(failure.kind, kind);
	assert_string_equal(failure.code, code);
}

static void errors_have_their_kinds(void **state)
{
	(void)state;
	expect_failure(404, "{\"errorCode\":\"CMN-102\",\"message\":\"x\"}", FAILURE_GONE, "CMN-102");
	expect_failure(404, "{\"errors\":[{\"errorCode\":\"SUB-507\"}]}", FAILURE_GONE, "SUB-507");
	expect_failure(400, "{\"errorCode\":\"CMN-101\",\"errors\":[{\"errorCode\":\"SUB-525\"}]}",
		FAILURE_ENDPOINT, "SUB-525");
	expect_failure(403, "{\"errorCode\":\"SUB-505\"}", FAILURE_LIMIT, "SUB-505");
	expect_failure(403, "{\"errorCode\":\"NEW-1\"}", FAILURE_PERMISSION, "NEW-1");
	expect_failure(400, "{\"error\":\"invalid_grant\"}", FAILURE_CREDENTIALS, "invalid_grant");
	expect_failure(401, "{\"errorCode\":\"TokenExpired\"}", FAILURE_TOKEN, "TokenExpired");
	expect_failure(401, "{\"errorCode\":\"NEW-2\"}", FAILURE_TOKEN, "NEW-2");
	expect_failure(401, "", FAILURE_TOKEN, "");
	expect_failure(400, "{\"errorCode\":\"NEW-3\"}", FAILURE_REFUSED, "NEW-3");
	expect_failure(400, "{\"errorCode\":\"CMN-101\",\"parameterName\":\"expiresIn\"}",
		FAILURE_CONFIG, "CMN-101");
	expect_failure(400, "{\"errors\":[{\"errorCode\":\"CMN-101\",\"message\":"
		"\"Parameter [deliveryMode.address] value is invalid\"}]}", FAILURE_ENDPOINT,
		"CMN-101");
	expect_failure(400, "{\"error\":\"invalid_grant\",\"errors\":[{\"errorCode\":"
		"\"OAU-140\"}]}", FAILURE_CREDENTIALS, "invalid_grant");
	expect_failure(403, "{\"errorCode\":\"CMN-310\"}", FAILURE_LATER, "CMN-310");
	expect_failure(429, "", FAILURE_LATER, "");
	expect_failure(429, "{\"errorCode\":\"CMN-101\"}", FAILURE_LATER, "CMN-101");
	expect_failure(502, "<html>", FAILURE_UNCERTAIN, "");
	expect_failure(404, "<html>", FAILURE_NONSENSE, "");
	expect_failure(403, "{}", FAILURE_NONSENSE, "");
	expect_failure(403, "{\"errorCode\":1}", FAILURE_NONSENSE, "");
}

/* JSON. */

static void json_is_one_object_without_nul(void **state)
{
	static const char *const bad[] = { "", "[]", "1", "{}x", "{\"a\":\"\\u0000\"}", "{" };
	struct reason why;
	cJSON *json;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_null(json_parse(bad[i], strlen(bad[i]), &why));
	assert_null(json_parse("{}\0", 3, &why));
	assert_null(json_parse("{\"a\":\"x\0y\"}", 11, &why));
	json = json_parse(" {\"n\":3,\"t\":\"x\"}\r\n", 18, &why);
	assert_non_null(json);
	assert_int_equal(json_number(json, "n", 3), 3);
	assert_int_equal(json_number(json, "n", 2), -1);
	assert_int_equal(json_number(json, "t", 9), -1);
	assert_null(json_text(json, "n"));
	cJSON_Delete(json);
}

/* Records. */

static void ids_are_fit_for_a_path(void **state)
{
	(void)state;
	assert_true(record_id_is_well_formed("9d6eb96a-3c54-4fee-a9d6-1f5c4a0a0d5d"));
	assert_true(record_id_is_well_formed("a.b_c~d"));
	assert_false(record_id_is_well_formed(""));
	assert_false(record_id_is_well_formed(".."));
	assert_false(record_id_is_well_formed("a/b"));
	assert_false(record_id_is_well_formed("a?b"));
	assert_false(record_id_is_well_formed("a%2fb"));
	assert_false(record_id_is_well_formed("a b"));
}

static void of_other_transports_little_is_asked(void **state)
{
	static const char text[] = "{\"records\":[{\"id\":\"1\",\"deliveryMode\":"
		"{\"transportType\":\"PubNub\",\"address\":7}}]}";
	struct records records;
	struct reason why;
	cJSON *json = json_parse(text, strlen(text), &why);

	(void)state;
	assert_int_equal(records_read(&records, json, &why), 0);
	assert_int_equal(records.count, 1);
	assert_false(records.items[0].webhook);
	records_free(&records);
	cJSON_Delete(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_with_any_zone_and_fraction_are_read),
		cmocka_unit_test(what_is_no_time_is_refused),
		cmocka_unit_test(spans_are_told_in_two_units),
		cmocka_unit_test(addresses_are_compared_as_places),
		cmocka_unit_test(this_machine_is_known),
		cmocka_unit_test(queries_are_never_shown),
		cmocka_unit_test(secrets_and_control_characters_are_masked),
		cmocka_unit_test(the_keyed_digest_is_hmac),
		cmocka_unit_test(the_digest_of_a_set_knows_no_order),
		cmocka_unit_test(errors_have_their_kinds),
		cmocka_unit_test(json_is_one_object_without_nul),
		cmocka_unit_test(ids_are_fit_for_a_path),
		cmocka_unit_test(of_other_transports_little_is_asked),
	};

	json_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
