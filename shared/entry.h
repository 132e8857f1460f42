/*
 * entry: an event's file in the spool, as the operator's tool sees it: the
 * states an event can be in, and what a file's name says.
 *
 *	state		directory	file
 *	waiting		new/		NAME.json
 *	running		work/		NAME.ATTEMPT.json
 *	retrying	retry/		NAME.ATTEMPT.DUE.json
 *	held		held/		NAME.json
 *	failed		failed/		NAME.ATTEMPT.REASON.json
 *	done		done/YYYY-MM-DD/ NAME.json
 *	bad		bad/		NAME
 *
 * ATTEMPT is the number of the last try that began, DUE the time of the next
 * in seconds since 1970, REASON a word such as exit-1, signal-9 or timeout.
 * All of an event's state is in its directory and name, so that one
 * rename(2) changes it, and no second file can be missing.  Where a name is
 * taken already in held/, failed/ or done/ a last field cN tells the two
 * apart.  What a person put there by mv counts: the fields may be absent, and
 * those of another state are ignored; the next rename gives the state's own.
 *
 * NAME is what the receiver made of the event's identity (event.h); here
 * every [A-Za-z0-9_][A-Za-z0-9_-]* that is short enough is one.
 */
#ifndef RINGSPOOL_ENTRY_H
#define RINGSPOOL_ENTRY_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "spool.h"

enum entry_state {
	STATE_WAITING,
	STATE_RUNNING,
	STATE_RETRYING,
	STATE_HELD,
	STATE_FAILED,
	STATE_DONE,
	STATE_BAD,
	STATE_COUNT
};

/* A set of states: 1u << state, or'ed. */
#define STATE_BIT(state) (1u << (state))
#define STATES_ALL ((1u << STATE_COUNT) - 1)

enum {
	ENTRY_REASON_SIZE = 20,
	ENTRY_DAY_SIZE = sizeof "YYYY-MM-DD",
	/* NAME, an attempt, a time, a reason or cN: each with its dot. */
	ENTRY_FILE_SIZE = SPOOL_NAME_SIZE + 11 + 13 + ENTRY_REASON_SIZE + 4 + sizeof ".json"
};

struct entry {
	enum entry_state state;
	char file[ENTRY_FILE_SIZE];	/* its name in its directory */
	char name[SPOOL_NAME_SIZE];	/* NAME */
	char day[ENTRY_DAY_SIZE];	/* done: the directory below done/; else "" */
	char reason[ENTRY_REASON_SIZE];	/* failed: why, "" unknown; else "" */
	unsigned attempt;		/* tries begun so far */
	time_t due;			/* retrying: not before; else 0 */
	struct timespec received;	/* mtime: when the receiver took it in */
	struct timespec since;		/* ctime: in this state since; later, where
					 * somebody changed owner or mode */
	uint64_t size;			/* bytes */
};

/* "waiting", "running", ...; and the state of such a word, or -1. */
const char *entry_state_name(enum entry_state state);
int entry_state_named(const char *word);

/* The directory below SPOOL. */
const char *entry_state_directory(enum entry_state state);

/* Reads a file's name: fills state, file, name, reason, attempt and due, and
 * empties the rest.  False: this is no event's file. */
bool entry_parse(struct entry *entry, enum entry_state state, const char *file);

/* Writes entry->file after state, name, attempt, due and reason; `clash` of 2
 * or more is the N of cN. */
void entry_format(struct entry *entry, unsigned clash);

/* Orders by time of receipt, then by name: <0, 0 or >0. */
int entry_compare(const struct entry *a, const struct entry *b);

/* Takes what a person types for an event - NAME, or its file's name, with or
 * without a directory before it - and writes NAME.  False: no name at all. */
bool entry_name_from_word(char name[SPOOL_NAME_SIZE], const char *word);

#endif
