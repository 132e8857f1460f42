#include "body.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 16 << 10, DROP_MAX = 64 << 20 };

/* Reads CONTENT_LENGTH; one too large for 64 bits becomes UINT64_MAX. */
static bool parse_length(const char *text, uint64_t *length)
{
	if (text[strspn(text, "0123456789")])
		return false;
	*length = strtoull(text, NULL, 10);
	return true;
}

/* Reads once, within what was announced. */
static ssize_t read_some(struct body *body, char *buffer, size_t size)
{
	ssize_t got;

	if (body->announced && size > body->expected)
		size = (size_t)body->expected;
	if (size == 0)
		return 0;
	got = body->request->read(body->request->source, buffer, size);
	if (got > 0 && body->announced)
		body->expected -= (uint64_t)got;
	return got;
}

enum body_state body_begin(struct body *body, const struct request *request)
{
	const char *length = request->content_length;
	ssize_t got;
	char one;

	*body = (struct body){ .request = request };
	if (length && length[0]) {
		body->announced = parse_length(length, &body->expected);
		if (!body->announced)
			return BODY_BAD_LENGTH;
	}
	body->room = FIRST_ROOM;
	body->data = malloc(body->room);
	/* Without memory it can still be told that nothing comes, as in the
	 * handshake. */
	got = body->data ? read_some(body, body->data, body->room) : read_some(body, &one, 1);
	if (got < 0 || (got == 0 && body->announced && body->expected > 0))
		return BODY_SHORT;
	if (got == 0)
		return BODY_EMPTY;
	if (!body->data)
		return BODY_NO_MEMORY;
	body->size = (size_t)got;
	return BODY_UNREAD;
}

static bool grow(struct body *body)
{
	char *larger = realloc(body->data, body->room * 2);

	if (!larger)
		return false;
	body->data = larger;
	body->room *= 2;
	return true;
}

enum body_state body_take(struct body *body, uint64_t max)
{
	if (body->announced && body->expected > max)
		return BODY_TOO_LARGE;
	for (;;) {
		ssize_t got;

		if (body->size > max)
			return BODY_TOO_LARGE;
		if (body->size == body->room && !grow(body))
			return BODY_NO_MEMORY;
		got = read_some(body, body->data + body->size, body->room - body->size);
		if (got < 0)
			return BODY_SHORT;
		if (got == 0)
			break;
		body->size += (size_t)got;
	}
	return body->announced && body->expected > 0 ? BODY_SHORT : BODY_WHOLE;
}

void body_drop(struct body *body)
{
	char waste[FIRST_ROOM];
	size_t dropped = 0;
	ssize_t got;

	while (dropped < DROP_MAX && (got = read_some(body, waste, sizeof waste)) > 0)
		dropped += (size_t)got;
}

void body_free(struct body *body)
{
	free(body->data);
	body->data = NULL;
}
