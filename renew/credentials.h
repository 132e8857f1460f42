/*
 * credentials: client id, client secret and JWT, by which the program proves
 * itself to the platform.
 *
 * Each comes from the environment (RC_APP_CLIENT_ID, RC_APP_CLIENT_SECRET,
 * RC_USER_JWT; or the older RC_CLIENT_ID, RC_CLIENT_SECRET, RC_JWT), or else
 * from a file of a directory (client_id, client_secret, jwt).  A file is the
 * value as a whole, but for one end of line behind it.
 */
#ifndef RINGSPOOL_CREDENTIALS_H
#define RINGSPOOL_CREDENTIALS_H

#include "masking.h"
#include "reason.h"

struct credentials {
	char *client_id;
	char *client_secret;
	char *jwt;
	char source[3][64];	/* of each, for people: a variable, or a file's name */
};

/* Returns 0, or -1 with *why filled and nothing to free: one is missing,
 * empty, holds a NUL byte, or lies where others than its owner (and, for
 * reading, its group) get at it. */
int credentials_load(struct credentials *credentials, const char *directory,
	struct reason *why);

/* Masks the secret and the JWT wherever they are repeated, and what stands for
 * id and secret in an Authorization header.  -1: out of memory. */
int credentials_add_secrets(const struct credentials *credentials,
	struct masking *masking);

/* Wipes and frees. */
void credentials_free(struct credentials *credentials);

#endif
