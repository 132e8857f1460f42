/*
 * bad/: bodies that were no events.  Of senders that did not prove themselves
 * only so many are kept, and anybody can be such a sender.
 */
#include "spool_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { UNPROVEN_FILES_MAX = 100 };

struct kept {
	char name[SPOOL_FILE_SIZE];
	struct timespec time;
	off_t size;
};

/* What unproven senders left; never more, since each is made under LOCK_BAD. */
struct list {
	struct kept kept[UNPROVEN_FILES_MAX];
	size_t count;
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

static bool list_unproven(int bad, const char *name, void *context)
{
	struct list *list = context;
	struct kept *next = &list->kept[list->count];
	struct stat status;

	if (strncmp(name, "unproven-", strlen("unproven-")) == 0
	    && strlen(name) < sizeof next->name
	    && fstatat(bad, name, &status, AT_SYMLINK_NOFOLLOW) == 0) {
		strcpy(next->name, name);	/* fits: checked above */
		next->time = status.st_mtim;
		next->size = status.st_size;
		list->count++;
	}
	return list->count < UNPROVEN_FILES_MAX;
}

/* Makes room for one more file of `size` bytes. */
static int limit_unproven(int bad, size_t size)
{
	struct list list = { .count = 0 };
	size_t bytes = size;

	if (spool_each_entry(bad, ".", list_unproven, &list) < 0)
		return -1;
	qsort(list.kept, list.count, sizeof list.kept[0], older_first);
	for (size_t i = 0; i < list.count; i++)
		bytes += (size_t)list.kept[i].size;
	for (size_t i = 0; i < list.count && (list.count - i >= UNPROVEN_FILES_MAX
	     || bytes > SPOOL_UNPROVEN_MAX); i++) {
		(void)unlinkat(bad, list.kept[i].name, 0);
		bytes -= (size_t)list.kept[i].size;
	}
	return 0;
}

static bool is_kept(int bad, const char *file)
{
	return faccessat(bad, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static enum spool_result keep_locked(struct spool *spool, bool proven,
	const char *file, const void *body, size_t size, struct reason *why)
{
	int bad = spool_directory(spool, DIR_BAD, why);
	int made;

	if (bad < 0)
		return SPOOL_FAILED;
	if (!proven && !is_kept(bad, file) && limit_unproven(bad, size) < 0) {
		spool_fail(spool, "bad", why);
		return SPOOL_FAILED;
	}
	made = spool_publish(spool, DIR_BAD, file, body, size, why);
	if (made < 0)
		return SPOOL_FAILED;
	if (spool_make_durable(bad) < 0) {
		spool_fail(spool, "fsync of bad", why);
		if (made)
			(void)unlinkat(bad, file, 0);
		return SPOOL_FAILED;
	}
	return made ? SPOOL_STORED : SPOOL_DUPLICATE;
}

enum spool_result spool_keep_bad(struct spool *spool, bool proven,
	const void *body, size_t size, struct reason *why)
{
	char digest[SHA256_DIGEST_STRING_LENGTH], file[SPOOL_FILE_SIZE];
	enum spool_result result;

	SHA256Data(body, size, digest);
	(void)snprintf(file, sizeof file, "%s-%.64s", proven ? "proven" : "unproven", digest);
	if (spool_lock(spool, LOCK_BAD, why) < 0)
		return SPOOL_FAILED;
	result = keep_locked(spool, proven, file, body, size, why);
	spool_unlock(spool, LOCK_BAD);
	return result;
}
