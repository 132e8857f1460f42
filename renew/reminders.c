#include "reminders.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "spool.h"

enum { MARKS_MOST = 10000, STALE_SECONDS = 2 * 86400 };

/* SPOOL/renew without following a link in the spool; -1 with errno set. */
static int open_directory(const char *spool)
{
	int root = open(spool, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd;

	if (root < 0)
		return -1;
	fd = openat(root, "renew", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	close(root);
	return fd;
}

static bool is_mark(const char *name)
{
	char safe[SPOOL_NAME_SIZE];

	spool_safe_name(safe, name);
	return strcmp(safe, name) == 0;
}

static bool is_stale(int directory, const char *name)
{
	struct stat status;

	return fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0
		&& time(NULL) - status.st_mtime > STALE_SECONDS;
}

static int add(struct reminders *reminders, const char *name)
{
	char **grown = reallocarray(reminders->names, reminders->count + 1, sizeof *grown);

	if (!grown)
		return -1;
	reminders->names = grown;
	grown[reminders->count] = strdup(name);
	if (!grown[reminders->count])
		return -1;
	reminders->count++;
	return 0;
}

int reminders_read(struct reminders *reminders, const char *spool, struct reason *why)
{
	const struct dirent *entry;
	int copy;
	DIR *list;

	*reminders = (struct reminders){ .directory = open_directory(spool) };
	if (reminders->directory < 0 && errno == ENOENT)
		return 0;
	copy = reminders->directory < 0 ? -1
		: fcntl(reminders->directory, F_DUPFD_CLOEXEC, 0);
	list = copy < 0 ? NULL : fdopendir(copy);
	if (!list) {
		reason_set(why, "spool %.200s: renewal reminders cannot be read: %s", spool,
			strerror(errno));
		if (copy >= 0)
			close(copy);
		return -1;
	}
	if (faccessat(reminders->directory, ".", W_OK, AT_EACCESS) < 0) {
		reason_set(why, "spool %.200s: renewal reminders cannot be taken away: %s;"
			" the user who runs this must be in the spool's group", spool,
			strerror(errno));
		closedir(list);
		return -1;
	}
	while ((entry = readdir(list)) != NULL && reminders->count < MARKS_MOST) {
		if (!is_mark(entry->d_name))
			continue;
		if (is_stale(reminders->directory, entry->d_name))
			(void)unlinkat(reminders->directory, entry->d_name, 0);
		else if (add(reminders, entry->d_name) < 0)
			break;	/* out of memory: the others count in the next run */
	}
	closedir(list);
	return 0;
}

void reminders_take(struct reminders *reminders, const char *id)
{
	char name[SPOOL_NAME_SIZE];

	if (reminders->directory < 0)
		return;
	spool_safe_name(name, id);
	/* One that cannot be removed makes the next run renew again: no harm. */
	(void)unlinkat(reminders->directory, name, 0);
}

void reminders_free(struct reminders *reminders)
{
	if (reminders->directory >= 0)
		close(reminders->directory);
	for (size_t i = 0; i < reminders->count; i++)
		free(reminders->names[i]);
	free(reminders->names);
	*reminders = (struct reminders){ .directory = -1 };
}
