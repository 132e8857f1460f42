#include "credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX_BYTES = 64 << 10 };

static const struct {
	const char *file, *variable, *older_variable;
} places[] = {
	{ "client_id", "RC_APP_CLIENT_ID", "RC_CLIENT_ID" },
	{ "client_secret", "RC_APP_CLIENT_SECRET", "RC_CLIENT_SECRET" },
	{ "jwt", "RC_USER_JWT", "RC_JWT" },
};

static void wipe(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

/* A regular file of ours, of root's or of the directory's owner (root may run
 * us by hand), that nobody else can read or change. */
static int check_file(int directory, int fd, struct stat *status, struct reason *why)
{
	struct stat above;

	if (fstat(fd, status) < 0 || fstat(directory, &above) < 0)
		return reason_set(why, "%s", strerror(errno));
	if (!S_ISREG(status->st_mode))
		return reason_set(why, "is not a regular file");
	if (status->st_uid != geteuid() && status->st_uid != 0
	    && status->st_uid != above.st_uid)
		return reason_set(why, "belongs to another user");
	if (status->st_mode & (S_IRWXO | S_IWGRP))
		return reason_set(why, "may be read by everybody, or changed by its group;"
			" set chmod 0600");
	if (status->st_size > FILE_MAX_BYTES)
		return reason_set(why, "is larger than 64 KiB");
	return 0;
}

static int check_directory(int fd, struct reason *why)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return reason_set(why, "%s", strerror(errno));
	if (status.st_mode & (S_IWOTH | S_IWGRP))
		return reason_set(why, "may be changed by others; set chmod 0700");
	return 0;
}

/* The file's contents without one end of line; NULL with *why filled. */
static char *read_value(int directory, size_t which, struct reason *why)
{
	int fd = openat(directory, places[which].file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat status;
	char *value = NULL;
	ssize_t got;

	if (fd < 0 && errno == ENOENT) {
		reason_set(why, "%s; put the value there (chmod 0600), or set %s",
			strerror(errno), places[which].variable);
		return NULL;
	}
	if (fd < 0) {
		reason_set(why, "%s", strerror(errno));
		return NULL;
	}
	if (check_file(directory, fd, &status, why) < 0)
		goto out;
	value = calloc(1, (size_t)status.st_size + 1);
	got = value ? read(fd, value, (size_t)status.st_size) : -1;
	if (got < 0) {
		reason_set(why, "%s", strerror(errno));
		free(value);
		value = NULL;
		goto out;
	}
	if (got > 0 && value[got - 1] == '\n')
		value[--got] = '\0';
	if (got > 0 && value[got - 1] == '\r')
		value[--got] = '\0';
	if (got == 0 || strlen(value) != (size_t)got) {
		reason_set(why, got == 0 ? "is empty" : "holds a NUL byte");
		explicit_bzero(value, (size_t)status.st_size);
		free(value);
		value = NULL;
	}
out:
	close(fd);
	return value;
}

/* The value of the environment, or NULL; *name is the variable's. */
static const char *from_environment(size_t which, const char **name)
{
	const char *value = getenv(*name = places[which].variable);

	if (!value || !value[0])
		value = getenv(*name = places[which].older_variable);
	return value && value[0] ? value : NULL;
}

static char *load_one(struct credentials *credentials, size_t which, const char *path,
	int *directory, struct reason *why)
{
	struct reason what;
	const char *variable;
	const char *value = from_environment(which, &variable);
	char *copy;

	if (value) {
		(void)snprintf(credentials->source[which], sizeof credentials->source[which],
			"environment variable %s", variable);
		copy = strdup(value);
		if (!copy)
			reason_set(why, "out of memory");
		return copy;
	}
	if (*directory < 0) {
		*directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (*directory < 0) {
			reason_set(why, "credentials %.200s: %s; it is to hold the files client_id,"
				" client_secret and jwt, instead of which %s may be set", path,
				strerror(errno), places[which].variable);
			return NULL;
		}
		if (check_directory(*directory, &what) < 0) {
			reason_set(why, "credentials %.300s: %s", path, what.text);
			return NULL;
		}
	}
	(void)snprintf(credentials->source[which], sizeof credentials->source[which],
		"file %s", places[which].file);
	copy = read_value(*directory, which, &what);
	if (!copy)
		reason_set(why, "credentials %.300s/%s: %s", path, places[which].file, what.text);
	return copy;
}

/* What would break the requests they are used in. */
static int check_values(const struct credentials *credentials, struct reason *why)
{
	if (strpbrk(credentials->client_id, ": \t\r\n"))
		return reason_set(why, "credentials: the client id holds a colon or a blank");
	if (strspn(credentials->jwt, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789-_.=") != strlen(credentials->jwt))
		return reason_set(why, "credentials: the JWT holds a character that no JWT has;"
			" was it copied whole, and alone?");
	return 0;
}

int credentials_load(struct credentials *credentials, const char *directory,
	struct reason *why)
{
	char **values[] = { &credentials->client_id, &credentials->client_secret,
		&credentials->jwt };
	int fd = -1;
	int result = 0;

	*credentials = (struct credentials){ 0 };
	for (size_t i = 0; i < 3 && result == 0; i++) {
		*values[i] = load_one(credentials, i, directory, &fd, why);
		if (!*values[i])
			result = -1;
	}
	if (fd >= 0)
		close(fd);
	if (result == 0)
		result = check_values(credentials, why);
	if (result < 0)
		credentials_free(credentials);
	return result;
}

/* What `Authorization: Basic` holds, as libcurl makes it. */
static int add_basic(const struct credentials *credentials, struct masking *masking)
{
	char *plain, *encoded;
	size_t size;
	int length = asprintf(&plain, "%s:%s", credentials->client_id,
		credentials->client_secret);
	int result = -1;

	if (length < 0)
		return -1;
	size = ((size_t)length + 2) / 3 * 4 + 1;
	encoded = malloc(size);
	if (encoded && b64_ntop((const unsigned char *)plain, (size_t)length, encoded, size) >= 0)
		result = masking_add(masking, encoded);
	if (encoded)
		explicit_bzero(encoded, size);
	explicit_bzero(plain, (size_t)length);
	free(encoded);
	free(plain);
	return result;
}

int credentials_add_secrets(const struct credentials *credentials,
	struct masking *masking)
{
	if (masking_add(masking, credentials->client_secret) < 0
	    || masking_add(masking, credentials->jwt) < 0)
		return -1;
	return add_basic(credentials, masking);
}

void credentials_free(struct credentials *credentials)
{
	wipe(credentials->client_id);
	wipe(credentials->client_secret);
	wipe(credentials->jwt);
	*credentials = (struct credentials){ 0 };
}
