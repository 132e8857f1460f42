/*
 * states: what the operator's tool does with the events of one spool.  The
 * receiver only fills new/ and bad/; the other states of entry.h are
 * directories beside them, made here when first needed.
 *
 * Invariants, at every kill and power cut:
 *
 *  1. An event's file has one name.  Every change is one rename(2), between
 *     two directories of one file system: the event is in the old state or in
 *     the new one.
 *  2. Whoever moves or removes a file holds its lock: flock(2) on the file
 *     itself, taken by states_claim() *before* the move.  So a file is locked
 *     from the moment its name appears in work/ until it left it, and no two
 *     programs take one event.
 *  3. The lock belongs to the open file description, which the command that
 *     runs for an event inherits: it lasts until run and command are both
 *     gone.  A file in work/ that can be locked is therefore nobody's; it was
 *     interrupted, and is tried again.
 *  4. Consumers that know nothing of this take from new/ by plain rename(2)
 *     or unlink(2).  A claim proves nothing against them, so a move that
 *     finds the name gone is no error, and after a move into work/ what was
 *     moved is compared with what was locked.
 *
 * A move needs no fsync(2) to keep the event: after a power cut it is in
 * either state, and each leads on.  states_sync() makes moves final; what must
 * not be undone (a command that succeeded) is reported only after it.
 *
 * A struct states serves one thread.
 */
#ifndef RINGSPOOL_STATES_H
#define RINGSPOOL_STATES_H

#include <limits.h>

#include "entry.h"
#include "event.h"
#include "reason.h"
#include "spool.h"

struct states;

/* Opens the spool at `path` as spool_open() does.  NULL with *why filled;
 * free with states_close(), which takes NULL as well. */
struct states *states_open(const char *path, unsigned seen_days, struct reason *why);
void states_close(struct states *states);

const char *states_path(const struct states *states);

/* The receiver's side of it: spool_store(), spool_is_current(). */
struct spool *states_spool(struct states *states);

/* The directory an entry is in, made with `make` if it is missing; owned by
 * *states and good until the next call.  -1 with *why filled; errno is
 * ENOENT where it does not exist. */
int states_directory(struct states *states, const struct entry *entry, bool make,
	struct reason *why);

/* Called for an event; other than 0 ends the walk. */
typedef int states_visit(void *context, struct states *states,
	const struct entry *entry);

/* What lies in the directories of events and can be none: a link, a directory,
 * another name.  Hidden files do not count. */
struct strange {
	uint64_t count;
	char example[PATH_MAX + NAME_MAX];	/* the path of one; "" none */
};

/* Calls `visit` for every event in the states `which` (STATE_BITs), in no
 * order.  What can be none is left out and noted in *strange (may be NULL).
 * Events come and go meanwhile: one that changes its state may be met twice, or
 * not at all.  Returns 0, what `visit` returned other than 0, or -1 with *why
 * filled. */
int states_each(struct states *states, unsigned which, states_visit *visit,
	void *context, struct strange *strange, struct reason *why);

/* The same for one directory: a state, or one day (YYYY-MM-DD) of done/. */
int states_each_in(struct states *states, enum entry_state state, const char *day,
	states_visit *visit, void *context, struct strange *strange, struct reason *why);

/* Calls `visit` with the name of each day below done/; the rest is strange. */
int states_each_day(struct states *states, int (*visit)(void *context,
	struct states *states, const char *day), void *context,
	struct strange *strange, struct reason *why);

/* The day of a time, as done/ names it (UTC). */
void states_day(char day[ENTRY_DAY_SIZE], time_t when);

/* Removes a day of done/ if nothing is in it. */
void states_remove_day(struct states *states, const char *day);

/* Opens an event's file for reading, closed on exec: a regular file, no link
 * followed.  -1 with *why filled; errno is ENOENT when it is gone. */
int states_open_file(struct states *states, const struct entry *entry,
	struct reason *why);

/* Whether an errno tells of a want of the whole system, and not of one file. */
bool states_is_shortage(int err);

/* Reads all of an open file, from its beginning and without moving its
 * offset.  The caller frees it; NULL with *why filled.  A file larger than
 * STATES_READ_MAX is refused: it costs more than event_read() may take.  errno
 * says why it cannot be read. */
#define STATES_READ_MAX ((size_t)64 << 20)
char *states_read(int fd, size_t *size, struct reason *why);

/* The envelope of an open file, from its beginning and without moving its
 * offset.  0, or with *why filled -1 when it is no event or too large to look
 * into, -2 when it cannot be read; *envelope is empty then. */
int states_read_envelope(int fd, struct envelope *envelope, struct reason *why);

/* An event that is ours to move. */
struct claim {
	struct states *states;
	struct entry entry;	/* where it is; a move changes it */
	int fd;			/* its file, locked; closed on exec */
};

enum claim_result {
	CLAIM_OURS,
	CLAIM_BUSY,	/* another has it, or its command still runs */
	CLAIM_GONE,	/* it is not there any more, or is no regular file */
	CLAIM_FAILED	/* *why is filled */
};

/* Locks an event's file.  End CLAIM_OURS with states_release(). */
enum claim_result states_claim(struct claim *claim, struct states *states,
	const struct entry *entry, struct reason *why);
void states_release(struct claim *claim);

/* Where an event goes. */
struct target {
	enum entry_state state;	/* any but STATE_BAD */
	unsigned attempt;	/* running, retrying, failed */
	time_t due;		/* retrying */
	const char *reason;	/* failed: a word of [a-z0-9-] */
};

enum move_result {
	MOVE_DONE,
	MOVE_GONE,	/* somebody took it by plain rename or unlink */
	MOVE_CLASH,	/* to waiting or running: another of this name is there */
	MOVE_FAILED	/* it is where it was; *why is filled */
};

/* Moves a claimed event.  `done` goes to the present day. */
enum move_result states_move(struct claim *claim, const struct target *target,
	struct reason *why);

/* Removes a claimed event for good: MOVE_DONE, MOVE_GONE or MOVE_FAILED. */
enum move_result states_remove(struct claim *claim, struct reason *why);

/* Makes all moves and removals since the last call durable.  -1 with *why
 * filled: the spool must then be closed, and opened anew. */
int states_sync(struct states *states, struct reason *why);

#endif
