#include "digest.h"

#include <sha2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void write_hex(const uint8_t bytes[SHA256_DIGEST_LENGTH], char out[DIGEST_TEXT])
{
	for (size_t i = 0; i < SHA256_DIGEST_LENGTH; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", (unsigned)bytes[i]);
}

/* One of HMAC's two rounds: over the key, each byte of it combined with
 * `pad`, and then the data. */
static void hmac_round(const unsigned char key[DIGEST_KEY_BYTES], uint8_t pad,
	const void *data, size_t size, uint8_t out[SHA256_DIGEST_LENGTH])
{
	uint8_t block[SHA256_BLOCK_LENGTH];
	SHA2_CTX context;

	memset(block, pad, sizeof block);
	for (int i = 0; i < DIGEST_KEY_BYTES; i++)
		block[i] ^= key[i];
	SHA256Init(&context);
	SHA256Update(&context, block, sizeof block);
	SHA256Update(&context, data, size);
	SHA256Final(out, &context);
	explicit_bzero(block, sizeof block);
	explicit_bzero(&context, sizeof context);
}

void digest_keyed(const unsigned char key[DIGEST_KEY_BYTES], const char *text,
	char out[DIGEST_TEXT])
{
	uint8_t inner[SHA256_DIGEST_LENGTH], outer[SHA256_DIGEST_LENGTH];

	hmac_round(key, 0x36, text, strlen(text), inner);
	hmac_round(key, 0x5c, inner, sizeof inner, outer);
	write_hex(outer, out);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int digest_set(char *const *texts, size_t count, char out[DIGEST_TEXT])
{
	const char **sorted = calloc(count ? count : 1, sizeof *sorted);
	uint8_t bytes[SHA256_DIGEST_LENGTH];
	SHA2_CTX context;

	if (!sorted)
		return -1;
	for (size_t i = 0; i < count; i++)
		sorted[i] = texts[i];
	qsort(sorted, count, sizeof *sorted, by_text);
	SHA256Init(&context);
	for (size_t i = 0; i < count; i++)	/* the NUL keeps two apart */
		if (i == 0 || strcmp(sorted[i], sorted[i - 1]) != 0)
			SHA256Update(&context, (const uint8_t *)sorted[i], strlen(sorted[i]) + 1);
	SHA256Final(bytes, &context);
	write_hex(bytes, out);
	free(sorted);
	return 0;
}
