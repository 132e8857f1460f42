#include "event.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <pthread.h>
#include <sha2.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define PARSER_BUDGET ((size_t)64 << 20)
#define REMINDER_PREFIX "/restapi/v1.0/subscription/"

/*
 * cJSON takes up to forty times a text's size in memory, so each parse has a
 * budget of allocations.  It takes a piece for each name, value and node, so
 * the first ones, which is all of a usual event, come from an arena.  cJSON's
 * hooks know no context: hence variables a thread; while no body is parsed
 * there is no limit, and no arena.
 */
static _Thread_local size_t budget = SIZE_MAX;
static _Thread_local bool over_budget;
static _Thread_local size_t arena_left;
static _Thread_local _Alignas(max_align_t) char arena[16 << 10];

static void *allocate_within_budget(size_t size)
{
	size_t rounded = (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);

	if (size > budget) {
		over_budget = true;
		return NULL;
	}
	budget -= size;
	if (size > arena_left || rounded > arena_left)
		return malloc(size);
	arena_left -= rounded;
	return arena + arena_left;
}

static void release(void *piece)
{
	uintptr_t at = (uintptr_t)piece;

	if (at < (uintptr_t)arena || at >= (uintptr_t)(arena + sizeof arena))
		free(piece);
}

static void install_hooks(void)
{
	cJSON_Hooks hooks = { .malloc_fn = allocate_within_budget, .free_fn = release };

	cJSON_InitHooks(&hooks);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The code unit of the \uXXXX at `at`, or -1 where none stands. */
static int escaped_unit(const char *at, const char *end)
{
	char digits[5] = "";

	if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
		return -1;
	memcpy(digits, at + 2, 4);
	if (strspn(digits, "0123456789abcdefABCDEF") != 4)
		return -1;
	return (int)strtol(digits, NULL, 16);
}

/* Looks through the escapes of a text: *exact becomes false where cJSON would
 * give a value that is not the value sent.  With `copy` (of the same size),
 * halves of surrogate pairs, which cJSON refuses, become U+FFFD there. */
static void check_escapes(const char *text, size_t size, char *copy, bool *exact,
	bool *lone)
{
	static const char unknown[6] = "\\uFFFD";	/* and no NUL */
	const char *end = text + size, *at = text;

	while ((at = memchr(at, '\\', (size_t)(end - at))) != NULL) {
		int unit = escaped_unit(at, end);
		int next = unit < 0 ? -1 : escaped_unit(at + 6, end);

		if (unit >= 0xD800 && unit <= 0xDBFF && next >= 0xDC00 && next <= 0xDFFF) {
			at += 12;
		} else if (unit >= 0xD800 && unit <= 0xDFFF) {
			*exact = false;
			*lone = true;
			if (copy)
				memcpy(copy + (at - text), unknown, sizeof unknown);
			at += 6;
		} else {
			if (unit == 0)
				*exact = false;
			/* Steps over the escaped byte: a backslash may be it. */
			at += end - at > 1 ? 2 : 1;
		}
	}
}

/* Parses one JSON object with nothing behind it. */
static cJSON *parse_object(const char *text, size_t size)
{
	const char *end = NULL;
	cJSON *root = cJSON_ParseWithLengthOpts(text, size, &end, 0);

	while (root && end < text + size && is_space(*end))
		end++;
	if (root && (!cJSON_IsObject(root) || end != text + size)) {
		cJSON_Delete(root);
		root = NULL;
	}
	return root;
}

static cJSON *parse(const char *body, size_t size, bool *exact, struct reason *why,
	int *result)
{
	bool lone = false;
	char *copy = NULL;
	cJSON *root;

	*exact = true;
	check_escapes(body, size, NULL, exact, &lone);
	if (lone) {
		copy = malloc(size);
		if (!copy) {
			*result = -2;
			reason_set(why, "out of memory");
			return NULL;
		}
		memcpy(copy, body, size);
		check_escapes(body, size, copy, exact, &lone);
	}
	budget = PARSER_BUDGET;
	arena_left = sizeof arena;
	over_budget = false;
	errno = 0;
	root = parse_object(copy ? copy : body, size);
	budget = SIZE_MAX;
	arena_left = 0;
	free(copy);
	if (!root) {
		*result = !over_budget && errno == ENOMEM ? -2 : -1;
		reason_set(why, over_budget ? "takes more than 64 MiB of memory to parse"
			: *result == -2 ? "out of memory" : "not one JSON object");
	}
	return root;
}

static const cJSON *member(const cJSON *root, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(root, name);
}

/* A member that can be compared exactly: text, or absent. */
static bool is_comparable(const cJSON *item)
{
	return !item || cJSON_IsString(item);
}

/* Adds a member to a digest with its type and length, so that no two
 * combinations of members look alike. */
static void digest_member(SHA2_CTX *digest, const cJSON *item)
{
	uint64_t head[2] = { item ? 1 : 0, 0 };

	if (item)
		head[1] = strlen(item->valuestring);
	SHA256Update(digest, (const uint8_t *)head, sizeof head);
	if (item)
		SHA256Update(digest, (const uint8_t *)item->valuestring, head[1]);
}

static void finish_name(struct event *event, const char *readable, uint64_t digest)
{
	event->digest = digest;
	spool_safe_name(event->name, readable);
	(void)snprintf(event->name + strlen(event->name), 1 + 16 + 1, "-%016llx",
		(unsigned long long)digest);
}

static uint64_t finish_digest(SHA2_CTX *digest)
{
	uint8_t bytes[SHA256_DIGEST_LENGTH];
	uint64_t value = 0;

	SHA256Final(bytes, digest);
	for (int i = 0; i < 8; i++)
		value = value << 8 | bytes[i];
	return value;
}

/* For an event that says nothing to know it by. */
static int name_by_time(struct event *event, struct reason *why)
{
	time_t now = time(NULL);
	uint64_t random;
	struct tm utc;
	char text[32];

	if (getrandom(&random, sizeof random, 0) != sizeof random) {
		reason_set(why, "no random numbers: %s", strerror(errno));
		return -2;
	}
	(void)strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", gmtime_r(&now, &utc));
	finish_name(event, text, random);
	return 0;
}

static int make_name(struct event *event, const cJSON *root, bool exact,
	const char *body, size_t size, struct reason *why)
{
	const cJSON *uuid = member(root, "uuid");
	const cJSON *subscription = member(root, "subscriptionId");
	const cJSON *filter = member(root, "event");
	const char *readable = cJSON_IsString(uuid) ? uuid->valuestring : "";
	SHA2_CTX digest;

	SHA256Init(&digest);
	if (!exact || !is_comparable(uuid) || !is_comparable(subscription)
	    || !is_comparable(filter)) {
		SHA256Update(&digest, (const uint8_t *)body, size);
	} else if (readable[0] == '\0') {
		return name_by_time(event, why);
	} else {
		digest_member(&digest, uuid);
		digest_member(&digest, subscription);
		digest_member(&digest, filter);
	}
	finish_name(event, readable, finish_digest(&digest));
	return 0;
}

/* Parses a body; NULL with *result and *why set. */
static cJSON *read_object(const char *body, size_t size, bool *exact,
	struct reason *why, int *result)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, install_hooks);
	if (memchr(body, '\0', size)) {
		*result = reason_set(why, "holds a NUL byte");
		return NULL;
	}
	return parse(body, size, exact, why, result);
}

