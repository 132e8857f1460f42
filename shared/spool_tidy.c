#include "spool_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
	INTERVAL_SECONDS = 10,
	REMOVALS_A_RUN = 2000,		/* some 20 ms of work */
	LEFTOVER_SECONDS = 24 * 60 * 60
};

struct sweep {
	const struct spool *spool;
	struct reason *why;			/* filled by the first failure */
	bool failed;
	char oldest_kept[DAY_NAME_SIZE];	/* days sort as their names do */
	time_t now;
	unsigned budget;			/* removals left */
};

/* What is gone was removed by another. */
static void note_failure(struct sweep *sweep, const char *step)
{
	if (errno == ENOENT || sweep->failed)
		return;
	sweep->failed = true;
	spool_fail(sweep->spool, step, sweep->why);
}

static void remove_entry(struct sweep *sweep, int directory, const char *name, int flags)
{
	if (unlinkat(directory, name, flags) < 0)
		note_failure(sweep, "removing what expired");
}

static bool remove_mark(int directory, const char *name, void *context)
{
	struct sweep *sweep = context;

	if (sweep->budget == 0)
		return false;
	sweep->budget--;
	remove_entry(sweep, directory, name, 0);
	return true;
}

bool spool_is_day_name(const char *name)
{
	static const char pattern[] = "0000-00-00";

	if (strlen(name) != strlen(pattern))
		return false;
	for (size_t i = 0; pattern[i]; i++)
		if (pattern[i] == '0' ? name[i] < '0' || name[i] > '9' : name[i] != '-')
			return false;
	return true;
}

static bool forget_day(int seen, const char *name, void *context)
{
	struct sweep *sweep = context;

	if (!spool_is_day_name(name) || strcmp(name, sweep->oldest_kept) >= 0)
		return true;
	if (spool_each_entry(seen, name, remove_mark, sweep) < 0)
		note_failure(sweep, "reading what expired");
	if (sweep->budget == 0)
		return false;
	remove_entry(sweep, seen, name, AT_REMOVEDIR);
	return true;
}

/* A leftover of tmp/ is what a crash left there; who still writes it after a
 * day has lost it. */
static bool remove_leftover(int tmp, const char *name, void *context)
{
	struct sweep *sweep = context;
	struct stat status;

	if (sweep->budget == 0)
		return false;
	if (fstatat(tmp, name, &status, AT_SYMLINK_NOFOLLOW) == 0
	    && status.st_mtime < sweep->now - LEFTOVER_SECONDS) {
		sweep->budget--;
		remove_entry(sweep, tmp, name, 0);
	}
	return true;
}

/* Makes the directories of the days that are looked in for marks: tomorrow's
 * ahead of time, and those of days without an event, so that looking there is
 * not an open that fails for each event. */
static int make_days(const struct spool *spool, int seen, long today, struct reason *why)
{
	for (long day = today + 1; day >= today - (long)spool->seen_days && day >= 0; day--) {
		char name[DAY_NAME_SIZE];
		struct stat status;
		struct reason what;
		int fd;

		spool_day_name(name, day);
		if (fstatat(seen, name, &status, AT_SYMLINK_NOFOLLOW) == 0)
			continue;
		fd = spool_make_directory(seen, name, &what);
		if (fd < 0)
			return reason_set(why, "spool %.200s: seen/%s", spool->path, what.text);
		close(fd);
	}
	return 0;
}

/* Due when the lock file was last touched an interval ago, or as far in the
 * future (the clock was set back).  Less far it may be at any time: time(2) is
 * a coarse clock, and a file server has its own. */
static bool is_due(const struct spool *spool, time_t now)
{
	struct stat lock;

	return fstat(spool->lock.fd, &lock) == 0
		&& (lock.st_mtime + INTERVAL_SECONDS <= now
			|| lock.st_mtime >= now + INTERVAL_SECONDS);
}

static void sweep_directory(struct sweep *sweep, enum spool_directory which,
	bool (*visit)(int directory, const char *entry, void *context))
{
	const char *name = spool_directory_name(which);

	if (spool_each_entry(sweep->spool->root.fd, name, visit, sweep) < 0)
		note_failure(sweep, name);
}

int spool_tidy(struct spool *spool, struct reason *why)
{
	struct sweep sweep = { .spool = spool, .why = why, .now = time(NULL),
		.budget = REMOVALS_A_RUN };
	long today = spool_day(sweep.now);
	int seen, result = 1;

	if (!is_due(spool, sweep.now) || spool_try_lock(spool, LOCK_TIDY) < 0)
		return 0;
	if (!is_due(spool, sweep.now)) {
		result = 0;
		goto out;
	}
	(void)futimens(spool->lock.fd, NULL);
	seen = spool_directory(spool, DIR_SEEN, why);
	if (seen < 0 || make_days(spool, seen, today, why) < 0) {
		result = -1;
		goto out;
	}
	spool_day_name(sweep.oldest_kept, today - (long)spool->seen_days);
	sweep_directory(&sweep, DIR_SEEN, forget_day);
	sweep_directory(&sweep, DIR_TMP, remove_leftover);
	if (sweep.failed)
		result = -1;
out:
	spool_unlock(spool, LOCK_TIDY);
	return result;
}
