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
#include <dirent.h>
#include <fcntl.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum {
	FILE_MODE = 0640,
	FILE_NAME_SIZE = SPOOL_NAME_SIZE + sizeof "unproven-.json",
	UNPROVEN_FILES_MAX = 100,
	UNPROVEN_BYTES_MAX = 16 << 20
};

static int fail(const struct spool *spool, const char *step, struct reason *why)
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

/* Writes and syncs; an error of fsync(2) is final for this descriptor. */
static int fill(int fd, const void *body, size_t size)
{
	return write_whole(fd, body, size) < 0 || fsync(fd) < 0 ? -1 : 0;
}

/* Step 6. */
int spool_make_durable(int directory)
{
	struct stat unused;

	return fsync(directory) < 0 || fstat(directory, &unused) < 0 ? -1 : 0;
}

/* Steps 3 and 4 by an unnamed file.  1: made, 0: the name exists already,
 * -1: error, with *step saying where. */
static int publish_unnamed(int directory, const char *name, const void *body,
	size_t size, const char **step)
{
	char link[sizeof "/proc/self/fd/" + 3 * sizeof(int)];
	int fd, err, result = -1;

	*step = "open";
	fd = openat(directory, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, FILE_MODE);
	if (fd < 0)
		return -1;
	*step = "write";
	if (fill(fd, body, size) == 0) {
		*step = "link";
		(void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
		if (linkat(AT_FDCWD, link, directory, name, AT_SYMLINK_FOLLOW) == 0)
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
static int publish_named(int tmp, int directory, const char *name,
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
	*step = "write";
	if (fill(fd, body, size) == 0) {
		*step = "rename";
		if (spool_rename(tmp, temporary, directory, name) == 0)
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

/* Steps 3 and 4.  1: made, 0: the name exists already, -1: *why is filled. */
static int publish(struct spool *spool, int directory, const char *name,
	const void *body, size_t size, struct reason *why)
{
	const char *step = "open";
	int result, tmp;

	if (!spool->named_files) {
		result = publish_unnamed(directory, name, body, size, &step);
		if (result >= 0)
			return result;
		if (errno != EOPNOTSUPP && errno != EISDIR)
			return fail(spool, step, why);
		spool->named_files = true;	/* this file system has no O_TMPFILE */
	}
	tmp = spool_directory(spool, DIR_TMP, why);
	if (tmp < 0)
		return -1;
	result = publish_named(tmp, directory, name, body, size, &step);
	return result < 0 ? fail(spool, step, why) : result;
}

static struct day *day_slot(struct spool *spool, long number)
{
	return &spool->days[number % (SEEN_DAYS_MAX + 2)];
}

static void remember_day(struct spool *spool, long number, int fd)
{
	struct day *day = day_slot(spool, number);

	if (day->fd >= 0)
		close(day->fd);
	*day = (struct day){ .number = number, .fd = fd };
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
		struct stat mark;

		if (fd < 0 && errno != ENOENT)
			return fail(spool, "seen", why);
		if (fd < 0)
			continue;
		if (fstatat(fd, name, &mark, AT_SYMLINK_NOFOLLOW) == 0)
			return 1;
		if (errno != ENOENT)
			return fail(spool, "seen", why);
	}
	return 0;
}

/* Step 5.  Without its mark an event is safe all the same, but a repeat would
 * be taken in again once a consumer took the first: so no error here refuses
 * an event. */
static void mark(struct spool *spool, const char *name, long today)
{
	int seen = spool->directories[DIR_SEEN];
	int fd = day_directory(spool, seen, today);
	struct reason ignored;
	char day[DAY_NAME_SIZE];

	if (fd >= 0 && (mknodat(fd, name, S_IFREG | FILE_MODE, 0) == 0 || errno != ENOENT))
		return;
	/* The day's first event, or somebody removed the directory. */
	spool_day_name(day, today);
	fd = spool_make_directory(seen, day, &ignored);
	if (fd < 0)
		return;
	remember_day(spool, today, fd);
	(void)mknodat(fd, name, S_IFREG | FILE_MODE, 0);
}

/* Takes back what was published but could not be made durable, so that a
 * repeat is not answered as a duplicate of an event that may not last. */
static void take_back(struct spool *spool, int directory, const char *file,
	const char *name, long today)
{
	int day = day_directory(spool, spool->directories[DIR_SEEN], today);

	(void)unlinkat(directory, file, 0);
	if (day >= 0)
		(void)unlinkat(day, name, 0);
}

/* Whether what bears the name already is an earlier writer's file, and not
 * something planted there that would make an event vanish as a duplicate. */
static bool is_event_file(const struct spool *spool, int directory, const char *file,
	struct reason *why)
{
	struct stat status;

	if (fstatat(directory, file, &status, AT_SYMLINK_NOFOLLOW) == 0
	    && S_ISREG(status.st_mode))
		return true;
	reason_set(why, "spool %.200s: new/%s is not a regular file; remove it",
		spool->path, file);
	return false;
}

static enum spool_result store_locked(struct spool *spool, const char *name,
	const void *body, size_t size, struct reason *why)
{
	int directory = spool->directories[DIR_NEW];
	long today = spool_day(time(NULL));
	char file[FILE_NAME_SIZE];
	int found, made;

	found = find_mark(spool, name, today, why);
	if (found < 0)
		return SPOOL_FAILED;
	if (found) {
		if (spool_make_durable(directory) == 0)
			return SPOOL_DUPLICATE;
		fail(spool, "fsync of new", why);
		return SPOOL_FAILED;
	}
	(void)snprintf(file, sizeof file, "%s.json", name);
	made = publish(spool, directory, file, body, size, why);
	if (made < 0 || (made == 0 && !is_event_file(spool, directory, file, why)))
		return SPOOL_FAILED;
	mark(spool, name, today);
	if (spool_make_durable(directory) < 0) {
		fail(spool, "fsync of new", why);
		if (made)
			take_back(spool, directory, file, name, today);
		return SPOOL_FAILED;
	}
	/* Not made: an earlier writer was ended between link and mark. */
	return made ? SPOOL_STORED : SPOOL_DUPLICATE;
}

enum spool_result spool_store(struct spool *spool, const char *name,
	uint64_t digest, const void *body, size_t size, struct reason *why)
{
	uint64_t byte = LOCK_NAMES + (digest >> 2);	/* off_t is signed */
	enum spool_result result;

	if (spool_lock(spool, byte, true) < 0) {
		fail(spool, "lock", why);
		return SPOOL_FAILED;
	}
	result = store_locked(spool, name, body, size, why);
	spool_unlock(spool, byte);
	return result;
}

int spool_has_seen(struct spool *spool, const char *name, struct reason *why)
{
	int found = find_mark(spool, name, spool_day(time(NULL)), why);

	if (found > 0 && spool_make_durable(spool->directories[DIR_NEW]) < 0)
		return fail(spool, "fsync of new", why);
	return found;
}

struct kept {
	char name[FILE_NAME_SIZE];
	struct timespec time;
	off_t size;
};

static int older_first(const void *left, const void *right)
{
	const struct kept *a = left, *b = right;

	if (a->time.tv_sec != b->time.tv_sec)
		return a->time.tv_sec < b->time.tv_sec ? -1 : 1;
	if (a->time.tv_nsec != b->time.tv_nsec)
		return a->time.tv_nsec < b->time.tv_nsec ? -1 : 1;
	return 0;
}

/* Lists what unproven senders left in bad/; at most UNPROVEN_FILES_MAX are
 * ever there, since each is made under LOCK_BAD. */
static size_t list_unproven(int bad, struct kept kept[UNPROVEN_FILES_MAX + 1])
{
	int copy = openat(bad, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;
	struct stat status;
	size_t count = 0;

	if (!directory) {
		if (copy >= 0)
			close(copy);
		return 0;
	}
	while (count <= UNPROVEN_FILES_MAX && (entry = readdir(directory)) != NULL) {
		if (strncmp(entry->d_name, "unproven-", strlen("unproven-")) != 0
		    || strlen(entry->d_name) >= FILE_NAME_SIZE
		    || fstatat(bad, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		strcpy(kept[count].name, entry->d_name);	/* fits: checked above */
		kept[count].time = status.st_mtim;
		kept[count++].size = status.st_size;
	}
	closedir(directory);
	return count;
}

/* Makes room for one more file of `size` bytes. */
static void limit_unproven(int bad, size_t size)
{
	struct kept kept[UNPROVEN_FILES_MAX + 1];
	size_t count = list_unproven(bad, kept);
	off_t bytes = (off_t)size;

	qsort(kept, count, sizeof kept[0], older_first);
	for (size_t i = 0; i < count; i++)
		bytes += kept[i].size;
	for (size_t i = 0; i < count
	     && (count - i >= UNPROVEN_FILES_MAX || bytes > UNPROVEN_BYTES_MAX); i++) {
		(void)unlinkat(bad, kept[i].name, 0);
		bytes -= kept[i].size;
	}
}

static enum spool_result keep_bad_locked(struct spool *spool, bool proven,
	const char *file, const void *body, size_t size, struct reason *why)
{
	int bad = spool_directory(spool, DIR_BAD, why);
	int made;

	if (bad < 0)
		return SPOOL_FAILED;
	if (!proven)
		limit_unproven(bad, size);
	made = publish(spool, bad, file, body, size, why);
	if (made < 0)
		return SPOOL_FAILED;
	if (spool_make_durable(bad) < 0) {
		fail(spool, "fsync of bad", why);
		if (made)
			(void)unlinkat(bad, file, 0);
		return SPOOL_FAILED;
	}
	return made ? SPOOL_STORED : SPOOL_DUPLICATE;
}

enum spool_result spool_keep_bad(struct spool *spool, bool proven,
	const void *body, size_t size, struct reason *why)
{
	char digest[SHA256_DIGEST_STRING_LENGTH], file[FILE_NAME_SIZE];
	enum spool_result result;

	if (!proven && size > UNPROVEN_BYTES_MAX) {
		reason_set(why, "larger than what is kept of unproven senders");
		return SPOOL_FAILED;
	}
	SHA256Data(body, size, digest);
	(void)snprintf(file, sizeof file, "%s-%.64s", proven ? "proven" : "unproven", digest);
	if (spool_lock(spool, LOCK_BAD, true) < 0) {
		fail(spool, "lock", why);
		return SPOOL_FAILED;
	}
	result = keep_bad_locked(spool, proven, file, body, size, why);
	spool_unlock(spool, LOCK_BAD);
	return result;
}

int spool_mark_renewal(struct spool *spool, const char *id, struct reason *why)
{
	int renew = spool_directory(spool, DIR_RENEW, why);

	if (renew < 0)
		return -1;
	if (mknodat(renew, id, S_IFREG | FILE_MODE, 0) < 0 && errno != EEXIST)
		return fail(spool, "renew", why);
	return 0;
}
