#include "select.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void select_init(struct selection *selection, unsigned states)
{
	*selection = (struct selection){ .states = states };
}

void select_free(struct selection *selection)
{
	free(selection->names);
	selection->names = NULL;
}

bool select_takes(int option)
{
	return option >= SELECT_STATE && option < SELECT_END;
}

/* One or several states, with commas between them. */
static int take_states(struct selection *selection, const char *text,
	struct reason *why)
{
	unsigned states = 0;

	while (*text) {
		size_t length = strcspn(text, ",");
		char word[16] = "";
		int state;

		if (length < sizeof word)
			memcpy(word, text, length);
		state = entry_state_named(word);
		if (state < 0)
			return reason_set(why, "--state wants waiting, running, retrying,"
				" held, failed, done or bad");
		states |= STATE_BIT(state);
		text += length;
		text += *text == ',';
	}
	/* Named twice: both; the first time it replaces the command's own. */
	selection->states = selection->states_named ? selection->states | states : states;
	selection->states_named = true;
	return 0;
}

int select_option(struct selection *selection, int option, const char *argument,
	struct reason *why)
{
	switch (option) {
	case SELECT_STATE:
		return take_states(selection, argument, why);
	case SELECT_EVENT:
		selection->event = argument;
		return 0;
	case SELECT_SINCE:
		return select_time("--since", argument, &selection->since, why);
	case SELECT_UNTIL:
		return select_time("--until", argument, &selection->until, why);
	default:
		selection->all = true;
		return 0;
	}
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

int select_names(struct selection *selection, char **words, struct reason *why)
{
	size_t count = 0;

	while (words[count])
		count++;
	if (count == 0)
		return 0;
	selection->names = calloc(count, sizeof selection->names[0]);
	if (!selection->names)
		return reason_set(why, "out of memory");
	for (size_t i = 0; i < count; i++)
		if (!entry_name_from_word(selection->names[i], words[i]))
			return reason_set(why, "not an event's name: %.80s", words[i]);
	qsort(selection->names, count, sizeof selection->names[0], compare_names);
	selection->name_count = count;
	return 0;
}

bool select_is_said(const struct selection *selection)
{
	return selection->all || selection->name_count > 0 || selection->event
		|| selection->since || selection->until || selection->older
		|| selection->states_named;
}

/* What can be told without opening the file. */
static bool matches_entry(const struct selection *selection, const struct entry *entry)
{
	if (!(selection->states & STATE_BIT(entry->state)))
		return false;
	if (selection->name_count > 0 && !bsearch(entry->name, selection->names,
	    selection->name_count, sizeof selection->names[0], compare_names))
		return false;
	if (selection->since && entry->received.tv_sec < selection->since)
		return false;
	if (selection->until && entry->received.tv_sec >= selection->until)
		return false;
	return !selection->older || entry->since.tv_sec < selection->older;
}

static int matches_event(const char *glob, struct states *states,
	const struct entry *entry, struct envelope *envelope, struct reason *why)
{
	struct reason unreadable;
	int fd = states_open_file(states, entry, why);
	int read, err;

	if (fd < 0)
		return errno == ENOENT || errno == ELOOP ? 0 : -1;
	read = states_read_envelope(fd, envelope, &unreadable);
	err = errno;
	close(fd);
	if (read == -2) {
		reason_set(why, "spool %.200s: read %.120s: %.100s", states_path(states),
			entry->file, unreadable.text);
		errno = err;
		return -1;
	}
	return read == 0 && fnmatch(glob, envelope->event, 0) == 0;
}

int select_matches(const struct selection *selection, struct states *states,
	const struct entry *entry, struct envelope *envelope, struct reason *why)
{
	if (!matches_entry(selection, entry))
		return 0;
	return selection->event ? matches_event(selection->event, states, entry,
		envelope, why) : 1;
}

struct choosing {
	const struct selection *selection;
	states_visit *visit;
	void *context;
	struct reason *why;
};

static int visit_if_meant(void *context, struct states *states,
	const struct entry *entry)
{
	struct choosing *choosing = context;
	struct envelope envelope;
	int matches = select_matches(choosing->selection, states, entry, &envelope,
		choosing->why);

	return matches > 0 ? choosing->visit(choosing->context, states, entry) : matches;
}

int select_each(struct spools *spools, const struct selection *selection,
	states_visit *visit, void *context, struct reason *why)
{
	struct choosing choosing = { selection, visit, context, why };
	int result = 0;

	for (unsigned i = 0; i < spools->count && result == 0; i++)
		if (spools->states[i])
			result = states_each(spools->states[i], selection->states,
				visit_if_meant, &choosing, NULL, why);
	return result;
}

static int add_to_oldest(void *context, struct states *states,
	const struct entry *entry)
{
	oldest_add(context, states, entry);
	return 0;
}

static int visit_sorted(struct spools *spools, const struct selection *selection,
	struct oldest *oldest, size_t limit, states_visit *visit, void *context,
	struct reason *why)
{
	size_t seen = 0;

