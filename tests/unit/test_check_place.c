#include <netdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../renew/check_place.h"
#include "../../renew/check_rules.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_public(const char *text)
{
	struct addrinfo wanted = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	bool answer;

	assert_int_equal(getaddrinfo(text, NULL, &wanted, &found), 0);
	answer = check_is_public(found->ai_addr);
	freeaddrinfo(found);
	return answer;
}

static void the_public_internet(void **state)
{
	static const char *const addresses[] = {
		"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
		"126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0",
		"172.15.255.255", "172.32.0.0", "192.0.1.255", "192.0.3.0", "192.167.255.255",
		"192.169.0.0", "198.17.255.255", "198.20.0.0", "198.51.99.255", "198.51.101.0",
		"203.0.112.255", "203.0.114.0", "223.255.255.255", "::ffff:1.1.1.1",
		"2001:db7::1", "2001:db9::1", "2606:4700::1111", "3fff:ffff::1",
		"64:ff9b::101:101",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(addresses); i++) {
		if (!is_public(addresses[i]))
			fail_msg("%s is public", addresses[i]);
	}
}

static void what_ringcentral_cannot_reach(void **state)
{
	static const char *const addresses[] = {
		"0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0",
		"100.127.255.255", "127.0.0.1", "127.255.255.255", "169.254.0.0",
		"169.254.255.255", "172.16.0.0", "172.31.255.255", "192.0.0.1", "192.0.2.1",
		"192.168.0.0", "192.168.255.255", "198.18.0.0", "198.19.255.255",
		"198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "2001:db8::1", "fc00::1",
		"fdff::1", "fe80::1", "ff02::1", "4000::1",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(addresses); i++) {
		if (is_public(addresses[i]))
			fail_msg("%s is not public", addresses[i]);
	}
}

/* ringspool-renew refuses such an address before; whoever else calls gets a line. */
static void no_web_address(void **state)
{
	static const char *const addresses[] = { "ftp://localhost/hook", "no address", "https://", "" };

	(void)state;
	for (size_t i = 0; i < COUNT(addresses); i++) {
		struct check_report report;

		check_begin(&report);
		assert_false(check_place(&report, addresses[i]));
		assert_int_equal(report.lines[RULE_HTTPS].outcome, CHECK_FAIL);
		assert_int_equal(report.lines[RULE_NAME].outcome, CHECK_SKIPPED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_public_internet),
		cmocka_unit_test(what_ringcentral_cannot_reach),
		cmocka_unit_test(no_web_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
