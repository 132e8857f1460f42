#include "queue.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "clock.h"
#include "job.h"

enum {
	WAITING_MAX = 16384,
	DUE_MAX = 4096,
	SHARE = 10,		/* one part in ten of the time for reading again */
	/* No event is due later than this; what seems so was put there by a
	 * clock that was wrong. */
	DUE_MAX_SECONDS = JOB_DELAY_MAX + JOB_DELAY_MAX / 4 + 60
};

int queue_init(struct queue *queue, struct spools *spools, const char *event,
	queue_unreadable *unreadable, void *context, struct reason *why)
{
	*queue = (struct queue){ .spools = spools, .unreadable = unreadable,
		.context = context };
	select_init(&queue->selection, STATES_ALL);
	queue->selection.event = event;
	for (int i = 0; i < LANE_COUNT; i++)
		queue->lanes[i].again = true;
	return oldest_init(&queue->lanes[LANE_WAITING].list, WAITING_MAX, why) < 0
		|| oldest_init(&queue->lanes[LANE_BEHIND].list, WAITING_MAX, why) < 0
		|| oldest_init(&queue->lanes[LANE_DUE].list, DUE_MAX, why) < 0 ? -1 : 0;
}

void queue_free(struct queue *queue)
{
	for (int i = 0; i < LANE_COUNT; i++)
		oldest_free(&queue->lanes[i].list);
}

void queue_note(struct queue *queue, enum queue_lane lane)
{
	queue->lanes[lane].again = true;
}

void queue_note_due(struct queue *queue, time_t due)
{
	if (queue->next_due == 0 || due < queue->next_due)
		queue->next_due = due;
}

static void restart(struct lane *lane, bool resume)
{
	oldest_restart(&lane->list, resume);
	lane->first = lane->at = 0;
}

void queue_rewind(struct queue *queue)
{
	for (int i = 0; i < LANE_COUNT; i++)
		queue->lanes[i].at = queue->lanes[i].first;
}

void queue_note_passed(struct queue *queue)
{
	queue_note(queue, LANE_BEHIND);
}

/* Used-up items may be in the middle of a lane, after others were passed over. */
static struct picked *head(struct lane *lane)
{
	while (lane->at < lane->list.count && lane->list.items[lane->at].used)
		lane->at++;
	return lane->at < lane->list.count ? &lane->list.items[lane->at] : NULL;
}

struct picked *queue_next(struct queue *queue)
{
	struct picked *waiting = head(&queue->lanes[LANE_WAITING]);
	struct picked *due = head(&queue->lanes[LANE_DUE]);

	if (!waiting)
		waiting = head(&queue->lanes[LANE_BEHIND]);
	if (!waiting || !due)
		return waiting ? waiting : due;
	return entry_compare(&waiting->entry, &due->entry) <= 0 ? waiting : due;
}

bool queue_is_behind(const struct queue *queue, const struct picked *picked)
{
	const struct oldest *list = &queue->lanes[LANE_BEHIND].list;

	return picked >= list->items && picked < list->items + list->count;
}

static struct lane *lane_of(struct queue *queue, const struct picked *picked)
{
	return &queue->lanes[picked->entry.state == STATE_RETRYING ? LANE_DUE
		: queue_is_behind(queue, picked) ? LANE_BEHIND : LANE_WAITING];
}

void queue_pass(struct queue *queue, struct picked *picked)
{
	lane_of(queue, picked)->at++;
}

void queue_use(struct queue *queue, struct picked *picked)
{
	struct lane *lane = lane_of(queue, picked);

	picked->used = true;
	lane->at++;
	while (lane->first < lane->at && lane->list.items[lane->first].used)
		lane->first++;
}

static bool is_due(const struct entry *entry, time_t now)
{
	return entry->due <= now || entry->due > now + DUE_MAX_SECONDS;
}

static int collect(void *context, struct states *states, const struct entry *entry)
{
	struct queue *queue = context;
	struct envelope envelope;
	int matches;

	if (entry->state == STATE_RETRYING && !is_due(entry, time(NULL))) {
		queue_note_due(queue, entry->due);
		return 0;
	}
	matches = select_matches(&queue->selection, states, entry, &envelope, queue->why);
	if (matches > 0)
		oldest_add(&queue->lanes[queue->filling].list, states, entry);
	if (matches >= 0)
		return 0;
	if (states_is_shortage(errno))
		return -1;
	queue->unreadable(queue->context, entry, queue->why);
	return 0;
}

