#include "told.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"

enum {
	DAY_SECONDS = 86400,
	DAILY_MOST = 6,			/* different failures of one owner */
	DIGEST_SHOWN = 16,
	ID_LEAST = 8			/* digits and dashes of an id */
};

/* The length of a word without the punctuation at its end. */
static size_t bare_length(const char *word, size_t length)
{
	while (length > 0 && strchr(".,:;)", word[length - 1]))
		length--;
	return length;
}

/* Whether a word is an id of someone's: it may be another the next time. */
static bool is_id(const char *word, size_t length)
{
	length = bare_length(word, length);
	return length >= ID_LEAST && strcspn(word, "0123456789") < length
		&& strspn(word, "0123456789abcdefABCDEF-") >= length;
}

/* 59 min and 1 h 0 min are the same cause. */
static bool is_unit(const char *word, size_t length)
{
	static const char *const units[] = { "ms", "s", "min", "h", "day", "days",
		"seconds", "milliseconds" };

	length = bare_length(word, length);
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (strlen(units[i]) == length && memcmp(word, units[i], length) == 0)
			return true;
	return false;
}

static bool is_number(const char *word, size_t length)
{
	return length > 0 && strspn(word, "0123456789") >= length;
}

/* Writes what stays of a text when the same is met again; `out` has a
 * byte more than its size. */
static void reduce(const char *text, char *out)
{
	static const char before_id[] = "(RCRequestId";
	const char *last = "";
	size_t last_length = 0;

	while (*(text += strspn(text, " "))) {
		size_t length = strcspn(text, " ");
		bool drop = is_id(text, length)
			|| (is_number(last, last_length) && is_unit(text, length))
			|| (last_length == strlen(before_id)
				&& memcmp(last, before_id, last_length) == 0);

		for (size_t i = 0; i < length && !drop; i++)
			if (!isdigit((unsigned char)text[i]))
				*out++ = text[i];
		if (!drop && !is_number(text, length))
			*out++ = ' ';
		last = text;
		last_length = length;
		text += length;
	}
	*out = '\0';
}

/* The text behind a code that is none of the known ones. */
static const char *text_of(const struct failure *failure)
{
	size_t length = strlen(failure->code);

	return length > 0 && !failure_code_is_known(failure->code)
		&& strncmp(failure->text, failure->code, length) == 0
		? failure->text + length : failure->text;
}

void told_key(const char *name, const struct failure *failure, char key[TOLD_KEY])
{
	char reduced[sizeof failure->text + 1], digest[DIGEST_TEXT];
	char *cause = reduced;

	reduce(text_of(failure), reduced);
	if (digest_set(&cause, 1, digest) < 0)
		digest[0] = '\0';
	(void)snprintf(key, TOLD_KEY, "%s %s #%.*s", name ? name : "run",
		failure_code_is_known(failure->code) ? failure->code
		: failure_kind_name(failure->kind), DIGEST_SHOWN, digest);
}

void told_lasting_key(const char *name, const char *what, char key[TOLD_KEY])
{
	/* No section's name ends with a colon: so it is no failure of the section. */
	(void)snprintf(key, TOLD_KEY, "%s: %s", name, what);
}

void told_once_key(const char *name, const char *what, char key[TOLD_KEY])
{
	(void)snprintf(key, TOLD_KEY, "%s once %s", name, what);
}

bool told_is_once(const struct state *state, const struct told *told)
{
	size_t length = strcspn(told->key, " ");

	if (strncmp(told->key + length, " once ", strlen(" once ")) != 0)
		return false;
	for (size_t i = 0; i < state->known_count; i++)
		if (strlen(state->known[i].name) == length
		    && memcmp(state->known[i].name, told->key, length) == 0)
			return true;
	return false;
}

void told_label(const char *key, char label[TOLD_LABEL])
{
	const char *end = strstr(key, " #");

	(void)snprintf(label, TOLD_LABEL, "%.*s", end ? (int)(end - key) : TOLD_LABEL - 1,
		key);
}

struct told *told_find(struct state *state, const char *key, time_t now)
{
	struct told *grown;

	for (size_t i = 0; i < state->told_count; i++)
		if (strcmp(state->told[i].key, key) == 0)
			return &state->told[i];
	grown = reallocarray(state->told, state->told_count + 1, sizeof *grown);
	if (!grown)
		return NULL;
	state->told = grown;
	grown += state->told_count;
	*grown = (struct told){ .key = strdup(key), .since = now };
	if (!grown->key)
		return NULL;
	state->told_count++;
	return grown;
}

/* Whether both are failures of the same subscription, or of the run. */
static bool have_one_owner(const struct told *a, const struct told *b)
{
	size_t length = strcspn(a->key, " ");

	return a->failure && b->failure && strncmp(a->key, b->key, length + 1) == 0;
}

bool told_too_many(const struct state *state, const struct told *told, time_t now)
{
	size_t count = 0;

	for (size_t i = 0; i < state->told_count; i++) {
		const struct told *other = &state->told[i];

		count += other != told && have_one_owner(told, other) && other->at > 0
			&& now - other->at < DAY_SECONDS;
	}
	return count >= DAILY_MOST;
}

bool told_still_fails(const struct state *state, const struct told *told)
{
	for (size_t i = 0; i < state->told_count; i++)
		if (state->told[i].present && have_one_owner(told, &state->told[i]))
			return true;
	return false;
}
