/*
 * masking: the secrets of a run, so that none of them is ever shown, whoever
 * repeats them: a platform that quotes a refused assertion in its error
 * message, or a reply header.
 *
 * Every text from outside goes through masking_text() before it is printed,
 * logged or kept.
 */
#ifndef RINGSPOOL_MASKING_H
#define RINGSPOOL_MASKING_H

#include <stddef.h>

struct masking {
	char **secrets;
	size_t count;
};

/* Takes a copy of a secret.  Returns 0, or -1 when memory ran out.  One of
 * fewer than 4 bytes is left out: it would mask half of every text. */
int masking_add(struct masking *masking, const char *secret);

/* Writes `text` into out (`size` bytes) for people: secrets as ***, bytes
 * that are not printable ASCII as \xHH, cut where it does not fit. */
void masking_text(const struct masking *masking, const char *text, char *out,
	size_t size);

/* Wipes and frees. */
void masking_free(struct masking *masking);

#endif
