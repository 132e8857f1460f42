#include "address.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { SECRET_LEAST = 6 };

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

/* Where the user name and password begin and how long they are; 0: none. */
static size_t find_userinfo(const char *address, size_t length, size_t *at)
{
	const char *slashes = memmem(address, length, "://", 3);
	size_t host;
	const char *end;

	*at = slashes ? (size_t)(slashes - address) + 3 : 0;
	host = strcspn(address + *at, "/?#");
	end = memrchr(address + *at, '@', host);
	return end ? (size_t)(end - address) - *at : 0;
}

void address_show(const char *address, char out[ADDRESS_SHOWN])
{
	static const char hidden[] = "***";
	size_t length = strcspn(address, "?#"), at, userinfo, used = 0;
	bool query = address[length] != '\0';

	userinfo = find_userinfo(address, length, &at);
	for (size_t i = 0; i < length && used < ADDRESS_MAX_BYTES; i++) {
		if (userinfo > 0 && i == at) {
			strcpy(out + used, hidden);
			used += strlen(hidden);
			i += userinfo;
		}
		out[used++] = address[i] < '!' || address[i] > '~' ? '?' : address[i];
	}
	strcpy(out + used, query ? "?***" : "");
}

/* Adds a text as it stands and percent-encoded. */
static int add_text(struct masking *masking, const char *text)
{
	char *encoded = curl_easy_escape(NULL, text, 0);
	int result = -1;

	if (encoded && masking_add(masking, text) == 0)
		result = masking_add(masking, encoded);
	if (encoded)
		explicit_bzero(encoded, strlen(encoded));
	curl_free(encoded);
	return result;
}

/* Adds a value as it stands and decoded. */
static int add_value(struct masking *masking, const char *value)
{
	char *decoded = curl_easy_unescape(NULL, value, 0, NULL);
	int result = -1;

	if (decoded && add_text(masking, value) == 0)
		result = add_text(masking, decoded);
	if (decoded)
		explicit_bzero(decoded, strlen(decoded));
	curl_free(decoded);
	return result;
}

/* Adds a parameter, NAME=VALUE or a mere value. */
static int add_parameter(struct masking *masking, const char *parameter)
{
	const char *equals = strchr(parameter, '=');
	const char *value = equals ? equals + 1 : parameter;

	if (add_text(masking, parameter) < 0)
		return -1;
	return strlen(value) < SECRET_LEAST ? 0 : add_value(masking, value);
}

int address_add_secrets(const char *address, struct masking *masking)
{
	const char *query = strchr(address, '?');
	char *copy, *rest;
	int result;

	if (!query)
		return 0;
	result = add_text(masking, query + 1);
	copy = rest = strdup(query + 1);
	if (!copy)
		return -1;
	for (char *parameter; result == 0 && (parameter = strsep(&rest, "&;"));)
		result = add_parameter(masking, parameter);
	explicit_bzero(copy, strlen(query + 1));
	free(copy);
	return result;
}
