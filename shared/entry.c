#include "entry.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name, *directory;
} states[STATE_COUNT] = {
	[STATE_WAITING] = { "waiting", "new" },
	[STATE_RUNNING] = { "running", "work" },
	[STATE_RETRYING] = { "retrying", "retry" },
	[STATE_HELD] = { "held", "held" },
	[STATE_FAILED] = { "failed", "failed" },
	[STATE_DONE] = { "done", "done" },
	[STATE_BAD] = { "bad", "bad" },
};

static const char suffix[] = ".json";
static const char name_bytes[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	"abcdefghijklmnopqrstuvwxyz0123456789_-";
static const char reason_bytes[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

const char *entry_state_name(enum entry_state state)
{
	return states[state].name;
}

int entry_state_named(const char *word)
{
	for (int i = 0; i < STATE_COUNT; i++)
		if (strcmp(states[i].name, word) == 0)
			return i;
	return -1;
}

const char *entry_state_directory(enum entry_state state)
{
	return states[state].directory;
}

/* Reads a decimal field and steps over it; `most` digits. */
static bool take_number(const char **at, size_t most, uint64_t *number)
{
	size_t digits;

	if (**at != '.')
		return false;
	digits = strspn(*at + 1, "0123456789");
	if (digits == 0 || digits > most)
		return false;
	*number = strtoull(*at + 1, NULL, 10);
	*at += 1 + digits;
	return true;
}

static bool take_attempt(const char **at, struct entry *entry)
{
	uint64_t number;

	if (!take_number(at, 9, &number))
		return false;
	entry->attempt = (unsigned)number;
	return true;
}

static bool take_due(const char **at, struct entry *entry)
{
	uint64_t number;

	if (!take_number(at, 12, &number))
		return false;
	entry->due = (time_t)number;
	return true;
}

static bool skip_clash(const char **at)
{
	size_t digits;

	if (strncmp(*at, ".c", 2) != 0)
		return false;
	digits = strspn(*at + 2, "0123456789");
	if (digits < 1 || digits > 3)
		return false;
	*at += 2 + digits;
	return true;
}

/* A word: what begins with a digit is a number that is too long. */
static bool take_reason(const char **at, struct entry *entry)
{
	size_t length;

	if (**at != '.' || (*at)[1] < 'a' || (*at)[1] > 'z')
		return false;
	length = strspn(*at + 1, reason_bytes);
	if (length >= sizeof entry->reason)
		return false;
	memcpy(entry->reason, *at + 1, length);
	entry->reason[length] = '\0';
	*at += 1 + length;
	return true;
}

/* The fields between NAME and .json, of whichever state; each may be absent. */
static const char *take_fields(const char *at, struct entry *entry)
{
	bool tried = take_attempt(&at, entry);

	if (skip_clash(&at) || !tried)
		return at;
	if (strcmp(at, suffix) != 0 && !take_due(&at, entry))
		(void)take_reason(&at, entry);
	(void)skip_clash(&at);
	return at;
}

/* Forgets the fields that another state left in the name.  A reason says that
 * the event failed for good: out of failed/ it begins anew. */
static void keep_own_fields(struct entry *entry)
{
	enum entry_state state = entry->state;
	bool counts = state == STATE_RETRYING || state == STATE_RUNNING;

	if (state != STATE_RETRYING)
		entry->due = 0;
	if (state == STATE_FAILED)
		return;
	if (!counts || entry->reason[0])
		entry->attempt = 0;
	entry->reason[0] = '\0';
}

/* The length of the NAME that a text begins with, or 0. */
static size_t name_length(const char *text)
{
	size_t length = strspn(text, name_bytes);

	return text[0] == '-' || length >= SPOOL_NAME_SIZE ? 0 : length;
}

bool entry_parse(struct entry *entry, enum entry_state state, const char *file)
{
	size_t length = name_length(file);
	const char *rest;

	*entry = (struct entry){ .state = state };
	if (length == 0 || strlen(file) >= sizeof entry->file)
		return false;
	strcpy(entry->file, file);	/* fits: checked above */
	memcpy(entry->name, file, length);
	rest = take_fields(file + length, entry);
	keep_own_fields(entry);
	return strcmp(rest, suffix) == 0 || (state == STATE_BAD && *rest == '\0');
}

/* Writes the fields of `entry` that its state keeps in the name. */
static void format_fields(const struct entry *entry, char *out, size_t size)
{
	switch (entry->state) {
	case STATE_RUNNING:
		(void)snprintf(out, size, ".%u", entry->attempt);
		break;
	case STATE_RETRYING:
		(void)snprintf(out, size, ".%u.%" PRIdMAX, entry->attempt,
			(intmax_t)entry->due);
		break;
	case STATE_FAILED:
		(void)snprintf(out, size, ".%u.%s", entry->attempt,
			entry->reason[0] ? entry->reason : "unknown");
		break;
	default:
		out[0] = '\0';
	}
}

void entry_format(struct entry *entry, unsigned clash)
{
	char fields[11 + 13 + ENTRY_REASON_SIZE], number[8] = "";

	format_fields(entry, fields, sizeof fields);
	if (clash >= 2)
		(void)snprintf(number, sizeof number, ".c%u", clash % 1000);
	(void)snprintf(entry->file, sizeof entry->file, "%s%s%s%s", entry->name,
		fields, number, entry->state == STATE_BAD ? "" : suffix);
}

int entry_compare(const struct entry *a, const struct entry *b)
{
	if (a->received.tv_sec != b->received.tv_sec)
		return a->received.tv_sec < b->received.tv_sec ? -1 : 1;
	if (a->received.tv_nsec != b->received.tv_nsec)
		return a->received.tv_nsec < b->received.tv_nsec ? -1 : 1;
	return strcmp(a->file, b->file);
}

bool entry_name_from_word(char name[SPOOL_NAME_SIZE], const char *word)
{
	const char *slash = strrchr(word, '/');
	const char *file = slash ? slash + 1 : word;
	size_t length = name_length(file);

	if (length == 0 || (file[length] && file[length] != '.'))
		return false;
	memcpy(name, file, length);
	name[length] = '\0';
	return true;
}
