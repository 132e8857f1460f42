#include "address.h"

#include <curl/curl.h>
#include <string.h>
#include <strings.h>

static bool is_visible(const char *text)
{
	for (; *text; text++)
		if (*text < '!' || *text > '~')
			return false;
	return true;
}

static CURLU *parse(const char *address)
{
	CURLU *parsed = curl_url();

	if (parsed && curl_url_set(parsed, CURLUPART_URL, address, 0) != CURLUE_OK) {
		curl_url_cleanup(parsed);
		return NULL;
	}
	return parsed;
}

/* A part of the address, or NULL where it has none; for curl_free(). */
static char *part_of(CURLU *parsed, CURLUPart part)
{
	char *text = NULL;

	if (curl_url_get(parsed, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK)
		return NULL;
	return text;
}

static bool has_part(CURLU *parsed, CURLUPart part)
{
	char *text = part_of(parsed, part);
	bool present = text != NULL;

	curl_free(text);
	return present;
}

int address_check(const char *address, struct reason *why)
{
	bool named = strncasecmp(address, "https://", 8) == 0
		|| strncasecmp(address, "http://", 7) == 0;
	int result = 0;
	CURLU *parsed;

	if (strlen(address) > ADDRESS_MAX_BYTES)
		return reason_set(why, "is longer than %d bytes", ADDRESS_MAX_BYTES);
	if (!named || !is_visible(address) || !(parsed = parse(address)))
		return reason_set(why, "needs an address, as in https://hooks.example.com/path");
	if (has_part(parsed, CURLUPART_USER) || has_part(parsed, CURLUPART_PASSWORD))
		result = reason_set(why, "holds a user name or password, which is never sent");
	else if (strchr(address, '#'))
		result = reason_set(why, "holds a #, which never reaches a server");
	curl_url_cleanup(parsed);
	return result;
}

bool address_is_https(const char *address)
{
	return strncasecmp(address, "https://", 8) == 0;
}

bool address_is_loopback(const char *address)
{
	CURLU *parsed = parse(address);
	char *host = parsed ? part_of(parsed, CURLUPART_HOST) : NULL;
	bool loopback = false;

	if (host) {
		bool numeric = strspn(host, "0123456789.") == strlen(host);

		loopback = strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0
			|| (numeric && strncmp(host, "127.", 4) == 0);
	}
	curl_free(host);
	curl_url_cleanup(parsed);
	return loopback;
}

static bool part_equal(CURLU *a, CURLU *b, CURLUPart part, bool any_case)
{
	char *one = part_of(a, part), *other = part_of(b, part);
	bool equal = !one || !other ? one == other
		: (any_case ? strcasecmp(one, other) : strcmp(one, other)) == 0;

	curl_free(one);
	curl_free(other);
	return equal;
}

bool address_equal(const char *a, const char *b)
{
	CURLU *one, *other;
	bool equal;

	if (strcmp(a, b) == 0)
		return true;
	one = parse(a);
	other = parse(b);
	equal = one && other
		&& part_equal(one, other, CURLUPART_SCHEME, true)
		&& part_equal(one, other, CURLUPART_HOST, true)
		&& part_equal(one, other, CURLUPART_PORT, false)
		&& part_equal(one, other, CURLUPART_PATH, false)
		&& part_equal(one, other, CURLUPART_QUERY, false);
	curl_url_cleanup(one);
	curl_url_cleanup(other);
	return equal;
}

void address_show(const char *address, char out[ADDRESS_SHOWN])
{
	size_t length = strcspn(address, "?#");
	bool query = address[length] != '\0';

	if (length > ADDRESS_MAX_BYTES)
		length = ADDRESS_MAX_BYTES;
	for (size_t i = 0; i < length; i++)
		out[i] = address[i] < '!' || address[i] > '~' ? '?' : address[i];
	strcpy(out + length, query ? "?***" : "");
}
