#include "spool_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

static const char *const directory_names[DIR_COUNT] = {
	[DIR_NEW] = "new", [DIR_TMP] = "tmp", [DIR_SEEN] = "seen",
	[DIR_BAD] = "bad", [DIR_RENEW] = "renew"
};

enum { DIRECTORY_MODE = 02770, LOCK_MODE = 0660 };

const char *spool_directory_name(enum spool_directory which)
{
	return directory_names[which];
}

int spool_open_directory(int parent, const char *name)
{
	return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Gives a file or directory that we made the group and mode it must have,
 * where SPOOL's set-group-id bit and the umask did not already. */
static int settle_access(int parent, int fd, mode_t mode)
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
	if ((made && settle_access(parent, fd, DIRECTORY_MODE) < 0) || fsync(parent) < 0) {
		reason_set(why, "%s: %s", name, strerror(errno));
		close(fd);
		return -1;
	}
	return fd;
}

int spool_directory(struct spool *spool, enum spool_directory which,
	struct reason *why)
{
	int *fd = &spool->directories[which];

	if (*fd < 0)
		*fd = spool_open_directory(spool->root, directory_names[which]);
	if (*fd < 0)
		*fd = spool_make_directory(spool->root, directory_names[which], why);
	return *fd;
}

/* Makes all directories, and the lock file last: where that exists, the
 * directories are known to be durable, and nobody else needs an fsync(2). */
static int make_layout(struct spool *spool, struct reason *why)
{
	for (int i = 0; i < DIR_COUNT; i++) {
		spool->directories[i] = spool_make_directory(spool->root,
			directory_names[i], why);
		if (spool->directories[i] < 0)
			return -1;
	}
	spool->lock = openat(spool->root, "lock",
		O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, LOCK_MODE);
	if (spool->lock < 0)
		return reason_set(why, "lock: %s", strerror(errno));
	/* Whoever lost the race to make it cannot, and need not, change it. */
	if (settle_access(spool->root, spool->lock, LOCK_MODE) < 0 && errno != EPERM)
		return reason_set(why, "lock: %s", strerror(errno));
	return 0;
}

static int open_root(struct spool *spool, const char *path, struct reason *why)
{
	spool->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (spool->root < 0 && errno == ENOENT)
		return reason_set(why, "does not exist (or is not mounted); make it with:"
			" install -d -o root -g ringspool -m 2770 %.300s", path);
	if (spool->root < 0 || fstat(spool->root, &spool->root_identity) < 0)
		return reason_set(why, "%s", strerror(errno));
	if (spool->root_identity.st_mode & S_IWOTH)
		return reason_set(why, "is writable by everybody;"
			" refuse that with: chmod o-w %.300s", path);
	return 0;
}

static int open_layout(struct spool *spool, struct reason *why)
{
	spool->lock = openat(spool->root, "lock", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (spool->lock < 0 && errno == ENOENT && make_layout(spool, why) < 0)
		return -1;
	if (spool->lock < 0)
		return reason_set(why, "lock: %s", strerror(errno));
	if (spool_directory(spool, DIR_NEW, why) < 0)
		return -1;
	if (fstat(spool->directories[DIR_NEW], &spool->new_identity) < 0)
		return reason_set(why, "new: %s", strerror(errno));
	return 0;
}

struct spool *spool_open(const char *path, unsigned seen_days, struct reason *why)
{
	struct spool *spool = calloc(1, sizeof *spool);
	struct reason what;

	if (!spool || strlen(path) >= sizeof spool->path) {
		reason_set(why, "spool: %s", strerror(spool ? ENAMETOOLONG : ENOMEM));
		free(spool);
		return NULL;
	}
	strcpy(spool->path, path);	/* fits: checked above */
	spool->seen_days = seen_days < SEEN_DAYS_MAX ? seen_days : SEEN_DAYS_MAX;
	spool->root = spool->lock = -1;
	for (int i = 0; i < DIR_COUNT; i++)
		spool->directories[i] = -1;
	for (int i = 0; i < SEEN_DAYS_MAX + 2; i++)
		spool->days[i] = (struct day){ .number = -1, .fd = -1 };
	spool->named_files = access("/proc/self/fd", X_OK) < 0;
	if (open_root(spool, path, &what) < 0 || open_layout(spool, &what) < 0) {
		reason_set(why, "spool %.200s: %s", path, what.text);
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
		close_if_open(spool->directories[i]);
	close_if_open(spool->lock);
	close_if_open(spool->root);
	free(spool);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

bool spool_is_current(const struct spool *spool)
{
	struct stat now;

	return stat(spool->path, &now) == 0 && same_file(&now, &spool->root_identity)
		&& fstatat(spool->root, directory_names[DIR_NEW], &now,
			AT_SYMLINK_NOFOLLOW) == 0
		&& same_file(&now, &spool->new_identity)
		/* A lock file that was removed locks nobody else out. */
		&& fstat(spool->lock, &now) == 0 && now.st_nlink > 0;
}

void spool_safe_name(char out[SPOOL_NAME_SIZE], const char *text)
{
	static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"abcdefghijklmnopqrstuvwxyz0123456789-";
	size_t length = 0;

	for (; text[length] && length < 64; length++)
		out[length] = strchr(safe, text[length]) ? text[length] : '_';
	if (length == 0 || out[0] == '-')
		out[0] = '_';
	out[length ? length : 1] = '\0';
}

int spool_lock(struct spool *spool, uint64_t byte, bool wait)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
		.l_start = (off_t)byte, .l_len = 1 };
	int result;

	do
		result = fcntl(spool->lock, wait ? F_OFD_SETLKW : F_OFD_SETLK, &lock);
	while (result < 0 && errno == EINTR);
	return result;
}

void spool_unlock(struct spool *spool, uint64_t byte)
{
	struct flock lock = { .l_type = F_UNLCK, .l_whence = SEEK_SET,
		.l_start = (off_t)byte, .l_len = 1 };

	(void)fcntl(spool->lock, F_OFD_SETLK, &lock);
}

long spool_day(time_t now)
{
	return (long)(now / (24 * 60 * 60));
}

void spool_day_name(char out[DAY_NAME_SIZE], long day)
{
	time_t when = (time_t)day * (24 * 60 * 60);
	struct tm utc;

	if (!gmtime_r(&when, &utc) || strftime(out, DAY_NAME_SIZE, "%Y-%m-%d", &utc) == 0)
		strcpy(out, "0000-00-00");	/* a clock beyond the year 9999 */
}

int spool_check(struct spool *spool, uint64_t min_free, struct reason *why)
{
	struct statvfs fs;
	int directory = spool_directory(spool, spool->named_files ? DIR_TMP : DIR_NEW, why);
	bool no_tmpfile;
	int fd;

	if (directory < 0)
		return -1;
	if (fstatvfs(directory, &fs) < 0)
		return reason_set(why, "spool %.200s: %s", spool->path, strerror(errno));
	fd = openat(directory, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0640);
	no_tmpfile = fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR);
	if (no_tmpfile ? faccessat(directory, ".", W_OK, AT_EACCESS) < 0
	    : fd < 0 || write(fd, "", 1) != 1) {
		reason_set(why, "spool %.200s: cannot be written: %s", spool->path,
			strerror(errno));
		close_if_open(fd);
		return -1;
	}
	close_if_open(fd);
	if ((uint64_t)fs.f_bavail * fs.f_frsize < min_free)
		return reason_set(why, "spool %.200s: only %llu MiB are free, less than min_free",
			spool->path,
			(unsigned long long)((uint64_t)fs.f_bavail * fs.f_frsize >> 20));
	return 0;
}
