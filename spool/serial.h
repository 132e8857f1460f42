/*
 * serial: events of one key - owner, subscription or event - run one after the
 * other, in the order of their receipt, whichever `run` takes them.
 *
 * Whoever starts an event of a key has locked the key, until the event is out of
 * work/ again: a byte of the file work/.serial of the first spool, by an open
 * file description for each.  What holds then:
 *
 *  - nobody else starts an event of this key, or moves one between work/ and
 *    retry/ while we look there;
 *  - so if an older event of the key is not to be overtaken, it is seen in
 *    retry/ (it failed, and its time has not come) or in work/ (its `run` was
 *    killed; its command may live on) by looking after the lock was taken;
 *  - the spools that are open may change meanwhile, and with them the first:
 *    so any event of the key in work/, an older or a younger one, is waited for
 *    or recovered;
 *  - an older one in new/ was met before in the round, since a round goes from
 *    the oldest on; where it could not be started, its key is blocked for the
 *    rest of the round.  What the queue goes through behind all that it holds
 *    has blocked keys of its own, from the beginning of that on.
 *
 * Events without the member, and bodies that are no events, have no key and
 * wait for nobody.  A held event is out of the order, and so is one whose file
 * cannot be read.
 */
#ifndef RINGSPOOL_SERIAL_H
#define RINGSPOOL_SERIAL_H

#include "oldest.h"
#include "spools.h"

enum serial_by {
	SERIAL_NONE,
	SERIAL_OWNER,
	SERIAL_SUBSCRIPTION,
	SERIAL_EVENT
};

struct serial;

/* NULL with *why filled.  One serves until the spools are closed. */
struct serial *serial_open(struct spools *spools, enum serial_by by,
	struct reason *why);
void serial_close(struct serial *serial);

/* Begins a round: no key is blocked. */
void serial_begin_round(struct serial *serial);

/* Begins with what is behind all events of the round that went to its end: the
 * keys that this blocked stay blocked for those, and so do those that they
 * block.  0, or -1 with *why filled. */
int serial_begin_behind(struct serial *serial, struct reason *why);

enum serial_result {
	SERIAL_FREE,	/* it may start; *key is the lock, or -1 for no key */
	SERIAL_BLOCKED,	/* not in this round */
	SERIAL_BUSY,	/* the same: another has locked the key, and nobody tells when it is free */
	SERIAL_STRANDED,	/* the same: one is in work/ and may want recovery */
	SERIAL_GONE,	/* the event is not there any more */
	SERIAL_UNREADABLE,	/* its file cannot be read, so its key is unknown; *why is filled */
	SERIAL_FAILED	/* *why is filled */
};

/* Whether an event may be started now.  SERIAL_FREE: *key is the caller's,
 * who closes it after the event was moved to where it belongs. */
enum serial_result serial_try(struct serial *serial, struct picked *picked,
	bool behind, int *key, struct reason *why);

/* Blocks the event's key for the rest of the round.  0, or -1 with *why
 * filled. */
int serial_block(struct serial *serial, const struct picked *picked, bool behind,
	struct reason *why);

#endif
