#include "spool_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"

static const char *const directory_names[DIR_COUNT] = {
	[DIR_NEW] = "new", [DIR_TMP] = "tmp", [DIR_SEEN] = "seen",
	[DIR_BAD] = "bad", [DIR_RENEW] = "renew"
};

enum {
	DIRECTORY_MODE = 02770,
	LOCK_MODE = 0660,
	LOOK_MS = 1000,		/* how long a whole look at the layout holds */
	LOCK_PAUSE_MOST = 16,	/* milliseconds between two tries */
	DAY_SECONDS = 86400
};

const char *spool_directory_name(enum spool_directory which)
{
	return directory_names[which];
}

int spool_open_directory(int parent, const char *name)
{
	return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int spool_each_entry(int parent, const char *name,
	bool (*visit)(int directory, const char *entry, void *context), void *context)
{
	int fd = spool_open_directory(parent, name);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int err;

	if (!directory) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	while ((errno = 0, entry = readdir(directory)) != NULL)
		if (entry->d_name[0] != '.' && !visit(fd, entry->d_name, context))
			break;
	err = entry ? 0 : errno;
	closedir(directory);
	errno = err;
	return err ? -1 : 0;
}

int spool_settle_access(int parent, int fd, mode_t mode)
{
	struct stat above, made;

	if (fstat(parent, &above) < 0 || fstat(fd, &made) < 0)
		return -1;
	if (made.st_gid != above.st_gid && fchown(fd, (uid_t)-1, above.st_gid) < 0)
		return -1;
	return (made.st_mode & 07777) == mode ? 0 : fchmod(fd, mode);
}

int spool_make_directory(int parent, const char *name, struct reason *why)
{
	bool made = mkdirat(parent, name, DIRECTORY_MODE & 0777) == 0;
	int fd;

	if (!made && errno != EEXIST)
		return reason_set(why, "%s: cannot be made: %s", name, strerror(errno));
	fd = spool_open_directory(parent, name);
	if (fd < 0)
		return reason_set(why, "%s: %s", name, errno == ELOOP || errno == ENOTDIR
			? "is not a directory (a link here is refused)" : strerror(errno));
	/* One that is there may be what an attempt that failed left; another's is
	 * another's to settle. */
	if (spool_settle_access(parent, fd, DIRECTORY_MODE) < 0 && (made || errno != EPERM))
		reason_set(why, "%s: cannot be given its group: %s", name, strerror(errno));
	else if (fsync(parent) < 0)
		reason_set(why, "%s: fsync above it: %s", name, strerror(errno));
	else
		return fd;
	close(fd);
	return -1;
}

int spool_directory(struct spool *spool, enum spool_directory which,
	struct reason *why)
{
	struct opened *opened = &spool->directories[which];
	const char *name = directory_names[which];
	struct reason what;

	if (opened->fd >= 0)
		return opened->fd;
	opened->fd = spool_open_directory(spool->root.fd, name);
	if (opened->fd < 0)
		opened->fd = spool_make_directory(spool->root.fd, name, &what);
	if (opened->fd < 0)
		return reason_set(why, "spool %.200s: %s", spool->path, what.text);
	(void)fstat(opened->fd, &opened->identity);	/* cannot fail on an open one */
	return opened->fd;
}

/* Makes all directories, and the lock file last: where that exists, the
 * directories are known to be durable, and nobody else needs an fsync(2). */
static int make_layout(struct spool *spool, struct reason *why)
{
	for (int i = 0; i < DIR_COUNT; i++) {
		int fd = spool_make_directory(spool->root.fd, directory_names[i], why);

		if (fd < 0)
			return -1;
		close(fd);
	}
	spool->lock.fd = openat(spool->root.fd, "lock",
		O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, LOCK_MODE);
	if (spool->lock.fd < 0)
		return reason_set(why, "lock: %s", strerror(errno));
	return 0;
}

static int open_root(struct spool *spool, const char *path, struct reason *why)
{
	spool->root.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (spool->root.fd < 0 && errno == ENOENT)
		return reason_set(why, "does not exist (or is not mounted); make it with:"
			" install -d -o root -g ringspool -m 2770 %.300s", path);
	if (spool->root.fd < 0 || fstat(spool->root.fd, &spool->root.identity) < 0)
		return reason_set(why, "%s", strerror(errno));
	if (spool->root.identity.st_mode & S_IWOTH)
		return reason_set(why, "is writable by everybody;"
			" refuse that with: chmod o-w %.300s", path);
	return 0;
}

/* Whoever made the lock may have failed to give it away; who did not make it
 * cannot, and need not, change it. */
static int settle_lock(const struct spool *spool)
{
	const struct stat *lock = &spool->lock.identity;

	if (lock->st_gid == spool->root.identity.st_gid && (lock->st_mode & 07777) == LOCK_MODE)
		return 0;
	return spool_settle_access(spool->root.fd, spool->lock.fd, LOCK_MODE) < 0
		&& errno != EPERM ? -1 : 0;
}

static int open_layout(struct spool *spool, struct reason *why)
{
	spool->lock.fd = openat(spool->root.fd, "lock", O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	if (spool->lock.fd < 0 && errno == ENOENT && make_layout(spool, why) < 0)
		return -1;
	if (spool->lock.fd < 0 || fstat(spool->lock.fd, &spool->lock.identity) < 0)
		return reason_set(why, "lock: %s", strerror(errno));
	if (settle_lock(spool) < 0)
		return reason_set(why, "lock: cannot be given its group: %s", strerror(errno));
	return 0;
}

struct spool *spool_open(const char *path, unsigned seen_days, struct reason *why)
{
	struct spool *spool = calloc(1, sizeof *spool);
	struct reason what;

	if (!spool || strlen(path) + sizeof "/new" > sizeof spool->path) {
		reason_set(why, "spool: %s", strerror(spool ? ENAMETOOLONG : ENOMEM));
		free(spool);
		return NULL;
	}
	strcpy(spool->path, path);	/* fits: checked above */
	strcpy(stpcpy(spool->new_path, path), "/new");
	spool->seen_days = seen_days < SEEN_DAYS_MAX ? seen_days : SEEN_DAYS_MAX;
	spool->root.fd = spool->lock.fd = -1;
	for (int i = 0; i < DIR_COUNT; i++)
		spool->directories[i].fd = -1;
	for (int i = 0; i < SEEN_DAYS_MAX + 2; i++)
		spool->days[i] = (struct day){ .number = -1, .fd = -1 };
	spool->named_files = access("/proc/self/fd", X_OK) < 0;
	if (open_root(spool, path, &what) < 0 || open_layout(spool, &what) < 0) {
		reason_set(why, "spool %.200s: %s", path, what.text);
		spool_close(spool);
		return NULL;
	}
	if (spool_directory(spool, DIR_NEW, why) < 0) {
		spool_close(spool);
		return NULL;
	}
	return spool;
}

static void close_if_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

void spool_close(struct spool *spool)
{
	if (!spool)
		return;
	for (int i = 0; i < SEEN_DAYS_MAX + 2; i++)
		close_if_open(spool->days[i].fd);
	for (int i = 0; i < DIR_COUNT; i++)
		close_if_open(spool->directories[i].fd);
	close_if_open(spool->lock.fd);
	close_if_open(spool->root.fd);
	free(spool);
}

/* Whether a name still leads to what was opened by it. */
static bool is_current(int parent, const char *name, int flags,
	struct opened *opened)
{
	struct stat now;

	if (opened->fd < 0)
		return true;
	if (fstatat(parent, name, &now, flags) < 0
	    || now.st_dev != opened->identity.st_dev || now.st_ino != opened->identity.st_ino)
		return false;
	opened->identity = now;
	return true;
}

bool spool_is_current(struct spool *spool)
{
	int64_t now = clock_milliseconds();

	/* By its whole path: nothing above it was moved or mounted over, either. */
	if (spool->lock.fd < 0 || !is_current(AT_FDCWD, spool->new_path, AT_SYMLINK_NOFOLLOW,
		&spool->directories[DIR_NEW]))
		return false;
	if (now < spool->looked + LOOK_MS)
		return true;
	/* A lock file that was replaced locks nobody else out. */
	if (!is_current(AT_FDCWD, spool->path, 0, &spool->root)
	    || !is_current(spool->root.fd, "lock", AT_SYMLINK_NOFOLLOW, &spool->lock))
		return false;
	for (int i = 0; i < DIR_COUNT; i++)
		if (!is_current(spool->root.fd, directory_names[i], AT_SYMLINK_NOFOLLOW,
			&spool->directories[i]))
			return false;
	spool->looked = now;
	return true;
}

void spool_safe_name(char out[SPOOL_NAME_SIZE], const char *text)
{
	static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"abcdefghijklmnopqrstuvwxyz0123456789-";
	size_t length = 0;

	for (; length < 64 && text[length]; length++)
		out[length] = strchr(safe, text[length]) ? text[length] : '_';
	if (length == 0 || out[0] == '-')
		out[0] = '_';
	out[length ? length : 1] = '\0';
}

int spool_try_lock(struct spool *spool, uint64_t byte)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
		.l_start = (off_t)byte, .l_len = 1 };

	return fcntl(spool->lock.fd, F_OFD_SETLK, &lock);
}

