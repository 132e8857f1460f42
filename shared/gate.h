/*
 * gate: how many threads may be in the spools at once.
 *
 * A disk that hangs holds every thread that touches it, beyond any time
 * limit.  The gate keeps some threads out, so that the handshake, which needs
 * no disk, is answered all the same, and events are refused early instead of
 * queueing behind a disk that does not move.
 */
#ifndef RINGSPOOL_GATE_H
#define RINGSPOOL_GATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct gate {
	pthread_mutex_t mutex;
	pthread_cond_t left;	/* somebody left */
	unsigned inside, most;
	int64_t last_left;	/* clock_milliseconds() */
};

/* Lets `most` threads in at once. */
void gate_init(struct gate *gate, unsigned most);
void gate_destroy(struct gate *gate);

/* Enters; where it is full, waits for a second at most, and not at all when
 * nobody has left it for a second.  False: refused.  A NULL gate lets
 * everybody in. */
bool gate_enter(struct gate *gate);
void gate_leave(struct gate *gate);

#endif
