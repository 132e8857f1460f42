/*
 * oldest: the oldest K of any number of events, in memory for K.
 *
 *	oldest_init(&oldest, K, &why);
 *	for each event: oldest_add(&oldest, states, &entry);
 *	oldest_sort(&oldest);
 *	... oldest.items[0 .. count - 1], oldest first ...
 *	oldest_free(&oldest);
 *
 * Where `more` is set there were more than K: those behind the last item come
 * by another walk with `after` set to a copy of it.
 */
#ifndef RINGSPOOL_OLDEST_H
#define RINGSPOOL_OLDEST_H

#include <stdbool.h>
#include <stddef.h>

#include "states.h"

/* An event and the spool it is in. */
struct picked {
	struct states *states;
	struct entry entry;
	uint64_t mark;		/* the user's; 0 at first */
	bool used;		/* the user's; false at first */
};

struct oldest {
	struct picked *items;
	size_t count, capacity;
	bool more;		/* events were left out for want of room */
	bool resumed;		/* only what comes behind `after` is wanted */
	struct picked after;
};

/* 0, or -1 with *why filled when memory is short; free it in both cases. */
int oldest_init(struct oldest *oldest, size_t capacity, struct reason *why);
void oldest_free(struct oldest *oldest);

/* Empties it for another walk; with `resume`, for what comes behind the last
 * item that it holds now. */
void oldest_restart(struct oldest *oldest, bool resume);

/* Empties it for a walk that finds what comes behind the last item of another. */
void oldest_restart_behind(struct oldest *oldest, const struct oldest *other);

void oldest_add(struct oldest *oldest, struct states *states,
	const struct entry *entry);

/* Orders the items, oldest first; nothing can be added afterwards. */
void oldest_sort(struct oldest *oldest);

/* The order: by time of receipt, name, state and spool. */
int picked_compare(const void *left, const void *right);

#endif
