#include "survey.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "figures.h"
#include "marks.h"

static const char other[] = "(other)";

struct surveying {
	struct survey *survey;
	unsigned what;
	struct reason *why;
};

/* A clock that was set back leaves times in the future; they are nobody's
 * last minute. */
static void count_arrival(struct arrivals *arrivals, time_t now, time_t then)
{
	enum { SKEW = 5 };	/* a file server's clock, not quite ours */

	if (then > now + SKEW)
		return;
	arrivals->minute += then > now - 60;
	arrivals->hour += then > now - 3600;
	arrivals->day += then > now - 86400;
}

static void add_to_tally(struct tally *tally, const struct entry *entry, time_t now)
{
	time_t received = entry->received.tv_sec;

	tally->events++;
	tally->bytes += entry->size;
	if (tally->oldest == 0 || received < tally->oldest)
		tally->oldest = received;
	count_arrival(&tally->arrivals, now, received);
}

/* The family of an event; false when it is gone. */
static bool read_family(struct states *states, const struct entry *entry,
	char family[FAMILY_SIZE])
{
	struct envelope envelope;
	struct reason ignored;
	int fd = states_open_file(states, entry, &ignored);
	int read;

	if (fd < 0) {
		strcpy(family, "(unreadable)");	/* fits */
		return errno != ENOENT && errno != ELOOP;
	}
	read = states_read_envelope(fd, &envelope, &ignored);
	close(fd);
	if (read < 0)
		strcpy(family, "(no event)");	/* fits */
	else
		family_of(family, envelope.event);
	return true;
}

static struct family_tally *find_family(struct survey *survey, const char *family)
{
	size_t i;

	for (i = 0; i < survey->family_count; i++)
		if (strcmp(survey->families[i].family, family) == 0)
			return &survey->families[i];
	if (i == FAMILIES_MAX)
		family = other;
	else if (i > FAMILIES_MAX)
		return &survey->families[FAMILIES_MAX];
	strcpy(survey->families[i].family, family);	/* is a family */
	survey->family_count++;
	return &survey->families[i];
}

static struct failure_tally *find_failure(struct survey *survey, const char *reason,
	const char *family)
{
	struct failure_tally *failure = survey->failures;
	size_t i;

	for (i = 0; i < survey->failure_count; i++, failure++)
		if (strcmp(failure->reason, reason) == 0
		    && strcmp(failure->family, family) == 0)
			return failure;
	if (i > FAILURES_MAX)
		return &survey->failures[FAILURES_MAX];
	strcpy(failure->reason, i == FAILURES_MAX ? other : reason);	/* is a reason */
	strcpy(failure->family, i == FAILURES_MAX ? other : family);	/* is a family */
	survey->failure_count++;
	return failure;
}

static void add_failure(struct survey *survey, const struct entry *entry,
	const char *family)
{
	struct failure_tally *failure = find_failure(survey,
		entry->reason[0] ? entry->reason : "unknown", family);
	time_t failed = entry->since.tv_sec;

	if (failure->events++ == 0)
		failure->first = failure->last = failed;
	if (failed < failure->first)
		failure->first = failed;
	if (failed > failure->last)
		failure->last = failed;
}

static int look_at(void *context, struct states *states, const struct entry *entry)
{
	struct surveying *surveying = context;
	struct survey *survey = surveying->survey;
	bool fails = (surveying->what & SURVEY_FAILURES) && entry->state == STATE_FAILED;
	char family[FAMILY_SIZE] = "(no event)";

	if (((surveying->what & SURVEY_FAMILIES) || fails) && entry->state != STATE_BAD
	    && !read_family(states, entry, family))
		return 0;
	add_to_tally(&survey->states[entry->state], entry, survey->now);
	if (surveying->what & SURVEY_FAMILIES)
		add_to_tally(&find_family(survey, family)->states[entry->state], entry,
			survey->now);
	if (fails)
		add_failure(survey, entry, family);
	return 0;
}

static void take_arrival(void *context, time_t arrived)
{
	struct survey *survey = context;
	time_t hour = survey->now / 3600 - arrived / 3600;

	count_arrival(&survey->arrivals, survey->now, arrived);
	if (hour >= 0 && hour < (time_t)survey->arrival_hours)
		survey->hourly[hour]++;
}

static int measure_space(struct space *space, const char *path, struct reason *why)
{
	struct statvfs fs;

	if (statvfs(path, &fs) < 0)
		return reason_set(why, "spool %.200s: %s", path, strerror(errno));
	space->open = true;
	space->free = (uint64_t)fs.f_bavail * fs.f_frsize;
	space->total = (uint64_t)fs.f_blocks * fs.f_frsize;
	return 0;
}

/* Tries once more to open a spool, to learn why it cannot be. */
static void note_trouble(struct space *space, const struct spools *spools, unsigned which)
{
	struct states *states = states_open(spools_path(spools, which),
		spools->config->seen_days, &space->trouble);

	if (states)
		reason_set(&space->trouble, "spool %.200s: could not be opened just now",
			spools_path(spools, which));
	states_close(states);
}

static int survey_one(struct surveying *surveying, struct states *states,
	struct space *space)
{
	struct survey *survey = surveying->survey;
	time_t first = (survey->now / 3600 - (time_t)survey->arrival_hours + 1) * 3600;

	if (measure_space(space, states_path(states), surveying->why) < 0
	    || states_each(states, STATES_ALL, look_at, surveying, &survey->strange,
		surveying->why) < 0)
		return -1;
	return (surveying->what & SURVEY_ARRIVALS) ? marks_each(states_spool(states),
		first, take_arrival, survey, surveying->why) : 0;
}

static int by_name(const void *a, const void *b)
{
	const struct family_tally *left = a, *right = b;

	return strcmp(left->family, right->family);
}

static int most_first(const void *a, const void *b)
{
	const struct failure_tally *left = a, *right = b;

	if (left->events != right->events)
		return left->events > right->events ? -1 : 1;
	return strcmp(left->reason, right->reason);
}

int survey_take(struct survey *survey, struct spools *spools, unsigned what,
	struct reason *why)
{
	struct surveying surveying = { survey, what, why };
	unsigned hours = spools->config->seen_days * 24;

	memset(survey, 0, sizeof *survey);
	survey->now = time(NULL);
	survey->arrival_hours = hours < ARRIVAL_HOURS_MAX ? hours : ARRIVAL_HOURS_MAX;
	for (unsigned i = 0; i < spools->count; i++) {
		if (!spools->states[i])
			note_trouble(&survey->space[i], spools, i);
		else if (survey_one(&surveying, spools->states[i], &survey->space[i]) < 0)
			return -1;
	}
	qsort(survey->families, survey->family_count, sizeof survey->families[0], by_name);
	qsort(survey->failures, survey->failure_count, sizeof survey->failures[0],
		most_first);
	return 0;
}

time_t survey_oldest(const struct survey *survey)
{
	static const enum entry_state unhandled[] = { STATE_WAITING, STATE_RUNNING,
		STATE_RETRYING };
	time_t oldest = 0;

	for (size_t i = 0; i < sizeof unhandled / sizeof unhandled[0]; i++) {
		time_t here = survey->states[unhandled[i]].oldest;

		if (here != 0 && (oldest == 0 || here < oldest))
			oldest = here;
	}
	return oldest;
}
