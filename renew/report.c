#include "report.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "times.h"

enum { LINE_SIZE = 1200, DAY_SECONDS = 86400 };

static const char *const kind_names[] = {
	[FAILURE_NONE] = "none", [FAILURE_UNREACHABLE] = "unreachable",
	[FAILURE_UNCERTAIN] = "unreachable", [FAILURE_ENDPOINT] = "endpoint",
	[FAILURE_REFUSED] = "refused", [FAILURE_LIMIT] = "limit", [FAILURE_LATER] = "later",
	[FAILURE_NONSENSE] = "nonsense", [FAILURE_GONE] = "gone",
	[FAILURE_TOKEN] = "credentials", [FAILURE_CREDENTIALS] = "credentials",
	[FAILURE_PERMISSION] = "permission", [FAILURE_CONFIG] = "configuration",
	[FAILURE_USAGE] = "usage", [FAILURE_SYSTEM] = "system"
};

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

bool report_is_for_cron(void)
{
	const char *journal = getenv("JOURNAL_STREAM");
	struct stat status;
	char here[64];

	if (fstat(STDERR_FILENO, &status) < 0 || !S_ISFIFO(status.st_mode))
		return false;
	(void)snprintf(here, sizeof here, "%llu:%llu", (unsigned long long)status.st_dev,
		(unsigned long long)status.st_ino);
	return !(journal && strcmp(journal, here) == 0) && !getenv("SSH_CONNECTION")
		&& !getenv("TERM") && !is_terminal_near();
}

static void add_text(cJSON *json, const char *name, const char *text)
{
	if (text)
		(void)cJSON_AddStringToObject(json, name, text);
	else
		(void)cJSON_AddNullToObject(json, name);
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

		add_text(change, "action", action);
		add_text(change, "name", name);
		add_text(change, "id", id);
		add_text(change, "text", text);
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

/* What was told under this key, made where it is new; NULL without a state. */
static struct told *told_of(struct report *report, const char *key)
{
	struct state *state = report->state;
	struct told *grown;

	if (!state)
		return NULL;
	for (size_t i = 0; i < state->told_count; i++)
		if (strcmp(state->told[i].key, key) == 0)
			return &state->told[i];
	grown = reallocarray(state->told, state->told_count + 1, sizeof *grown);
	if (!grown)
		return NULL;
	state->told = grown;
	grown += state->told_count;
	*grown = (struct told){ .key = strdup(key), .since = report->now };
	if (!grown->key)
		return NULL;
	state->told_count++;
	return grown;
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
	due = told->at == 0 || told->at > report->now	/* the clock was set back */
		|| (daily && report->now - told->at >= DAY_SECONDS);
	if (due)
		told->at = report->now;
	return due;
}

static void tell(struct report *report, const char *kind, const char *code,
	const char *name, const char *text, bool due)
{
	if (report->json) {
		cJSON *problem = cJSON_CreateObject();

		add_text(problem, "kind", kind);
		add_text(problem, "name", name);
		add_text(problem, "code", code && code[0] ? code : NULL);
		add_text(problem, "text", text);
		(void)cJSON_AddItemToArray(report->problems, problem);
	}
	if (due)
		fprintf(stderr, "ringspool-renew: %s%s%s%s\n",
			strcmp(kind, "warning") == 0 ? "warning: " : "",
			name ? name : "", name ? ": " : "", text);
}

void report_failure(struct report *report, const char *name, const struct failure *failure)
{
	char text[LINE_SIZE], key[200];
	const char *kind = kind_names[failure->kind];

	masking_text(report->masking, failure->text, text, sizeof text);
	(void)snprintf(key, sizeof key, "%s %s", name ? name : "run",
		failure->code[0] ? failure->code : kind);
	if (!report->failed)
		report->worst = *failure;
	report->failed = true;
	tell(report, kind, failure->code, name, text,
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

void report_ended(struct report *report)
{
	struct state *state = report->state;
	size_t kept = 0;

	for (size_t i = 0; state && i < state->told_count; i++) {
		struct told *told = &state->told[i];
		char since[TIME_TEXT];

		if (told->present) {
			state->told[kept++] = *told;
			continue;
		}
		time_format(told->since, since);
		if (told->failure && (told->at || !report->cron))
			fprintf(details(report), "ringspool-renew: well again: %s (since %s)\n",
				told->key, since);
		free(told->key);
	}
	if (state)
		state->told_count = kept;
}
