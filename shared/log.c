#include "log.h"

#include <ctype.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	OUTSIDE_MAX_BYTES = 80,
	LINES_A_MINUTE = 10
};

/* systemd.exec(5): $JOURNAL_STREAM is the device and inode of the stream. */
static bool is_journal(const struct stat *output)
{
	const char *journal = getenv("JOURNAL_STREAM");
	char stream[64];

	if (!journal)
		return false;
	(void)snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)output->st_dev,
		(uintmax_t)output->st_ino);
	return strcmp(journal, stream) == 0;
}

void log_open(struct log *log, const char *program,
	enum log_destination destination, int level)
{
	struct stat output = { 0 };

	(void)fstat(STDERR_FILENO, &output);
	log->destination = destination;
	log->level = level;
	log->timestamps = !is_journal(&output);
	log->to_file = S_ISREG(output.st_mode);
	if (destination == LOG_TO_SYSLOG)
		openlog(program, LOG_PID, LOG_DAEMON);
}

/* Appends what fits, always leaving room for the newline. */
static void append(struct log_line *line, const char *text, size_t length)
{
	size_t room = sizeof line->text - 1 - line->used;

	if (length > room)
		length = room;
	memcpy(line->text + line->used, text, length);
	line->used += length;
}

static void append_string(struct log_line *line, const char *text)
{
	append(line, text, strlen(text));
}

static void begin_pair(struct log_line *line, const char *key)
{
	if (line->used > 0)
		append_string(line, " ");
	append_string(line, key);
	append_string(line, "=");
}

void log_begin(struct log_line *line, const struct log *log, int level,
	const char *what)
{
	line->log = level <= log->level ? log : NULL;
	line->level = level;
	line->used = 0;
	if (!line->log)
		return;
	if (log->destination == LOG_TO_STDERR && log->timestamps) {
		time_t now = time(NULL);
		struct tm utc;
		char text[32];

		begin_pair(line, "time");
		(void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ",
			gmtime_r(&now, &utc));
		append_string(line, text);
	}
	begin_pair(line, "result");
	append_string(line, what);
}

/* Whether a byte stands for itself: printable ASCII that cannot be taken for
 * an escape or the end of a quoted value. */
static bool is_plain(unsigned char c)
{
	return c < 0x80 && isprint(c) && c != '\\' && c != '"';
}

static void append_value(struct log_line *line, const char *value, size_t length)
{
	bool quoted = length == 0 || memchr(value, ' ', length)
		|| memchr(value, '=', length);

	if (quoted)
		append_string(line, "\"");
	for (size_t i = 0; i < length; i++) {
		char escape[8];

		if (is_plain((unsigned char)value[i])) {
			append(line, value + i, 1);
		} else {
			(void)snprintf(escape, sizeof escape, "\\x%02X",
				(unsigned)(unsigned char)value[i]);
			append_string(line, escape);
		}
	}
	if (quoted)
		append_string(line, "\"");
}

void log_text(struct log_line *line, const char *key, const char *value)
{
	if (!line->log)
		return;
	begin_pair(line, key);
	append_value(line, value, strlen(value));
}

void log_outside(struct log_line *line, const char *key, const char *value)
{
	if (!line->log)
		return;
	begin_pair(line, key);
	append_value(line, value, strnlen(value, OUTSIDE_MAX_BYTES));
}

void log_number(struct log_line *line, const char *key, uint64_t value)
{
	char text[24];

	if (!line->log)
		return;
	begin_pair(line, key);
	(void)snprintf(text, sizeof text, "%" PRIu64, value);
	append_string(line, text);
}

static bool is_ready(const struct log *log)
{
	struct pollfd output = { .fd = STDERR_FILENO, .events = POLLOUT };

	return log->to_file || (poll(&output, 1, 0) == 1 && output.revents & POLLOUT);
}

void log_end(struct log_line *line)
{
	if (!line->log)
		return;
	if (line->log->destination == LOG_TO_SYSLOG) {
		syslog(line->level, "%.*s", (int)line->used, line->text);
		return;
	}
	line->text[line->used++] = '\n';
	/* A log that cannot be written has nowhere left to be reported. */
	if (!is_ready(line->log)
	    || write(STDERR_FILENO, line->text, line->used) < 0)
		return;
}

bool log_allowed(struct log_limit *limit, unsigned *suppressed)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (limit->minute != now.tv_sec / 60) {
		limit->minute = now.tv_sec / 60;
		limit->lines = 0;
	}
	if (limit->lines >= LINES_A_MINUTE) {
		limit->suppressed++;
		return false;
	}
	limit->lines++;
	*suppressed = limit->suppressed;
	limit->suppressed = 0;
	return true;
}