/* Collects what a lane is to hold. */
static int fill_lane(struct queue *queue, enum queue_lane which, struct reason *why)
{
	enum entry_state state = which == LANE_DUE ? STATE_RETRYING : STATE_WAITING;

	if (which == LANE_DUE)
		queue->next_due = 0;
	queue->filling = which;
	queue->why = why;
	for (unsigned i = 0; i < queue->spools->count; i++) {
		struct states *states = queue->spools->states[i];

		if (states && states_each_in(states, state, NULL, collect, queue,
		    NULL, why) < 0)
			return -1;
	}
	return 0;
}

/* What LANE_BEHIND is behind has changed.  It goes on with what is there now, as
 * a part of the same reading, or one that is read ever again would starve it. */
static void empty_behind(struct queue *queue)
{
	restart(&queue->lanes[LANE_BEHIND], false);
	queue->lanes[LANE_BEHIND].list.more = true;
}

/* What was collected before an error is in no order: it is dropped, and all
 * of it is to be read again. */
static int read_lane(struct queue *queue, enum queue_lane which, bool resume,
	struct reason *why)
{
	struct lane *lane = &queue->lanes[which];
	bool anew = !resume || lane->list.count == 0;

	queue->behind_anew = which == LANE_BEHIND && anew;
	restart(lane, resume);
	if (queue->behind_anew)
		oldest_restart_behind(&lane->list, &queue->lanes[LANE_WAITING].list);
	if (which == LANE_WAITING)
		empty_behind(queue);
	if (anew)
		lane->again = false;
	if (fill_lane(queue, which, why) < 0) {
		restart(lane, false);
		lane->again = true;
		return -1;
	}
	oldest_sort(&lane->list);
	return 0;
}

void queue_end_round(struct queue *queue)
{
	int64_t now = clock_milliseconds();

	if (queue->began > 0) {
		queue->spent += now - queue->began;
		queue->not_before = now + (SHARE - 1) * queue->spent;
	}
	queue->began = 0;
}

/* Whether the round passed over events up to the end of what LANE_WAITING could
 * hold: only then LANE_BEHIND is read. */
static bool has_row(const struct queue *queue)
{
	const struct lane *waiting = &queue->lanes[LANE_WAITING];

	return waiting->list.more && waiting->first < waiting->at
		&& waiting->at == waiting->list.count;
}

/* Whether a lane goes on where it ended for want of room: LANE_BEHIND leaves
 * behind what it passed over, until it is read from its beginning again. */
static bool wants_going_on(const struct queue *queue, int which)
{
	const struct lane *lane = &queue->lanes[which];

	if (which == LANE_BEHIND)
		return has_row(queue) && lane->list.more && lane->at == lane->list.count;
	return lane->list.more && lane->first == lane->list.count;
}

static bool wants_reading_again(const struct queue *queue, int which)
{
	const struct lane *lane = &queue->lanes[which];

	if (which == LANE_BEHIND)
		return has_row(queue) && lane->again && !lane->list.more;
	return lane->again;
}

int queue_read(struct queue *queue, struct reason *why)
{
	int64_t now = clock_milliseconds();
	int result = 0;

	queue->behind_anew = false;
	if (queue->next_due > 0 && queue->next_due <= time(NULL))
		queue_note(queue, LANE_DUE);
	for (int i = 0; i < LANE_COUNT; i++) {
		bool resume = wants_going_on(queue, i);

		if (!resume && !(wants_reading_again(queue, i) && now >= queue->not_before))
			continue;
		if (read_lane(queue, (enum queue_lane)i, resume, why) < 0)
			return -1;
		if (!resume)
			queue->spent = 0;
		if (!resume || i == LANE_BEHIND)
			queue->began = now;
		result = 1;
	}
	return result;
}

bool queue_wants_reading(const struct queue *queue)
{
	for (int i = 0; i < LANE_COUNT; i++)
		if (wants_reading_again(queue, i) || wants_going_on(queue, i))
			return true;
	return queue->next_due > 0 && queue->next_due <= time(NULL);
}

int64_t queue_wait(const struct queue *queue)
{
	int64_t now = clock_milliseconds();
	time_t clock = time(NULL);

	for (int i = 0; i < LANE_COUNT; i++)
		if (wants_going_on(queue, i))
			return 0;
	if (queue_wants_reading(queue))
		return queue->not_before > now ? queue->not_before - now : 0;
	if (queue->next_due > 0)
		return (queue->next_due - clock) * 1000;
	return -1;
}
