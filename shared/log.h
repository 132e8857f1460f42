/*
 * log: one line a time, key=value, to standard error or syslog(3).
 *
 * Standard error is what Apache, lighttpd and journald collect; a line goes
 * out in one write(2), so that lines of several threads and processes do not
 * mix.  Where it is a pipe that nobody reads, lines are dropped: a request does
 * not wait for the log.  Calling sequence:
 *
 *	struct log_line line;
 *
 *	log_begin(&line, log, LOG_INFO, "stored");
 *	log_outside(&line, "name", name);
 *	log_number(&line, "bytes", size);
 *	log_end(&line);
 *
 * No caller may log message contents, tokens, credentials or a query string.
 */
#ifndef RINGSPOOL_LOG_H
#define RINGSPOOL_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <syslog.h>
#include <time.h>

enum log_destination {
	LOG_TO_STDERR,
	LOG_TO_SYSLOG
};

struct log {
	enum log_destination destination;
	int level;		/* least urgent level that is written: LOG_ERR .. LOG_DEBUG */
	bool timestamps;	/* begin with time=; journald and syslog add their own */
	bool to_file;		/* which is always ready to be written */
};

struct log_line {
	const struct log *log;	/* NULL: below the level, nothing is collected */
	int level;
	size_t used;
	char text[2048];
};

/* Makes *log ready for `program` (a literal: syslog keeps the pointer). */
void log_open(struct log *log, const char *program,
	enum log_destination destination, int level);

/* Begins a line: `result=WHAT`. */
void log_begin(struct log_line *line, const struct log *log, int level,
	const char *what);

/* Adds key=value for a text of our own, such as a reason. */
void log_text(struct log_line *line, const char *key, const char *value);

/* Adds key=value for a text that came from outside: at most 80 bytes of it. */
void log_outside(struct log_line *line, const char *key, const char *value);

void log_number(struct log_line *line, const char *key, uint64_t value);

void log_end(struct log_line *line);

/* A limit for lines that anybody can cause: ten a minute for each receiver,
 * which is a thread of ringspool.fcgi; ringspool.cgi, a process a request, has
 * none. */
struct log_limit {
	time_t minute;		/* of the monotonic clock */
	unsigned lines;		/* written in that minute */
	unsigned suppressed;	/* not written since the last that was */
};

/* Whether a line may be written now.  If so, and lines were held back before
 * it, *suppressed says how many. */
bool log_allowed(struct log_limit *limit, unsigned *suppressed);

#endif