int event_read(struct event *event, const char *body, size_t size,
	struct reason *why)
{
	const cJSON *filter, *subscription;
	bool exact;
	int result = 0;
	cJSON *root;

	root = read_object(body, size, &exact, why, &result);
	if (!root)
		return result;
	filter = member(root, "event");
	subscription = member(root, "subscriptionId");
	event->reminder = cJSON_IsString(filter)
		&& strncmp(filter->valuestring, REMINDER_PREFIX, strlen(REMINDER_PREFIX)) == 0
		&& strstr(filter->valuestring, "threshold=");
	event->check = cJSON_IsString(filter)
		&& strcmp(filter->valuestring, EVENT_CHECK) == 0;
	spool_safe_name(event->subscription,
		cJSON_IsString(subscription) ? subscription->valuestring : "");
	result = make_name(event, root, exact, body, size, why);
	cJSON_Delete(root);
	return result;
}

static void copy_member(char *out, size_t size, const cJSON *root, const char *name)
{
	const cJSON *item = member(root, name);
	const char *value = cJSON_IsString(item) ? item->valuestring : "";
	size_t length = strnlen(value, size - 1);

	memcpy(out, value, length);
	out[length] = '\0';
}

int envelope_read(struct envelope *envelope, const char *body, size_t size,
	struct reason *why)
{
	bool exact;
	int result = 0;
	cJSON *root;

	*envelope = (struct envelope){ .uuid = "" };
	root = read_object(body, size, &exact, why, &result);
	if (!root)
		return result;
	copy_member(envelope->uuid, sizeof envelope->uuid, root, "uuid");
	copy_member(envelope->event, sizeof envelope->event, root, "event");
	copy_member(envelope->subscription, sizeof envelope->subscription, root,
		"subscriptionId");
	copy_member(envelope->owner, sizeof envelope->owner, root, "ownerId");
	copy_member(envelope->timestamp, sizeof envelope->timestamp, root, "timestamp");
	cJSON_Delete(root);
	return 0;
}
