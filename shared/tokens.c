#include "tokens.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	FILE_MAX_BYTES = 64 << 10,
	SETTLED_SECONDS = 2
};

bool token_is_well_formed(const char *token)
{
	size_t length = 0;

	for (; token[length]; length++)
		if (token[length] < '!' || token[length] > '~' || length == TOKEN_MAX_BYTES)
			return false;
	return length > 0;
}

/* Reads the whole file into tokens->text. */
static int slurp(struct tokens *tokens, const char *path, struct reason *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;
	ssize_t got;

	if (fd < 0 || fstat(fd, &status) < 0) {
		reason_set(why, "verification_tokens: %.300s: %s", path, strerror(errno));
		goto refuse;
	}
	if (!S_ISREG(status.st_mode)) {
		reason_set(why, "%.300s: is not a regular file", path);
		goto refuse;
	}
	if (status.st_mode & (S_IROTH | S_IWOTH)) {
		reason_set(why, "%.300s: may be read or changed by everybody;"
			" chmod 0640 and chgrp ringspool", path);
		goto refuse;
	}
	if (status.st_size > FILE_MAX_BYTES) {
		reason_set(why, "%.300s: is larger than 64 KiB", path);
		goto refuse;
	}
	tokens->text = malloc((size_t)status.st_size + 1);
	got = tokens->text ? read(fd, tokens->text, (size_t)status.st_size) : -1;
	if (got < 0) {
		reason_set(why, "%.300s: %s", path, strerror(errno));
		goto refuse;
	}
	tokens->text[got] = '\0';
	tokens->size = (size_t)got + 1;
	/* Within the grain of the file system's clock it may change unseen. */
	if (time(NULL) >= status.st_ctime + SETTLED_SECONDS)
		tokens->file = status;
	close(fd);
	return 0;
refuse:
	if (fd >= 0)
		close(fd);
	return -1;
}

/* The line at `at` without blanks around it, NUL-terminated in place; *next
 * is where the following one begins. */
static char *take_line(char *at, char *end, char **next)
{
	char *stop = memchr(at, '\n', (size_t)(end - at));

	if (!stop)
		stop = end;
	*next = stop < end ? stop + 1 : end;
	while (at < stop && (*at == ' ' || *at == '\t'))
		at++;
	while (stop > at && strchr(" \t\r", stop[-1]))
		stop--;
	*stop = '\0';
	return at;
}

int tokens_read(struct tokens *tokens, const char *path, struct reason *why,
	struct reason *complaint)
{
	unsigned number = 0;
	char *at, *end, *to;

	*tokens = (struct tokens){ 0 };
	complaint->text[0] = '\0';
	if (slurp(tokens, path, why) < 0) {
		tokens_free(tokens);
		return -1;
	}
	end = tokens->text + tokens->size - 1;
	to = tokens->text;
	/* The tokens move together to the front, each with its NUL. */
	for (at = tokens->text; at < end;) {
		char *line = take_line(at, end, &at);
		size_t length = strlen(line);

		number++;
		if (length == 0)
			continue;
		if (!token_is_well_formed(line)) {
			if (!complaint->text[0])
				reason_set(complaint, "%.300s:%u: is no token: visible ASCII"
					" without blanks, 512 bytes at most", path, number);
			continue;
		}
		memmove(to, line, length + 1);
		to += length + 1;
		tokens->count++;
	}
	if (tokens->count == 0) {
		tokens_free(tokens);
		return reason_set(why, "%.300s: holds no verification token", path);
	}
	return 0;
}

static bool is_same_file(const struct stat *one, const struct stat *other)
{
	return one->st_ino == other->st_ino && one->st_dev == other->st_dev
		&& one->st_size == other->st_size && one->st_mode == other->st_mode
		&& one->st_mtim.tv_sec == other->st_mtim.tv_sec
		&& one->st_mtim.tv_nsec == other->st_mtim.tv_nsec
		&& one->st_ctim.tv_sec == other->st_ctim.tv_sec
		&& one->st_ctim.tv_nsec == other->st_ctim.tv_nsec;
}

int tokens_update(struct tokens *tokens, const char *path, struct reason *why)
{
	struct reason unused;
	struct stat now;

	if (tokens->text && stat(path, &now) == 0 && is_same_file(&tokens->file, &now))
		return 0;
	tokens_free(tokens);
	return tokens_read(tokens, path, why, &unused);
}

/* Compares without a branch on the token's bytes; `length` is that of the
 * presented one. */
static bool equal(const char *token, const char *presented, size_t length)
{
	size_t token_length = strlen(token);
	unsigned difference = token_length != length;

	for (size_t i = 0; i < length; i++)
		difference |= (unsigned char)(presented[i]
			^ token[token_length ? i % token_length : 0]);
	return difference == 0;
}

bool tokens_match(const struct tokens *tokens, const char *presented)
{
	const char *token = tokens->text;
	bool match = false;

	if (!presented || !token_is_well_formed(presented))
		return false;
	for (unsigned i = 0; i < tokens->count; i++) {
		match |= equal(token, presented, strlen(presented));
		token += strlen(token) + 1;
	}
	return match;
}

void tokens_free(struct tokens *tokens)
{
	if (tokens->text)
		explicit_bzero(tokens->text, tokens->size);
	free(tokens->text);
	*tokens = (struct tokens){ 0 };
}
