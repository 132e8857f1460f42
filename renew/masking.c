#include "masking.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_BYTES = 4 };

int masking_add(struct masking *masking, const char *secret)
{
	char **grown;

	if (strlen(secret) < LEAST_BYTES)
		return 0;
	grown = reallocarray(masking->secrets, masking->count + 1, sizeof *grown);
	if (!grown)
		return -1;
	masking->secrets = grown;
	masking->secrets[masking->count] = strdup(secret);
	if (!masking->secrets[masking->count])
		return -1;
	masking->count++;
	return 0;
}

/* The length of the longest secret that begins at `text`, 0 for none. */
static size_t secret_at(const struct masking *masking, const char *text)
{
	size_t longest = 0;

	for (size_t i = 0; i < masking->count; i++) {
		size_t length = strlen(masking->secrets[i]);

		if (length > longest && strncmp(text, masking->secrets[i], length) == 0)
			longest = length;
	}
	return longest;
}

void masking_text(const struct masking *masking, const char *text, char *out,
	size_t size)
{
	size_t used = 0;

	while (*text) {
		size_t secret = secret_at(masking, text);
		char piece[8] = { *text, '\0' };

		if (secret > 0)
			strcpy(piece, "***");
		else if (*text < ' ' || *text > '~')
			(void)snprintf(piece, sizeof piece, "\\x%02X", (unsigned)(unsigned char)*text);
		if (used + strlen(piece) >= size)
			break;
		strcpy(out + used, piece);	/* fits: checked above */
		used += strlen(piece);
		text += secret > 0 ? secret : 1;
	}
	out[used] = '\0';
}

void masking_free(struct masking *masking)
{
	for (size_t i = 0; i < masking->count; i++) {
		explicit_bzero(masking->secrets[i], strlen(masking->secrets[i]));
		free(masking->secrets[i]);
	}
	free(masking->secrets);
	*masking = (struct masking){ 0 };
}
