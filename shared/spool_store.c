/*
 * The write protocol.  Each step is where it is because another order, or
 * leaving it out, loses events or takes them twice under kills or power cuts:
 *
 *  1. lock NAME            no two writers of one event
 *  2. look for its mark    under the lock, by a clock read under the lock
 *  3. write, fsync         an unnamed file: a crash leaves nothing at all
 *  4. link into new/       whole or not at all
 *  5. mark                 after 4: a mark without its event would lose it
 *  6. fsync new/, fstat    ext4 and xfs lose the name otherwise; after an
 *                          I/O error xfs answers 0 to the fsync of a
 *                          directory, and only the fstat says EIO
 *  7. the caller replies
 */
#include "spool_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { FILE_MODE = 0640 };

int spool_fail(const struct spool *spool, const char *step, struct reason *why)
{
	int err = errno;

	return reason_set(why, "spool %.200s: %s: %s", spool->path, step, strerror(err));
}

static int write_whole(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t written = write(fd, data, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -1;
		data += written;
		size -= (size_t)written;
	}
	return 0;
}

/* Writes and syncs, with *step saying which failed; an error of fsync(2) is
 * final for this descriptor. */
static int fill(int fd, const void *body, size_t size, const char **step)
{
	*step = "write";
	if (write_whole(fd, body, size) < 0)
		return -1;
	*step = "fsync";
	return fsync(fd);
}

/* Step 6. */
int spool_make_durable(int directory)
{
	struct stat unused;

	return fsync(directory) < 0 || fstat(directory, &unused) < 0 ? -1 : 0;
}

/* Steps 3 and 4 by an unnamed file.  1: made, 0: the name exists already,
 * -1: error, with *step saying where. */
