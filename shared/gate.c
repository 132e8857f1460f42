#include "gate.h"

#include "clock.h"

enum { PATIENCE_MS = 1000 };

void gate_init(struct gate *gate, unsigned most)
{
	pthread_condattr_t attributes;

	*gate = (struct gate){ .most = most, .last_left = clock_milliseconds() };
	pthread_mutex_init(&gate->mutex, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&gate->left, &attributes);
	pthread_condattr_destroy(&attributes);
}

void gate_destroy(struct gate *gate)
{
	pthread_cond_destroy(&gate->left);
	pthread_mutex_destroy(&gate->mutex);
}

/* Waits until somebody leaves, or there is no hope of it; the mutex is held. */
static bool wait_for_room(struct gate *gate)
{
	int64_t until = clock_milliseconds() + PATIENCE_MS;
	struct timespec deadline = { .tv_sec = (time_t)(until / 1000),
		.tv_nsec = (long)(until % 1000) * 1000000 };

	while (gate->inside >= gate->most)
		if (clock_milliseconds() - gate->last_left >= PATIENCE_MS
		    || pthread_cond_timedwait(&gate->left, &gate->mutex, &deadline) != 0)
			return gate->inside < gate->most;
	return true;
}

bool gate_enter(struct gate *gate)
{
	bool entered;

	if (!gate)
		return true;
	pthread_mutex_lock(&gate->mutex);
	/* Who enters an empty gate is the first whose leaving is waited for. */
	if (gate->inside == 0)
		gate->last_left = clock_milliseconds();
	entered = wait_for_room(gate);
	if (entered)
		gate->inside++;
	pthread_mutex_unlock(&gate->mutex);
	return entered;
}

void gate_leave(struct gate *gate)
{
	if (!gate)
		return;
	pthread_mutex_lock(&gate->mutex);
	gate->inside--;
	gate->last_left = clock_milliseconds();
	pthread_cond_signal(&gate->left);
	pthread_mutex_unlock(&gate->mutex);
}
