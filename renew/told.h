/*
 * told: what was told before, so that cron does not mail it in every run.
 *
 * A failure is known again by its cause: whose it is, its code or kind, and
 * its text without what differs from one time to the next: numbers and their
 * units, moments, ids.  A code that is none of the platform's known ones does
 * not count, for it may be another in each reply.
 */
#ifndef RINGSPOOL_TOLD_H
#define RINGSPOOL_TOLD_H

#include <stdbool.h>
#include <time.h>

#include "failure.h"
#include "state.h"

enum { TOLD_KEY = 160, TOLD_LABEL = 100 };

/* The key of a failure of a declared subscription, or of the run (NULL). */
void told_key(const char *name, const struct failure *failure, char key[TOLD_KEY]);

/* The key of a warning whose end is told.  Its owner is not the subscription, whose
 * failures it neither prolongs nor hides. */
void told_lasting_key(const char *name, const char *what, char key[TOLD_KEY]);

/* The key of a warning that is told once for all. */
void told_once_key(const char *name, const char *what, char key[TOLD_KEY]);

/* Whether it is such a one, of a subscription that is declared. */
bool told_is_once(const struct state *state, const struct told *told);

/* Of a failure's key what people are to see: "inbound SUB-525". */
void told_label(const char *key, char label[TOLD_LABEL]);

/* What was told under this key, made where it is new; NULL: out of memory. */
struct told *told_find(struct state *state, const char *key, time_t now);

/* Whether the owner of this failure had so many different ones told within a
 * day that a further one has to wait. */
bool told_too_many(const struct state *state, const struct told *told, time_t now);

/* Whether the owner of this failure still has one in this run. */
bool told_still_fails(const struct state *state, const struct told *told);

#endif
