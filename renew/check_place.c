#include "check_place.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include "check_rules.h"

/* Blocks of IANA's special-purpose registries that are not globally reachable,
 * and multicast. */
static const struct block4 {
	uint32_t network;
	unsigned bits;
} blocks4[] = {
	{ 0x00000000, 8 },	/* 0.0.0.0/8 */
	{ 0x0a000000, 8 },	/* 10.0.0.0/8 */
	{ 0x64400000, 10 },	/* 100.64.0.0/10, shared by providers */
	{ 0x7f000000, 8 },	/* 127.0.0.0/8 */
	{ 0xa9fe0000, 16 },	/* 169.254.0.0/16 */
	{ 0xac100000, 12 },	/* 172.16.0.0/12 */
	{ 0xc0000000, 24 },	/* 192.0.0.0/24 */
	{ 0xc0000200, 24 },	/* 192.0.2.0/24, documentation */
	{ 0xc0a80000, 16 },	/* 192.168.0.0/16 */
	{ 0xc6120000, 15 },	/* 198.18.0.0/15, benchmarks */
	{ 0xc6336400, 24 },	/* 198.51.100.0/24, documentation */
	{ 0xcb007100, 24 },	/* 203.0.113.0/24, documentation */
	{ 0xe0000000, 3 },	/* multicast, reserved, broadcast */
};

static bool is_public4(uint32_t address)
{
	for (size_t i = 0; i < sizeof blocks4 / sizeof blocks4[0]; i++) {
		if ((address ^ blocks4[i].network) >> (32 - blocks4[i].bits) == 0)
			return false;
	}
	return true;
}

static bool is_public6(const struct in6_addr *address)
{
	const uint8_t *b = address->s6_addr;
	bool documentation = b[0] == 0x20 && b[1] == 0x01 && b[2] == 0x0d && b[3] == 0xb8;

	if (IN6_IS_ADDR_V4MAPPED(address))
		return is_public4((uint32_t)b[12] << 24 | (uint32_t)b[13] << 16
			| (uint32_t)b[14] << 8 | b[15]);
	/* Only 2000::/3 is assigned for global use (and 64:ff9b::/96 leads to
	 * IPv4 through a translator). */
	if (b[0] == 0x00 && b[1] == 0x64 && b[2] == 0xff && b[3] == 0x9b)
		return true;
	return b[0] >> 5 == 1 && !documentation;
}

bool check_is_public(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, address, sizeof in);
		return is_public4(ntohl(in.sin_addr.s_addr));
	}
	if (address->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, address, sizeof in6);
		return is_public6(&in6.sin6_addr);
	}
	return false;
}

static void write_number(const struct addrinfo *address, char out[INET6_ADDRSTRLEN])
{
	if (getnameinfo(address->ai_addr, address->ai_addrlen, out, INET6_ADDRSTRLEN,
		NULL, 0, NI_NUMERICHOST) != 0)
		strcpy(out, "?");
}

/* RingCentral may take any of them, so each must be public. */
static void judge_addresses(struct check_report *report, const struct addrinfo *found)
{
	char number[INET6_ADDRSTRLEN];
	size_t count = 0;

	for (const struct addrinfo *at = found; at; at = at->ai_next)
		count++;
	write_number(found, number);
	check_judge(report, RULE_NAME, CHECK_PASS, "%zu address%s, %s first", count,
		count == 1 ? "" : "es", number);
	check_judge(report, RULE_PUBLIC_ADDRESS, CHECK_PASS, "%s", number);
	for (const struct addrinfo *at = found; at; at = at->ai_next) {
		if (check_is_public(at->ai_addr))
			continue;
		write_number(at, number);
		check_judge(report, RULE_PUBLIC_ADDRESS, CHECK_WARN, "%s is not public", number);
		return;
	}
}

static bool judge_host(struct check_report *report, char *host)
{
	struct addrinfo wanted = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_IDN };
	struct addrinfo *found;
	int error;

	if (*host == '[') {		/* an IPv6 address */
		host++;
		host[strcspn(host, "]")] = '\0';
	}
	error = getaddrinfo(host, NULL, &wanted, &found);
	if (error || !found) {
		check_judge(report, RULE_NAME, CHECK_FAIL, "%s",
			error ? gai_strerror(error) : "no address");
		return false;
	}
	judge_addresses(report, found);
	freeaddrinfo(found);
	return true;
}

static bool judge_scheme(struct check_report *report, const char *scheme)
{
	bool https = strcmp(scheme, "https") == 0, http = strcmp(scheme, "http") == 0;

	check_judge(report, RULE_HTTPS, https ? CHECK_PASS : http ? CHECK_WARN : CHECK_FAIL,
		"%.20s", scheme);
	return https || http;
}

bool check_place(struct check_report *report, const char *address)
{
	CURLU *url = curl_url();
	char *scheme = NULL, *host = NULL;
	bool reachable = false;

	if (url && curl_url_set(url, CURLUPART_URL, address, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK
		&& curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK
		&& curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK)
		reachable = judge_scheme(report, scheme) && judge_host(report, host);
	else
		check_judge(report, RULE_HTTPS, CHECK_FAIL, "no web address");
	curl_free(scheme);
	curl_free(host);
	curl_url_cleanup(url);
	return reachable;
}