int spool_lock(struct spool *spool, uint64_t byte, struct reason *why)
{
	unsigned pause = 1, patience = LOCK_PATIENCE_MS;	/* milliseconds */

	/* F_OFD_SETLKW has no time limit, and whoever may open the file can hold
	 * it: so it is asked for again and again. */
	while (spool_try_lock(spool, byte) < 0) {
		if (errno != EAGAIN && errno != EACCES)
			return spool_fail(spool, "lock", why);
		if (patience == 0)
			return reason_set(why, "spool %.200s: lock: another process holds it;"
				" see which: fuser %.200s/lock", spool->path, spool->path);
		pause = pause < patience ? pause : patience;
		poll(NULL, 0, (int)pause);
		patience -= pause;
		if (pause < LOCK_PAUSE_MOST)
			pause *= 2;
	}
	return 0;
}

void spool_unlock(struct spool *spool, uint64_t byte)
{
	struct flock lock = { .l_type = F_UNLCK, .l_whence = SEEK_SET,
		.l_start = (off_t)byte, .l_len = 1 };

	if (fcntl(spool->lock.fd, F_OFD_SETLK, &lock) == 0)
		return;
	/* It goes with its descriptor; the spool is opened anew for the next. */
	close(spool->lock.fd);
	spool->lock.fd = -1;
}

long spool_day(time_t now)
{
	return (long)(now / DAY_SECONDS);
}

void spool_day_name(char out[DAY_NAME_SIZE], long day)
{
	time_t when = (time_t)day * DAY_SECONDS;
	struct tm utc;

	if (!gmtime_r(&when, &utc) || strftime(out, DAY_NAME_SIZE, "%Y-%m-%d", &utc) == 0)
		strcpy(out, "0000-00-00");	/* a clock beyond the year 9999 */
}
