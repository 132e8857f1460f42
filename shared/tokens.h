/*
 * tokens: the verification tokens by which a sender proves itself.
 *
 * The file holds one token a line: visible ASCII, 512 bytes at most; blank
 * lines do not count.  Several may be in force at once, so that one can be
 * replaced without a gap.  Every delivery looks whether the file has changed, so
 * that a change counts at once; one that everybody may read or change is refused.
 */
#ifndef RINGSPOOL_TOKENS_H
#define RINGSPOOL_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "reason.h"

enum { TOKEN_MAX_BYTES = 512 };

struct tokens {
	char *text;		/* the file; NUL where a line ended; NULL: none read */
	size_t size;
	unsigned count;
	struct stat file;	/* what was read; all zero: to be read again */
};

/* Whether a text can be a token: 1 to 512 bytes of visible ASCII. */
bool token_is_well_formed(const char *token);

/* Reads the file.  Returns 0, or -1 with *why filled when it is missing,
 * unreadable, readable or writable by everybody, over 64 KiB, or without a well-formed
 * token.  Lines that are no token are left out; the first is told in
 * *complaint, which is empty otherwise. */
int tokens_read(struct tokens *tokens, const char *path, struct reason *why,
	struct reason *complaint);

/* The same where the file is another than the one that was read last; *tokens is
 * all zero at first, and free again after an error. */
int tokens_update(struct tokens *tokens, const char *path, struct reason *why);

/* Whether `presented` (NULL: none) is one of them.  The time taken tells
 * nothing about the tokens' bytes. */
bool tokens_match(const struct tokens *tokens, const char *presented);

/* Wipes and frees. */
void tokens_free(struct tokens *tokens);

#endif
