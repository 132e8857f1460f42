/*
 * row: an event in one line, as list and follow print it: a row of a table,
 * or a JSON object with the same keys for every event (JSON Lines).
 *
 * An entry without time of receipt was taken by a consumer before it could be
 * looked at: its state is shown as "taken".
 */
#ifndef RINGSPOOL_ROW_H
#define RINGSPOOL_ROW_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "event.h"
#include "states.h"

/* Reads what an event's file says; the envelope stays empty where it cannot
 * be read, is gone, or is no event. */
void row_read_envelope(struct states *states, const struct entry *entry,
	struct envelope *envelope);

/* Prints one line of JSON. */
void row_print_json(const char *spool, const struct entry *entry,
	const struct envelope *envelope, time_t now);

/* A table, printed some rows at a time so that the columns fit what is in
 * them; a row is never longer than its texts. */
struct table;

/* NULL: out of memory.  `at_once` rows are kept back; 1 prints each at once. */
struct table *table_new(size_t at_once, time_t now);
void table_add(struct table *table, const struct entry *entry,
	const struct envelope *envelope);
/* The times that follow are told as of `now`. */
void table_set_time(struct table *table, time_t now);
/* Prints what is left, and frees it. */
void table_end(struct table *table);

/* Writes the path of an event's file. */
enum { ROW_PATH_SIZE = PATH_MAX + ENTRY_DAY_SIZE + ENTRY_FILE_SIZE + 16 };
void row_path(char out[ROW_PATH_SIZE], const char *spool, const struct entry *entry);

/* Writes the moment of a timespec with milliseconds, in UTC. */
enum { ROW_TIME_SIZE = 40 };
void row_time(char out[ROW_TIME_SIZE], const struct timespec *when);

#endif
