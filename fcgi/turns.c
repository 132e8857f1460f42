#include "turns.h"

#include "clock.h"

enum {
	AVERAGED = 16,		/* turns that the average looks back upon: one of each thread */
	FORGOTTEN_MS = 1000	/* what was before such a pause tells nothing */
};

void turns_init(struct turns *turns, unsigned most)
{
	*turns = (struct turns){ .most = most };
	pthread_mutex_init(&turns->mutex, NULL);
}

void turns_destroy(struct turns *turns)
{
	pthread_mutex_destroy(&turns->mutex);
}

/* Whether one more may hope for a turn in time; the mutex is held.  Nothing
 * has moved for a while: then a turn takes at least that long. */
static bool is_worth_waiting(const struct turns *turns, int64_t now)
{
	int64_t still = now - turns->moved, each = turns->average / AVERAGED;

	if (each < still)
		each = still;
	return still < TURNS_WAIT_MS
		&& (turns->queued + 1) * each <= (int64_t)TURNS_WAIT_MS * turns->most;
}

/* One slow turn tells nothing, for it may have opened a spool; two in a row do. */
static void learn(struct turns *turns, int64_t took)
{
	int64_t counted = took < turns->previous ? took : turns->previous;

	turns->previous = took;
	turns->average += counted - turns->average / AVERAGED;
}

static void append(struct turns *turns, struct waiting *waiting)
{
	if (turns->first)
		turns->last->next = waiting;
	else
		turns->first = waiting;
	turns->last = waiting;
	turns->queued++;
}

static struct waiting *remove_first(struct turns *turns)
{
	struct waiting *first = turns->first;

	if (first) {
		turns->first = first->next;
		turns->queued--;
	}
	return first;
}

enum turn turns_take(struct turns *turns, struct waiting *waiting)
{
	enum turn turn = TURN_REFUSED;
	int64_t now = clock_milliseconds();

	*waiting = (struct waiting){ .since = now };
	pthread_mutex_lock(&turns->mutex);
	if (turns->taken == 0 && now - turns->moved > FORGOTTEN_MS)
		turns->average = turns->previous = 0;
	if (turns->taken < turns->most) {
		/* Nobody waits: turns are passed on before they are given back. */
		turns->taken++;
		turns->moved = now;
		turn = TURN_TAKEN;
	} else if (is_worth_waiting(turns, now)) {
		append(turns, waiting);
		turn = TURN_QUEUED;
	}
	pthread_mutex_unlock(&turns->mutex);
	return turn;
}

struct waiting *turns_pass(struct turns *turns, int64_t took)
{
	struct waiting *next;

	pthread_mutex_lock(&turns->mutex);
	if (took >= 0)
		learn(turns, took);
	turns->moved = clock_milliseconds();
	next = remove_first(turns);
	if (!next)
		turns->taken--;
	pthread_mutex_unlock(&turns->mutex);
	return next;
}

static int64_t time_left(const struct waiting *waiting)
{
	return waiting->since + TURNS_LATE_MS - clock_milliseconds();
}

bool turns_is_late(const struct waiting *waiting)
{
	return time_left(waiting) <= 0;
}

struct waiting *turns_late(struct turns *turns, int *patience)
{
	struct waiting *late = NULL;

	*patience = -1;
	pthread_mutex_lock(&turns->mutex);
	if (turns->first) {
		int64_t left = time_left(turns->first);

		if (left <= 0)
			late = remove_first(turns);
		else
			*patience = (int)left;
	}
	pthread_mutex_unlock(&turns->mutex);
	return late;
}
