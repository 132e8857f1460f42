/*
 * digest: SHA-256 of texts, plain and keyed, as 64 hexadecimal digits.
 *
 * The keyed one (HMAC, RFC 2104) stands in the state for a secret: it shows
 * that the secret changed, and without the key nothing can be guessed from it.
 */
#ifndef RINGSPOOL_DIGEST_H
#define RINGSPOOL_DIGEST_H

#include <stddef.h>

enum { DIGEST_TEXT = 65, DIGEST_KEY_BYTES = 32 };

void digest_keyed(const unsigned char key[DIGEST_KEY_BYTES], const char *text,
	char out[DIGEST_TEXT]);

/* A digest of a set of texts: their order and repetitions do not count. */
int digest_set(char *const *texts, size_t count, char out[DIGEST_TEXT]);

#endif
