/*
 * The event's envelope: any bytes are read, the name made of them is safe, and
 * two bodies have one name only if they are one event.
 *
 * An input is one body or two, with a NUL byte between them.
 */
#include "ground.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event.h"

struct reading {
	struct event event;
	struct envelope envelope;
	bool good;
};

static void require_name(const char *name)
{
	size_t length = strlen(name);

	require(length > 0 && length < SPOOL_NAME_SIZE && name[0] != '-');
	for (size_t i = 0; i < length; i++)
		require(isascii(name[i]) && (isalnum((unsigned char)name[i])
			|| name[i] == '-' || name[i] == '_'));
}

static void check_event(const struct event *event)
{
	char digits[2 + 16];

	require_name(event->name);
	require_name(event->subscription);
	(void)snprintf(digits, sizeof digits, "-%016llx", (unsigned long long)event->digest);
	require(strlen(event->name) > strlen(digits));
	require(strcmp(event->name + strlen(event->name) - strlen(digits), digits) == 0);
	require(!(event->check && event->reminder));
}

static void check_empty(const struct envelope *envelope)
{
	require(!envelope->uuid[0] && !envelope->event[0] && !envelope->subscription[0]
		&& !envelope->owner[0] && !envelope->timestamp[0]);
}

static struct reading read_body(const char *body, size_t size)
{
	struct reading reading;
	struct reason why = { "" }, other = { "" };
	int result = event_read(&reading.event, body, size, &why);

	require(result == 0 || result == -1);
	require(envelope_read(&reading.envelope, body, size, &other) == result);
	require(strcmp(why.text, other.text) == 0 && !why.text[0] == !result);
	reading.good = result == 0;
	if (reading.good)
		check_event(&reading.event);
	else
		check_empty(&reading.envelope);
	return reading;
}

static bool is_same_event(const struct envelope *a, const struct envelope *b)
{
	return strcmp(a->uuid, b->uuid) == 0 && strcmp(a->event, b->event) == 0
		&& strcmp(a->subscription, b->subscription) == 0;
}

/* Whether the name is made of the three members: they are text, and nothing in
 * the body makes them hard to compare. */
static bool is_named_by_members(const struct reading *reading, const char *body)
{
	return reading->envelope.uuid[0] && reading->envelope.event[0]
		&& reading->envelope.subscription[0] && !strstr(body, "\\u");
}

/* What does not make another event, makes no other name. */
static void check_repeat(const struct reading *reading, const char *body)
{
	struct reading repeat;
	char *later;

	if (!reading->good || !is_named_by_members(reading, body))
		return;
	require(asprintf(&later, "%s \n", body) > 0);
	repeat = read_body(later, strlen(later));
	require(repeat.good && strcmp(repeat.event.name, reading->event.name) == 0);
	free(later);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t length = strnlen((const char *)data, size);
	char *body = strndup((const char *)data, length);
	struct reading whole, first, second;

	require(body != NULL);
	whole = read_body((const char *)data, size);
	first = read_body(body, length);
	require(length == size ? whole.good == first.good : !whole.good);
	check_repeat(&first, body);
	if (length < size) {
		second = read_body((const char *)data + length + 1, size - length - 1);
		if (first.good && second.good
		    && strcmp(first.event.name, second.event.name) == 0)
			require(is_same_event(&first.envelope, &second.envelope));
	}
	free(body);
	return 0;
}
