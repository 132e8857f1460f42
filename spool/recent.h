/*
 * recent: which things were met lately, in memory for those only.
 *
 * A thing is a number of 64 bits, such as a digest.  It is remembered for one
 * to two generations; who starts a new one now and then decides how long that
 * is.
 */
#ifndef RINGSPOOL_RECENT_H
#define RINGSPOOL_RECENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct recent_set {
	uint64_t *keys;			/* 0: free */
	size_t used, size;		/* size: a power of two, or 0 */
};

struct recent {
	struct recent_set present, past;
};

/* Notes a key.  1: it is new; 0: it was met before; -1: out of memory, and it
 * is not noted. */
int recent_note(struct recent *recent, uint64_t key);

/* Forgets the generation before the present one, and begins another. */
void recent_turn(struct recent *recent);

void recent_free(struct recent *recent);

#endif
