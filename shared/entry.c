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

static void skip_clash(const char **at)
{
	size_t digits;

	if (strncmp(*at, ".c", 2) != 0)
		return;
	digits = strspn(*at + 2, "0123456789");
	if (digits >= 1 && digits <= 3)
		*at += 2 + digits;
}

static bool take_reason(const char **at, struct entry *entry)
{
	size_t length;

	if (**at != '.')
		return false;
	length = strspn(*at + 1, reason_bytes);
	if (length == 0 || length >= sizeof entry->reason)
		return false;
	memcpy(entry->reason, *at + 1, length);
	entry->reason[length] = '\0';
	*at += 1 + length;
	return true;
}

/* The fields between NAME and .json; each may be absent. */
static const char *take_fields(const char *at, struct entry *entry)
{
	switch (entry->state) {
	case STATE_RUNNING:
		(void)take_attempt(&at, entry);
		break;
	case STATE_RETRYING:
		if (take_attempt(&at, entry))
			(void)take_due(&at, entry);
		skip_clash(&at);
		break;
	case STATE_FAILED:
		if (take_attempt(&at, entry) && strncmp(at, suffix, sizeof suffix) != 0)
			(void)take_reason(&at, entry);
		skip_clash(&at);
		break;
	case STATE_HELD:
	case STATE_DONE:
		skip_clash(&at);
		break;
	default:
		break;
	}
	return at;
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

	*entry = (struct entry){ .state = state };
	if (length == 0 || strlen(file) >= sizeof entry->file)
		return false;
	strcpy(entry->file, file);	/* fits: checked above */
	memcpy(entry->name, file, length);
	return strcmp(take_fields(file + length, entry),
		state == STATE_BAD ? "" : suffix) == 0;
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
