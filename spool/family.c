#include "family.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
	WORD_MAX = 32,
	WORD_DIGITS_MAX = 2	/* a2p-sms and v1, but no id and no number */
};

static bool is_word_byte(char c)
{
	unsigned char byte = (unsigned char)c;

	return byte < 0x80 && (isalnum(byte) || byte == '-' || byte == '_');
}

/* A word of the platform's vocabulary, as far as its form tells. */
static bool is_word(const char *text, size_t length)
{
	size_t digits = 0;

	if (length == 0 || length > WORD_MAX || !is_word_byte(text[0])
	    || !isalpha((unsigned char)text[0]))
		return false;
	for (size_t i = 0; i < length; i++) {
		if (!is_word_byte(text[i]))
			return false;
		digits += isdigit((unsigned char)text[i]) != 0;
	}
	return digits <= WORD_DIGITS_MAX;
}

struct writer {
	char *out;
	size_t used;
	bool full;
};

/* Adds a whole part, or none and "..." once and for all. */
static void add(struct writer *writer, const char *text, size_t length)
{
	if (writer->full)
		return;
	if (writer->used + length + sizeof "..." > FAMILY_SIZE) {
		text = "...";
		length = 3;
		writer->full = true;
	}
	memcpy(writer->out + writer->used, text, length);
	writer->used += length;
	writer->out[writer->used] = '\0';
}

static void add_masked(struct writer *writer, const char *text, size_t length)
{
	add(writer, is_word(text, length) ? text : "~", is_word(text, length) ? length : 1);
}

/* Adds the parts of a text between which one of `separators` stands. */
static void add_parts(struct writer *writer, const char *text, const char *separators,
	const char *end)
{
	while (text < end) {
		size_t length = strcspn(text, separators);

		if (text + length > end)
			length = (size_t)(end - text);
		add_masked(writer, text, length);
		text += length;
		if (text < end)
			add(writer, text++, 1);
	}
}

/* Steps over /restapi/v1.0/, or the slash in front. */
static const char *skip_base(const char *event)
{
	static const char base[] = "/restapi/v";
	const char *slash;

	if (strncmp(event, base, sizeof base - 1) == 0) {
		slash = strchr(event + sizeof base - 1, '/');
		if (slash && strspn(event + sizeof base - 1, "0123456789.")
		    == (size_t)(slash - event) - (sizeof base - 1))
			return slash + 1;
	}
	return event + (event[0] == '/');
}

void family_of(char family[FAMILY_SIZE], const char *event)
{
	static const char account[] = "account/~/", extension[] = "account/~/extension/";
	struct writer writer = { .out = family };
	const char *path = skip_base(event);
	const char *query = path + strcspn(path, "?");

	family[0] = '\0';
	if (path[0] == '\0') {
		strcpy(family, "(none)");	/* fits */
		return;
	}
	add_parts(&writer, path, "/", query);
	if (*query) {
		add(&writer, "?", 1);
		add_parts(&writer, query + 1, "&=", query + strlen(query));
	}
	/* An extension is known without its account. */
	if (strncmp(family, extension, sizeof extension - 1) == 0)
		memmove(family, family + sizeof account - 1,
			strlen(family) + 1 - (sizeof account - 1));
}
