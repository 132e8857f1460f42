/*
 * turns: who may be at the spools, and who waits for it.
 *
 * A disk holds every thread that touches it for as long as it likes.  So only
 * some threads are let in at once; the others answer what needs no disk, such
 * as the handshake.  A request that finds all turns taken holds no thread: it
 * is put into a queue, from which whoever leaves takes the next one along.
 *
 * RingCentral gives up after three seconds: what would wait longer than
 * TURNS_WAIT_MS is refused when it comes, for it would be stored late, and
 * would make all that follow late as well.  The wait is foreseen by Little's
 * law: behind q others, with t turns of s milliseconds, it is (q + 1) * s / t.
 * So 15 turns of 20 ms let 749 wait, 15 turns of 400 ms let 36 wait.  What has
 * waited for TURNS_LATE_MS all the same, because the disk has become slower,
 * or hangs, is to be refused then.
 */
#ifndef RINGSPOOL_TURNS_H
#define RINGSPOOL_TURNS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum { TURNS_WAIT_MS = 1000, TURNS_LATE_MS = 1500 };

/* What waits; a member of something of the caller's. */
struct waiting {
	struct waiting *next;
	int64_t since;		/* clock_milliseconds() */
};

struct turns {
	pthread_mutex_t mutex;
	unsigned taken, most;
	unsigned queued;
	struct waiting *first, *last;	/* of the queue */
	int64_t average;	/* milliseconds a turn takes of late, times AVERAGED */
	int64_t previous;	/* milliseconds that the last turn took */
	int64_t moved;		/* when a turn was last taken, passed on or given back */
};

enum turn { TURN_TAKEN, TURN_QUEUED, TURN_REFUSED };

/* `most` turns at once. */
void turns_init(struct turns *turns, unsigned most);
void turns_destroy(struct turns *turns);

/* A turn, a place in the queue, or neither.  A queued `waiting` comes back from
 * turns_pass() or turns_late(), to whichever thread calls them. */
enum turn turns_take(struct turns *turns, struct waiting *waiting);

/* Gives back a turn that took so many milliseconds, -1 where that tells nothing
 * of the disk.  If somebody waits, the turn is passed on: the caller has it
 * again, for the one returned.  Else NULL. */
struct waiting *turns_pass(struct turns *turns, int64_t took);

/* Whether it has waited too long. */
bool turns_is_late(const struct waiting *waiting);

/* One that has waited too long, without a turn; NULL: none, and not within
 * *patience milliseconds either, -1 where nobody waits.  Who queues something
 * asks again within that time: then somebody does while all turns hang. */
struct waiting *turns_late(struct turns *turns, int *patience);

#endif