	for (;;) {
		int result = select_each(spools, selection, add_to_oldest, oldest, why);

		if (result != 0)
			return result;
		oldest_sort(oldest);
		for (size_t i = 0; i < oldest->count; i++, seen++) {
			if (limit > 0 && seen == limit)
				return 0;
			result = visit(context, oldest->items[i].states,
				&oldest->items[i].entry);
			if (result != 0)
				return result;
		}
		if (!oldest->more)
			return 0;
		oldest_restart(oldest, true);
	}
}

int select_sorted(struct spools *spools, const struct selection *selection,
	size_t limit, states_visit *visit, void *context, struct reason *why)
{
	size_t at_once = limit > 0 && limit < SELECT_AT_ONCE ? limit : SELECT_AT_ONCE;
	struct oldest oldest;
	int result = oldest_init(&oldest, at_once, why);

	if (result == 0)
		result = visit_sorted(spools, selection, &oldest, limit, visit, context, why);
	oldest_free(&oldest);
	return result;
}

int select_duration(const char *option, const char *text, time_t *seconds,
	struct reason *why)
{
	static const struct {
		char unit;
		long long factor;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 },
		{ 'w', 604800 } };
	size_t digits = strspn(text, "0123456789");
	long long number = strtoll(text, NULL, 10);

	if (digits == 0 || digits > 9)
		goto refuse;
	*seconds = (time_t)number;
	if (text[digits] == '\0')
		return 0;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (text[digits] == units[i].unit && text[digits + 1] == '\0') {
			*seconds = (time_t)(number * units[i].factor);
			return 0;
		}
refuse:
	return reason_set(why, "%.20s needs a duration (a number and s, m, h, d or w): %.40s",
		option, text);
}

/* strptime(3) for one of our forms; true when all of the text was used, but
 * for a Z behind it. */
static bool read_calendar(const char *text, const char *form, time_t *when)
{
	struct tm tm = { .tm_isdst = -1 };
	const char *rest = strptime(text, form, &tm);

	if (!rest || (*rest && strcmp(rest, "Z") != 0))
		return false;
	*when = *rest ? timegm(&tm) : mktime(&tm);
	return true;
}

static bool read_seconds(const char *text, time_t *when)
{
	size_t digits = strspn(text, "0123456789");

	*when = (time_t)strtoll(text, NULL, 10);
	return digits > 0 && digits <= 12 && text[digits] == '\0';
}

int select_time(const char *option, const char *text, time_t *when, struct reason *why)
{
	static const char *const forms[] = { "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M",
		"%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d" };
	struct reason ignored;
	time_t ago;

	if (text[0] == '@' && read_seconds(text + 1, when))
		return 0;
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
		if (read_calendar(text, forms[i], when))
			return 0;
	if (select_duration(option, text, &ago, &ignored) < 0)
		return reason_set(why, "%.20s needs a time (2026-07-31T12:00) or how long"
			" ago (90m, 7d): %.40s", option, text);
	*when = time(NULL) - ago;
	return 0;
}