static int publish_unnamed(const struct opened *directory, const char *name,
	const void *body, size_t size, const char **step)
{
	char link[sizeof "/proc/self/fd/" + 3 * sizeof(int)];
	int fd, err, result = -1;

	*step = "open";
	fd = openat(directory->fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, FILE_MODE);
	if (fd < 0)
		return -1;
	/* A file whose group cannot be set is better than none; a set-group-ID
	 * directory sets it by itself. */
	if (!(directory->identity.st_mode & S_ISGID))
		(void)spool_settle_access(directory->fd, fd, FILE_MODE);
	if (fill(fd, body, size, step) == 0) {
		*step = "link";
		(void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
		if (linkat(AT_FDCWD, link, directory->fd, name, AT_SYMLINK_FOLLOW) == 0)
			result = 1;
		else if (errno == EEXIST)
			result = 0;
	}
	err = errno;
	close(fd);
	errno = err;
	return result;
}

int spool_rename(int from, const char *name, int to, const char *new_name)
{
	if (renameat2(from, name, to, new_name, RENAME_NOREPLACE) == 0)
		return 0;
	/* NFS and some others know no flags. */
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (linkat(from, name, to, new_name, 0) < 0)
		return -1;
	return unlinkat(from, name, 0);
}

/* The same by a file in tmp/, where there is no O_TMPFILE or no /proc. */
static int publish_named(int tmp, const struct opened *directory, const char *name,
	const void *body, size_t size, const char **step)
{
	char temporary[64];
	uint64_t random;
	int fd, err, result = -1;

	*step = "random";
	if (getrandom(&random, sizeof random, 0) != sizeof random)
		return -1;
	(void)snprintf(temporary, sizeof temporary, "%ld-%016llx", (long)getpid(),
		(unsigned long long)random);
	*step = "open in tmp";
	fd = openat(tmp, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		FILE_MODE);
	if (fd < 0)
		return -1;
	(void)spool_settle_access(directory->fd, fd, FILE_MODE);
	if (fill(fd, body, size, step) == 0) {
		*step = "rename";
		if (spool_rename(tmp, temporary, directory->fd, name) == 0)
			result = 1;
		else if (errno == EEXIST)
			result = 0;
	}
	err = errno;
	close(fd);
	if (result <= 0)
		(void)unlinkat(tmp, temporary, 0);
	errno = err;
	return result;
}

/* Whether what bears the name already is an earlier writer's file, and not
 * something planted there that would make a body vanish as a duplicate. */
static int accept_existing(const struct spool *spool, enum spool_directory where,
	const char *name, struct reason *why)
{
	struct stat status;

	if (fstatat(spool->directories[where].fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0
	    && S_ISREG(status.st_mode))
		return 0;
	return reason_set(why, "spool %.200s: %s/%.100s is not a regular file; remove it",
		spool->path, spool_directory_name(where), name);
}

int spool_publish(struct spool *spool, enum spool_directory where, const char *name,
	const void *body, size_t size, struct reason *why)
{
	const struct opened *directory = &spool->directories[where];
	const char *step = "open";
	int result = -1, tmp;

	if (spool_directory(spool, where, why) < 0)
		return -1;
	if (!spool->named_files) {
		result = publish_unnamed(directory, name, body, size, &step);
		if (result < 0 && errno != EOPNOTSUPP && errno != EISDIR)
			return spool_fail(spool, step, why);
		spool->named_files = result < 0;	/* this file system has no O_TMPFILE */
	}
	if (result < 0) {
		tmp = spool_directory(spool, DIR_TMP, why);
		if (tmp < 0)
			return -1;
		result = publish_named(tmp, directory, name, body, size, &step);
	}
	if (result < 0)
		return spool_fail(spool, step, why);
	return result == 0 ? accept_existing(spool, where, name, why) : 1;
}

static struct day *day_slot(struct spool *spool, long number)
{
	return &spool->days[number % (SEEN_DAYS_MAX + 2)];
}

/* Keeps a day's descriptor, and closes those that are too far from it to be
 * asked for again. */
static void remember_day(struct spool *spool, long number, int fd)
{
	long reach = (long)spool->seen_days + 1;

	for (int i = 0; i < SEEN_DAYS_MAX + 2; i++) {
		struct day *day = &spool->days[i];

		if (day->fd >= 0 && (day == day_slot(spool, number)
		    || day->number < number - reach || day->number > number + reach)) {
			close(day->fd);
			day->fd = -1;
		}
	}
	*day_slot(spool, number) = (struct day){ .number = number, .fd = fd };
}

/* The descriptor of a day below seen/, or -1 with errno set. */
static int day_directory(struct spool *spool, int seen, long number)
{
	struct day *day = day_slot(spool, number);
	char name[DAY_NAME_SIZE];
	int fd;

	if (day->number == number && day->fd >= 0)
		return day->fd;
	spool_day_name(name, number);
	fd = spool_open_directory(seen, name);
	if (fd >= 0)
		remember_day(spool, number, fd);
	return fd;
}

/* Step 2: looks from tomorrow (a clock set back) to the oldest day that
 * counts.  Returns 1, 0 or -1 with *why filled. */
static int find_mark(struct spool *spool, const char *name, long today,
	struct reason *why)
{
	int seen = spool_directory(spool, DIR_SEEN, why);

	if (seen < 0)
		return -1;
	for (long day = today + 1; day >= today - (long)spool->seen_days && day >= 0; day--) {
		int fd = day_directory(spool, seen, day);
		struct stat status;

		if (fd < 0 && errno != ENOENT)
			return spool_fail(spool, "seen", why);
		if (fd < 0)
			continue;
		if (fstatat(fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0)
			return 1;
		if (errno != ENOENT)
			return spool_fail(spool, "seen", why);
	}
	return 0;
}

static int try_mark(int day, const char *name)
{
	return mknodat(day, name, S_IFREG | FILE_MODE, 0) == 0 || errno == EEXIST ? 0 : -1;
}

/* Step 5.  Without its mark an event is safe all the same, but a repeat would
 * be taken in again once a consumer took the first: so an error here is told
 * in *why and refuses nothing. */
static void mark(struct spool *spool, const char *name, long today, struct reason *why)
{
	int seen = spool->directories[DIR_SEEN].fd;
	int fd = day_directory(spool, seen, today);
	struct reason what;
	char day[DAY_NAME_SIZE];

	if (fd >= 0 && try_mark(fd, name) == 0)
		return;
	if (fd >= 0 && errno != ENOENT) {
		spool_fail(spool, "mark", why);
		return;
	}
	/* The day's first event, or somebody removed the directory. */
	spool_day_name(day, today);
	fd = spool_make_directory(seen, day, &what);
	if (fd < 0) {
		reason_set(why, "spool %.200s: seen/%s", spool->path, what.text);
		return;
	}
	remember_day(spool, today, fd);
	if (try_mark(fd, name) < 0)
		spool_fail(spool, "mark", why);
}

/* Takes back what was published but could not be made durable, so that a
 * repeat is not answered as a duplicate of an event that may not last. */
static void take_back(struct spool *spool, int directory, const char *file,
	const char *name, long today)
{
	int day = day_directory(spool, spool->directories[DIR_SEEN].fd, today);

	(void)unlinkat(directory, file, 0);
	if (day >= 0)
		(void)unlinkat(day, name, 0);
}

static enum spool_result store_locked(struct spool *spool, const char *name,
	const void *body, size_t size, struct reason *why)
{
	int directory = spool->directories[DIR_NEW].fd;
	long today = spool_day(time(NULL));
	char file[SPOOL_FILE_SIZE];
	int found, made;

	found = find_mark(spool, name, today, why);
	if (found < 0)
		return SPOOL_FAILED;
	if (found) {
		if (spool_make_durable(directory) == 0)
			return SPOOL_DUPLICATE;
		spool_fail(spool, "fsync of new", why);
		return SPOOL_FAILED;
	}
	(void)snprintf(file, sizeof file, "%s.json", name);
	made = spool_publish(spool, DIR_NEW, file, body, size, why);
	if (made < 0)
		return SPOOL_FAILED;
	why->text[0] = '\0';
	mark(spool, name, today, why);
	if (spool_make_durable(directory) < 0) {
		spool_fail(spool, "fsync of new", why);
		if (made)
			take_back(spool, directory, file, name, today);
		return SPOOL_FAILED;
	}
	/* Not made: an earlier writer was ended between link and mark. */
	return made ? SPOOL_STORED : SPOOL_DUPLICATE;
}

static uint64_t lock_byte(uint64_t digest)
{
	return LOCK_NAMES + (digest >> 2);	/* off_t is signed */
}

enum spool_result spool_store(struct spool *spool, const char *name,
	uint64_t digest, const void *body, size_t size, struct reason *why)
{
	enum spool_result result;

	if (spool_lock(spool, lock_byte(digest), why) < 0)
		return SPOOL_FAILED;
	result = store_locked(spool, name, body, size, why);
	spool_unlock(spool, lock_byte(digest));
	return result;
}

int spool_has_seen(struct spool *spool, const char *name, uint64_t digest,
	struct reason *why)
{
	int found;

	/* Another may be between mark and fsync, and take both back. */
	if (spool_lock(spool, lock_byte(digest), why) < 0)
		return -1;
	found = find_mark(spool, name, spool_day(time(NULL)), why);
	if (found > 0 && spool_make_durable(spool->directories[DIR_NEW].fd) < 0)
		found = spool_fail(spool, "fsync of new", why);
	spool_unlock(spool, lock_byte(digest));
	return found;
}

int spool_mark_renewal(struct spool *spool, const char *id, struct reason *why)
{
	int renew = spool_directory(spool, DIR_RENEW, why);

	if (renew < 0)
		return -1;
	if (mknodat(renew, id, S_IFREG | FILE_MODE, 0) < 0 && errno != EEXIST)
		return spool_fail(spool, "renew", why);
	return 0;
}

/* Makes and drops an unnamed file of a byte. */
static int try_writing(int directory)
{
	int fd = openat(directory, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, FILE_MODE);
	int result, err;

	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR))
		return faccessat(directory, ".", W_OK, AT_EACCESS);
	if (fd < 0)
		return -1;
	result = write(fd, "", 1) == 1 ? 0 : -1;
	err = errno;
	close(fd);
	errno = err;
	return result;
}

int spool_check(struct spool *spool, uint64_t min_free, struct reason *why)
{
	int directory = spool_directory(spool, spool->named_files ? DIR_TMP : DIR_NEW, why);
	struct statvfs fs;
	uint64_t free_bytes;

	/* No NAME begins with '-'. */
	if (directory < 0 || find_mark(spool, "-", spool_day(time(NULL)), why) < 0)
		return -1;
	if (try_writing(directory) < 0 || fstatvfs(directory, &fs) < 0)
		return spool_fail(spool, "cannot be written", why);
	free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (free_bytes < min_free)
		return reason_set(why, "spool %.200s: only %llu MiB are free, less than min_free",
			spool->path, (unsigned long long)free_bytes >> 20);
	return 0;
}
