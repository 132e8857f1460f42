#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FILE_MAX_BYTES = 16 << 20, NAME_SIZE = 64 };

int store_open(const char *path, struct reason *why)
{
	bool made = mkdir(path, 0755) == 0;
	struct stat status;
	int fd;

	if (!made && errno == ENOENT)
		return reason_set(why, "state directory %.300s: the directory above is missing", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) < 0) {
		int err = errno;

		if (fd >= 0)
			close(fd);
		return reason_set(why, "state directory %.200s: %s; make it with:"
			" install -d -o USER -m 0755 %.200s", path, strerror(err), path);
	}
	if (status.st_mode & (S_IWOTH | S_IWGRP)) {
		close(fd);
		return reason_set(why, "state directory %.300s: may be changed by others;"
			" set chmod 0755", path);
	}
	if (made)
		(void)fchmod(fd, 0755);		/* whatever the umask */
	return fd;
}

/* Whose files are believed: our own and those of the directory's owner. */
static int judge(int directory, const struct stat *status, struct reason *why)
{
	struct stat above;

	if (fstat(directory, &above) < 0)
		return reason_set(why, "%s", strerror(errno));
	if (!S_ISREG(status->st_mode))
		reason_set(why, "is not a regular file");
	else if (status->st_uid != geteuid() && status->st_uid != above.st_uid)
		reason_set(why, "belongs to another user");
	else if (status->st_mode & (S_IRWXG | S_IRWXO))
		reason_set(why, "is open to others than its owner");
	else if (status->st_size > FILE_MAX_BYTES)
		reason_set(why, "is larger than 16 MB");
	else
		return 0;
	return 2;
}

int store_read(int directory, const char *name, char **text, size_t *size,
	struct reason *why)
{
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat status;
	struct reason what;
	ssize_t got;
	int result;

	if (fd < 0 && errno == ENOENT)
		return 1;
	if (fd < 0 && errno == ELOOP) {
		reason_set(why, "%s: is a symbolic link", name);
		return 2;
	}
	if (fd < 0)
		return reason_set(why, "%s: %s", name, strerror(errno));
	if (fstat(fd, &status) < 0)
		result = reason_set(&what, "%s", strerror(errno));
	else
		result = judge(directory, &status, &what);
	if (result == 0) {
		*text = calloc(1, (size_t)status.st_size + 1);
		got = *text ? read(fd, *text, (size_t)status.st_size) : -1;
		if (got < 0) {
			result = reason_set(&what, "%s", strerror(errno));
			free(*text);
		} else {
			*size = (size_t)got;
		}
	}
	close(fd);
	if (result != 0)
		reason_set(why, "%s: %s", name, what.text);
	return result;
}

static int write_all(int fd, const char *text, size_t size)
{
	while (size > 0) {
		ssize_t done = write(fd, text, size);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -1;
		text += done;
		size -= (size_t)done;
	}
	return 0;
}

/* Gives a file that root made to the directory's owner. */
static int give_away(int directory, int fd)
{
	struct stat above;

	if (geteuid() != 0)
		return 0;
	return fstat(directory, &above) < 0 ? -1 : fchown(fd, above.st_uid, above.st_gid);
}

int store_write(int directory, const char *name, mode_t mode, const char *text,
	struct reason *why)
{
	char new_name[NAME_SIZE];
	int fd;

	(void)snprintf(new_name, sizeof new_name, "%s.new", name);
	/* The lock keeps other runs away: what lies here is a crash's leftover. */
	if (unlinkat(directory, new_name, 0) < 0 && errno != ENOENT)
		return reason_set(why, "state directory: %s: %s", new_name, strerror(errno));
	fd = openat(directory, new_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return reason_set(why, "state directory: %s: %s", new_name, strerror(errno));
	if (write_all(fd, text, strlen(text)) < 0 || fchmod(fd, mode) < 0
	    || give_away(directory, fd) < 0 || fsync(fd) < 0
	    || renameat(directory, new_name, directory, name) < 0 || fsync(directory) < 0) {
		reason_set(why, "state directory: %s: %s", name, strerror(errno));
		close(fd);
		(void)unlinkat(directory, new_name, 0);
		return -1;
	}
	close(fd);
	return 0;
}

int store_set_aside(int directory, const char *name, struct reason *why)
{
	/* The second is for a directory at the place of the first, or a file where
	 * a directory is to go. */
	static const char *const endings[] = { "damaged", "damaged-too" };
	char aside[NAME_SIZE];

	for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
		(void)snprintf(aside, sizeof aside, "%s.%s", name, endings[i]);
		if (renameat(directory, name, directory, aside) == 0) {
			reason_set(why, "%s", aside);
			return 0;
		}
	}
	return reason_set(why, "%s cannot be trusted, nor set aside as %s: %s; remove both", name,
		aside, strerror(errno));
}

bool store_marked(int directory, const char *name, time_t *since)
{
	struct stat status;

	if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	*since = status.st_mtime;
	return true;
}

void store_mark(int directory, const char *name)
{
	int fd = openat(directory, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return;
	(void)give_away(directory, fd);
	(void)futimens(fd, NULL);
	close(fd);
}

void store_unmark(int directory, const char *name)
{
	(void)unlinkat(directory, name, 0);
}

static long age_of(int fd)
{
	struct stat status;

	return fstat(fd, &status) < 0 ? 0 : (long)(time(NULL) - status.st_mtime);
}

/* Given away only where it is nothing else as well: the directory's owner may
 * have made it a link to a file of root's. */
static int open_lock(int directory)
{
	int fd = openat(directory, "lock",
		O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	struct stat status;
	int err;

	if (fd < 0)
		return -1;
	if (fstat(fd, &status) == 0) {
		if (!S_ISREG(status.st_mode))
			errno = EINVAL;
		else if (status.st_nlink != 1 || give_away(directory, fd) == 0)
			return fd;
	}
	err = errno;
	close(fd);
	errno = err;
	return -1;
}

int store_lock(int directory, unsigned seconds, long *age, struct reason *why)
{
	const struct timespec tenth = { .tv_nsec = 100000000 };
	int fd = open_lock(directory);
	unsigned tries = seconds * 10;

	if (fd < 0) {
		reason_set(why, "lock: %s", strerror(errno));
		return -1;
	}
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR) {
			reason_set(why, "lock: %s", strerror(errno));
			close(fd);
			return -1;
		}
		if (tries-- == 0) {
			*age = age_of(fd);
			close(fd);
			return -2;
		}
		nanosleep(&tenth, NULL);
	}
	(void)futimens(fd, NULL);	/* when the holder began */
	return fd;
}
