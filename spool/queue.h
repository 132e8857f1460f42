/*
 * queue: which event `run` takes next - the oldest that is waiting, or whose
 * time to be tried again has come.
 *
 * There are two lanes: what waits in new/, and what is due in retry/.  Each
 * holds the oldest of its directory, a bounded number, read by a walk through
 * it.  A lane is read again when it is used up and something may have changed,
 * or goes on behind its last event where there was more than it could hold.
 * So a million waiting events cost a walk each few thousand, and no memory.
 *
 * A long row of waiting events that all are passed over, round after round,
 * fills its lane and is never used up.  So that it does not hide what comes
 * behind it, a third lane goes through that, a lane's length at a time.
 *
 * Between two events of a walk anything may happen to the files; that an
 * event is ours is known only by its claim.
 */
#ifndef RINGSPOOL_QUEUE_H
#define RINGSPOOL_QUEUE_H

#include "log.h"
#include "oldest.h"
#include "select.h"
#include "spools.h"

enum queue_lane {
	LANE_WAITING,
	LANE_DUE,
	LANE_BEHIND,	/* what waits, but behind all of LANE_WAITING */
	LANE_COUNT
};

/* Told of an event that is left out, since its file cannot be read to see
 * whether it matches. */
typedef void queue_unreadable(void *context, const struct entry *entry,
	const struct reason *why);

struct lane {
	struct oldest list;
	size_t first;		/* all before it are used up */
	size_t at;		/* where the present round is */
	bool again;		/* something may have changed */
};

struct queue {
	struct spools *spools;
	struct selection selection;	/* its `event` narrows */
	struct lane lanes[LANE_COUNT];
	time_t next_due;	/* the earliest event in retry/; 0: none */
	enum queue_lane filling;
	bool behind_anew;	/* the last reading began LANE_BEHIND from its beginning */
	int64_t began;		/* of the reading before this round; 0: none */
	int64_t spent;		/* on this reading again and the rounds behind it, so far */
	int64_t not_before;	/* of the next reading */
	struct reason *why;	/* of the walk at hand */
	queue_unreadable *unreadable;
	void *context;		/* its own */
};

/* `event` is a glob or NULL.  0, or -1 with *why filled; free it in both
 * cases. */
int queue_init(struct queue *queue, struct spools *spools, const char *event,
	queue_unreadable *unreadable, void *context, struct reason *why);
void queue_free(struct queue *queue);

/* Something may have changed in a lane's directory. */
void queue_note(struct queue *queue, enum queue_lane lane);

/* An event went to retry/ until `due`. */
void queue_note_due(struct queue *queue, time_t due);

/* What was passed over may be startable by now. */
void queue_note_passed(struct queue *queue);

/* Whether an event comes behind all of LANE_WAITING, and what was passed over
 * before it may not be there any more to be met. */
bool queue_is_behind(const struct queue *queue, const struct picked *picked);

/* Begins a round at the oldest event. */
void queue_rewind(struct queue *queue);

/* The next of this round, or NULL; then one of the two says what became of
 * it: it is used up, or only passed over in this round. */
struct picked *queue_next(struct queue *queue);
void queue_use(struct queue *queue, struct picked *picked);
void queue_pass(struct queue *queue, struct picked *picked);

/* Ends the round. */
void queue_end_round(struct queue *queue);

/* Reads the lanes that want it, after a round went to its end.  Reading again,
 * as opposed to going on behind what was used up, and the rounds after it, which
 * open files, take a tenth of the time at most; until then it waits.  Returns 1
 * when something was read, 0 when not, or -1 with *why filled. */
int queue_read(struct queue *queue, struct reason *why);

/* Whether a lane is to be read, now or when its time has come. */
bool queue_wants_reading(const struct queue *queue);

/* The milliseconds until queue_read() may have something to do without
 * anything happening: 0 now, -1 never. */
int64_t queue_wait(const struct queue *queue);

#endif
