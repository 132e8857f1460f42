#include "report.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "json.h"
#include "times.h"
#include "told.h"

enum { LINE_SIZE = 1200, DAY_SECONDS = 86400 };

void report_open(struct report *report, const struct masking *masking, int verbosity,
	bool json)
{
	*report = (struct report){ .verbosity = verbosity, .json = json, .masking = masking,
		.now = time(NULL) };
	if (json) {
		report->changes = cJSON_CreateArray();
		report->problems = cJSON_CreateArray();
	}
}

void report_close(struct report *report)
{
	cJSON_Delete(report->changes);
	cJSON_Delete(report->problems);
	report->changes = report->problems = NULL;
}

static bool is_terminal_near(void)
{
	int fd;

	if (isatty(STDIN_FILENO) || isatty(STDOUT_FILENO) || isatty(STDERR_FILENO))
		return true;
	fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* Where a cron collects what it mails: in a pipe, or, as Debian's does, in a
 * file that has no name any more. */
static bool is_collected(const struct stat *output)
{
	return S_ISFIFO(output->st_mode)
		|| (S_ISREG(output->st_mode) && output->st_nlink == 0);
}

bool report_is_for_cron(void)
{
	const char *journal = getenv("JOURNAL_STREAM");
	struct stat status;
	char here[64];

	if (fstat(STDERR_FILENO, &status) < 0 || !is_collected(&status))
		return false;
	(void)snprintf(here, sizeof here, "%llu:%llu", (unsigned long long)status.st_dev,
		(unsigned long long)status.st_ino);
	return !(journal && strcmp(journal, here) == 0) && !getenv("SSH_CONNECTION")
		&& !getenv("TERM") && !is_terminal_near();
}

static void format_masked(const struct report *report, char out[LINE_SIZE],
	const char *format, va_list args) __attribute__((format(printf, 3, 0)));

static void format_masked(const struct report *report, char out[LINE_SIZE],
	const char *format, va_list args)
{
	char *plain;

	/* As a whole: of a secret that was cut the first half would be shown. */
	if (vasprintf(&plain, format, args) < 0) {
		strcpy(out, "out of memory");
		return;
	}
	masking_text(report->masking, plain, out, LINE_SIZE);
	explicit_bzero(plain, strlen(plain));
	free(plain);
}

/* With --json, standard output is for the document alone. */
static FILE *details(const struct report *report)
{
	return report->json ? stderr : stdout;
}

void report_change(struct report *report, const char *action, const char *name,
	const char *id, const char *format, ...)
{
	char text[LINE_SIZE];
	va_list args;

	va_start(args, format);
	format_masked(report, text, format, args);
	va_end(args);
	if (report->json) {
		cJSON *change = cJSON_CreateObject();

		json_add_text(change, "action", action);
		json_add_text(change, "name", name);
		json_add_text(change, "id", id);
		json_add_text(change, "text", text);
		(void)cJSON_AddItemToArray(report->changes, change);
	}
	if (report->verbosity > 0)
		fprintf(details(report), "%s%s%s%s%s: %s\n", name ? name : "", name ? ": " : "",
			action, id ? " " : "", id ? id : "", text);
}

void report_detail(struct report *report, const char *format, ...)
{
	char text[LINE_SIZE];
	va_list args;

	if (report->verbosity == 0)
		return;
	va_start(args, format);
	format_masked(report, text, format, args);
	va_end(args);
	fprintf(details(report), "%s\n", text);
}

/* NULL without a state to remember it in. */
static struct told *told_of(struct report *report, const char *key)
{
	return report->state ? told_find(report->state, key, report->now) : NULL;
}

/* Whether it is to be told now, and takes note that it was. */
static bool is_due(struct report *report, struct told *told, bool failure, bool daily)
{
	bool due;

	if (!told)
		return true;
	told->failure = failure;
	told->present = true;
	if (!report->cron)
		return true;
	due = told->at == 0 || (daily && report->now - told->at >= DAY_SECONDS);
	if (due && failure && told_too_many(report->state, told, report->now))
		due = false;
	if (due)
		told->at = report->now;
	return due;
}

static void tell(struct report *report, const char *kind, const char *code,
	const char *name, const char *text, bool due)
{
	if (report->json) {
		cJSON *problem = cJSON_CreateObject();

		json_add_text(problem, "kind", kind);
		json_add_text(problem, "name", name);
		json_add_text(problem, "code", code);
		json_add_text(problem, "text", text);
		(void)cJSON_AddItemToArray(report->problems, problem);
	}
	if (due)
		fprintf(stderr, "ringspool-renew: %s%s%s%s\n",
			strcmp(kind, "warning") == 0 ? "warning: " : "",
			name ? name : "", name ? ": " : "", text);
}

void report_failure(struct report *report, const char *name, const struct failure *failure)
{
	char text[LINE_SIZE], key[TOLD_KEY];

	masking_text(report->masking, failure->text, text, sizeof text);
	told_key(name, failure, key);
	if (!report->failed)
		report->first = *failure;
	report->failed = true;
	tell(report, failure_kind_name(failure->kind), failure->code, name, text,
		is_due(report, told_of(report, key), true, true));
}

void report_warning(struct report *report, const char *name, bool daily,
	const char *format, ...)
{
	char text[LINE_SIZE], key[LINE_SIZE + 100];
	struct told *told;
	va_list args;

	va_start(args, format);
	format_masked(report, text, format, args);
	va_end(args);
	(void)snprintf(key, sizeof key, "%s warning %s", name ? name : "run", text);
	told = told_of(report, key);
	if (told && told->present)
		return;		/* told in this run */
	tell(report, "warning", NULL, name, text, is_due(report, told, false, daily));
}

void report_lasting(struct report *report, const char *name, const char *what,
	const char *format, ...)
{
	char text[LINE_SIZE], key[TOLD_KEY];
	struct told *told;
	va_list args;

	va_start(args, format);
	format_masked(report, text, format, args);
	va_end(args);
	told_lasting_key(name, what, key);
	told = told_of(report, key);
	if (told && told->present)
		return;		/* told in this run */
	tell(report, "warning", NULL, name, text, is_due(report, told, true, true));
}

void report_once(struct report *report, const char *name, const char *what,
	const char *format, ...)
{
	char text[LINE_SIZE], key[TOLD_KEY];
	va_list args;

	va_start(args, format);
	format_masked(report, text, format, args);
	va_end(args);
	told_once_key(name, what, key);
	tell(report, "warning", NULL, name, text,
		is_due(report, told_of(report, key), false, false));
}

void report_recall(struct report *report, const char *label, time_t since)
{
	struct told *told = told_of(report, label);

	if (!told)
		return;
	told->failure = true;
	told->since = told->at = since;
}

/* Since when something with this label failed that has ended; 0: never, or it
 * was told with an earlier one. */
static time_t ended_since(const struct state *state, size_t index, const char *label)
{
	time_t since = state->told[index].since;

	for (size_t i = 0; i < state->told_count; i++) {
		const struct told *other = &state->told[i];
		char other_label[TOLD_LABEL];

		told_label(other->key, other_label);
		if (other->present || !other->failure || strcmp(label, other_label) != 0)
			continue;
		if (i < index)
			return 0;
		if (other->since < since)
			since = other->since;
	}
	return since;
}

static void tell_end(const struct report *report, size_t index)
{
	const struct told *told = &report->state->told[index];
	char label[TOLD_LABEL], when[TIME_TEXT];
	time_t since;

	told_label(told->key, label);
	since = ended_since(report->state, index, label);
	if (since == 0 || (!told->at && report->cron))
		return;
	time_format(since, when);
	fprintf(details(report), "ringspool-renew: well again: %s (since %s)\n", label, when);
}

/* What is kept although it was not met: an earlier failure of who still fails,
 * for it may come back within the day; and what is told once for all. */
static bool is_kept(const struct report *report, const struct told *told)
{
	if (!told->failure)
		return told_is_once(report->state, told);
	return report->now - told->at < DAY_SECONDS && told_still_fails(report->state, told);
}

void report_ended(struct report *report)
{
	struct state *state = report->state;
	size_t kept = 0;

	for (size_t i = 0; state && i < state->told_count; i++)
		if (!state->told[i].present && state->told[i].failure
		    && !told_still_fails(state, &state->told[i]))
			tell_end(report, i);
	for (size_t i = 0; state && i < state->told_count; i++) {
		if (state->told[i].present || is_kept(report, &state->told[i]))
			state->told[kept++] = state->told[i];
		else
			free(state->told[i].key);
	}
	if (state)
		state->told_count = kept;
}
